//! Which ways of confining a command this machine offers: found out by running
//! one, since what is installed need not work.

use std::fs;
use std::io;
use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

use autoresearch_core::trial::{Exit, Protection};

use crate::sweep::sweep_orphans;
use crate::{Confinement, Executor as _, Job, Limits, Local, LogLimit, RunError, Running, Talk};

/// The command of the job that looks whether its confinement holds.
pub(crate) const PROBE: &str = "__probe";
/// Where it is told whom it must not reach.
pub(crate) const PROBE_PORT: &str = "AUTORESEARCH_PROBE_PORT";

/// Far more than it takes.
const BOUND: Duration = Duration::from_secs(20);

/// What this machine offers, and why not more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Whether [`Protection::Sandboxed`] works; else why not and what to do.
    pub sandboxed: Result<(), String>,
    /// Whether [`Protection::Restricted`] works; else why not and what to do.
    pub restricted: Result<(), String>,
}

impl Offer {
    /// The best way that works.
    pub fn best(&self) -> Protection {
        if self.sandboxed.is_ok() {
            Protection::Sandboxed
        } else if self.restricted.is_ok() {
            Protection::Restricted
        } else {
            Protection::Unprotected
        }
    }

    /// Whether `wanted` works.
    ///
    /// # Errors
    /// Why not, and what to do.
    pub fn has(&self, wanted: Protection) -> Result<(), String> {
        match wanted {
            Protection::Sandboxed => self.sandboxed.clone(),
            Protection::Restricted => self.restricted.clone(),
            Protection::Unprotected => Ok(()),
        }
    }
}

/// Finds out by a short job for each way, in which we try what must not
/// succeed. Some ten milliseconds. `scratch` is an existing folder for its
/// files; a folder in it is made and removed again.
pub fn offered(local: &Local, scratch: &Path) -> Offer {
    // A supervisor that was killed with its engine may have left a process that
    // it had stopped to end it. What cannot be ended harms no probe.
    let _ = sweep_orphans(|id| tempdir::owner(id).is_some_and(tempdir::is_gone));
    let (mut sandboxed, mut restricted) = (
        Probe::start(local, scratch, Protection::Sandboxed),
        Probe::start(local, scratch, Protection::Restricted),
    );
    Offer { sandboxed: Probe::finish(&mut sandboxed), restricted: Probe::finish(&mut restricted) }
}

/// A probe under way.
struct Probe {
    folder: tempdir::Folder,
    running: Box<dyn Running>,
    _listener: Option<TcpListener>,
}

impl Probe {
    fn start(local: &Local, scratch: &Path, protection: Protection) -> Result<Probe, String> {
        let failed = |error: io::Error| {
            format!("cannot try it out in `{}`: {error}; free some space there", scratch.display())
        };
        let folder = tempdir::Folder::create(scratch, protection).map_err(failed)?;
        let writable = folder.path().join("writable");
        fs::create_dir(&writable).map_err(failed)?;
        fs::write(folder.path().join("secret"), "secret").map_err(failed)?;
        fs::write(writable.join("protected"), "protected").map_err(failed)?;
        // Without one there is only less to try.
        let listener = TcpListener::bind("127.0.0.1:0").ok();
        let port = listener.as_ref().and_then(|l| l.local_addr().ok()).map(|a| a.port());
        let job = Job {
            id: format!("probe-{}-{protection}/", std::process::id()),
            command: vec![PROBE.to_owned()],
            directory: writable.clone(),
            environment: port
                .map(|port| (PROBE_PORT.to_owned(), port.to_string()))
                .into_iter()
                .collect(),
            stdin: None,
            talk: Talk::None,
            deadline_seconds: BOUND.as_secs_f64() / 2.0,
            grace_seconds: 0.0,
            quota: None,
            allowance_seconds: 0.0,
            cpus: Vec::new(),
            take: autoresearch_core::metric::Take::Last,
            log: folder.path().join("log"),
            log_limit: LogLimit::default(),
            limits: Limits::default(),
            confinement: Confinement {
                protection,
                protected: vec![writable.join("protected")],
                writable: vec![writable],
                private: Some(folder.path().join("private")),
                ..Confinement::default()
            },
            container: None,
            source: None,
            series: None,
            wanted: Vec::new(),
            result: folder.path().join("result"),
        };
        let running = local.start(&job).map_err(|error| error.to_string())?;
        Ok(Probe { folder, running, _listener: listener })
    }

