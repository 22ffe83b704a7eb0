//! What the engine and the supervisor tell one another.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use autoresearch_core::budget::Quota;
use autoresearch_core::conditions::Conditions;
use autoresearch_core::curve::Curve;
use autoresearch_core::metric::{Readings, Source, Take};
use autoresearch_core::trial::{Exit, Protection, Usage};
use serde::{Deserialize, Serialize};

/// One execution, complete enough for a supervisor to do it alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// Unique among all trials; in the environment of every process of the
    /// trial as [`MARKER`](crate::MARKER), so that leftovers can be found.
    pub id: String,
    /// Program and arguments. The program is looked up on the `PATH` of the
    /// resulting environment or, with a `/` in it, from `directory`.
    pub command: Vec<String>,
    /// Where it runs.
    #[serde(with = "any_path")]
    pub directory: PathBuf,
    /// Set on top of what is inherited.
    pub environment: BTreeMap<String, String>,
    /// What it reads as standard input; nothing if not given.
    #[serde(default, with = "any_path_or_none")]
    pub stdin: Option<PathBuf>,
    /// What of its standard files the engine holds the other ends of.
    #[serde(default)]
    pub talk: Talk,
    /// Wall-clock seconds on a monotonic clock until its group gets TERM.
    pub deadline_seconds: f64,
    /// What it may use beside wall-clock time. Once it has, it gets
    /// `allowance_seconds` to end by itself, and TERM after that.
    #[serde(default)]
    pub quota: Option<Quota>,
    /// Wall-clock seconds.
    #[serde(default)]
    pub allowance_seconds: f64,
    /// Seconds from TERM until every process is killed.
    pub grace_seconds: f64,
    /// The CPUs that it is held to, by number; none is all that we may use
    /// ourselves. Only on Linux, and not proof against a program that undoes it.
    #[serde(default)]
    pub cpus: Vec<usize>,
    /// Where standard output and standard error go, in order of arrival.
    #[serde(with = "any_path")]
    pub log: PathBuf,
    /// How much of the output the log keeps.
    #[serde(default)]
    pub log_limit: LogLimit,
    /// What it may use.
    #[serde(default)]
    pub limits: Limits,
    /// How it is kept from doing harm.
    #[serde(default)]
    pub confinement: Confinement,
    /// What it starts outside of its own processes.
    #[serde(default)]
    pub container: Option<Container>,
    /// What to read from the output.
    pub source: Option<Source>,
    /// Which of the values of the metric counts.
    #[serde(default)]
    pub take: Take,
    /// What its learning curve is read from, in the output; may be `source`.
    #[serde(default)]
    pub series: Option<Source>,
    /// Names beside the metric that must not be missed, however much is reported.
    #[serde(default)]
    pub wanted: Vec<String>,
    /// Where the [`Report`] goes as JSON: complete, or not there at all.
    #[serde(with = "any_path")]
    pub result: PathBuf,
}

impl Job {
    /// Time until TERM.
    ///
    /// # Errors
    /// When it is negative or not a number.
    pub(crate) fn deadline(&self) -> Result<Duration, RunError> {
        duration("deadline_seconds", self.deadline_seconds)
    }

    /// Time from the quota to TERM.
    ///
    /// # Errors
    /// When it is negative or not a number.
    pub(crate) fn allowance(&self) -> Result<Duration, RunError> {
        duration("allowance_seconds", self.allowance_seconds)
    }

    /// Time from TERM to KILL.
    ///
    /// # Errors
    /// When it is negative or not a number.
    pub(crate) fn grace(&self) -> Result<Duration, RunError> {
        duration("grace_seconds", self.grace_seconds)
    }
}

/// A year at most, so that adding it to an instant never overflows.
fn duration(what: &str, seconds: f64) -> Result<Duration, RunError> {
    const YEAR: f64 = 366.0 * 86_400.0;
    if seconds >= 0.0 {
        Ok(Duration::from_secs_f64(seconds.min(YEAR)))
    } else {
        Err(RunError::BadJob { why: format!("{what} is {seconds}; give it 0 or more seconds") })
    }
}

