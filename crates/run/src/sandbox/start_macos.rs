//! macOS: a command under `sandbox-exec`. Elsewhere but on Linux nothing can be
//! confined at all.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::fd::{AsFd, BorrowedFd};
use std::process::Command;

use autoresearch_core::trial::Protection;

use super::plan::Said;
use super::room::{Private, adjust};
use super::seatbelt::profile;
use super::view::View;
use crate::gate::keeper::Keeper;
use crate::protection::PROBE;
use crate::{CONFINE, Job, RunError};

const SANDBOX_EXEC: &str = "/usr/bin/sandbox-exec";

/// A confined command, about to start.
pub(crate) struct Confined {
    /// Whose standard files are still to be set.
    pub(crate) command: Command,
    pub(crate) control: Control,
    pub(crate) view: View,
    /// Removed with it.
    _private: Option<Private>,
}

impl Confined {
    /// Prepares a job's command, with the environment that it would have.
    ///
    /// # Errors
    /// When it cannot be confined as demanded, or what is needed cannot be made.
    pub(crate) fn prepare(
        job: &Job,
        mut environment: BTreeMap<OsString, OsString>,
    ) -> Result<Confined, RunError> {
        let wish = &job.confinement;
        let refused =
            |why: &str| Err(RunError::Confine { protection: wish.protection, why: why.to_owned() });
        if cfg!(not(target_os = "macos")) {
            return refused("nothing that confines a command is known for this system; use Linux");
        }
        if wish.protection == Protection::Sandboxed {
            return refused("macOS has no namespaces; the most that it offers is `restricted`");
        }
        let private =
            wish.private.as_deref().map(|path| Private::create(path, false)).transpose()?;
        let folder = private.as_ref().map(|private| private.0.as_path());
        let mut view = View::of(job, &environment);
        adjust(&mut environment, job, &view, folder);
        let own = std::env::current_exe().and_then(|own| own.canonicalize()).ok();
        let probe = own.filter(|_| job.command.first().is_some_and(|program| program == PROBE));
        view.readable.extend(probe.clone());
        let mut command = Command::new(SANDBOX_EXEC);
        command.arg("-p").arg(profile(&view, folder, wish.network));
        match probe {
            Some(own) => command.arg(own).arg(CONFINE),
            None => command.args(&job.command),
        };
        command.current_dir(&job.directory).env_clear().envs(environment);
        Ok(Confined { command, control: Control, view, _private: private })
    }

    /// There is nothing to close.
    pub(crate) fn let_go(&mut self) {}

    /// Nor is there a gate: single hosts cannot be let through here.
    #[expect(clippy::unnecessary_wraps, clippy::unused_self, reason = "as on Linux")]
    pub(crate) fn keep_gate(&mut self) -> Result<Option<Keeper>, RunError> {
        Ok(None)
    }
}

/// Nobody stands between us and the command: there is nothing to hear or say.
pub(crate) struct Control;

impl AsFd for Control {
    fn as_fd(&self) -> BorrowedFd<'_> {
        rustix::stdio::stdin()
    }
}

impl Control {
    pub(crate) fn is_sandbox(&self) -> bool {
        false
    }

    pub(crate) fn send_term(&mut self) {}

    pub(crate) fn hear(&mut self) -> (Vec<Said>, bool) {
        // It runs as soon as it is there.
        (vec![Said::Started], false)
    }
}
