//! Attacks on this very machine, here and now: what a trial could do to the
//! evaluation, the session and the user, tried by our own program as a
//! confined job, and judged from outside by what they left, not by what the
//! attacker believes. `doctor` runs them, and so do tests.
//!
//! The attempts lie in `attacker`, canaries and judgement in `range`.

mod attacker;
mod range;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use attacker::attack;
pub use range::try_all;

/// Where the attacker reads what to try.
pub(crate) const ORDER: &str = "AUTORESEARCH_ATTACK";

/// One thing that a trial could try.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Attempt {
    /// Writes into the evaluator.
    WriteEvaluator,
    /// Empties it.
    TruncateEvaluator,
    /// Removes it.
    RemoveEvaluator,
    /// Renames another file over it.
    RenameOverEvaluator,
    /// Links it under another name and writes there.
    LinkEvaluator,
    /// Changes its mode.
    ChmodEvaluator,
    /// Moves its folder away and builds another.
    ReplaceFolder,
    /// Changes it and puts it back.
    WriteAndRestore,
    /// Mounts something over it.
    MountOver,
    /// Reads held-out data by the path of the checkout.
    ReadHeldOut,
    /// Reads a file of the user's.
    ReadSecret,
    /// Reads a file that its parent had open.
    ReadInherited,
    /// Reads the environment of a process like the engine.
    ReadEnvironment,
    /// Reads its memory.
    ReadMemory,
    /// Takes it over as a debugger would.
    Trace,
    /// Kills it.
    Kill,
    /// Writes a file beside the worktree.
    WriteOutside,
    /// Connects to TCP on this machine.
    ConnectTcp,
    /// Sends a datagram on this machine.
    SendUdp,
    /// Connects to a UNIX socket in the file system.
    ConnectUnix,
    /// Connects to an abstract UNIX socket.
    ConnectAbstract,
    /// Makes a user namespace of its own.
    Unshare,
    /// Has, or can get, another user's rights.
    GainRights,
    /// Leaves something in the kernel's keyring.
    Keyring,
    /// Leaves a process behind.
    Daemon,
    /// Starts more processes than it may.
    Forks,
    /// Takes more memory than it may.
    Memory,
    /// Fills more of the disk than it may.
    Disk,
    /// Prints more than it may.
    Output,
}

impl Attempt {
    /// All of them.
    pub const ALL: [Attempt; 29] = [
        Attempt::WriteEvaluator,
        Attempt::TruncateEvaluator,
        Attempt::RemoveEvaluator,
        Attempt::RenameOverEvaluator,
        Attempt::LinkEvaluator,
        Attempt::ChmodEvaluator,
        Attempt::ReplaceFolder,
        Attempt::WriteAndRestore,
        Attempt::MountOver,
        Attempt::ReadHeldOut,
        Attempt::ReadSecret,
        Attempt::ReadInherited,
        Attempt::ReadEnvironment,
        Attempt::ReadMemory,
        Attempt::Trace,
        Attempt::Kill,
        Attempt::WriteOutside,
        Attempt::ConnectTcp,
        Attempt::SendUdp,
        Attempt::ConnectUnix,
        Attempt::ConnectAbstract,
        Attempt::Unshare,
        Attempt::GainRights,
        Attempt::Keyring,
        Attempt::Daemon,
        Attempt::Forks,
        Attempt::Memory,
        Attempt::Disk,
        Attempt::Output,
    ];

    /// What it is about.
    pub fn aim(self) -> Aim {
        use Attempt as A;
        match self {
            A::WriteEvaluator
            | A::TruncateEvaluator
            | A::RemoveEvaluator
            | A::RenameOverEvaluator
            | A::LinkEvaluator
            | A::ChmodEvaluator
            | A::ReplaceFolder
            | A::WriteAndRestore
            | A::MountOver => Aim::Evaluation,
            A::ReadHeldOut | A::ReadSecret | A::ReadInherited => Aim::Files,
            A::WriteOutside => Aim::Writes,
            A::ReadEnvironment | A::ReadMemory | A::Trace | A::Kill | A::Daemon => Aim::Processes,
            A::ConnectTcp | A::SendUdp | A::ConnectUnix | A::ConnectAbstract => Aim::Network,
            A::Unshare | A::GainRights | A::Keyring => Aim::Rights,
            A::Forks | A::Memory | A::Disk | A::Output => Aim::Limits,
        }
    }
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Attempt::WriteEvaluator => "write into a protected file",
            Attempt::TruncateEvaluator => "empty a protected file",
            Attempt::RemoveEvaluator => "remove a protected file",
            Attempt::RenameOverEvaluator => "rename a file over a protected one",
            Attempt::LinkEvaluator => "write into a protected file by a hard link",
            Attempt::ChmodEvaluator => "change a protected file's mode",
            Attempt::ReplaceFolder => "replace a protected file's folder",
            Attempt::WriteAndRestore => "change a protected file and put it back",
            Attempt::MountOver => "mount over a protected file's folder",
            Attempt::ReadHeldOut => "read held-out data",
            Attempt::ReadSecret => "read a file outside the worktree",
            Attempt::ReadInherited => "read a file that the engine had open",
            Attempt::ReadEnvironment => "read the environment of an outside process",
            Attempt::ReadMemory => "read the memory of an outside process",
            Attempt::Trace => "trace an outside process",
            Attempt::Kill => "kill an outside process",
            Attempt::WriteOutside => "write a file outside the worktree",
            Attempt::ConnectTcp => "connect to a TCP port of this machine",
            Attempt::SendUdp => "send a datagram to this machine",
            Attempt::ConnectUnix => "connect to a UNIX socket",
            Attempt::ConnectAbstract => "connect to an abstract UNIX socket",
            Attempt::Unshare => "make a user namespace",
            Attempt::GainRights => "have or gain another user's rights",
            Attempt::Keyring => "leave a key in the kernel's keyring",
            Attempt::Daemon => "leave a process behind",
            Attempt::Forks => "start more processes than allowed",
            Attempt::Memory => "take more memory than allowed",
            Attempt::Disk => "fill more of the disk than allowed",
            Attempt::Output => "print more than allowed",
        })
    }
}

/// What an attempt is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Aim {
    /// Protected files, as they are when the metric is measured.
    Evaluation,
    /// Reading what is not for it.
    Files,
    /// Writing where it should not.
    Writes,
    /// Other processes, and its own after its end.
    Processes,
    /// Sockets.
    Network,
    /// Rights.
    Rights,
    /// What it may use.
    Limits,
}

/// What became of an attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// It changed, reached and learnt nothing.
    Stopped,
    /// It had its way, and was found out: such a trial is no result.
    Detected,
    /// It had its way.
    NotStopped,
    /// It could not be tried here: why.
    Untried(String),
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fate::Stopped => f.write_str("stopped"),
            Fate::Detected => f.write_str("detected"),
            Fate::NotStopped => f.write_str("NOT stopped"),
            Fate::Untried(why) => write!(f, "not tried: {why}"),
        }
    }
}

/// An attempt and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was tried.
    pub attempt: Attempt,
    /// What became of it.
    pub fate: Fate,
}
