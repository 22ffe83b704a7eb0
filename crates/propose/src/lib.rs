//! Who proposes. A proposer is told everything in a [`Brief`] and answers with
//! a proposal; whether it is sound, new and better is for others to decide.

mod acp;
pub mod agent;
mod brief;
mod command;
pub mod knobs;
pub mod relief;
pub mod rewrites;
mod search;
mod stated;

use std::path::{Path, PathBuf};
use std::time::Duration;

use autoresearch_core::proposal::{FileEdit, Proposal};
use autoresearch_core::spent::Spent;

pub use brief::{
    Brief, Digest, Failing, Group, Ledger, Mark, PAGE, Part, Past, Protected, Tally, TemplateError,
    Templates, Text,
};
pub use brief::{Recalled, Remembered, subject};
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
    /// It cannot be reached now, or only by waiting: asked again later it may
    /// succeed.
    #[error("{reason}")]
    Unavailable {
        /// What it said.
        reason: String,
        /// How long it asked to be left alone.
        retry_after: Option<Duration>,
    },
    /// It can never succeed as things are: it is not installed, nobody is logged
    /// in, its key is wrong. Says the remedy.
    #[error("{0}")]
    Unusable(String),
    /// What one proposal may cost is used up.
    #[error("{0}")]
    OverBudget(String),
    /// The session was told to stop meanwhile.
    #[error("interrupted")]
    Interrupted,
}

/// Writes proposals. Whatever it remembers between calls must follow from the
/// brief, since a resumed session starts with a new one.
pub trait Proposer: Send {
    /// Its name in the ledger.
    fn name(&self) -> &str;

    /// How many proposals it had best write while a run goes on, each without
    /// knowing what came of those before it; 0 for one that takes no time.
    fn lookahead(&self) -> usize {
        0
    }

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
    /// When it cannot be run at all, was interrupted, or spent too much.
    fn run(
        &mut self,
        errand: &Errand<'_>,
        listener: &mut dyn Listener,
    ) -> Result<Finished, ProposeError>;

    /// The experiment that tried this program before, if one did.
    fn tried(&self, edits: &[FileEdit]) -> Option<u64>;

    /// Books what was spent just now; for a proposer that runs no program. Time
    /// is booked by the desk itself.
    ///
    /// # Errors
    /// [`ProposeError::OverBudget`] when no more may be spent on this proposal.
    fn spend(&mut self, spent: Spent) -> Result<(), ProposeError>;

    /// Whether the session was told to stop; for a proposer that runs no
    /// program, to be asked several times a second.
    fn is_stopped(&self) -> bool;

    /// How long the proposal may still take; for a proposer that runs no
    /// program.
    fn time_left(&self) -> Duration;

    /// Says what is being done, in a few words, for whoever watches.
    fn say(&mut self, doing: &str);
}

/// A program to be run on the desk.
#[derive(Clone, Debug)]
pub struct Errand<'a> {
    /// The program and its arguments.
    pub command: &'a [String],
    /// What it reads from its standard input.
    pub input: Input<'a>,
    /// Variables set for it.
    pub environment: Vec<(String, String)>,
    /// Hosts that it may reach, as `api.example.com:443`; all of them where the
    /// user gave proposers the network, none where this is empty.
    pub hosts: &'a [String],
    /// Its home folder, which it may write and finds again next time; a fresh
    /// one that is thrown away where this is `None`.
    pub home: Option<&'a Path>,
    /// Files and folders that it may read besides.
    pub readable: &'a [PathBuf],
}

/// What a program on the desk reads from its standard input.
#[derive(Clone, Debug)]
pub enum Input<'a> {
    /// Nothing.
    Nothing,
    /// A file.
    File(&'a Path),
    /// These lines, and then what its [`Listener`] answers, until that is done.
    Lines(Vec<String>),
}

/// Hears what a program on the desk prints, line by line as it comes.
pub trait Listener {
    /// A line of its standard output, without its end.
    fn hear(&mut self, line: &str) -> Heard;

    /// What to say to a program that has to end now, before it is ended: it has
    /// a moment to come to be done. Nothing unless its protocol has words for it.
    fn farewell(&mut self) -> Vec<String> {
        Vec::new()
    }
}

/// What follows from a line.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Heard {
    /// What was spent since the line before.
    pub spent: Spent,
    /// What the program does now, in a few words.
    pub doing: Option<String>,
    /// Lines for its standard input, where that is [`Input::Lines`].
    pub answer: Vec<String>,
    /// Whether there is no more to say: its standard input is closed, and it is
    /// ended if it does not end by itself.
    pub done: bool,
}

/// Hears nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Deaf;

impl Listener for Deaf {
    fn hear(&mut self, _line: &str) -> Heard {
        Heard::default()
    }
}

/// How a program on the desk ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// Whether it ended by itself with status 0, or its [`Listener`] was done.
    pub success: bool,
    /// How it ended, in words.
    pub how: String,
    /// The end of its standard output, and after it that of its standard error.
    pub tail: String,
}
