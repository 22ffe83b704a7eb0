use proptest::prelude::*;

use super::*;
use crate::trial::{Exit, Trial};

fn samples(values: &[f64], first_seed: u64) -> Vec<Sample> {
    let sample = |(seed, value): (u64, &f64)| Sample { seed, value: *value, seconds: 1.0 };
    (first_seed..).zip(values).map(sample).collect()
}

fn compared(baseline: &[f64], best: &[f64], is_paired: bool) -> Comparison {
    let b = samples(best, if is_paired { 0 } else { 100 });
    Comparison::of(Direction::Maximize, (0, &samples(baseline, 0)), (7, &b)).unwrap()
}

#[track_caller]
fn near(a: f64, b: f64, within: f64) {
    assert!((a - b).abs() <= within, "{a} is not {b}");
}

/// Table of percentage points of t, two-sided 5% (Pearson and Hartley,
/// *Biometrika Tables for Statisticians* 1, 1954, table 12).
#[test]
fn the_quantiles_are_those_of_the_tables() {
    for (degrees, t) in [
        (1.0, 12.706),
        (2.0, 4.303),
        (3.0, 3.182),
        (4.0, 2.776),
        (8.0, 2.306),
        (10.0, 2.228),
        (30.0, 2.042),
        (120.0, 1.980),
    ] {
        near(quantile(degrees).unwrap(), t, 0.000_5);
    }
    assert!(quantile(1.7).unwrap() > quantile(2.0).unwrap());
}

/// By hand: means 2 and 5, variances 1 and 1, so the error is √(2/3) with 4
/// degrees of freedom.
#[test]
fn unpaired_runs_are_compared_by_welch() {
    let comparison = compared(&[1.0, 2.0, 3.0], &[4.0, 5.0, 6.0], false);
    assert_eq!(comparison.method, Method::Welch);
    near(comparison.gain, 3.0, 1e-12);
    let (low, high) = comparison.interval.unwrap();
    let half = 2.776_445_105 * (2.0_f64 / 3.0).sqrt();
    near(low, 3.0 - half, 1e-6);
    near(high, 3.0 + half, 1e-6);
    // 3 standard deviations, times 1 - 3/(4·4 - 1).
    near(comparison.effect.unwrap(), 3.0 * 0.8, 1e-12);
}

/// By hand: variances 38/3 of four and 400 of three, so squared errors of 3.17
/// and 133.3; the degrees of freedom are close to those of the second alone.
#[test]
fn unequal_variances_cost_degrees_of_freedom() {
    let (error, degrees) = welch(&[1.0, 2.0, 4.0, 9.0], &[10.0, 30.0, 50.0]).unwrap();
    near(error, 11.683_3, 1e-4);
    near(degrees, 2.095_3, 1e-4);
}

/// The same differences everywhere but for a little: pairing sees through what
/// a seed does to both sides.
#[test]
fn equal_seeds_are_paired_and_what_they_share_cancels() {
    let (a, b) = ([1.0, 5.0, 9.0, 2.0], [1.5, 5.4, 9.6, 2.5]);
    let (paired, unpaired) = (compared(&a, &b, true), compared(&a, &b, false));
    assert_eq!((paired.method, unpaired.method), (Method::Paired, Method::Welch));
    near(paired.gain, unpaired.gain, 1e-12);
    let width = |c: &Comparison| c.interval.map(|(low, high)| high - low).unwrap();
    assert!(width(&paired) < width(&unpaired) / 20.0);
    assert_eq!(
        (paired.conclusion(), unpaired.conclusion()),
        ("clearly better", "not clearly better")
    );
    // Differences .5, .4, .6, .5: mean .5, variance .02/3, three degrees.
    near(width(&paired) / 2.0, 3.182_446 * (0.02_f64 / 3.0 / 4.0).sqrt(), 1e-5);
    near(paired.effect.unwrap(), unpaired.effect.unwrap(), 1e-12);
}

