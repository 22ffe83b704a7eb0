//! What a run could do here: attacked, and told in plain words.

use std::fmt::Write as _;

use autoresearch::config::Confine;
use autoresearch::core::trial::Protection;
use autoresearch::run::attack::{self, Aim, Fate, Finding};
use autoresearch::run::protection::{Offer, offered};
use autoresearch::run::{Local, Program};
use serde_json::json;

use super::Check;
use crate::args::{DoctorArgs, Global};
use crate::output;

/// In the order in which people ask; what holds, what does not, and what holds
/// only afterwards.
const AIMS: [(Aim, &str, &str); 7] = [
    (Aim::Evaluation, "protected files stay as they are", "change protected files"),
    (Aim::Files, "your files and held-out data cannot be read", "read your files or held-out data"),
    (Aim::Writes, "nothing is written outside the worktree", "write outside its worktree"),
    (Aim::Processes, "other processes are out of reach, and none is left", "reach other processes"),
    (Aim::Network, "no port or socket is reached", "reach this machine's network and sockets"),
    (Aim::Rights, "no rights are gained", "have or gain rights"),
    (Aim::Limits, "limits hold", "exceed limits"),
];

pub(super) fn all(
    global: &Global,
    args: &DoctorArgs,
    confine: Confine,
    tell: &mut dyn FnMut(&Check) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let program = Program::this()?;
    let local = Local::this_program()?;
    // Sockets have short names only.
    let scratch = std::env::temp_dir().join(format!("autoresearch-doctor-{}", std::process::id()));
    std::fs::create_dir(&scratch)?;
    let scratch = Scratch(scratch);
    let offer = offered(&local, &scratch.0);
    let works = |how: &str| format!("works: {how}");
    let sandboxed = offer.sandboxed.clone().map(|()| works("namespaces, Landlock and seccomp"));
    tell(&Check::optional("sandboxed", sandboxed))?;
    let restricted = offer.restricted.clone().map(|()| works("Landlock and seccomp"));
    tell(&Check::optional("restricted", restricted))?;
    let level = match confine {
        Confine::Best => offer.best(),
        Confine::Sandboxed => Protection::Sandboxed,
        Confine::Restricted => Protection::Restricted,
        Confine::Unprotected => Protection::Unprotected,
    };
    if let Err(why) = offer.has(level) {
        let text = format!("run.protection is `{level}`, which does not work here: {why}");
        tell(&Check::needed("protection", Err(text)))?;
    }
    let levels = [Protection::Sandboxed, Protection::Restricted, Protection::Unprotected];
    for tried in levels {
        if offer.has(tried).is_err() || (tried != level && !args.all) {
            continue;
        }
        let findings = attack::try_all(&local, &program, tried, &scratch.0)?;
        let outcome = verdict(tried, &findings, &offer);
        let check = if tried == Protection::Sandboxed && is_tight(&findings) {
            Ok(outcome)
        } else {
            Err(outcome)
        };
        if global.json {
            for finding in &findings {
                output::json(&json!({
                    "check": "attack",
                    "protection": tried,
                    "attempt": finding.attempt,
                    "fate": finding.fate,
                    "text": format!("{}: {}", finding.attempt, finding.fate),
                }))?;
            }
        } else {
            output::line(&format!("\nattacks on a run that is {tried}"))?;
            for finding in &findings {
                let (fate, why) = match &finding.fate {
                    Fate::Untried(why) => ("not tried".to_owned(), format!(" ({why})")),
                    fate => (fate.to_string(), String::new()),
                };
                output::line(&format!("  {fate:12} {}{why}", finding.attempt))?;
            }
            output::line("")?;
        }
        tell(&Check::optional("protection", check))?;
    }
    Ok(())
}

/// A folder that goes away with its value.
struct Scratch(std::path::PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed harms nobody.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn is_tight(findings: &[Finding]) -> bool {
    findings.iter().all(|finding| finding.fate == Fate::Stopped)
}

/// What is protected, what is not, and what to do for more.
fn verdict(level: Protection, findings: &[Finding], offer: &Offer) -> String {
    let (mut holds, mut fails) = (Vec::new(), Vec::new());
    for (aim, good, bad) in AIMS {
        let of_aim = || findings.iter().filter(|finding| finding.attempt.aim() == aim);
        let loose: Vec<&Finding> = of_aim().filter(|f| f.fate == Fate::NotStopped).collect();
        if loose.is_empty() {
            let is_late = of_aim().any(|finding| finding.fate == Fate::Detected);
            let late = "changes of protected files are noticed, and the run does not count";
            holds.push(if is_late { late.to_owned() } else { good.to_owned() });
        } else {
            let all = loose.len() == of_aim().count();
            let which: Vec<String> = loose.iter().map(|f| f.attempt.to_string()).collect();
            let which = if all { String::new() } else { format!(" ({})", which.join(", ")) };
            fails.push(format!("{bad}{which}"));
        }
    }
    let mut text = format!(
        "{level}: {}.",
        if holds.is_empty() { "nothing is protected".to_owned() } else { holds.join("; ") }
    );
    if !fails.is_empty() {
        text.push_str(" A run can ");
        text.push_str(&fails.join("; "));
        text.push('.');
    }
    let untried = findings.iter().filter(|f| matches!(f.fate, Fate::Untried(_))).count();
    if untried > 0 {
        let _ = write!(text, " {untried} of {} could not be tried.", findings.len());
    }
    if level < Protection::Sandboxed
        && let Err(why) = &offer.sandboxed
    {
        let _ = write!(text, " For more: {why}.");
    } else if level < Protection::Sandboxed {
        text.push_str(" For more: set run.protection to `sandboxed` or `best`.");
    } else {
        text.push_str(
            " A script that imports its evaluator can still fool it from within: measure with metric.command where that matters.",
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use autoresearch::run::attack::Attempt;

    use super::*;

    fn findings(fate: impl Fn(Attempt) -> Fate) -> Vec<Finding> {
        Attempt::ALL.into_iter().map(|attempt| Finding { attempt, fate: fate(attempt) }).collect()
    }

    fn offer(sandboxed: Result<(), String>) -> Offer {
        Offer { sandboxed, restricted: Ok(()) }
    }

    #[test]
    fn a_tight_sandbox_is_told_with_what_it_cannot_do() {
        let text = verdict(Protection::Sandboxed, &findings(|_| Fate::Stopped), &offer(Ok(())));
        assert!(text.starts_with("sandboxed: protected files stay as they are; your files"));
        assert!(!text.contains("A run can"), "{text}");
        assert!(text.ends_with("measure with metric.command where that matters."), "{text}");
    }

    #[test]
    fn what_is_open_is_named_with_the_remedy() {
        let fate = |attempt: Attempt| match attempt.aim() {
            Aim::Evaluation => Fate::Detected,
            Aim::Network => Fate::NotStopped,
            _ if attempt == Attempt::Keyring => Fate::NotStopped,
            _ if attempt == Attempt::Disk => Fate::Untried("no".to_owned()),
            _ => Fate::Stopped,
        };
        let why = "bwrap is not installed; install bubblewrap".to_owned();
        let text = verdict(Protection::Restricted, &findings(fate), &offer(Err(why)));
        for part in [
            "changes of protected files are noticed",
            "A run can reach this machine's network and sockets; have or gain rights (leave a key in the kernel's keyring).",
            "1 of 29 could not be tried.",
            "For more: bwrap is not installed; install bubblewrap.",
        ] {
            assert!(text.contains(part), "no `{part}` in {text}");
        }
    }
}
