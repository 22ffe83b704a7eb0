//! Any program that edits the desk. It gets the brief as JSON on its standard
//! input and as a page in the file that `AUTORESEARCH_BRIEF` names. Its last line
//! may be `EXHAUSTED: why`, when it has nothing left to propose.

use autoresearch_core::proposal::Proposal;

use crate::stated::Stated;
use crate::{Brief, Deaf, Desk, Errand, Input, ProposeError, Proposer};

/// A program and its arguments.
#[derive(Clone, Debug)]
pub struct Command {
    command: Vec<String>,
    /// Where the brief is written for it; outside the desk.
    scratch: std::path::PathBuf,
}

impl Command {
    /// A proposer that runs `command`; the brief goes into the folder
    /// `scratch`, which must exist.
    pub fn new(command: Vec<String>, scratch: std::path::PathBuf) -> Command {
        Command { command, scratch }
    }
}

impl Proposer for Command {
    fn name(&self) -> &'static str {
        "command"
    }

    fn propose(&mut self, brief: &Brief, desk: &mut dyn Desk) -> Result<Proposal, ProposeError> {
        let page = self.scratch.join("brief.md");
        let json = self.scratch.join("brief.json");
        let failed = |e: std::io::Error| {
            ProposeError::Failed(format!("failed to write the brief to {}: {e}", page.display()))
        };
        std::fs::write(&page, brief.to_markdown()).map_err(failed)?;
        let text = serde_json::to_vec(brief)
            .map_err(|e| ProposeError::Failed(format!("failed to write the brief: {e}")))?;
        std::fs::write(&json, text).map_err(failed)?;

        let errand = Errand {
            command: &self.command,
            input: Input::File(&json),
            environment: vec![("AUTORESEARCH_BRIEF".to_owned(), page.display().to_string())],
            hosts: &[],
            home: None,
            readable: &[],
        };
        let finished = desk.run(&errand, &mut Deaf)?;
        if !finished.success {
            let last = finished.tail.lines().rev().find(|line| !line.trim().is_empty());
            let last = last.map_or_else(String::new, |line| format!(": {}", line.trim()));
            return Err(ProposeError::Failed(format!(
                "the proposer's command: {}{last}",
                finished.how
            )));
        }
        if let Some(why) = exhausted(&finished.tail) {
            return Err(ProposeError::Exhausted(why.to_owned()));
        }
        let stated = Stated::of(&finished.tail);
        Ok(stated.proposal(brief.hypothesis.as_deref(), "an edit by the proposer's command"))
    }
}

/// What a program says that has nothing left to propose: its last line, as
/// `EXHAUSTED: every rule was tried`.
fn exhausted(output: &str) -> Option<&str> {
    let last = output.lines().rev().find(|line| !line.trim().is_empty())?;
    last.trim().strip_prefix("EXHAUSTED:").map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_line_says_that_nothing_is_left() {
        assert_eq!(exhausted("looking\nEXHAUSTED: no rule is left\n\n"), Some("no rule is left"));
        assert_eq!(exhausted("EXHAUSTED: not yet\nHYPOTHESIS: one more\n"), None);
        assert_eq!(exhausted(""), None);
    }
}