    fn finish(probe: &mut Result<Probe, String>) -> Result<(), String> {
        let probe = probe.as_mut().map_err(|why| why.clone())?;
        match probe.running.wait(BOUND) {
            Ok(Some(report)) => match report.exit {
                _ if probe.folder.path().join("new").exists() || report.tampered.is_some() => Err(
                    "it writes where it must not; report this, with your kernel and distribution"
                        .to_owned(),
                ),
                Exit::Code(0) => Ok(()),
                _ if !report.tail.is_empty() => Err(report.tail),
                exit => Err(format!(
                    "a trial of it in `{}` ended with {exit:?}",
                    probe.folder.path().display()
                )),
            },
            Ok(None) => Err("a trial of it does not end".to_owned()),
            Err(RunError::Confine { why, .. }) => Err(why),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// A folder that goes away with its value.
mod tempdir {
    use std::path::{Path, PathBuf};
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::{fs, io};

    use autoresearch_core::trial::Protection;
    use rustix::io::Errno;
    use rustix::process::{Pid, test_kill_process};

    pub(super) struct Folder(PathBuf);

    impl Folder {
        pub(super) fn create(within: &Path, protection: Protection) -> io::Result<Folder> {
            static NEXT: AtomicU32 = AtomicU32::new(0);
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let name = format!("probe-{}-{number}-{protection}", std::process::id());
            let within = within.canonicalize()?;
            remove_abandoned(&within);
            let path = within.join(name);
            fs::create_dir(&path)?;
            Ok(Folder(path))
        }

        pub(super) fn path(&self) -> &Path {
            &self.0
        }
    }

    /// Removes what an engine left that was killed while it tried.
    fn remove_abandoned(within: &Path) {
        for entry in fs::read_dir(within).into_iter().flatten().flatten() {
            let name = entry.file_name();
            if name.to_str().and_then(owner).is_some_and(is_gone) {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
    }

    /// The engine that a probe's name begins with, as `probe-42-…`.
    pub(super) fn owner(name: &str) -> Option<Pid> {
        let pid = name.strip_prefix("probe-")?.split_once('-')?.0.parse().ok()?;
        Pid::from_raw(pid)
    }

    /// Whether there is no such engine any more. Where another program has its
    /// number by now, what it left stays: an engine may be any program, and what
    /// a living one tries must not be ended.
    pub(super) fn is_gone(engine: Pid) -> bool {
        test_kill_process(engine) == Err(Errno::SRCH)
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            // What cannot be removed harms nobody.
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_engine_left_is_removed() {
        let scratch = tempfile::tempdir().unwrap();
        let own = format!("probe-{}-x-sandboxed", std::process::id());
        for name in [
            "probe-999999999-0-sandboxed",
            // Of an engine that is another program than this one.
            "probe-1-0-sandboxed",
            &own,
            "probe-x",
            "mine",
        ] {
            fs::create_dir(scratch.path().join(name)).unwrap();
        }
        drop(tempdir::Folder::create(scratch.path(), Protection::Sandboxed).unwrap());
        assert!(!scratch.path().join("probe-999999999-0-sandboxed").exists());
        assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 4);
    }

    /// Found by `kill -9`: a supervisor that dies between stopping what it ends
    /// and ending it leaves it stopped.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_that_a_killed_engines_probe_left_is_ended() {
        use std::process::Command;

        let start = |id: &str| {
            let mut command = Command::new("sleep");
            command.arg("1000").env(crate::MARKER, id).spawn().unwrap()
        };
        let mut left = start("probe-999999999-sandboxed/");
        let stop = rustix::process::Signal::STOP;
        let pid = rustix::process::Pid::from_child(&left);
        rustix::process::kill_process(pid, stop).unwrap();
        let mut other = start(&format!("probe-{}-sandboxed/", std::process::id()));
        sweep_orphans(|id| tempdir::owner(id).is_some_and(tempdir::is_gone)).unwrap();
        assert_eq!(left.wait().unwrap().code(), None, "it was killed");
        assert_eq!(other.try_wait().unwrap(), None, "that of a living engine goes on");
        other.kill().unwrap();
        other.wait().unwrap();
    }

    #[test]
    fn the_best_is_what_works() {
        let no = || Err("no".to_owned());
        let offer = |sandboxed, restricted| Offer { sandboxed, restricted };
        assert_eq!(offer(Ok(()), Ok(())).best(), Protection::Sandboxed);
        assert_eq!(offer(no(), Ok(())).best(), Protection::Restricted);
        assert_eq!(offer(no(), no()).best(), Protection::Unprotected);
        assert_eq!(offer(no(), no()).has(Protection::Restricted), no());
        assert_eq!(offer(no(), no()).has(Protection::Unprotected), Ok(()));
    }
}
