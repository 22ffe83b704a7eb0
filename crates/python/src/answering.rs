//! A proposer that is a Python callable. It runs on a thread of Python's own and
//! is looked after: one that takes too long, or is still at it when the session
//! stops, is left behind.

use std::collections::BTreeMap;
use std::time::Duration;

use autoresearch::core::proposal::{Category, Edit, FileEdit, Proposal};
use autoresearch::propose::{Brief, Desk, ProposeError, Proposer};
use pyo3::prelude::*;
use serde::Deserialize;

/// Between two looks at whether it has answered, or shall not any more.
const LOOK: f64 = 0.05;

pub(crate) struct Callable {
    pub(crate) name: String,
    /// Begins a question and returns it: with `wait`, `answer` and `abandon`.
    pub(crate) ask: Py<PyAny>,
    /// Whether it works on the desk.
    pub(crate) wants_desk: bool,
}

/// What the package makes of an answer.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Proposal {
        hypothesis: Option<String>,
        category: Option<Category>,
        expected: Option<String>,
        edit: Written,
    },
    Exhausted(String),
    Failed(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Written {
    Patch(String),
    /// New texts by path; none deletes.
    Files(BTreeMap<String, Option<String>>),
    Desk,
}

impl Proposer for Callable {
    fn name(&self) -> &str {
        &self.name
    }

    fn propose(&mut self, brief: &Brief, desk: &mut dyn Desk) -> Result<Proposal, ProposeError> {
        let failed = |error: PyErr| ProposeError::Failed(error.to_string());
        // Before the desk is made ready: nobody else may be at it.
        Python::attach(|py| self.ask.call_method0(py, "free")).map_err(failed)?;
        let folder = if self.wants_desk { Some(desk.folder()?) } else { None };
        let told = serde_json::to_string(brief).map_err(|e| ProposeError::Failed(e.to_string()))?;
        let page = brief.to_markdown();
        let asked =
            Python::attach(|py| self.ask.call1(py, (told, page, folder))).map_err(failed)?;
        loop {
            let done = Python::attach(|py| asked.call_method1(py, "wait", (LOOK,))?.extract(py));
            if done.map_err(failed)? {
                break;
            }
            let why = if desk.is_stopped() {
                ProposeError::Interrupted
            } else if desk.time_left() == Duration::ZERO {
                ProposeError::Failed("it took longer than a proposal may".to_owned())
            } else {
                continue;
            };
            Python::attach(|py| asked.call_method0(py, "abandon")).map_err(failed)?;
            return Err(why);
        }
        let answer: String =
            Python::attach(|py| asked.call_method0(py, "answer")?.extract(py)).map_err(failed)?;
        let answer = serde_json::from_str(&answer)
            .map_err(|e| ProposeError::Failed(format!("its answer cannot be read: {e}")))?;
        proposal(answer, brief)
    }
}

fn proposal(answer: Answer, brief: &Brief) -> Result<Proposal, ProposeError> {
    let (hypothesis, category, expected, edit) = match answer {
        Answer::Exhausted(why) => return Err(ProposeError::Exhausted(why)),
        Answer::Failed(why) => return Err(ProposeError::Failed(why)),
        Answer::Proposal { hypothesis, category, expected, edit } => {
            (hypothesis, category, expected, edit)
        }
    };
    let hypothesis = hypothesis
        .or_else(|| brief.hypothesis.clone())
        .unwrap_or_else(|| "an edit by the proposer".to_owned());
    let category = category.unwrap_or_else(|| Category::of(&hypothesis));
    let edit = match edit {
        Written::Desk => Edit::Desk,
        Written::Patch(patch) => Edit::Patch(patch),
        Written::Files(files) => Edit::Files(
            files
                .into_iter()
                .map(|(path, text)| FileEdit { path, content: text.map(String::into_bytes) })
                .collect(),
        ),
    };
    Ok(Proposal { hypothesis, category, edit, settings: None, expected })
}
