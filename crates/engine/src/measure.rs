//! From how a run ended to what it says: the metric, or the kind of crash.

use std::ops::RangeInclusive;

use autoresearch_config::OnBudget;
use autoresearch_core::trial::{Crash, CrashKind, Exit, Trial};
use autoresearch_run::Report;

/// Exit codes of a command that has only to succeed.
pub(crate) const SUCCESS: RangeInclusive<i32> = 0..=0;

/// The trial that a finished run makes; `codes` are those with which it has done
/// its work.
pub(crate) fn trial_of(
    report: &Report,
    seed: u64,
    name: &str,
    codes: &RangeInclusive<i32>,
    on_budget: OnBudget,
) -> Trial {
    let mut trial = Trial {
        usage: report.usage,
        secondary: report.readings.secondary.clone(),
        remark: report.readings.remark.clone(),
        conditions: report.conditions.clone(),
        protection: Some(report.protection),
        ..Trial::ended(seed, report.exit.clone())
    };
    if trial.is_interrupted() {
        return trial;
    }
    match crash_of(report, codes, on_budget) {
        Some(crash) => trial.crash = Some(crash),
        None => match report.readings.metric {
            Some(metric) => trial.metric = Some(metric),
            None => trial.crash = Some(unmeasured(report, name)),
        },
    }
    trial
}

/// How the process failed, if it did.
pub(crate) fn crash_of(
    report: &Report,
    codes: &RangeInclusive<i32>,
    on_budget: OnBudget,
) -> Option<Crash> {
    let failed = |kind, reason: String| Some(Crash { kind, reason });
    match &report.exit {
        Exit::Code(code) if codes.contains(code) => None,
        Exit::Deadline if on_budget == OnBudget::Last && report.readings.metric.is_some() => None,
        Exit::Deadline => {
            let hint = "raise `budget`, or `run.allowance` if the script times itself";
            failed(CrashKind::Timeout, format!("still running at its deadline; {hint}"))
        }
        // It did all that it was to do.
        Exit::Budget(_) if on_budget == OnBudget::Last => None,
        exit @ Exit::Budget(_) => failed(CrashKind::Timeout, exit.to_string()),
        Exit::Limit(which) if report.out_of_memory.is_none() => {
            failed(CrashKind::Limit, which.clone())
        }
        exit => match &report.out_of_memory {
            Some(sign) => failed(CrashKind::Oom, sign.clone()),
            None => failed(CrashKind::Exit, last_words(report, exit)),
        },
    }
}

fn unmeasured(report: &Report, name: &str) -> Crash {
    if report.readings.saw_non_finite {
        Crash { kind: CrashKind::NotFinite, reason: format!("`{name}` was never finite") }
    } else if let Some(trouble) = &report.readings.trouble {
        // As `No module named pytest`, which is why there is no report.
        let reason = match &report.exit {
            Exit::Code(0) => trouble.clone(),
            exit => format!("{}; {trouble}", last_words(report, exit)),
        };
        Crash { kind: CrashKind::NoMetric, reason }
    } else if let Some(sign) = &report.out_of_memory {
        // A worker was killed and the script went on as if nothing were.
        Crash { kind: CrashKind::Oom, reason: sign.clone() }
    } else {
        Crash { kind: CrashKind::NoMetric, reason: format!("`{name}` was not reported") }
    }
}

/// How it ended, with the last line that it printed: a traceback's last line
/// names the error.
fn last_words(report: &Report, exit: &Exit) -> String {
    let last = report.tail.lines().rev().map(str::trim).find(|line| !line.is_empty());
    let mut words = match last {
        Some(line) => format!("{exit}: {}", line.chars().take(200).collect::<String>()),
        None => exit.to_string(),
    };
    if let Some(hint) = &report.hint {
        words = format!("{words} ({hint})");
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use autoresearch_core::metric::Readings;
    use autoresearch_core::trial::{Protection, Usage};

    fn report(exit: Exit, metric: Option<f64>) -> Report {
        Report {
            exit,
            conditions: None,
            usage: Usage::default(),
            readings: Readings { metric, ..Readings::default() },
            curve: autoresearch_core::curve::Curve::default(),
            output_bytes: 0,
            strays: 0,
            tail: "Traceback:\n  File x\nKeyError: 'lr'\n\n".to_owned(),
            out_of_memory: None,
            protection: Protection::Unprotected,
            tampered: None,
            hint: None,
        }
    }

    fn crash(report: &Report) -> Option<CrashKind> {
        trial_of(report, 0, "loss", &SUCCESS, OnBudget::Last).crash.map(|crash| crash.kind)
    }

    /// SPEC E7: every failure has its kind.
    #[test]
    fn every_end_has_its_kind_of_crash() {
        assert_eq!(crash(&report(Exit::Code(0), Some(1.0))), None);
        assert_eq!(crash(&report(Exit::Code(0), None)), Some(CrashKind::NoMetric));
        assert_eq!(crash(&report(Exit::Code(1), Some(1.0))), Some(CrashKind::Exit));
        assert_eq!(crash(&report(Exit::Signal(11), None)), Some(CrashKind::Exit));
        assert_eq!(crash(&report(Exit::Deadline, None)), Some(CrashKind::Timeout));
        assert_eq!(crash(&report(Exit::Deadline, Some(1.0))), None);
        let steps = || Exit::Budget("1000 steps".to_owned());
        assert_eq!(crash(&report(steps(), None)), Some(CrashKind::NoMetric));
        assert_eq!(crash(&report(steps(), Some(1.0))), None);
        assert_eq!(crash(&report(Exit::Interrupted, Some(1.0))), None);
        let mut bad = report(Exit::Code(0), None);
        bad.readings.saw_non_finite = true;
        assert_eq!(crash(&bad), Some(CrashKind::NotFinite));
        let mut killed = report(Exit::Signal(9), None);
        killed.out_of_memory = Some("CUDA out of memory".to_owned());
        assert_eq!(crash(&killed), Some(CrashKind::Oom));
    }

    #[test]
    fn a_tool_that_found_something_has_done_its_work() {
        let found = report(Exit::Code(1), Some(3.0));
        assert_eq!(trial_of(&found, 0, "errors", &(0..=1), OnBudget::Last).metric, Some(3.0));
        let mut broken = report(Exit::Code(1), None);
        broken.readings.trouble = Some("no report".to_owned());
        let crash = trial_of(&broken, 0, "errors", &(0..=1), OnBudget::Last).crash.unwrap();
        assert_eq!(
            (crash.kind, crash.reason.as_str()),
            (CrashKind::NoMetric, "exit 1: KeyError: 'lr'; no report")
        );
    }

    #[test]
    fn a_deadline_is_a_crash_where_the_user_says_so() {
        let trial =
            trial_of(&report(Exit::Deadline, Some(1.0)), 0, "loss", &SUCCESS, OnBudget::Crash);
        assert_eq!(trial.crash.unwrap().kind, CrashKind::Timeout);
    }

    #[test]
    fn the_last_line_of_a_traceback_is_the_reason() {
        let trial = trial_of(&report(Exit::Code(1), None), 0, "loss", &SUCCESS, OnBudget::Last);
        assert_eq!(trial.crash.unwrap().reason, "exit 1: KeyError: 'lr'");
    }
}
