//! Exit codes. Documented in `docs/guide.md`; a number never changes its
//! meaning.

use autoresearch::EngineError;
use autoresearch::core::session::StopReason;
use autoresearch::ledger::LockError;
use autoresearch::memory::MemoryError;

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It did what it was asked to.
    Success = 0,
    /// Something outside failed: disk, git, a damaged file.
    Failure = 1,
    /// What it was given is wrong: flags, configuration, repository.
    BadInput = 2,
    /// The user did not confirm.
    Declined = 3,
    /// The unmodified target yields no metric.
    BaselineFailed = 4,
    /// The proposer failed or was refused too often in a row.
    ProposerStuck = 5,
    /// Another engine runs this session.
    Held = 6,
    /// Ended by an interrupt.
    Interrupted = 130,
}

/// An answer of the user that ends the program.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Answer {
    /// Not confirmed.
    #[error("not confirmed; nothing was changed")]
    Declined,
    /// Ctrl-C or escape at a question.
    #[error("interrupted; nothing was changed")]
    Interrupted,
}

/// Wrong input that the command line itself found.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct BadInput {
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

impl BadInput {
    pub(crate) fn new(message: impl Into<String>, hint: impl Into<String>) -> BadInput {
        BadInput { message: message.into(), hint: Some(hint.into()) }
    }
}

impl Exit {
    /// The code of an error.
    pub(crate) fn of(error: &anyhow::Error) -> Exit {
        let is_unknown_note =
            matches!(error.downcast_ref::<MemoryError>(), Some(MemoryError::NoNote(_)));
        if error.is::<BadInput>() || is_unknown_note {
            return Exit::BadInput;
        }
        match error.downcast_ref::<Answer>() {
            Some(Answer::Declined) => return Exit::Declined,
            Some(Answer::Interrupted) => return Exit::Interrupted,
            None => {}
        }
        match error.downcast_ref::<EngineError>() {
            Some(EngineError::Lock(LockError::Held(_))) => Exit::Held,
            Some(
                EngineError::Config(_)
                | EngineError::BadFile { .. }
                | EngineError::BadPath { .. }
                | EngineError::Template(_)
                | EngineError::Unconfinable { .. }
                | EngineError::BadTag(_)
                | EngineError::TagTaken(_)
                | EngineError::BranchTaken(_)
                | EngineError::ResultsTaken(_)
                | EngineError::Rule(_)
                | EngineError::Range { .. }
                | EngineError::Wrap(_)
                | EngineError::WrapIsNoSandbox(_)
                | EngineError::Threads(_)
                | EngineError::UncountedCpu(_)
                | EngineError::NoSession { .. }
                | EngineError::NoExperiment(_)
                | EngineError::NothingToCompare(_)
                | EngineError::NoCommit(_)
                | EngineError::Table { .. },
            ) => Exit::BadInput,
            Some(EngineError::Repo(error)) if error.is_input() => Exit::BadInput,
            // A file that the user named and that is not there.
            Some(EngineError::Io { what: "read", source, .. })
                if source.kind() == std::io::ErrorKind::NotFound =>
            {
                Exit::BadInput
            }
            _ => Exit::Failure,
        }
    }

    /// The code of a session that ended by itself or on request.
    pub(crate) fn of_session(reason: &StopReason, interrupted: bool) -> Exit {
        match reason {
            _ if interrupted => Exit::Interrupted,
            StopReason::BaselineFailed(_) => Exit::BaselineFailed,
            StopReason::ProposerStuck(_) => Exit::ProposerStuck,
            StopReason::Failed(_) => Exit::Failure,
            _ => Exit::Success,
        }
    }
}
