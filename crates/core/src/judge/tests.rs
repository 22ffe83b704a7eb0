use super::*;
use proptest::prelude::*;

fn ruling(direction: Direction, candidate: f64, incumbent: f64, lines: (u64, u64)) -> Ruling {
    ruling_for(&Evidence {
        direction,
        candidate: &[candidate],
        incumbent: &[incumbent],
        candidate_lines: lines.0,
        incumbent_lines: lines.1,
    })
}

/// SPEC E7.
#[test]
fn equal_metric_with_fewer_lines_is_kept() {
    let kept = ruling(Direction::Minimize, 1.0, 1.0, (9, 10));
    assert_eq!((kept.verdict, kept.rule), (Verdict::Keep, Rule::EqualAndSimpler));
    assert_eq!(kept.reason, "equal with 1 line less");
    assert_eq!(ruling(Direction::Minimize, 1.0, 1.0, (10, 10)).verdict, Verdict::Discard);
    assert_eq!(ruling(Direction::Minimize, 1.0, 1.0, (11, 10)).verdict, Verdict::Discard);
}

#[test]
fn the_gain_is_positive_when_better_in_either_direction() {
    assert_eq!(ruling(Direction::Minimize, 0.5, 1.0, (1, 1)).gain, Some(0.5));
    assert_eq!(ruling(Direction::Maximize, 0.5, 1.0, (1, 1)).reason, "worse by 0.5");
}

/// A session that has learned from these candidates (oriented: higher is
/// better), none of them kept.
fn beliefs(baseline: &[f64], candidates: &[Vec<f64>]) -> Beliefs {
    let mut beliefs = Beliefs::default();
    beliefs.open(baseline);
    for candidate in candidates {
        beliefs.settle(candidate, false);
    }
    beliefs
}

fn evidence(direction: Direction, candidate: &[f64], lines: (u64, u64)) -> Evidence<'_> {
    Evidence {
        direction,
        candidate,
        incumbent: &[0.0],
        candidate_lines: lines.0,
        incumbent_lines: lines.1,
    }
}

fn ruled(mode: Mode, candidate: &[f64], beliefs: &Beliefs) -> Option<Ruling> {
    match step(mode, &evidence(Direction::Maximize, candidate, (10, 10)), beliefs, 1) {
        Step::Ruling(ruling) => Some(ruling),
        Step::Candidate | Step::Incumbent => None,
    }
}

/// σ = 1, effects of about 1: what a session in the middle of its night knows.
fn experienced() -> Beliefs {
    let losses = [-2.3, -0.4, -1.1, -4.0, 0.3, -0.9, -3.2, -0.1, -1.6, -2.8, -0.5, -5.1];
    let mut beliefs = beliefs(&[0.4, -0.5], &losses.map(|loss| vec![loss]));
    for value in [0.9, -1.2, 0.2, -0.6, 1.1] {
        beliefs.again(value);
    }
    beliefs
}

#[test]
fn a_clear_gain_is_kept_a_clear_loss_dropped_and_what_lies_between_runs_again() {
    let beliefs = experienced();
    let kept = ruled(Mode::Standard, &[9.0, 8.5], &beliefs).unwrap();
    assert_eq!((kept.verdict, kept.rule), (Verdict::Keep, Rule::Better));
    assert!(kept.reason.starts_with("better by 8."), "{}", kept.reason);
    let weighed = kept.weighed.unwrap();
    assert!(weighed.gain < weighed.difference, "luck is taken off: {weighed:?}");
    let dropped = ruled(Mode::Standard, &[-4.0], &beliefs).unwrap();
    assert_eq!((dropped.verdict, dropped.rule), (Verdict::Discard, Rule::Worse));
    assert_eq!(ruled(Mode::Standard, &[2.0], &beliefs), None);
}

#[test]
fn the_stricter_the_mode_the_more_it_takes() {
    let beliefs = experienced();
    let least = |mode: Mode| {
        (0..200_u32).map(|i| 0.05 * f64::from(i)).find(|gain| {
            ruled(mode, &[*gain, *gain, *gain], &beliefs)
                .is_some_and(|ruling| ruling.verdict == Verdict::Keep)
        })
    };
    let (bold, standard, strict) = (least(Mode::Bold), least(Mode::Standard), least(Mode::Strict));
    assert!(bold < standard && standard < strict, "{bold:?} {standard:?} {strict:?}");
}

#[test]
fn no_race_is_endless() {
    let beliefs = experienced();
    for gain in [-1.0, 0.0, 0.5, 0.8, 1.0, 1.2] {
        let runs = vec![gain; 8];
        assert!(ruled(Mode::Standard, &runs, &beliefs).is_some(), "{gain}");
    }
}

#[test]
fn added_lines_must_be_worth_it_and_removed_ones_may_cost_nothing() {
    let beliefs = experienced();
    let of = |candidate: &[f64], lines: (u64, u64), complexity: u32| {
        let evidence = evidence(Direction::Maximize, candidate, lines);
        match step(Mode::Standard, &evidence, &beliefs, complexity) {
            Step::Ruling(ruling) => Some((ruling.verdict, ruling.rule)),
            _ => None,
        }
    };
    let gain = [3.0, 3.2, 2.9];
    assert_eq!(of(&gain, (30, 10), 1), Some((Verdict::Keep, Rule::Better)));
    assert_eq!(of(&gain, (999, 10), 1), Some((Verdict::Discard, Rule::NotWorthItsLines)));
    assert_eq!(of(&gain, (999, 10), 0), Some((Verdict::Keep, Rule::Better)));
    let equal = [0.3, 0.2, 0.25, 0.3];
    assert_eq!(of(&equal, (8, 10), 1), Some((Verdict::Keep, Rule::EqualAndSimpler)));
    assert_eq!(of(&[-5.0], (8, 10), 1), Some((Verdict::Discard, Rule::Worse)));
}

