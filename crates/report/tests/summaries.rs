//! What summaries say, whole (SPEC F3).

use autoresearch_core::experiment::Verdict::{Crash, Discard, Keep};
use autoresearch_core::judge::{Noise, Outlook};
use autoresearch_core::metric::Direction;
use autoresearch_core::session::Sample;
use autoresearch_core::verification::Comparison;
use autoresearch_report::{History, SummaryOptions, summary_markdown};
use insta::assert_snapshot;

mod cases;

fn summary(history: &History) -> String {
    summary_markdown(history, &SummaryOptions::default())
}

/// SPEC F3.
#[test]
fn a_session_is_summed_up_with_evidence_and_next_steps() {
    assert_snapshot!(summary(&cases::session(24, 5, Direction::Minimize)), @"
    # AutoResearch summary: mar8

    | Session | |
    |---|---|
    | Branch | `autoresearch/mar8` |
    | Metric | `val_bpb`, lower is better |
    | Target | `train.py` |
    | Command | `uv run train.py` |
    | Platform | CUDA 12.8, 1 × H100 80 GB, Linux |
    | Dates | 2026-03-08 10:10 to 2026-03-08 12:19 UTC (2h 9m) |
    | Iterations | 24 of 24 |
    | Budget | 5m an experiment |
    | Pace | 11.6 experiments an hour (goal 12) |
    | Stopped | all experiments that were asked for have run |

    ## Result

    - Baseline: 0.9979
    - Best: **0.9524** at #18, commit `0000000`
    - Improvement: **-0.0455 (-4.6%)** against the baseline
    - 24 experiments: 5 kept (21%), 15 discarded, 4 crashed

    These are measurements, one run each unless a reason says otherwise. A change was kept because its measurement was good, and a good measurement is partly luck: where runs vary, the true improvement is likely smaller, and some kept changes may do nothing.

    ## What worked

    Kept changes by what each brought over the incumbent of its time.

    | rank | # | commit | change | before | val_bpb | difference | memory | time |
    |---:|---:|---|---|---:|---:|---:|---:|---:|
    | 1 | 7 | `0000000` | swap AdamW for Muon on the matrix parameters, AdamW for embeddings and norms | 0.9880 | 0.9730 | -0.0150 | 40.1 GiB | 5m 1s |
    | 2 | 18 | `0000000` | cosine schedule down to 10% of the peak | 0.9644 | 0.9524 | -0.0120 | 40.3 GiB | 5m 1s |
    | 3 | 12 | `0000000` | deepen from 8 to 10 layers | 0.9730 | 0.9644 | -0.0087 | 40.2 GiB | 5m 1s |
    | 4 | 2 | `0000000` | cosine schedule down to 10% of the peak | 0.9979 | 0.9918 | -0.0061 | 40.0 GiB | 5m 1s |
    | 5 | 3 | `0000000` | lower WEIGHT_DECAY from 0.1 to 0.05 | 0.9918 | 0.9880 | -0.0038 | 40.0 GiB | 5m 1s |

    ## What did not work

    **Architecture** · 8 tried: 1 kept, 5 discarded, 2 crashed

    - deepen from 8 to 10 layers (2 times: #11 and #24): worse by 0.0006 to 0.0187
    - window pattern SSSL (2 times: #5 and #14): worse by 0.0014 to 0.0233
    - ReLU² activation in the MLP (#4): worse by 0.0008

    **Optimizer** · 11 tried: 4 kept, 6 discarded, 1 crashed

    - swap AdamW for Muon on the matrix parameters, AdamW for embeddings and norms (2 times: #17 and #20): worse by 0.0020 to 0.0211
    - cosine schedule down to 10% of the peak (2 times: #6 and #23): worse by 0.0069 to 0.0237
    - clip gradients at 0.5 (#8): worse by 0.0041
    - raise LEARNING_RATE from 0.003 to 0.006 (#10): worse by 0.0249

    **Training** · 2 tried: 0 kept, 2 discarded, 0 crashed

    - halve the batch size and double the number of steps (2 times: #9 and #21): worse by 0.0103 to 0.0282

    **Other** · 3 tried: 0 kept, 2 discarded, 1 crashed

    - warm up over 5% of the steps instead of 10% (2 times: #15 and #22): worse by 0.0046 to 0.0049

    ## Crashes

    **Out of memory** · 4

    - #1 deepen from 8 to 10 layers: CUDA out of memory. Tried to allocate 2.00 GiB
    - #13 warm up over 5% of the steps instead of 10%: CUDA out of memory. Tried to allocate 2.00 GiB
    - #16 raise LEARNING_RATE from 0.003 to 0.006: CUDA out of memory. Tried to allocate 2.00 GiB
    - #19 deepen from 8 to 10 layers: CUDA out of memory. Tried to allocate 2.00 GiB

    ## Next steps

    1. **Stay within memory.** 4 of 24 (#1, #13, #16 and #19) ran out of it; the largest that ran used 40.4 GiB. Pair what needs more with a smaller batch.
    2. **Go on lowering WEIGHT_DECAY.** It was kept the only time it was tried (#3, -0.0038).
    3. **Try #11 and #4 together.** “deepen from 8 to 10 layers” and “ReLU² activation in the MLP” missed by 0.0006 and 0.0008, less than half of what a kept change typically brought (0.0087).
    4. **Confirm before you believe.** Run the baseline and #18 several times with different seeds: each of the 5 keeps was decided on a single comparison, and whether the gain is larger than the noise is not known.
    5. **Try training changes**, if the scope allows. Only 2 experiments were about training, 0 of them kept; the others were 8 architecture, 11 optimizer and 3 other.
    ");
}

/// SPEC G5.
#[test]
fn a_bare_ledger_gives_a_summary() {
    let history = cases::bare(&[
        (Keep, Some(0.9979), "Baseline — no modifications"),
        (Keep, Some(0.9821), "ReLU² activation: -0.0158 improvement"),
        (Discard, Some(1.0023), "Deeper MLP | `mlp_ratio`: regression"),
        (Crash, None, "OOM: doubled batch size <without> accumulation fix"),
    ]);
    assert_snapshot!(summary(&history), @r"
    # AutoResearch summary

    | Session | |
    |---|---|
    | Metric | `val_bpb`, lower is better |
    | Iterations | 3 |

    ## Result

    - Baseline: 0.9979
    - Best: **0.9821** at #1
    - Improvement: **-0.0158 (-1.6%)** against the baseline
    - 3 experiments: 1 kept (33%), 1 discarded, 1 crashed

    These are measurements, one run each unless a reason says otherwise. A change was kept because its measurement was good, and a good measurement is partly luck: where runs vary, the true improvement is likely smaller, and some kept changes may do nothing.

    ## What worked

    Kept changes by what each brought over the incumbent of its time.

    | rank | # | commit | change | before | val_bpb | difference |
    |---:|---:|---|---|---:|---:|---:|
    | 1 | 1 | – | ReLU² activation: -0.0158 improvement | 0.9979 | 0.9821 | -0.0158 |

    ## What did not work

    **Architecture** · 2 tried: 1 kept, 1 discarded, 0 crashed

    - Deeper MLP \| \`mlp_ratio\`: regression (#2): worse by 0.0202

    ## Crashes

    **Kind not recorded** · 1

    - #3 OOM: doubled batch size &lt;without> accumulation fix

    ## Next steps

    1. **Confirm before you believe.** Run the baseline and #1 several times with different seeds: the one keep was decided on a single comparison, and whether the gain is larger than the noise is not known.
    2. **Explore around #1.** “ReLU² activation: -0.0158 improvement” brought the most (-0.0158); variants of it are the likeliest to bring more.
    3. **Run longer.** 3 experiments with 1 kept are too few to say what works here.
    ");
}

#[test]
fn nothing_is_claimed_where_nothing_ran() {
    assert_snapshot!(summary(&cases::bare(&[])), @"
    # AutoResearch summary

    | Session | |
    |---|---|
    | Metric | `val_bpb`, lower is better |
    | Iterations | 0 |

    ## Result

    No experiment has run.

    ## Next steps

    1. **Run the baseline.** Nothing has run, so nothing follows yet.
    ");
    assert_snapshot!(summary(&cases::bare(&[(Keep, Some(0.5), "baseline")])), @"
    # AutoResearch summary

    | Session | |
    |---|---|
    | Metric | `val_bpb`, lower is better |
    | Iterations | 0 |

    ## Result

    - Baseline: 0.5000
    - Best: the baseline; no change has been tried

    ## Next steps

    1. **Start experimenting.** The baseline is measured; no change has been tried.
    ");
}

#[test]
fn a_session_that_only_crashed_says_what_to_fix() {
    let mut history =
        cases::bare(&[(Crash, None, "baseline"), (Crash, None, "a"), (Crash, None, "b")]);
    history.points[0].reason = Some("ModuleNotFoundError: No module named 'torch'".to_owned());
    assert_snapshot!(summary(&history), @"
    # AutoResearch summary

    | Session | |
    |---|---|
    | Metric | `val_bpb`, lower is better |
    | Iterations | 2 |

    ## Result

    - Baseline: not measured
    - Best: none; nothing that ran was kept
    - 2 experiments: 0 kept (0%), 0 discarded, 2 crashed

    ## What worked

    Nothing was kept.

    ## What did not work

    No change that ran was discarded.

    ## Crashes

    **Kind not recorded** · 2

    - #1 a
    - #2 b

    ## Next steps

    1. **Make the unmodified target run.** The baseline reported no metric (ModuleNotFoundError: No module named 'torch'); no change can be judged against it.
    2. **Look at what crashed.** 2 of 2 (#1 and #2), for reasons that the ledger does not record.
    ");
}

#[test]
fn a_metric_that_never_moves_is_noticed() {
    let rows: Vec<_> =
        (0..15).map(|i| (if i == 0 { Keep } else { Discard }, Some(0.5), "x")).collect();
    let text = summary(&cases::bare(&rows));
    assert!(
        text.contains("14 of 14 experiments gave exactly the value of the incumbent"),
        "{text}"
    );
}

#[test]
fn a_zone_that_is_handed_in_dates_the_session() {
    let zone = jiff::tz::TimeZone::fixed(jiff::tz::offset(2));
    let options = SummaryOptions { zone, plot: Some("progress.svg".to_owned()) };
    let text = summary_markdown(&cases::session(3, 1, Direction::Maximize), &options);
    assert!(text.contains("2026-03-08 12:10 to 2026-03-08 12:30 +02 (20m 40s)"), "{text}");
    assert!(text.contains("(progress.svg)"), "{text}");
}

#[test]
fn a_long_session_gets_three_to_five_next_steps() {
    for (_, history) in cases::gallery().into_iter().filter(|(_, h)| h.points.len() > 12) {
        let text = summary(&history);
        let steps = text.split("## Next steps").nth(1).unwrap_or_default();
        let count = steps.lines().filter(|l| l.starts_with(|c: char| c.is_ascii_digit())).count();
        assert!((3..=5).contains(&count), "{steps}");
    }
}

fn measured_again(best: u64) -> Option<Comparison> {
    let samples = |values: [f64; 3]| -> Vec<Sample> {
        let sample = |(seed, value)| Sample { seed, value, seconds: 300.0 };
        (0..).zip(values).map(sample).collect()
    };
    let (baseline, runs) = (samples([0.9979, 0.9984, 0.9972]), samples([0.9602, 0.9613, 0.9605]));
    Comparison::of(Direction::Minimize, (0, &baseline), (best, &runs))
}

#[test]
fn the_best_that_was_measured_again_is_the_number_to_quote() {
    let mut history = cases::session(24, 5, Direction::Minimize);
    history.session.comparison = measured_again(18);
    let text = summary(&history);
    let line = text.lines().find(|line| line.starts_with("- Measured again")).unwrap();
    assert_snapshot!(line, @"- Measured again: **clearly better**, better by 0.0372, 95% interval 0.0359 to 0.0384 (51 standard deviations), 3 runs each; paired by seed, Student's t");
    assert!(text.contains("It is the number to quote."), "{text}");
    assert!(!text.contains("**Confirm before you believe.**"), "it was");

    // Gains that are small beside their noise.
    let noisy = |values: [f64; 3], first| -> Vec<Sample> {
        (first..).zip(values).map(|(seed, value)| Sample { seed, value, seconds: 1.0 }).collect()
    };
    let (a, b) = (noisy([0.99, 0.95, 0.97], 0), noisy([0.96, 0.95, 0.98], 9));
    history.session.comparison = Comparison::of(Direction::Minimize, (0, &a), (18, &b));
    let text = summary(&history);
    assert!(
        text.contains("**Measure longer.** Against the baseline it is not clearly better"),
        "{text}"
    );

    // Of an earlier best it says nothing.
    history.session.comparison = measured_again(12);
    assert!(!summary(&history).contains("easured again"));
    history.session.comparison = None;
    history.session.not_compared = Some("no time was left for it".to_owned());
    assert!(summary(&history).contains("\n- Not measured again: no time was left for it\n"));
}

/// What is said of the values, and what is to be confirmed, follows from how they
/// were judged.
#[test]
fn a_summary_says_what_noise_means_in_each_mode() {
    let outlook = Outlook {
        sigma: 0.003_1,
        degrees: 6,
        in_one: Some(0.0094),
        in_four: Some(0.0054),
        keeps: 5,
        gain: 0.0413,
        false_keeps: 0.31,
    };
    let mut history = cases::session(24, 5, Direction::Minimize);
    let mut told = |noise| {
        history.session.noise = noise;
        let text = summary(&history);
        let is_told = |line: &&str| {
            ["- Noise", "- The kept", "These are", "4. **Confirm"]
                .iter()
                .any(|w| line.starts_with(w))
        };
        text.lines().filter(is_told).collect::<Vec<_>>().join("\n")
    };
    assert_snapshot!(told(Some(Noise::Seen(outlook))), @"
    - The kept changes together: better by 0.041 after correcting for luck, 0.3 of 5 expected not to help
    - Noise: one run varies by 0.0031 (6 degrees of freedom); a gain of 0.0094 shows in one run, 0.0054 in four
    These are measurements, the mean where a change ran more than once. A change ran again while the evidence was open, and was kept once it was strong enough for the mode of the session; what was kept is still partly luck, and the true improvement is likely smaller than the values say.
    4. **Confirm before you believe.** Run the baseline and #18 several times with different seeds: 0.3 of 5 keeps are expected not to help, by the runs that they were kept for.
    ");
    assert_snapshot!(told(Some(Noise::Unseen)), @"
    - Noise: none was seen, so every difference counts
    These are measurements, one run each unless a reason says otherwise: runs of the same code gave the same value whenever that was tried, so that every difference is what the change does here. On other data or another machine it may do something else.
    ");
    assert_snapshot!(told(Some(Noise::Ignored)), @"
    - Noise: it is not reckoned with; any gain in one run is kept
    These are measurements, one run each unless a reason says otherwise. A change was kept because its measurement was good, and a good measurement is partly luck: where runs vary, the true improvement is likely smaller, and some kept changes may do nothing.
    4. **Confirm before you believe.** Run the baseline and #18 several times with different seeds: each of the 5 keeps was decided on a single comparison, and whether the gain is larger than the noise is not known.
    ");
}
