//! The attacks that `doctor` makes: what each level of protection stops.

use autoresearch_core::trial::Protection;
use autoresearch_run::attack::{Aim, Attempt, Fate, Finding, try_all};
use autoresearch_run::{Local, Program, protection};

#[expect(clippy::print_stdout, reason = "a test says what it skips")]
fn findings(level: Protection) -> Option<Vec<Finding>> {
    let program = Program::at(env!("CARGO_BIN_EXE_supervisor-for-tests"));
    let local = Local::new(&program.path, ["supervise"]);
    let scratch = tempfile::tempdir().unwrap();
    if let Err(why) = protection::offered(&local, scratch.path()).has(level) {
        println!("skipped: not {level} here: {why}");
        return None;
    }
    Some(try_all(&local, &program, level, scratch.path()).unwrap())
}

fn fate(findings: &[Finding], attempt: Attempt) -> &Fate {
    let found = findings.iter().find(|finding| finding.attempt == attempt);
    &found.unwrap().fate
}

/// Attempts with certain aims that were not stopped.
fn loose(findings: &[Finding], aims: impl Fn(Aim) -> bool) -> Vec<String> {
    findings
        .iter()
        .filter(|finding| finding.fate != Fate::Stopped && aims(finding.attempt.aim()))
        .map(|finding| format!("{}: {}", finding.attempt, finding.fate))
        .collect()
}

/// What the attacks can do is found out: a suite that sees nothing would find
/// every machine safe.
#[test]
fn without_protection_attacks_have_their_way_and_are_seen_to() {
    let found = findings(Protection::Unprotected).unwrap();
    assert_eq!(found.len(), Attempt::ALL.len());
    for attempt in [
        Attempt::ReadHeldOut,
        Attempt::ReadSecret,
        Attempt::ReadEnvironment,
        Attempt::Kill,
        Attempt::WriteOutside,
        Attempt::ConnectTcp,
        Attempt::SendUdp,
        Attempt::ConnectUnix,
        Attempt::ConnectAbstract,
        Attempt::GainRights,
    ] {
        assert_eq!(*fate(&found, attempt), Fate::NotStopped, "{attempt}");
    }
    for attempt in [
        Attempt::WriteEvaluator,
        Attempt::TruncateEvaluator,
        Attempt::RemoveEvaluator,
        Attempt::RenameOverEvaluator,
        Attempt::LinkEvaluator,
        Attempt::ReplaceFolder,
    ] {
        assert_eq!(*fate(&found, attempt), Fate::Detected, "{attempt}");
    }
    for attempt in [Attempt::ChmodEvaluator, Attempt::WriteAndRestore] {
        assert_ne!(*fate(&found, attempt), Fate::Stopped, "{attempt}");
    }
    // The supervisor's part, at every level.
    for attempt in [Attempt::Daemon, Attempt::ReadInherited] {
        assert_eq!(*fate(&found, attempt), Fate::Stopped, "{attempt}");
    }
}

#[test]
fn a_sandbox_stops_every_attack() {
    let Some(found) = findings(Protection::Sandboxed) else { return };
    assert_eq!(loose(&found, |_| true), Vec::<String>::new());
}

#[test]
fn limits_hold_at_every_level() {
    for level in [Protection::Unprotected, Protection::Restricted, Protection::Sandboxed] {
        let Some(found) = findings(level) else { continue };
        assert_eq!(loose(&found, |aim| aim == Aim::Limits), Vec::<String>::new(), "{level}");
    }
}

#[test]
fn restricted_nothing_is_written_or_reached_outside() {
    let Some(found) = findings(Protection::Restricted) else { return };
    for finding in &found {
        // No filter of system calls sees whose socket a path leads to.
        let is_path = finding.attempt == Attempt::ConnectUnix;
        if matches!(finding.attempt.aim(), Aim::Writes | Aim::Network) && !is_path {
            assert_eq!(finding.fate, Fate::Stopped, "{}", finding.attempt);
        }
        let is_evaluator = finding.attempt.aim() == Aim::Evaluation;
        assert!(!is_evaluator || finding.fate != Fate::NotStopped, "{}", finding.attempt);
    }
}
