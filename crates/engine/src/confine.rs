//! From the configuration to what a job may reach and use.
//!
//! A trial may write its worktree and its folder for results, and read the
//! system, what `links` and `run.readable` name, and the Python that it uses.
//! Of the session's own folder it sees nothing else. A proposer has its desk,
//! its brief and what `propose.readable` names besides.

use std::path::{Path, PathBuf};

use autoresearch_config::{Config, Confine};
use autoresearch_core::trial::Protection;
use autoresearch_propose::Errand;
use autoresearch_run::protection::Offer;
use autoresearch_run::{Confinement, Limits};

use crate::error::EngineError;
use crate::places::{FOLDER, Places};
use crate::python::Lookup;

/// What the process that runs the session was started with.
#[derive(Clone, Debug, Default)]
pub(crate) struct Inherited {
    pub(crate) path: std::ffi::OsString,
    pub(crate) home: Option<PathBuf>,
}

impl Inherited {
    pub(crate) fn by_this_process() -> Inherited {
        Inherited {
            path: std::env::var_os("PATH").unwrap_or_default(),
            home: std::env::home_dir().filter(|home| home.is_absolute()),
        }
    }

    /// Where the programs of the run command are looked up.
    pub(crate) fn lookup(&self, config: &Config, root: &Path) -> Lookup {
        let path = config.run.env.get("PATH").map_or(self.path.as_os_str(), |path| path.as_ref());
        Lookup::new(&config.run.command, root, path, self.home.as_deref())
    }
}

/// This program, if it is what the run command means by `autoresearch` and the
/// system does not find one: it may not be on the path.
pub(crate) fn this_program(config: &Config, lookup: &Lookup) -> Option<String> {
    const NAME: &str = "autoresearch";
    let is_meant = config.run.command.first().is_some_and(|program| program == NAME);
    if !is_meant || lookup.program(NAME).is_some() {
        return None;
    }
    let own = std::env::current_exe().ok().filter(|own| own.file_stem() == Some(NAME.as_ref()))?;
    own.into_os_string().into_string().ok()
}

/// How the jobs of a session are confined.
#[derive(Clone, Debug)]
pub(crate) struct Walls {
    pub(crate) protection: Protection,
    /// Why it is no better, unless that is how it was asked for.
    why: Option<String>,
    limits: Limits,
    readable: Vec<PathBuf>,
    writable: Vec<PathBuf>,
    /// What a proposer may read besides.
    for_proposers: Vec<PathBuf>,
    /// In the user's checkout; for a measuring command alone.
    held_out: Vec<PathBuf>,
    network: bool,
    proposers_network: bool,
    scratch: PathBuf,
}

