//! A command beside this process, as a server that is measured, which is ended
//! with all that it started.

use std::io;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, getpid, kill_process_group, waitid};

use crate::{sys, tree};

/// Between two looks.
const TICK: Duration = Duration::from_millis(10);

/// A command in a session and a process group of its own. Dropping it ends it
/// without grace.
#[derive(Debug)]
pub struct Group {
    child: Child,
    is_reaped: bool,
}

impl Group {
    /// Starts `command`, away from the terminal and its signals. It dies with the
    /// thread that calls this, and so the first one should.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(command: &mut Command) -> io::Result<Group> {
        sys::adopt_orphans();
        sys::set_apart(command);
        Ok(Group { child: command.spawn()?, is_reaped: false })
    }

    /// How its first process ended, as `exit 1` or `signal 9`; `None` while that runs.
    pub fn ended(&self) -> Option<String> {
        // The zombie stays, and keeps the group's number from being given anew.
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        let status = waitid(WaitId::Pid(self.pid()?), options).ok()??;
        Some(match (status.exit_status(), status.terminating_signal()) {
            (Some(code), _) => format!("exit {code}"),
            (None, Some(signal)) => format!("signal {signal}"),
            (None, None) => "an unknown end".to_owned(),
        })
    }

    /// Asks all of it to end, kills what is left after `grace`, and then
    /// *everything else below this process*: what the command made to outlive it
    /// came to be there.
    ///
    /// # Errors
    /// When some do not end.
    pub fn end(mut self, grace: Duration) -> Result<(), crate::RunError> {
        self.finish(grace)
    }

    fn finish(&mut self, grace: Duration) -> Result<(), crate::RunError> {
        if self.is_reaped {
            return Ok(());
        }
        self.is_reaped = true;
        if let Some(pid) = self.pid() {
            // Fails where nobody is left.
            let _ = kill_process_group(pid, Signal::TERM);
            let asked = Instant::now();
            while self.ended().is_none() && asked.elapsed() < grace {
                std::thread::sleep(TICK);
            }
            let _ = kill_process_group(pid, Signal::KILL);
        }
        let _ = self.child.wait();
        let below = |visit: &mut dyn FnMut(Pid)| tree::visit_below(getpid(), visit);
        tree::end_all(below, || std::thread::sleep(TICK), tree::PATIENCE).map(drop)
    }

    fn pid(&self) -> Option<Pid> {
        Pid::from_raw(i32::try_from(self.child.id()).ok()?)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _ = self.finish(Duration::ZERO);
    }
}