#[test]
fn the_noise_is_what_it_was_made_with() {
    let (sigma, degrees) = experienced().noise().unwrap();
    assert!((0.6..1.6).contains(&sigma), "{sigma}");
    assert_eq!(degrees, 6);
    assert_eq!(beliefs(&[3.0, 3.0], &[]).noise(), None);
    assert!(beliefs(&[3.0, 3.0], &[]).is_deterministic());
}

proptest! {
    #[test]
    fn turning_the_direction_round_changes_nothing(a in -1e6..1e6_f64, b in -1e6..1e6_f64, lines in (0_u64..99, 0_u64..99)) {
        let one = ruling(Direction::Minimize, a, b, lines);
        let other = ruling(Direction::Maximize, -a, -b, lines);
        prop_assert_eq!(one, other);
    }

    /// Where runs never differ, every mode is Karpathy's rule.
    #[test]
    fn without_noise_every_mode_is_greedy(
        baseline in -1e3..1e3_f64,
        before in proptest::collection::vec(-1e3..1e3_f64, 0..6),
        candidate in -1e3..1e3_f64,
        lines in (0_u64..99, 0_u64..99),
    ) {
        let candidates: Vec<Vec<f64>> = before.iter().map(|value| vec![*value]).collect();
        let beliefs = beliefs(&[baseline, baseline], &candidates);
        for runs in [vec![candidate], vec![candidate; 3]] {
            for direction in [Direction::Maximize, Direction::Minimize] {
                let evidence = Evidence { incumbent: &[baseline], ..evidence(direction, &runs, lines) };
                let greedy = step(Mode::Greedy, &evidence, &beliefs, 1);
                for mode in Mode::ALL {
                    prop_assert_eq!(&step(mode, &evidence, &beliefs, 1), &greedy);
                }
            }
        }
    }

    /// Scale and shift of the metric, and its direction, change nothing.
    #[test]
    fn units_do_not_matter(
        baseline in proptest::collection::vec(-2.0..2.0_f64, 2..4),
        before in proptest::collection::vec(proptest::collection::vec(-4.0..3.0_f64, 1..4), 0..8),
        candidate in proptest::collection::vec(-3.0..4.0_f64, 1..5),
        octaves in -20..20_i32,
        shift in -4..4_i32,
    ) {
        // Powers of two, so that rounding is not what is tested.
        let scale = 2_f64.powi(octaves);
        let shift = f64::from(shift) * scale;
        let turned = |values: &[f64]| -> Vec<f64> { values.iter().map(|v| v * scale + shift).collect() };
        let verdict = |direction: Direction, baseline: &[f64], before: &[Vec<f64>], candidate: &[f64]| {
            let beliefs = beliefs(baseline, before);
            let given: Vec<f64> = candidate.iter().map(|v| direction.gain(0.0, *v)).collect();
            match step(Mode::Standard, &evidence(direction, &given, (10, 10)), &beliefs, 1) {
                Step::Ruling(ruling) => Some((ruling.verdict, ruling.rule)),
                Step::Candidate | Step::Incumbent => None,
            }
        };
        let before_turned: Vec<Vec<f64>> = before.iter().map(|runs| turned(runs)).collect();
        let one = verdict(Direction::Maximize, &baseline, &before, &candidate);
        let scaled = verdict(Direction::Maximize, &turned(&baseline), &before_turned, &turned(&candidate));
        let other = verdict(Direction::Minimize, &baseline, &before, &candidate);
        prop_assert_eq!(one, scaled);
        prop_assert_eq!(one, other);
    }

    /// More runs of the same mean never turn a keep into a drop.
    #[test]
    fn more_of_the_same_evidence_never_turns_a_keep_into_a_drop(
        gain in 0.0..6.0_f64,
        spread in 0.0..1.0_f64,
        more in 1_usize..3,
    ) {
        let beliefs = experienced();
        let pair = [gain - spread, gain + spread];
        let few: Vec<f64> = pair.to_vec();
        let many: Vec<f64> = pair.iter().copied().cycle().take(2 + 2 * more).collect();
        let is_kept = |runs: &[f64]| ruled(Mode::Standard, runs, &beliefs)
            .is_some_and(|ruling| ruling.verdict == Verdict::Keep);
        let is_dropped = |runs: &[f64]| ruled(Mode::Standard, runs, &beliefs)
            .is_some_and(|ruling| ruling.verdict == Verdict::Discard);
        prop_assert!(!(is_kept(&few) && is_dropped(&many)), "{gain} {spread} {more}");
    }

    /// Whatever numbers there are: a verdict in the end, and no panic.
    #[test]
    fn any_numbers_are_judged(
        baseline in proptest::collection::vec(proptest::num::f64::NORMAL | proptest::num::f64::ZERO, 1..4),
        before in proptest::collection::vec(proptest::num::f64::NORMAL, 0..4),
        candidate in proptest::num::f64::NORMAL | proptest::num::f64::ZERO,
    ) {
        let candidates: Vec<Vec<f64>> = before.iter().map(|value| vec![*value]).collect();
        let beliefs = beliefs(&baseline, &candidates);
        for mode in Mode::ALL {
            let runs = vec![candidate; 8];
            prop_assert!(ruled(mode, &runs, &beliefs).is_some(), "{mode:?}");
        }
    }
}
