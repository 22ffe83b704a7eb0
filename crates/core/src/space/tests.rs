use std::cell::RefCell;

use proptest::prelude::*;

use super::*;
use crate::proposal::Value;

fn easy() -> Space {
    let knob = |name: &str, domain| Knob { name: name.into(), domain };
    Space {
        knobs: vec![
            knob("rate", Domain::Float { low: 1e-4, high: 1.0, log: true }),
            knob("width", Domain::Int { low: 8, high: 256, log: true, multiple_of: 8 }),
            knob(
                "act",
                Domain::Choice {
                    options: ["relu", "gelu", "tanh"].map(|t| Value::Text(t.into())).to_vec(),
                },
            ),
        ],
    }
}

fn default_settings() -> Settings {
    [
        ("rate".to_owned(), Value::Float(0.5)),
        ("width".to_owned(), Value::Int(16)),
        ("act".to_owned(), Value::Text("tanh".into())),
    ]
    .into()
}

/// Best at rate 0.01, width 128 and gelu, where it is 0.
fn outcome(settings: &Settings) -> f64 {
    let (Value::Float(rate), Value::Int(width), Value::Text(act)) =
        (&settings["rate"], &settings["width"], &settings["act"])
    else {
        return f64::NAN;
    };
    let missed = (rate.log10() + 2.0).powi(2) + 0.5 * (*width as f64 / 128.0).log2().powi(2);
    -missed - if act == "gelu" { 0.0 } else { 0.5 }
}

/// Runs a search as the engine would, keeping what measures better.
fn search(
    space: &Space,
    start: Settings,
    budget: usize,
    seed: u64,
    outcome: &dyn Fn(&Settings) -> Option<f64>,
) -> Vec<Observation> {
    let mut observations = vec![Observation { outcome: outcome(&start), settings: start }];
    while observations.len() < budget {
        let value = |o: &Observation| o.outcome.unwrap_or(f64::NEG_INFINITY);
        let incumbent = observations
            .iter()
            .max_by(|a, b| value(a).total_cmp(&value(b)))
            .unwrap()
            .settings
            .clone();
        let tried = |s: &Settings| observations.iter().any(|o| o.settings == *s);
        let Some(next) = suggest(space, &incumbent, &observations, &tried, seed) else {
            break;
        };
        let differs = |name: &String| next.settings[name] != incumbent[name];
        assert!(
            !next.changed.is_empty() && next.changed.iter().all(differs),
            "{next:?} from {incumbent:?}"
        );
        assert_eq!(next.changed.len(), incumbent.keys().filter(|name| differs(name)).count());
        assert!(!tried(&next.settings) && next.settings != incumbent, "{next:?}");
        observations
            .push(Observation { outcome: outcome(&next.settings), settings: next.settings });
    }
    observations
}

#[test]
fn an_easy_problem_is_solved_in_thirty_experiments() {
    for seed in 0..5 {
        let seen = search(&easy(), default_settings(), 30, seed, &|s| Some(outcome(s)));
        let best = seen.iter().filter_map(|o| o.outcome).fold(f64::NEG_INFINITY, f64::max);
        assert!(best > -0.02, "seed {seed}: {best}");
        let believed = believed_best(&easy(), &default_settings(), &seen).unwrap();
        assert!(outcome(&seen[believed].settings) > -0.05, "seed {seed}");
    }
}

#[test]
fn the_same_arguments_give_the_same_answer() {
    let run = |seed| search(&easy(), default_settings(), 16, seed, &|s| Some(outcome(s)));
    assert_eq!(run(7), run(7));
    assert_ne!(run(7), run(8));
    // A resumed session knows the observations and the seed, nothing else.
    let seen = run(7);
    let tried = |s: &Settings| seen[..15].iter().any(|o| o.settings == *s);
    let value = |o: &&Observation| o.outcome.unwrap();
    let incumbent = seen[..15].iter().max_by(|a, b| value(a).total_cmp(&value(b))).unwrap();
    let again = suggest(&easy(), &incumbent.settings, &seen[..15], &tried, 7).unwrap();
    assert_eq!(again.settings, seen[15].settings);
}

#[test]
fn a_finite_space_is_exhausted_exactly() {
    let knob = |name: &str, domain| Knob { name: name.into(), domain };
    let space = Space {
        knobs: vec![
            knob("n", Domain::Int { low: 1, high: 4, log: false, multiple_of: 1 }),
            knob("on", Domain::Choice { options: vec![Value::Bool(false), Value::Bool(true)] }),
            knob("fixed", Domain::Choice { options: vec![Value::Int(3)] }),
        ],
    };
    // The default lies outside what is offered: one more.
    let start: Settings = [
        ("n".into(), Value::Int(9)),
        ("on".into(), Value::Bool(true)),
        ("fixed".into(), Value::Int(3)),
    ]
    .into();
    let seen = search(&space, start, 100, 1, &|s| match s["n"] {
        Value::Int(n) => Some(-(n as f64 - 3.0).powi(2)),
        _ => None,
    });
    // Both switches beside the 9, and 4 times 2; beside 9 and off only while 9 is the incumbent.
    let inside = seen.iter().filter(|o| o.settings["n"] != Value::Int(9)).count();
    assert_eq!(inside, 8, "{seen:?}");
    assert!(seen.len() <= 10);
}

