use proptest::prelude::*;

use super::*;
use crate::curve::Point;

/// Falls from 1 towards `end`, at a rate, over ten seconds.
fn falling(end: f64, rate: f64, points: u32) -> Curve {
    let point = |i| {
        let seconds = f64::from(i) * 0.5;
        (seconds, end + (1.0 - end) * (-rate * seconds).exp()).into()
    };
    Curve::from((1..=points).map(point).collect::<Vec<Point>>())
}

/// Fast ones that end high and slow ones that end low: each slow one was behind
/// all fast ones, and caught up.
fn precedents(runs: u32) -> Precedents {
    let mut precedents = Precedents::default();
    let incumbent = falling(0.2, 0.5, 20);
    for i in 0..runs {
        let (end, rate) = if i % 2 == 0 { (0.25, 0.9) } else { (0.1, 0.35) };
        precedents
            .finish(&falling(end + 0.001 * f64::from(i), rate, 20), end + 0.001 * f64::from(i));
    }
    precedents.crown([&incumbent], 12.0);
    precedents
}

fn hopeless(precedents: &Precedents, curve: &Curve) -> Option<Hopeless> {
    precedents.hopeless(Direction::Minimize, Some(Direction::Minimize), curve)
}

/// The first point at which it is given up.
fn stopped_at(precedents: &Precedents, curve: &Curve) -> Option<usize> {
    let points = curve.points();
    (1..=points.len()).find(|n| hopeless(precedents, &points[..*n].to_vec().into()).is_some())
}

#[test]
fn a_run_that_does_not_learn_is_stopped_and_a_slow_one_as_others_were_is_not() {
    let precedents = precedents(16);
    assert!(stopped_at(&precedents, &falling(0.95, 0.3, 20)).is_some_and(|at| at < 10));
    assert_eq!(stopped_at(&precedents, &falling(0.1, 0.35, 20)), None);
    assert_eq!(stopped_at(&precedents, &falling(0.2, 0.5, 20)), None);
}

#[test]
fn nobody_is_stopped_without_a_curve_of_the_incumbent_or_enough_runs() {
    let bad = falling(0.95, 0.3, 8);
    assert!(hopeless(&precedents(12), &bad).is_some());
    assert_eq!(hopeless(&precedents(11), &bad), None);
    let mut uncrowned = precedents(16);
    uncrowned.crown([], 12.0);
    assert_eq!(hopeless(&uncrowned, &bad), None);
    uncrowned.crown([&falling(0.2, 0.5, 1)], 12.0);
    assert_eq!(hopeless(&uncrowned, &bad), None);
}

#[test]
fn of_an_incumbent_that_varies_the_worst_run_counts() {
    let mut precedents = precedents(16);
    let bad = falling(0.95, 0.3, 8);
    precedents.crown([&falling(0.2, 0.5, 20), &falling(0.94, 0.3, 20)], 12.0);
    assert_eq!(hopeless(&precedents, &bad), None);
}

#[test]
fn a_series_of_unknown_direction_is_taken_to_get_better() {
    let precedents = precedents(16);
    let bad = falling(0.95, 0.3, 8);
    let known = precedents.hopeless(Direction::Minimize, Some(Direction::Minimize), &bad);
    assert_eq!(precedents.hopeless(Direction::Minimize, None, &bad), known);
    assert!(known.is_some());
}

#[test]
fn it_says_in_words_why() {
    let why = Hopeless {
        seconds: 34.0,
        usual_seconds: 100.0,
        behind: 0.21,
        caught_up: 0.09,
        heading: 0.25,
        headed: 0.111,
        runs: 15,
    };
    assert_eq!(
        why.to_string(),
        "after 34% of its time: 0.21 behind the incumbent at that time, 0.25 at the end by its pace; none of 15 runs ever caught up more than 0.09 and 0.111"
    );
}

#[test]
fn false_stops_have_an_upper_bound() {
    let bound = |mistaken, checked| Tally { checked, mistaken, ..Tally::default() }.most_mistaken();
    assert!((bound(0, 1) - 0.95).abs() < 1e-9);
    assert!((bound(0, 20) - (1.0 - 0.05_f64.powf(0.05))).abs() < 1e-9);
    // R: binom.test(2, 30, alternative = "less")$conf.int
    assert!((bound(2, 30) - 0.195_327_6).abs() < 1e-5, "{}", bound(2, 30));
    assert_eq!((bound(0, 0), bound(3, 3)), (1.0, 1.0));
}

