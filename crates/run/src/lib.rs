//! Executing one trial: a command under a small supervisor process that holds
//! the deadline, keeps the output, measures what the whole process tree uses
//! and leaves nothing behind, however it ends.
//!
//! [`Executor`] is the engine's side, [`Local`] the one for this machine;
//! [`supervise`] is the body of the hidden subcommand that it starts. Between
//! the two: the [`Job`] goes in as one line of JSON, the outcome comes out as
//! another, and the supervisor's standard input stays open as a life line.
//! What the numbers mean is left to `core`, what to run to the engine.

mod conditions;
mod contained;
mod executor;
mod gate;
mod group;
mod heard;
mod job;
mod launch;
mod limits;
mod listening;
mod log;
mod oom;
mod plotting;
mod program;
mod quota;
mod reading;
mod reports;
mod sandbox;
mod supervisor;
mod sweep;
mod sys;
mod tail;
mod talk;
mod tree;
mod witness;

pub mod attack;
pub mod container;
pub mod cpus;
pub mod platform;
pub mod protection;

pub use contained::sweep_containers;
pub use executor::{Executor, Local, Running};
pub use group::{Descendants, Group};
pub use job::{Confinement, Container, Job, Limits, LogLimit, Report, RunError, Talk};
#[cfg(windows)]
pub use limits::windows::JobObject;
pub use program::{Program, adopt, arguments};
pub use reports::report_there;
pub use sandbox::confine;
pub use sandbox::environment::is_secret;
pub use supervisor::supervise;
pub use sweep::{is_running, sweep};

/// The environment variable that marks a trial's processes with its [`Job::id`].
pub const MARKER: &str = "AUTORESEARCH_TRIAL";

/// The hidden subcommand under which a program supervises.
pub const SUPERVISE: &str = "__supervise";

/// The hidden subcommand under which a program confines itself and becomes a
/// command, or the first process of a sandbox.
pub const CONFINE: &str = "__confine";

/// The hidden subcommand under which a program tries what a trial must not.
pub const ATTACK: &str = "__attack";
