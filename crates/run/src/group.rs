//! Commands of a process that is not a trial's supervisor and must leave nobody
//! behind either, as one that measures a server.

use std::io;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, getpid, kill_process_group, waitid};

use crate::{sys, tree};

/// Between two looks.
const TICK: Duration = Duration::from_millis(10);

/// While it lives, orphans among the descendants of this process become its
/// children, and when it is dropped, *all* of its descendants are killed. None of
/// them reaches what this process has open, such as its standard output, where the
/// system can keep them from it.
#[derive(Debug)]
pub struct Descendants(());

impl Descendants {
    /// Keeps them from now on.
    pub fn keep() -> Descendants {
        sys::adopt_orphans();
        sys::keep_files_to_self();
        sys::hide();
        Descendants(())
    }
}

impl Drop for Descendants {
    fn drop(&mut self) {
        let below = |visit: &mut dyn FnMut(Pid)| tree::visit_below(getpid(), visit);
        // Who is not allowed to be killed cannot be helped.
        let _ = tree::end_all(below, || std::thread::sleep(TICK), tree::PATIENCE);
    }
}

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

    /// Asks all of it to end, and kills what is left after `grace`; once. What the
    /// command started in groups of their own is left to [`Descendants`].
    pub fn end(&mut self, grace: Duration) {
        if self.is_reaped {
            return;
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
    }

    fn pid(&self) -> Option<Pid> {
        Pid::from_raw(i32::try_from(self.child.id()).ok()?)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.end(Duration::ZERO);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Group {
        Group::start(Command::new("sh").args(["-c", script])).unwrap()
    }

    fn end_of(group: &Group) -> String {
        let started = Instant::now();
        while started.elapsed() < Duration::from_mins(1) {
            if let Some(end) = group.ended() {
                return end;
            }
            std::thread::sleep(TICK);
        }
        panic!("it never ended");
    }

    #[test]
    fn how_a_command_ended_is_told_as_often_as_it_is_asked() {
        let group = shell("exit 7");
        assert_eq!((end_of(&group), end_of(&group)), ("exit 7".to_owned(), "exit 7".to_owned()));
        assert_eq!(end_of(&shell("kill -9 $$")), "signal 9");
        let mut running = shell("exec sleep 1000");
        assert_eq!(running.ended(), None);
        running.end(Duration::from_mins(1));
    }
}
