//! `autoresearch doctor`: what this machine and this repository offer, and
//! what a run could do here, found out by trying.

mod checks;
mod protection;

use serde::Serialize;

use crate::args::{DoctorArgs, Global};
use crate::exit::Exit;
use crate::output;

/// How well something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    /// As it should be.
    Ok,
    /// Not there, or not as good as it could be; a session does without.
    Lacking,
    /// A session cannot do without.
    Needed,
}

/// One line of the answer.
#[derive(Clone, Debug, Serialize)]
struct Check {
    #[serde(rename = "check")]
    name: &'static str,
    state: State,
    text: String,
}

impl Check {
    fn ok(name: &'static str, text: impl Into<String>) -> Check {
        Check { name, state: State::Ok, text: text.into() }
    }

    /// What a session does without.
    fn optional(name: &'static str, outcome: Result<String, String>) -> Check {
        match outcome {
            Ok(text) => Check::ok(name, text),
            Err(text) => Check { name, state: State::Lacking, text },
        }
    }

    /// What a session needs.
    fn needed(name: &'static str, outcome: Result<String, String>) -> Check {
        match outcome {
            Ok(text) => Check::ok(name, text),
            Err(text) => Check { name, state: State::Needed, text },
        }
    }
}

pub(crate) fn run(global: &Global, args: &DoctorArgs) -> anyhow::Result<Exit> {
    let mut is_fit = true;
    let mut tell = |check: &Check| -> anyhow::Result<()> {
        is_fit &= check.state != State::Needed;
        if global.json {
            return output::json(check);
        }
        let mark = match check.state {
            State::Ok => "ok",
            State::Lacking => "--",
            State::Needed => "!!",
        };
        output::line(&format!("{mark}  {:13}  {}", check.name, check.text))
    };
    let surroundings = checks::all(&global.directory, args, &mut tell)?;
    protection::all(global, args, surroundings.confine, &mut tell)?;
    Ok(if is_fit { Exit::Success } else { Exit::Failure })
}
