//! That the simulator is right: the same seed, the same numbers; and the rows
//! that others computed for rules whose definition is known.
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

use std::num::NonZeroUsize;

use autoresearch_core::judge::Mode;
use autoresearch_simulate::{
    Cell, Comparison, Landing, Rule, Setting, Slots, World, cells, plot, terminal,
};

fn setting(runs: u64, sessions: u64) -> Setting {
    Setting { world: World::Plain, runs, sessions, seed: 1, slots: Slots::default() }
}

fn threads(count: usize) -> NonZeroUsize {
    NonZeroUsize::new(count).unwrap()
}

#[test]
fn the_same_seed_gives_the_same_numbers_on_any_number_of_threads() {
    let comparison = Comparison {
        world: World::Drift,
        runs: 30,
        // Does not divide into parts evenly.
        sessions: 70,
        slots: 1,
        seed: 5,
        rules: vec![Rule::Greedy, Rule::Sprt(1.5), Rule::Ours(Mode::Standard)],
        nus: vec![0.0, 0.5],
    };
    let jobs = comparison.jobs();
    let one = cells(&jobs, threads(1), |_| true).unwrap();
    let three = cells(&jobs, threads(3), |_| true).unwrap();
    assert_eq!(one.len(), 6);
    assert_eq!(format!("{one:?}"), format!("{three:?}"));
    let alone = jobs[1].setting.cell(jobs[1].rule, jobs[1].nu);
    assert_eq!(format!("{alone:?}"), format!("{:?}", one[1]));
    let other = Setting { seed: 6, ..jobs[1].setting }.cell(jobs[1].rule, jobs[1].nu);
    assert!((other.gain - alone.gain).abs() > 1e-9);
}

#[test]
fn whoever_watches_hears_of_progress_and_can_end_it() {
    let jobs = Comparison {
        world: World::Plain,
        runs: 100,
        sessions: 1_000_000,
        slots: 1,
        seed: 1,
        rules: vec![Rule::Greedy],
        nus: vec![1.0],
    }
    .jobs();
    let mut heard = Vec::new();
    let found = cells(&jobs, threads(2), |share| {
        heard.push(share);
        heard.len() < 2
    });
    assert!(found.is_none());
    assert!(heard.iter().all(|share| (0.0..1.0).contains(share)), "{heard:?}");
}

/// Gain and precision of a rule as JUDGE.md has them, computed by others.
struct Given {
    rule: Rule,
    rows: [(f64, f64); 5],
}

const NUS: [f64; 5] = [0.1, 0.2, 0.5, 1.0, 2.0];

const GIVEN: [Given; 7] = [
    Given {
        rule: Rule::Greedy,
        rows: [(0.976, 0.58), (0.937, 0.56), (0.761, 0.51), (0.450, 0.45), (0.111, 0.32)],
    },
    Given {
        rule: Rule::Deviations(2.0),
        rows: [(0.939, 0.83), (0.870, 0.81), (0.586, 0.75), (0.278, 0.64), (0.057, 0.40)],
    },
    Given {
        rule: Rule::Repeat(3),
        rows: [(0.304, 0.57), (0.300, 0.56), (0.275, 0.52), (0.218, 0.46), (0.116, 0.37)],
    },
    Given {
        rule: Rule::Confirm,
        rows: [(0.828, 0.63), (0.810, 0.62), (0.713, 0.58), (0.494, 0.52), (0.210, 0.40)],
    },
    Given {
        rule: Rule::Best(0.0),
        rows: [(0.992, 0.58), (0.970, 0.56), (0.857, 0.50), (0.633, 0.47), (0.362, 0.46)],
    },
    Given {
        rule: Rule::Best(0.5),
        rows: [(0.969, 0.99), (0.921, 0.97), (0.769, 0.90), (0.562, 0.82), (0.321, 0.76)],
    },
    Given {
        rule: Rule::Best(1.0),
        rows: [(0.965, 0.99), (0.911, 0.99), (0.746, 0.96), (0.534, 0.92), (0.299, 0.88)],
    },
];

/// Theirs are 600 sessions, with errors "from 0.002 to 0.012".
const THEIR_ERROR: f64 = 0.012;

