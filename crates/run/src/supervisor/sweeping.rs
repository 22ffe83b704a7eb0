//! The end of a trial: everybody that is left is stopped, killed and waited
//! for, until nobody can be left.

use std::collections::HashSet;
use std::io::Read as _;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, WaitIdStatus, getpgid, getpgrp, getpid, kill_process_group,
    waitid,
};

use super::{PIECES, Trial};
use crate::{RunError, tree};

/// How long a process that outlives the command may go on writing: `tee` in
/// `exec > >(tee log)` ends after its shell.
const SETTLE: Duration = Duration::from_millis(250);
/// How long the first process of a sandbox may take to leave, when it is alone.
const LEAVING: Duration = Duration::from_secs(1);

impl Trial<'_> {
    /// Ends everything that is left. How the command ended, and how many
    /// processes had to be killed after it had.
    pub(super) fn sweep(&mut self) -> Result<(Option<WaitIdStatus>, u32), RunError> {
        let has_ended = self.has_ended().unwrap_or(true);
        if has_ended {
            self.settle();
        }
        self.bounds.stop_forks();
        // Hundreds that all want to run would leave us little. Only for root.
        let _ = rustix::process::setpriority_process(None, -20);
        let inside = self.end_everybody_inside();
        let mut killed = self.end_everybody()?;
        // While the zombie holds the id, the group can be no one else's. It
        // holds nobody that was visible; without `/proc` it holds them all.
        let _ = kill_process_group(self.child, Signal::KILL);
        let status = loop {
            match waitid(WaitId::Pid(self.child), WaitIdOptions::EXITED) {
                Err(Errno::INTR) => {}
                status => break status.ok().flatten(),
            }
        };
        // The proof: whoever is left below us has an ancestor that is our child.
        let since = Instant::now();
        loop {
            match waitid(WaitId::All, WaitIdOptions::EXITED | WaitIdOptions::NOHANG) {
                Ok(Some(_)) | Err(Errno::INTR) => {}
                Err(_) => break,
                // Some children are there, but `/proc` does not show them.
                Ok(None) if since.elapsed() > tree::PATIENCE => {
                    return Err(RunError::Unkillable { pids: Vec::new() });
                }
                Ok(None) => {
                    killed += self.end_everybody()?;
                    self.await_child();
                }
            }
        }
        Ok((status, if has_ended { inside.unwrap_or(killed) } else { 0 }))
    }

    /// Ends everybody in a sandbox but its first process, which then leaves by
    /// itself: if it did not wait for them, nobody would know what they used.
    /// How many there were; none without a sandbox.
    fn end_everybody_inside(&mut self) -> Option<u32> {
        let heard = self.confined.as_ref().filter(|h| h.confined.control.is_sandbox())?;
        if !heard.has_started() || self.has_child_ended().unwrap_or(true) {
            return Some(0);
        }
        let mut ours = tree::children(self.child);
        ours.push(self.child);
        let mut groups = Trial::groups_of(&ours);
        // Whoever is left dies with the first process.
        let killed = tree::end_all(
            |visit| self.stop_everybody(&ours, &mut groups, visit),
            || self.await_child(),
            LEAVING,
        )
        .unwrap_or_default();
        let until = Instant::now() + LEAVING;
        while Instant::now() < until && !self.has_child_ended().unwrap_or(true) {
            self.await_child();
        }
        Some(killed)
    }

    /// Lets processes that outlive the command finish what they are writing.
    fn settle(&mut self) {
        let until = Instant::now() + SETTLE;
        self.drain(PIECES);
        while self.ending.is_none() && (self.output.is_some() || self.is_apart_open) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || tree::living_below(getpid()).is_empty() {
                return;
            }
            if self.wait(left).is_err() {
                return;
            }
        }
        // Between the end of what it writes and its own is a moment.
        if self.ending.is_none() && !tree::living_below(getpid()).is_empty() {
            self.await_child();
        }
    }

    fn end_everybody(&mut self) -> Result<u32, RunError> {
        let mut groups = Trial::groups_of(&[]);
        tree::end_all(
            |visit| self.stop_everybody(&[], &mut groups, visit),
            || {
                self.await_child();
                self.reap();
            },
            tree::PATIENCE,
        )
    }

    /// Shows everybody to `visit` but `spared`, and stops each process group that
    /// is not in `groups` yet, at once, whoever of it is alive by now: processes
    /// that pass their work on to a child all the time keep their group. The
    /// command began a session: nobody else is in its groups.
    fn stop_everybody(
        &self,
        spared: &[Pid],
        groups: &mut HashSet<Pid>,
        visit: &mut dyn FnMut(Pid),
    ) {
        // Thousands may end while others are being looked for.
        self.reap();
        tree::visit_below(getpid(), &mut |pid| {
            if spared.contains(&pid) {
                return;
            }
            if let Ok(group) = getpgid(Some(pid))
                && groups.insert(group)
            {
                let _ = kill_process_group(group, Signal::STOP);
            }
            visit(pid);
        });
    }

    /// Waits for whoever has ended but the command; who it was, and how.
    pub(super) fn reap(&self) -> Vec<(Pid, WaitIdStatus)> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
        tree::children(getpid())
            .into_iter()
            .filter(|child| *child != self.child)
            .filter_map(|child| Some((child, waitid(WaitId::Pid(child), options).ok()??)))
            .collect()
    }

    /// Our own process group and those of others.
    fn groups_of(others: &[Pid]) -> HashSet<Pid> {
        others.iter().filter_map(|pid| getpgid(Some(*pid)).ok()).chain([getpgrp()]).collect()
    }

    /// Until a child has ended, or for a moment.
    fn await_child(&self) {
        let mut waker = &self.wakers.child_ended;
        let timeout = Timespec::try_from(Duration::from_millis(5)).ok();
        let _ = poll(&mut [PollFd::new(waker, PollFlags::IN)], timeout.as_ref());
        while waker.read(&mut [0; 64]).is_ok_and(|n| n > 0) {}
    }
}