#[test]
fn a_seed_that_ran_twice_on_a_side_pairs_nothing() {
    let mut a = samples(&[1.0, 2.0], 0);
    a[1].seed = 0;
    let b = samples(&[3.0, 4.0], 0);
    let comparison = Comparison::of(Direction::Maximize, (0, &a), (1, &b)).unwrap();
    assert_eq!(comparison.method, Method::Welch);
}

#[test]
fn without_noise_the_interval_has_no_width_and_says_so() {
    for is_paired in [true, false] {
        let same = compared(&[0.1; 3], &[0.3; 3], is_paired);
        assert_eq!((same.conclusion(), same.effect), ("clearly better", None));
        assert_eq!(same.to_string(), "better by 0.2, the same in every run, 3 runs each");
        let equal = compared(&[0.1; 3], &[0.1; 3], is_paired);
        assert_eq!(equal.conclusion(), "equal");
        assert_eq!(equal.to_string(), "no difference, the same in every run, 3 runs each");
    }
}

#[test]
fn a_single_run_a_side_has_no_interval() {
    let one = compared(&[1.0], &[2.0], true);
    assert_eq!((one.interval, one.effect), (None, None));
    assert_eq!(one.conclusion(), "too few runs to tell");
    assert_eq!(one.to_string(), "better by 1, too few runs for an interval, one run each");
    let uneven = compared(&[1.0, 1.5], &[2.0], false);
    assert_eq!((uneven.interval, uneven.effect), (None, None));
    assert_eq!(
        uneven.to_string(),
        "better by 0.75, too few runs for an interval, 1 runs against 2"
    );
    assert_eq!(Comparison::of(Direction::Minimize, (0, &[]), (1, &samples(&[1.0], 0))), None);
}

#[test]
fn a_sentence_says_what_was_found() {
    let comparison = compared(&[0.500, 0.503, 0.497, 0.501], &[0.521, 0.524, 0.517, 0.523], false);
    assert_eq!(
        comparison.to_string(),
        "better by 0.0210, 95% interval 0.0161 to 0.0259 (6.5 standard deviations), 4 runs each"
    );
    let worse = compared(&[0.521, 0.524, 0.517, 0.523], &[0.500, 0.503, 0.497, 0.501], false);
    assert!(
        worse.to_string().starts_with("worse by 0.0210, 95% interval 0.0161 to 0.0259"),
        "{worse}"
    );
    let unclear = compared(&[1.0, 2.0, 3.0], &[1.5, 2.5, 3.0], false);
    assert!(unclear.to_string().starts_with("better by 0.3, 95% interval -1."), "{unclear}");
}

fn experiment(number: u64, runs: &[(u64, Purpose, Option<f64>)]) -> Experiment {
    let rerun = |(seed, purpose, metric): &(u64, Purpose, Option<f64>)| crate::experiment::Rerun {
        number: 2,
        purpose: *purpose,
        trial: Trial { metric: *metric, ..Trial::ended(*seed, Exit::Code(0)) },
    };
    Experiment {
        number,
        parent: crate::experiment::CommitId(String::new()),
        commit: None,
        hypothesis: String::new(),
        category: crate::proposal::Category::Other,
        proposer: String::new(),
        fingerprint: crate::proposal::Fingerprint(0),
        settings: None,
        files: Vec::new(),
        code_lines: 0,
        trials: Vec::new(),
        reruns: runs.iter().map(rerun).collect(),
        relief: None,
        checks: Vec::new(),
        trusts: None,
        ruling: None,
        proposed_at: crate::units::Timestamp(0),
        settled_at: None,
        expected: None,
        spent: crate::spent::Spent::default(),
        proposers: Vec::new(),
        noise: None,
    }
}