impl Walls {
    /// Of a session in the checkout at `root`, on a machine that makes this
    /// `offer`. `guarded` are folders that no key may open to jobs.
    pub(crate) fn new(
        config: &Config,
        root: &Path,
        guarded: &[PathBuf],
        places: &Places,
        inherited: &Inherited,
        offer: &Offer,
    ) -> Result<Walls, EngineError> {
        let (protection, why) = chosen(config.run.protection, offer)?;
        let home = inherited.home.as_deref();
        let named = |key: &'static str, texts: &[String]| {
            texts
                .iter()
                .map(|text| named(key, text, root, home, guarded))
                .collect::<Result<Vec<_>, _>>()
        };
        let mut readable = Vec::new();
        for link in &config.links {
            both(root.join(link), &mut readable);
        }
        for path in named("run.readable", &config.run.readable)? {
            both(path, &mut readable);
        }
        let for_proposers = named("propose.readable", &config.propose.readable)?;
        let limits = Limits {
            memory: config.run.memory.map(|bytes| bytes.0).or_else(share_of_memory),
            processes: Some(config.run.processes),
            output: Some(config.run.output.0),
            disk: Some(config.run.disk.0),
        };
        Ok(Walls {
            protection,
            why,
            limits,
            readable,
            writable: named("run.writable", &config.run.writable)?,
            for_proposers,
            held_out: config.metric.held_out.iter().map(|path| root.join(path)).collect(),
            network: config.run.network,
            proposers_network: config.propose.network,
            scratch: places.scratch(),
        })
    }

    /// What a job may use.
    pub(crate) fn limits(&self) -> Limits {
        self.limits
    }

    /// Of a trial on the worktree `bench`, where `protected` must stay.
    pub(crate) fn trial(
        &self,
        bench: &Path,
        git: PathBuf,
        out: &Path,
        protected: Vec<PathBuf>,
    ) -> Confinement {
        let mut readable = self.readable.clone();
        readable.push(git);
        let mut writable = vec![bench.to_owned(), out.to_owned()];
        writable.extend_from_slice(&self.writable);
        Confinement {
            protection: self.protection,
            hidden: self.hidden(&readable, &writable),
            writable,
            readable,
            protected,
            private: Some(self.scratch.join("home-trial")),
            home: None,
            network: self.network,
            hosts: Vec::new(),
            keep_secrets: false,
        }
    }

    /// Of the measuring command on the worktree `scales`. It alone sees what is
    /// held out; it never has a network.
    pub(crate) fn measurement(&self, scales: &Path, git: PathBuf, out: &Path) -> Confinement {
        let mut readable = self.readable.clone();
        readable.push(git);
        for path in &self.held_out {
            both(path.clone(), &mut readable);
        }
        Confinement {
            protection: self.protection,
            writable: vec![scales.to_owned(), out.to_owned()],
            readable,
            protected: Vec::new(),
            hidden: Vec::new(),
            private: Some(self.scratch.join("home-measure")),
            home: None,
            network: false,
            hosts: Vec::new(),
            keep_secrets: false,
        }
    }

    /// Of a program on the worktree `desk`, the desk of this `number`, whose
    /// private git borrows from `stores`. Without a `home` of its own it keeps
    /// the user's secrets, as a command needs its key; with one it gets the
    /// keys that are meant for it, and that home stays. Only a sandbox can open
    /// single `hosts`; elsewhere it gets all of the network for them.
    pub(crate) fn desk(
        &self,
        number: usize,
        desk: &Path,
        git: PathBuf,
        stores: Vec<PathBuf>,
        brief: Vec<PathBuf>,
        errand: &Errand<'_>,
    ) -> Confinement {
        let Errand { home, hosts, .. } = *errand;
        let mut readable = self.readable.clone();
        readable.extend_from_slice(&self.for_proposers);
        readable.extend(stores);
        readable.extend(brief);
        let mut writable = vec![desk.to_owned(), git];
        writable.extend(home.map(Path::to_owned));
        let is_sandboxed = self.protection == Protection::Sandboxed;
        Confinement {
            protection: self.protection,
            hidden: self.hidden(&readable, &writable),
            writable,
            readable,
            protected: Vec::new(),
            private: Some(self.scratch.join(format!("home-desk-{number}"))),
            home: home.map(Path::to_owned),
            network: self.proposers_network || !hosts.is_empty() && !is_sandboxed,
            hosts: hosts.to_vec(),
            keep_secrets: home.is_none(),
        }
    }

    /// What is held out and would otherwise be seen.
    fn hidden(&self, readable: &[PathBuf], writable: &[PathBuf]) -> Vec<PathBuf> {
        let mut held_out = Vec::new();
        for path in &self.held_out {
            both(path.clone(), &mut held_out);
        }
        let is_seen = |path: &PathBuf| {
            path.exists() && readable.iter().chain(writable).any(|place| path.starts_with(place))
        };
        held_out.retain(is_seen);
        held_out
    }

    /// What the user should know of how their session is confined.
    pub(crate) fn notes(&self) -> Vec<String> {
        let means = match self.protection {
            Protection::Sandboxed => return Vec::new(),
            Protection::Restricted => {
                "runs and proposers are restricted, not sandboxed: they write only where they may and have no network unless you gave it, but a proposer that needs a host gets all of it, and they see that other files and processes exist"
            }
            Protection::Unprotected => {
                "runs and proposers are not confined: they have your files, your network and your rights"
            }
        };
        let more = self.why.as_ref().map_or_else(
            || "`run.protection = \"best\"` confines them as well as this machine can".to_owned(),
            |why| format!("not better because {why}"),
        );
        let mut notes = vec![format!("{means}; {more}")];
        if self.protection == Protection::Unprotected && !self.held_out.is_empty() {
            notes.push(
                "`metric.held_out` is taken off the worktrees, but nothing keeps an unprotected run from reading it elsewhere"
                    .to_owned(),
            );
        }
        notes
    }
}

/// The level, and why it is no better where that was not asked for.
fn chosen(wanted: Confine, offer: &Offer) -> Result<(Protection, Option<String>), EngineError> {
    let exactly = |protection| {
        let refused = |why| EngineError::Unconfinable { wanted: protection, why };
        offer.has(protection).map_err(refused).map(|()| (protection, None))
    };
    match wanted {
        Confine::Sandboxed => exactly(Protection::Sandboxed),
        Confine::Restricted => exactly(Protection::Restricted),
        Confine::Unprotected => exactly(Protection::Unprotected),
        Confine::Best => {
            let best = offer.best();
            let why = match best {
                Protection::Sandboxed => None,
                Protection::Restricted => offer.sandboxed.clone().err(),
                Protection::Unprotected => {
                    let both = [&offer.sandboxed, &offer.restricted];
                    let mut whys: Vec<&str> =
                        both.iter().filter_map(|o| o.as_ref().err().map(String::as_str)).collect();
                    whys.dedup();
                    Some(whys.join("; "))
                }
            };
            Ok((best, why))
        }
    }
}