/// Whether the engine hears a job, and speaks with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Talk {
    /// Neither: standard output and standard error are one.
    #[default]
    None,
    /// [`Running::heard`](crate::Running::heard) has its standard output, which
    /// is apart from standard error then, as it comes.
    Hear,
    /// And its standard input is what [`Running::say`](crate::Running::say) says.
    Converse,
}

/// What all processes of a job together may use before they are ended; `None`
/// is unlimited. The one that was reached is in [`Exit::Limit`].
///
/// Memory and processes are counted by control groups of the job's own where
/// they can be made, else by looking at every process again and again. Whatever
/// is unlimited here, no process gets more than 65,536 open files or leaves a
/// core file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Bytes of memory: anonymous and shared pages; in a control group also
    /// what the kernel keeps for them. [`Report::out_of_memory`] says so too.
    pub memory: Option<u64>,
    /// Processes and threads at a time.
    pub processes: Option<u64>,
    /// Bytes of output.
    pub output: Option<u64>,
    /// Bytes of disk space: of a single file, and of all that was written to the
    /// folders that may be. A disk that is nearly full ends the job as well: with
    /// less than 1 GiB or a hundredth left, whichever is smaller.
    pub disk: Option<u64>,
}

/// The container that a job's command is the client of: all that a supervisor
/// has to know of it, as commands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Container {
    /// What it is called.
    pub name: String,
    /// Asks the program in it to end; fails while there is none.
    pub ask: Vec<String>,
    /// Prints the ids of what is there of it; nothing when it is gone.
    pub find: Vec<String>,
    /// With the ids after each of them, one after the other: ends and removes it.
    pub end: Vec<Vec<String>>,
    /// With the ids after it: prints `true` if it was killed for memory.
    pub out_of_memory: Vec<String>,
}

/// What a job may reach, and how it is kept to it. All paths are absolute.
/// What is needed of the system (`/usr`, `/etc`, the devices) is always
/// readable; what is not named here and no part of that does not exist inside
/// a sandbox.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Confinement {
    /// The way; exactly this one, or the job does not start. Without
    /// protection everything else here is moot, but for `protected`, which is
    /// watched, and `keep_secrets`.
    pub protection: Protection,
    /// May be read and written, as the worktree.
    #[serde(with = "any_paths")]
    pub writable: Vec<PathBuf>,
    /// May be read: files or folders. What does not exist is passed over.
    #[serde(with = "any_paths")]
    pub readable: Vec<PathBuf>,
    /// Within `writable`, and may only be read: nothing in them, nor the folders
    /// that they lie in, can be changed, renamed or replaced. Where that cannot
    /// be prevented it is noticed: [`Report::tampered`].
    #[serde(with = "any_paths")]
    pub protected: Vec<PathBuf>,
    /// Within the others, and may not be read either. Only a sandbox can hide
    /// what lies within `writable`.
    #[serde(with = "any_paths")]
    pub hidden: Vec<PathBuf>,
    /// A folder that is made for the job's temporary files, and removed after
    /// it. In a sandbox it is `/tmp`, and holds the home folder if the job has
    /// the network; without network the home folder is in memory, 1 GiB.
    #[serde(with = "any_path_or_none")]
    pub private: Option<PathBuf>,
    /// Its home folder, one of `writable`; the user's, or an empty one in its
    /// place (see `private`), where this is `None`.
    #[serde(with = "any_path_or_none")]
    pub home: Option<PathBuf>,
    /// Whether it shares the network of the machine.
    pub network: bool,
    /// Hosts that it may reach without that, as `api.example.com:443`; also
    /// `localhost:8123` of the machine. Only a sandbox on Linux can do it, by
    /// TCP; the way to them is the machine's own, through its proxy
    /// (`HTTPS_PROXY`) where it has one.
    pub hosts: Vec<String>,
    /// Whether it gets the variables of the environment that look like secrets
    /// (keys, tokens, passwords, agents' sockets), as a proposer needs. What is
    /// set in [`Job::environment`] it gets in any case.
    pub keep_secrets: bool,
}

/// Bytes of output that are kept. Up to `head + tail` the log is the whole
/// output. Above that it keeps both ends with a marker line between them, and
/// the whole is in `<log>.gz`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLimit {
    /// From the beginning.
    pub head: u64,
    /// From the end.
    pub tail: u64,
    /// In the compressed copy, before compression.
    pub whole: u64,
}

