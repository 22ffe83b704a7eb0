//! Who proposes. A proposer is told everything in a [`Brief`] and answers with
//! a proposal; whether it is sound, new and better is for others to decide.

mod brief;
mod command;
pub mod knobs;
pub mod relief;
pub mod rewrites;
mod search;

use std::path::{Path, PathBuf};

use autoresearch_core::proposal::{FileEdit, Proposal};

pub use brief::{Brief, Mark, Past, Text};
pub use command::Command;
pub use search::Search;

/// Why there is no proposal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProposeError {
    /// It tried and failed; asked again it may succeed.
    #[error("{0}")]
    Failed(String),
    /// It has nothing left to propose.
    #[error("{0}")]
    Exhausted(String),
    /// It cannot turn this queued sentence into an edit.
    #[error("{0}")]
    CannotAnswer(String),
    /// The session was told to stop meanwhile.
    #[error("interrupted")]
    Interrupted,
}

/// Writes proposals. Whatever it remembers between calls must follow from the
/// brief, since a resumed session starts with a new one.
pub trait Proposer: Send {
    /// Its name in the ledger.
    fn name(&self) -> &str;

    /// One proposal for this brief.
    ///
    /// # Errors
    /// [`ProposeError`] says whether to ask again.
    fn propose(&mut self, brief: &Brief, desk: &mut dyn Desk) -> Result<Proposal, ProposeError>;
}

/// The place where a proposer works.
pub trait Desk {
    /// A folder with the incumbent checked out, for editing.
    ///
    /// # Errors
    /// When the folder cannot be made.
    fn folder(&mut self) -> Result<PathBuf, ProposeError>;

    /// Runs a program in the folder, supervised and with a time limit.
    ///
    /// # Errors
    /// When it cannot be run at all.
    fn run(&mut self, errand: &Errand<'_>) -> Result<Finished, ProposeError>;

    /// The experiment that tried this program before, if one did.
    fn tried(&self, edits: &[FileEdit]) -> Option<u64>;
}

/// A program to be run on the desk.
#[derive(Clone, Debug)]
pub struct Errand<'a> {
    /// The program and its arguments.
    pub command: &'a [String],
    /// What it reads from its standard input, as a file.
    pub stdin: &'a Path,
    /// Variables set for it.
    pub environment: Vec<(String, String)>,
}

/// How a program on the desk ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// Whether it ended by itself with status 0.
    pub success: bool,
    /// How it ended, in words.
    pub how: String,
    /// The end of its output.
    pub tail: String,
}