#[test]
fn rows_that_others_computed_come_out_again() {
    for Given { rule, rows } in GIVEN {
        // Where only gain counts, boundaries that are slightly off (ours lie on
        // a grid) cost no gain, but let more or fewer small gains through.
        let (sessions, slack) =
            if matches!(rule, Rule::Best(_)) { (600, 0.04) } else { (2000, 0.02) };
        for (nu, (gain, precision)) in NUS.into_iter().zip(rows) {
            let found = setting(100, sessions).cell(rule, nu);
            let error = found.gain_error.hypot(THEIR_ERROR);
            assert!((found.gain - gain).abs() < 2.0 * error, "{rule:?} {nu} {found:?} {gain}");
            let apart = (found.precision - precision).abs();
            assert!(apart < slack + 2.0 * found.precision_error, "{rule:?} {nu} {found:?}");
        }
    }
}

#[test]
fn our_greedy_mode_is_the_greedy_of_others_to_the_last_bit() {
    for nu in [0.0, 0.5, 2.0] {
        let ours = setting(60, 30).cell(Rule::Ours(Mode::Greedy), nu);
        assert_eq!(ours, setting(60, 30).cell(Rule::Greedy, nu));
    }
}

#[test]
fn without_noise_every_keep_helps_and_every_claim_is_true() {
    for rule in Rule::ALL {
        let Cell { precision, excess, gain, .. } = setting(100, 20).cell(rule, 0.0);
        assert!((precision - 1.0).abs() < 1e-9, "{rule:?} {precision}");
        assert!(excess.abs() < 1e-9, "{rule:?} {excess}");
        assert!(gain > 0.2, "{rule:?} {gain}");
    }
}

#[test]
fn the_judge_of_sessions_is_more_precise_than_greed_and_claims_what_is_true() {
    let greedy = setting(100, 40).cell(Rule::Greedy, 1.0);
    let ours = setting(100, 40).cell(Rule::Ours(Mode::Standard), 1.0);
    assert!(ours.precision > greedy.precision + 0.2, "{ours:?} {greedy:?}");
    assert!(ours.excess.abs() < 0.5 * greedy.excess, "{ours:?} {greedy:?}");
}

#[test]
fn keeping_only_the_best_of_a_round_wastes_what_the_others_found() {
    let gain = |count, landing| {
        let slots = Slots { count, landing };
        Setting { slots, ..setting(100 * count, 60) }.cell(Rule::Greedy, 0.2).gain
    };
    // With one slot there is nothing to choose from.
    assert_eq!(gain(1, Landing::Best).to_bits(), gain(1, Landing::Stack).to_bits());
    assert!(gain(16, Landing::Best) < 0.85 * gain(16, Landing::Stack));
    assert!(gain(256, Landing::Best) < 0.25 * gain(256, Landing::Stack));
}

#[test]
fn every_rule_is_found_by_its_name() {
    for rule in Rule::ALL.into_iter().chain([Rule::Ours(Mode::Greedy), Rule::Score(0.25)]) {
        assert_eq!(Rule::of(&rule.id()), Ok(rule));
    }
    assert_eq!(Rule::of("ours"), Ok(Rule::Ours(Mode::Standard)));
    for name in ["", "greed", "greedy:1", "score:-1", "score:nan", "repeat:0", "sprt:0", "ours:x"] {
        assert!(Rule::of(name).unwrap_err().to_string().contains("say greedy"), "{name}");
    }
}

#[test]
fn the_smallest_comparison_can_be_shown_and_drawn() {
    for (world, runs, slots) in [(World::Frozen, 1, 1), (World::Spikes, 2, 4), (World::Jumps, 7, 3)]
    {
        let comparison = Comparison {
            world,
            runs,
            sessions: 1,
            slots,
            seed: 0,
            rules: Rule::ALL.to_vec(),
            nus: vec![0.0, 1e-6, 1000.0],
        };
        let found = cells(&comparison.jobs(), threads(1), |_| true).unwrap();
        let table = comparison.table(&mut found.into_iter());
        assert!(terminal(&table).lines().all(|line| line.chars().count() <= 100));
        assert!(table.markdown().lines().count() > Rule::ALL.len());
        let svg = plot(&[table]);
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }
}