/// A path that the user wrote, as the system knows it.
pub(crate) fn named(
    key: &'static str,
    text: &str,
    root: &Path,
    home: Option<&Path>,
    guarded: &[PathBuf],
) -> Result<PathBuf, EngineError> {
    let bad = |what: &str, hint: &str| EngineError::BadPath {
        key,
        path: text.to_owned(),
        what: what.to_owned(),
        hint: hint.to_owned(),
    };
    let path = match (text.strip_prefix('~'), home) {
        (Some(""), Some(home)) => home.to_owned(),
        (Some(rest), Some(home)) if rest.starts_with('/') => {
            home.join(rest.trim_start_matches('/'))
        }
        _ => root.join(text),
    };
    let real = path.canonicalize().map_err(|_| {
        bad("does not exist", "write it absolute, below `~`, or from the root of the repository")
    })?;
    if guarded.iter().any(|place| place.starts_with(&real) || real.starts_with(place)) {
        let hint = format!(
            "runs must not reach `.git` and `{FOLDER}`; name the folders beside them that are needed"
        );
        return Err(bad("is, or holds, what the session itself keeps", &hint));
    }
    Ok(path)
}

/// A path and what it really is: a link leads where it leads inside, too.
fn both(path: PathBuf, into: &mut Vec<PathBuf>) {
    let real = path.canonicalize().ok().filter(|real| *real != path);
    into.push(path);
    into.extend(real);
}

/// Nine tenths of what there is, in bytes.
fn share_of_memory() -> Option<u64> {
    autoresearch_run::platform::available_memory().map(|all| all.0 / 10 * 9)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(sandboxed: bool, restricted: bool) -> Offer {
        let answer = |works: bool, why: &str| if works { Ok(()) } else { Err(why.to_owned()) };
        Offer {
            sandboxed: answer(sandboxed, "bubblewrap is missing; install it"),
            restricted: answer(restricted, "the kernel has no Landlock; take 5.13 or later"),
        }
    }

    #[test]
    fn the_best_that_is_offered_is_chosen_and_anything_less_is_explained() {
        assert_eq!(
            chosen(Confine::Best, &offer(true, true)).unwrap(),
            (Protection::Sandboxed, None)
        );
        let (level, why) = chosen(Confine::Best, &offer(false, true)).unwrap();
        assert_eq!(level, Protection::Restricted);
        assert!(why.unwrap().contains("install it"));
        let (level, why) = chosen(Confine::Best, &offer(false, false)).unwrap();
        assert_eq!(level, Protection::Unprotected);
        assert!(why.unwrap().contains("Landlock"));
    }

    #[test]
    fn a_demanded_level_that_is_not_offered_is_an_error_with_the_remedy() {
        let error = chosen(Confine::Sandboxed, &offer(false, true)).unwrap_err();
        assert!(error.to_string().contains("sandboxed"), "{error}");
        assert!(error.hint().unwrap().contains("install it"), "{error:?}");
        assert!(chosen(Confine::Restricted, &offer(true, false)).is_err());
        assert!(chosen(Confine::Unprotected, &offer(false, false)).is_ok());
    }

    #[test]
    fn paths_are_resolved_and_what_the_session_keeps_cannot_be_named() {
        let temp = tempfile::tempdir().unwrap();
        let base = temp.path().canonicalize().unwrap();
        for folder in ["repo/.git", "repo/data", "home/sets"] {
            std::fs::create_dir_all(base.join(folder)).unwrap();
        }
        let (root, home) = (base.join("repo"), base.join("home"));
        let guarded = [root.join(".git"), root.join(FOLDER)];
        let read = |text: &str| named("run.readable", text, &root, Some(&home), &guarded);
        assert_eq!(read("~/sets").unwrap(), home.join("sets"));
        assert_eq!(read("~").unwrap(), home);
        assert_eq!(read("data").unwrap(), root.join("data"));
        assert_eq!(read(home.to_str().unwrap()).unwrap(), home);
        for text in ["~/missing", "missing", ".git", ".", "..", "/", ".git/hooks"] {
            let error = read(text).unwrap_err();
            assert!(error.to_string().contains("run.readable"), "{error}");
        }
    }
}