impl Default for LogLimit {
    /// 1 MiB, 4 MiB and 1 GiB.
    fn default() -> LogLimit {
        LogLimit { head: 1 << 20, tail: 4 << 20, whole: 1 << 30 }
    }
}

/// What came of a job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// How the command itself ended.
    pub exit: Exit,
    /// What the whole process tree used. The memory is the highest of the
    /// samples (anonymous and shared pages: of the control group, which has
    /// each page once, or `RssAnon + RssShmem` over the tree) and of the largest
    /// single process (`ru_maxrss`, exact; includes the files that it had
    /// mapped). The control group's own peak is not used: it counts the files
    /// that were read.
    pub usage: Usage,
    /// What the machine was like meanwhile; without what only the engine looks
    /// at (GPUs). None if it did not start.
    #[serde(default)]
    pub conditions: Option<Conditions>,
    /// What the output said.
    pub readings: Readings,
    /// The learning curve, where [`Job::series`] asked for one.
    #[serde(default)]
    pub curve: Curve,
    /// Bytes of output, kept or not.
    pub output_bytes: u64,
    /// Processes that had to be killed after the command itself had ended.
    pub strays: u32,
    /// Last lines of the output, at most 20, as a terminal would have shown
    /// them: UTF-8, without escapes and control characters. Of a job that is
    /// heard ([`Talk`]) those of standard output, and then those of standard
    /// error.
    pub tail: String,
    /// Evidence that memory ran out: the limit that was reached, the kernel's
    /// counter, or the last line of
    /// the output that says so. A line counts only if the command failed or
    /// the metric is missing: programs recover.
    pub out_of_memory: Option<String>,
    /// How it was confined.
    #[serde(default)]
    pub protection: Protection,
    /// What was done to a protected file or a folder that it lies in, even if
    /// it was undone since, as "`eval.py` was written to".
    #[serde(default)]
    pub tampered: Option<String>,
    /// What a failed command may have lacked because of its confinement, and
    /// how to give it that.
    #[serde(default)]
    pub hint: Option<String>,
}

/// Why there is no report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum RunError {
    /// The supervisor's program does not start.
    #[error("start the supervisor `{}`: {why}; reinstall autoresearch if the file is gone", program.display())]
    Spawn {
        /// The program.
        #[serde(with = "any_path")]
        program: PathBuf,
        /// What the system said.
        why: String,
    },
    /// The supervisor ended without a report; what it left was swept.
    #[error(
        "supervise the trial: its supervisor {how} ({swept} leftover processes killed); run the trial again, and look for what kills processes on this machine"
    )]
    SupervisorDied {
        /// How it ended, with its last words.
        how: String,
        /// Processes that were found and killed.
        swept: u32,
    },
    /// A log or result file cannot be written. The trial was ended.
    #[error("write `{}`: {why}; free some space there, or choose a place that is writable", path.display())]
    Write {
        /// The file.
        #[serde(with = "any_path")]
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// The job cannot be carried out as it is.
    #[error("understand the job: {why}")]
    BadJob {
        /// What is wrong with it, and what would be right.
        why: String,
    },
    /// Processes survive KILL: another user's, or stuck in the kernel.
    #[error(
        "kill every process of the trial: {pids:?} did not end; see `ps -o pid,user,stat,wchan` for who owns them or what they wait for"
    )]
    Unkillable {
        /// Their ids.
        pids: Vec<i32>,
    },
    /// A container does not go, or nobody says whether it is gone.
    #[error(
        "end the container `{name}`: {why}; see what is there with `{find}`, remove it with `rm --force` of the same tool, then resume"
    )]
    ContainerLeft {
        /// What it is called.
        name: String,
        /// The command that lists it.
        find: String,
        /// What the tool did.
        why: String,
    },
    /// The command cannot be confined as the job demands; it was not started.
    #[error("run the command {protection}: {why}")]
    Confine {
        /// The demanded way.
        protection: Protection,
        /// What does not work here, and what to do.
        why: String,
    },
    /// The system refused something that a trial cannot do without.
    #[error("{what}: {why}; the limits on processes and open files (`ulimit -a`) may be too low")]
    System {
        /// What was tried.
        what: String,
        /// What the system said.
        why: String,
    },
}

