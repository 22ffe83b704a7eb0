//! A folder of its own for each test, jobs to run in it, and a look at what
//! is left afterwards.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use autoresearch_core::metric::Source;
use autoresearch_core::trial::Protection;
use autoresearch_run::{
    Confinement, Executor as _, Job, Limits, Local, LogLimit, MARKER, Report, RunError, Running,
    Talk,
};
use tempfile::TempDir;

/// Far more than anything here takes; a test that reaches it has failed.
pub(crate) const BOUND: Duration = Duration::from_mins(1);

/// All ways to be confined that must work on a machine where this is tested.
pub(crate) const WAYS: [Protection; 3] =
    [Protection::Unprotected, Protection::Restricted, Protection::Sandboxed];
pub(crate) const CONFINED: [Protection; 2] = [Protection::Restricted, Protection::Sandboxed];

pub(crate) struct Lab {
    pub(crate) folder: TempDir,
    pub(crate) job: Job,
    /// What starts its supervisor.
    pub(crate) local: Local,
}

impl Lab {
    /// A lab whose job runs a program with arguments.
    pub(crate) fn command(command: &[&str]) -> Lab {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let folder = tempfile::tempdir().unwrap();
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let job = Job {
            id: format!("test-{}-{number}/", std::process::id()),
            command: command.iter().map(ToString::to_string).collect(),
            directory: folder.path().to_owned(),
            environment: BTreeMap::new(),
            stdin: None,
            talk: Talk::None,
            deadline_seconds: BOUND.as_secs_f64(),
            grace_seconds: BOUND.as_secs_f64(),
            quota: None,
            allowance_seconds: 0.0,
            cpus: Vec::new(),
            take: autoresearch_core::metric::Take::Last,
            log: folder.path().join("log"),
            log_limit: LogLimit::default(),
            limits: Limits::default(),
            confinement: Confinement::default(),
            container: None,
            source: Some(Source::Printed { name: "loss".into() }),
            series: None,
            wanted: Vec::new(),
            result: folder.path().join("result.json"),
        };
        Lab { folder, job, local: local() }
    }

    pub(crate) fn sh(script: &str) -> Lab {
        Lab::command(&["sh", "-c", script])
    }

    pub(crate) fn python(script: &str) -> Lab {
        Lab::command(&["python3", "-u", "-c", script])
    }

    /// Confined to its folder in this way.
    pub(crate) fn under(self, protection: Protection) -> Lab {
        self.with(|job| {
            job.confinement.protection = protection;
            job.confinement.writable = vec![job.directory.clone()];
            job.confinement.private = Some(job.directory.with_file_name(format!(
                "{}-private",
                job.directory.file_name().unwrap().to_string_lossy()
            )));
        })
    }

    pub(crate) fn with(mut self, change: impl FnOnce(&mut Job)) -> Lab {
        change(&mut self.job);
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn start(&self) -> Box<dyn Running> {
        self.local.start(&self.job).unwrap()
    }

    /// Runs it to its end and checks what holds for every trial.
    pub(crate) fn run(&self) -> Report {
        let report = self.finish(&mut *self.start()).unwrap();
        let written: Report = serde_json::from_slice(&fs::read(&self.job.result).unwrap()).unwrap();
        assert_eq!(written, report);
        assert_eq!(report.protection, self.job.confinement.protection);
        assert!(self.job.confinement.private.as_ref().is_none_or(|private| !private.exists()));
        report
    }

    /// Waits for the end and sees that nothing is left.
    pub(crate) fn finish(&self, running: &mut dyn Running) -> Result<Report, RunError> {
        let report = running.wait(BOUND).transpose().expect("the trial hangs");
        // A supervisor that has said everything may still be on its way out,
        // where it has no command line any more.
        let is_leaving =
            |process: &String| process.ends_with("\0supervise\0") || process.ends_with(' ');
        let mut left = self.left();
        left.retain(|process| !is_leaving(process));
        assert_eq!(left, Vec::<String>::new());
        until(|| self.left().is_empty().then_some(()));
        report
    }

    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.job.log).unwrap()).into_owned()
    }

    /// The processes of this trial that run. One that is in the midst of `exec`
    /// shows no environment: what was seen twice is believed.
    pub(crate) fn left(&self) -> Vec<String> {
        let left = self.marked();
        if left.is_empty() {
            std::thread::sleep(Duration::from_millis(20));
            return self.marked();
        }
        left
    }

    fn marked(&self) -> Vec<String> {
        let mark = format!("{MARKER}={}", self.job.id);
        fs::read_dir("/proc")
            .unwrap()
            .flatten()
            .filter(|entry| {
                fs::read(entry.path().join("environ")).is_ok_and(|environment| {
                    environment.split(|b| *b == 0).any(|variable| variable == mark.as_bytes())
                })
            })
            .map(|entry| {
                let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
                format!("{} {}", entry.path().display(), String::from_utf8_lossy(&line))
            })
            .collect()
    }

    /// The supervisor's id.
    pub(crate) fn supervisor(&self) -> String {
        let all = self.marked();
        let line = all.iter().find(|line| line.ends_with("\0supervise\0")).unwrap();
        line.split(' ').next().unwrap().trim_start_matches("/proc/").to_owned()
    }

    /// Until the trial has written a file of this name.
    pub(crate) fn await_file(&self, name: &str) -> String {
        let path = self.path(name);
        until(|| fs::read_to_string(&path).ok().filter(|text| text.ends_with('\n')))
    }
}

pub(crate) fn local() -> Local {
    Local::new(env!("CARGO_BIN_EXE_supervisor-for-tests"), ["supervise"])
}

/// Asks again until there is an answer.
pub(crate) fn until<T>(mut answer: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(answer) = answer() {
            return answer;
        }
        assert!(started.elapsed() < BOUND, "it never happened");
        std::thread::sleep(Duration::from_millis(2));
    }
}