/// Edits that each of the first eight suggestions makes, in a space of 25
/// knobs where `outcome` is told how many knobs are not at their default.
fn opening_edits(outcome: fn(usize) -> f64) -> Vec<usize> {
    let domain = Domain::Float { low: 0.0, high: 1.0, log: false };
    let knobs = (0..25).map(|i| Knob { name: format!("k{i:02}"), domain: domain.clone() });
    let space = Space { knobs: knobs.collect() };
    let start: Settings = space.knobs.iter().map(|k| (k.name.clone(), Value::Float(0.5))).collect();
    let from = |a: &Settings, b: &Settings| a.iter().filter(|(k, v)| b[*k] != **v).count();
    let seen = search(&space, start.clone(), 9, 1, &|s| Some(outcome(from(s, &start))));
    let nearest =
        |n: usize| seen[..n].iter().map(|old| from(&seen[n].settings, &old.settings)).min();
    (1..seen.len()).filter_map(nearest).collect()
}

#[test]
fn a_good_default_is_left_by_single_edits_and_probed_once() {
    // Nothing is better than the default.
    assert_eq!(opening_edits(|n| -(n as f64)), [1, 10, 1, 1, 1, 1, 1, 1]);
}

#[test]
fn a_poor_default_is_probed_again_while_that_pays() {
    // The farther from the default the better.
    let edits = opening_edits(|n| n as f64);
    assert!(edits.iter().filter(|n| **n > 3).count() >= 2, "{edits:?}");
}

#[test]
fn an_empty_space_offers_nothing() {
    let no = |_: &Settings| false;
    assert_eq!(suggest(&Space::default(), &Settings::new(), &[], &no, 0), None);
    let all = |_: &Settings| true;
    assert_eq!(suggest(&easy(), &default_settings(), &[], &all, 0), None);
    assert_eq!(believed_best(&Space::default(), &Settings::new(), &[]), None);
}

#[test]
fn crashes_and_diverged_runs_are_left_behind() {
    // Half of the space crashes, a quarter diverges.
    let treacherous = |s: &Settings| {
        let Value::Float(rate) = s["rate"] else {
            return None;
        };
        match rate {
            r if r > 0.05 => None,
            r if r < 0.001 => Some(-1e30),
            _ => Some(outcome(s)),
        }
    };
    let mut start = default_settings();
    start.insert("rate".into(), Value::Float(0.04));
    for seed in 0..5 {
        let seen = search(&easy(), start.clone(), 40, seed, &treacherous);
        assert_eq!(seen.len(), 40);
        let late = seen[20..].iter().filter(|o| o.outcome.is_none_or(|v| v < -1e3)).count();
        assert!(late <= 6, "seed {seed}: {late} of the last 20 were lost");
        assert!(seen.iter().filter_map(|o| o.outcome).any(|v| v > -0.05), "seed {seed}");
    }
}

#[test]
fn a_search_goes_on_when_everything_crashes() {
    for lost in [None, Some(f64::NAN), Some(f64::NEG_INFINITY), Some(1e308), Some(5.0)] {
        assert_eq!(search(&easy(), default_settings(), 25, 3, &|_| lost).len(), 25);
    }
}

#[test]
fn what_is_told_of_a_running_experiment_is_not_suggested_again() {
    let seen = search(&easy(), default_settings(), 20, 5, &|s| Some(outcome(s)));
    let value = |o: &&Observation| o.outcome.unwrap();
    let best = seen.iter().max_by(|a, b| value(a).total_cmp(&value(b))).unwrap();
    let pending = RefCell::new(seen.clone());
    let mut places = Vec::new();
    for _ in 0..3 {
        let known = pending.borrow().clone();
        let tried = |s: &Settings| known.iter().any(|o| o.settings == *s);
        let next = suggest(&easy(), &best.settings, &known, &tried, 5).unwrap();
        places.push(next.settings.clone());
        pending.borrow_mut().push(Observation { settings: next.settings, outcome: best.outcome });
    }
    assert!(places[0] != places[1] && places[1] != places[2], "{places:?}");
}

fn any_domain() -> impl Strategy<Value = Domain> {
    prop_oneof![
        (-1e3..1e3, 0.0..1e4, any::<bool>()).prop_map(|(low, width, log)| Domain::Float {
            low,
            high: low + width,
            log
        }),
        (-50_i64..50, -5_i64..5000, any::<bool>(), -1_i64..20).prop_map(
            |(low, width, log, multiple_of)| Domain::Int {
                low,
                high: low + width,
                log,
                multiple_of
            }
        ),
        prop::collection::vec(
            prop_oneof![any::<bool>().prop_map(Value::Bool), (0_i64..3).prop_map(Value::Int)],
            0..4
        )
        .prop_map(|options| Domain::Choice { options }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn suggestions_stay_in_their_domains(
        domains in prop::collection::vec(any_domain(), 1..5),
        outcomes in prop::collection::vec(prop::option::of(prop::num::f64::ANY), 1..14),
        seed: u64,
    ) {
        let space = Space {
            knobs: domains.into_iter().enumerate().map(|(i, domain)| Knob { name: format!("k{i}"), domain }).collect(),
        };
        let mut observations: Vec<Observation> = Vec::new();
        for outcome in outcomes {
            let incumbent = Settings::from([("k0".to_owned(), Value::Float(0.123)), ("other".to_owned(), Value::Int(1))]);
            let tried = |s: &Settings| observations.iter().any(|o| o.settings == *s);
            let Some(next) = suggest(&space, &incumbent, &observations, &tried, seed) else { break };
            prop_assert!(!tried(&next.settings) && next.settings != incumbent);
            prop_assert_eq!(&next.settings["other"], &Value::Int(1));
            for name in &next.changed {
                let knob = space.knobs.iter().find(|k| k.name == *name).unwrap();
                prop_assert!(knob.domain.contains(&next.settings[name]), "{:?} {:?}", knob, next);
            }
            observations.push(Observation { settings: next.settings, outcome });
        }
    }
}