impl RunError {
    pub(crate) fn write(path: &Path, why: impl Into<io::Error>) -> RunError {
        RunError::Write { path: path.to_owned(), why: why.into().to_string() }
    }

    pub(crate) fn system(what: &str, why: impl Into<io::Error>) -> RunError {
        RunError::System { what: what.to_owned(), why: why.into().to_string() }
    }
}

/// A path as text where it is text, else as bytes: serde refuses the latter.
mod any_path {
    use std::ffi::OsString;
    use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
    use std::path::{Path, PathBuf};

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Deserialize)]
    #[serde(untagged)]
    pub(super) enum AnyPath {
        Text(PathBuf),
        Bytes(Vec<u8>),
    }

    impl From<AnyPath> for PathBuf {
        fn from(path: AnyPath) -> PathBuf {
            match path {
                AnyPath::Text(path) => path,
                AnyPath::Bytes(bytes) => OsString::from_vec(bytes).into(),
            }
        }
    }

    pub(super) fn serialize<S: Serializer>(path: &Path, to: S) -> Result<S::Ok, S::Error> {
        match path.to_str() {
            Some(text) => text.serialize(to),
            None => path.as_os_str().as_bytes().serialize(to),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<PathBuf, D::Error> {
        AnyPath::deserialize(from).map(PathBuf::from)
    }
}

mod any_paths {
    use std::path::{Path, PathBuf};

    use serde::ser::SerializeSeq as _;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::any_path::{self, AnyPath};

    struct One<'a>(&'a Path);

    impl Serialize for One<'_> {
        fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
            any_path::serialize(self.0, to)
        }
    }

    pub(super) fn serialize<S: Serializer>(paths: &[PathBuf], to: S) -> Result<S::Ok, S::Error> {
        let mut list = to.serialize_seq(Some(paths.len()))?;
        for path in paths {
            list.serialize_element(&One(path))?;
        }
        list.end()
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Vec<PathBuf>, D::Error> {
        let paths = Vec::<AnyPath>::deserialize(from)?;
        Ok(paths.into_iter().map(PathBuf::from).collect())
    }
}

mod any_path_or_none {
    use std::path::PathBuf;

    use serde::{Deserialize, Deserializer, Serializer};

    use super::any_path::{self, AnyPath};

    #[expect(clippy::ref_option, reason = "serde's signature")]
    pub(super) fn serialize<S: Serializer>(
        path: &Option<PathBuf>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        match path {
            Some(path) => any_path::serialize(path, to),
            None => to.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<PathBuf>, D::Error> {
        Ok(Option::<AnyPath>::deserialize(from)?.map(PathBuf::from))
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt as _;

    use super::*;

    #[test]
    fn a_job_with_paths_that_are_not_utf8_survives_json() {
        let odd = PathBuf::from(OsString::from_vec(b"/tmp/\xff 'x'\n".to_vec()));
        let job = Job {
            id: "t".into(),
            command: vec!["a b".into(), "\"\n'".into()],
            directory: odd.clone(),
            environment: BTreeMap::new(),
            stdin: Some(odd.clone()),
            talk: Talk::Converse,
            deadline_seconds: 1.5,
            quota: Some(Quota::Cpu(Duration::from_millis(300))),
            allowance_seconds: 0.0,
            cpus: vec![0, 3],
            take: Take::Min,
            grace_seconds: 0.0,
            log: "log".into(),
            log_limit: LogLimit::default(),
            limits: Limits::default(),
            confinement: Confinement {
                writable: vec![odd.clone()],
                private: Some(odd.clone()),
                ..Confinement::default()
            },
            container: None,
            source: None,
            series: None,
            wanted: Vec::new(),
            result: odd,
        };
        let line = serde_json::to_string(&job).unwrap();
        assert!(!line.contains('\n'));
        assert_eq!(serde_json::from_str::<Job>(&line).unwrap(), job);
    }

    #[test]
    fn a_time_below_zero_or_none_at_all_is_refused_and_a_huge_one_is_a_year() {
        assert!(duration("x", -1.0).is_err());
        assert!(duration("x", f64::NAN).is_err());
        assert_eq!(duration("x", f64::INFINITY).unwrap().as_secs(), 366 * 86_400);
    }
}