#[test]
fn one_experiment_in_twenty_is_spared_always_the_same() {
    for seed in [0, 1, u64::MAX] {
        let spared: Vec<u64> = (1..=10_000).filter(|n| is_spared(seed, *n)).collect();
        assert!((430..570).contains(&spared.len()), "{}", spared.len());
        assert!(spared.windows(2).all(|pair| pair[1] - pair[0] < 250));
    }
    assert_ne!(
        (1..200).filter(|n| is_spared(1, *n)).collect::<Vec<_>>(),
        (1..200).filter(|n| is_spared(2, *n)).collect::<Vec<_>>()
    );
}

/// As the definition has it, pair by pair.
fn by_pairs(runs: &[(f64, f64)]) -> f64 {
    let mut most = 0.0_f64;
    for (metric, standing) in runs {
        for (other, lead) in runs {
            if metric >= other {
                most = most.max(lead - standing);
            }
        }
    }
    most
}

fn any_points() -> impl Strategy<Value = Vec<(f64, f64)>> {
    prop::collection::vec((prop::num::f64::ANY, prop::num::f64::ANY), 0..20)
}

proptest! {
    #[test]
    fn what_was_caught_up_is_the_largest_over_all_pairs(runs in prop::collection::vec((0_u8..6, 0_u8..20), 0..20)) {
        let mut runs: Vec<(f64, f64)> = runs.into_iter().map(|(a, b)| (a.into(), b.into())).collect();
        runs.sort_by(|a, b| a.0.total_cmp(&b.0));
        prop_assert_eq!(most_caught_up(runs.iter().copied()), by_pairs(&runs));
    }

    /// Powers of two, so that rounding has no say.
    #[test]
    fn scale_shift_and_direction_change_nothing(
        curves in prop::collection::vec((prop::collection::vec(0_u16..64, 12), 0_u16..64), 13..20),
        mine in prop::collection::vec(0_u16..64, 2..12),
        scale in -3_i32..4,
        shift in 0_u16..64,
        turned: bool,
    ) {
        let sign = if turned { -1.0 } else { 1.0 };
        let moved = |value: u16| sign * f64::from(value) * 2_f64.powi(scale) + f64::from(shift);
        let verdict = |of: &dyn Fn(u16) -> f64, direction| {
            let curve = |values: &[u16]| {
                let points = values.iter().zip(1_u8..);
                Curve::from(points.map(|(v, i)| (f64::from(i), of(*v)).into()).collect::<Vec<Point>>())
            };
            let mut precedents = Precedents::default();
            for (values, metric) in &curves {
                precedents.finish(&curve(values), of(*metric));
            }
            precedents.crown([&curve(&curves[0].0)], 12.0);
            precedents.hopeless(direction, Some(direction), &curve(&mine)).is_some()
        };
        let turned_to = if turned { Direction::Minimize } else { Direction::Maximize };
        prop_assert_eq!(
            verdict(&|value| f64::from(value), Direction::Maximize),
            verdict(&moved, turned_to)
        );
    }

    #[test]
    fn any_curves_get_an_answer(
        curves in prop::collection::vec((any_points(), prop::num::f64::ANY), 0..4),
        incumbent in any_points(),
        mine in any_points(),
        usual in prop::num::f64::ANY,
    ) {
        let curve = |points: &[(f64, f64)]| {
            Curve::from(points.iter().copied().map(Point::from).collect::<Vec<_>>())
        };
        let mut precedents = Precedents::default();
        for _ in 0..13 {
            for (points, metric) in &curves {
                precedents.finish(&curve(points), *metric);
            }
        }
        precedents.crown([&curve(&incumbent)], usual);
        if let Some(why) = hopeless(&precedents, &curve(&mine)) {
            prop_assert!(why.behind > why.caught_up && why.heading > why.headed);
            prop_assert!(!why.to_string().is_empty());
        }
    }
}