/// Beside another best, under other seeds, or for another purpose: such runs
/// are no part of it.
#[test]
fn only_runs_beside_each_other_are_compared() {
    use Purpose::{Incumbent, Verification};
    let baseline = experiment(
        0,
        &[
            (1, Verification, Some(99.0)),
            (5, Verification, Some(10.0)),
            (6, Verification, Some(12.0)),
            (6, Incumbent, Some(99.0)),
        ],
    );
    let best = experiment(
        7,
        &[(5, Verification, Some(8.0)), (6, Verification, Some(9.0)), (9, Verification, None)],
    );
    let comparison = Comparison::between(Direction::Minimize, &baseline, &best).unwrap();
    assert_eq!((comparison.method, comparison.gain), (Method::Paired, 2.5));
    assert_eq!(comparison.baseline.values, [10.0, 12.0]);
    let crashed = experiment(
        7,
        &[(1, Verification, None), (5, Verification, Some(8.0)), (6, Verification, Some(9.0))],
    );
    let comparison = Comparison::between(Direction::Minimize, &baseline, &crashed).unwrap();
    assert_eq!((comparison.method, comparison.best.failed), (Method::Welch, 1));
    assert!(comparison.to_string().ends_with("2 runs against 3; one more run failed"));
    assert_eq!(Comparison::between(Direction::Minimize, &best, &experiment(1, &[])), None);
}

/// Normal deviates (Box and Muller, 1958) from uniform ones (`SplitMix64`).
fn normals(seed: u64, count: usize) -> Vec<f64> {
    let mut state = seed;
    let mut uniform = move || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    };
    let mut deviate =
        || (-2.0 * (1.0 - uniform()).ln()).sqrt() * (std::f64::consts::TAU * uniform()).cos();
    (0..count).map(|_| deviate()).collect()
}

/// The standard error of a share of 2000 is half a percent.
#[test]
fn nineteen_intervals_in_twenty_cover_the_truth() {
    for (is_paired, spread) in [(true, 1.0), (false, 1.0), (false, 4.0)] {
        let covered = (0..2000_u64).filter(|n| {
            let noise = normals(n * 7919 + 1, 10);
            let a: Vec<f64> = noise[..5].to_vec();
            let b: Vec<f64> = noise[5..].iter().map(|z| 0.7 + spread * z).collect();
            let (low, high) = compared(&a, &b, is_paired).interval.unwrap();
            (low..=high).contains(&0.7)
        });
        let share = covered.count() as f64 / 2000.0;
        assert!((0.935..0.968).contains(&share), "{share} of {is_paired} {spread}");
    }
}

proptest! {
    #[test]
    fn whatever_was_measured_is_compared_without_harm(
        a in prop::collection::vec(any::<f64>(), 0..6),
        b in prop::collection::vec(any::<f64>(), 0..6),
        is_paired in any::<bool>(),
    ) {
        let second = samples(&b, if is_paired { 0 } else { 100 });
        let first = samples(&a, 0);
        if let Some(comparison) = Comparison::of(Direction::Minimize, (0, &first), (1, &second)) {
            let (low, high) = comparison.interval.unwrap_or((comparison.gain, comparison.gain));
            prop_assert!(low <= comparison.gain && comparison.gain <= high);
            let text = comparison.to_string();
            prop_assert!(!text.contains("NaN") && !text.contains("inf"), "{}", text);
        }
    }

    #[test]
    fn turning_the_direction_round_turns_the_gain_round(
        a in prop::collection::vec(1.0..1e3, 2..6),
        b in prop::collection::vec(2e3..3e3, 2..6),
    ) {
        let (first, second) = (samples(&a, 0), samples(&b, 100));
        let of = |direction| Comparison::of(direction, (0, &first), (1, &second)).unwrap();
        let (up, down) = (of(Direction::Maximize), of(Direction::Minimize));
        prop_assert_eq!(up.gain.total_cmp(&-down.gain), std::cmp::Ordering::Equal);
        prop_assert_eq!(up.interval.map(|(low, high)| (-high, -low)), down.interval);
    }
}
