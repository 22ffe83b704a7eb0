//! What a trial runs on that no commit holds: the Python packages that the run
//! command finds, driver, kernel, CPU governor, host. When it changes between
//! two trials, their metrics do not compare.
//!
//! Nothing is started for it. A folder of packages is read again only when its
//! time of change says so.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use autoresearch_core::proposal::Fingerprint;

use crate::python;

/// Differences that a sentence names.
const NAMED: usize = 5;

type Facts = BTreeMap<String, String>;

/// Watches the environment of one session's trials.
#[derive(Debug)]
pub(crate) struct Environment {
    /// The run command, and where it is looked up.
    lookup: python::Lookup,
    /// What the last trial had, across engines.
    record: PathBuf,
    last: Option<Facts>,
    packages: HashMap<PathBuf, (SystemTime, Vec<(String, String)>)>,
}

/// The environment of one trial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sight {
    pub(crate) fingerprint: Fingerprint,
    /// How it differs from the trial before, if it does.
    pub(crate) changed: Option<String>,
}

impl Environment {
    /// Of the command that `lookup` says; what the last trial had is in the
    /// file `record`, when there was one.
    pub(crate) fn new(lookup: python::Lookup, record: PathBuf) -> Environment {
        let last = fs::read_to_string(&record).ok().map(|text| {
            let fact = |line: &str| {
                let (name, value) = line.split_once('\t')?;
                Some((name.to_owned(), value.to_owned()))
            };
            text.lines().filter_map(fact).collect()
        });
        Environment { lookup, record, last, packages: HashMap::new() }
    }

    /// How it is now.
    ///
    /// # Errors
    /// When the record cannot be written.
    pub(crate) fn look(&mut self) -> std::io::Result<Sight> {
        let facts = self.facts();
        let parts = facts.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let fingerprint = Fingerprint::of(parts);
        let changed = self.last.as_ref().and_then(|last| difference(last, &facts));
        if changed.is_some() || self.last.is_none() {
            let mut text = String::new();
            for (name, value) in &facts {
                let _ = writeln!(text, "{name}\t{value}");
            }
            fs::write(&self.record, text)?;
            self.last = Some(facts);
        }
        Ok(Sight { fingerprint, changed })
    }

    fn facts(&mut self) -> Facts {
        let mut facts = system();
        if let Some(python) = self.lookup.find() {
            facts.insert("Python".to_owned(), python.version.clone());
            for folder in &python.packages {
                for (name, version) in self.packages_in(folder) {
                    facts.entry(name.clone()).or_insert_with(|| version.clone());
                }
            }
        }
        facts
    }

    fn packages_in(&mut self, folder: &Path) -> &[(String, String)] {
        let Ok(changed) = fs::metadata(folder).and_then(|meta| meta.modified()) else {
            return &[];
        };
        let known =
            self.packages.entry(folder.to_owned()).or_insert((SystemTime::UNIX_EPOCH, Vec::new()));
        if known.0 != changed {
            let names = fs::read_dir(folder).into_iter().flatten().flatten();
            let found = names.filter_map(|entry| python::package(entry.file_name().to_str()?));
            *known = (changed, found.collect());
        }
        &known.1
    }
}

/// What the kernel tells; names that no package can have.
fn system() -> Facts {
    let mut facts = Facts::from([("host name".to_owned(), autoresearch_run::platform::host())]);
    for (name, file) in [
        ("NVIDIA driver", "/proc/driver/nvidia/version"),
        ("Linux kernel", "/proc/sys/kernel/osrelease"),
        ("CPU governor", "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
    ] {
        let text = fs::read_to_string(file).unwrap_or_default();
        let line = text.lines().next().unwrap_or_default().trim();
        if !line.is_empty() {
            facts.insert(name.to_owned(), line.replace('\t', " "));
        }
    }
    facts
}

/// `numpy 1.26 → 2.0, torch 2.1 is gone`; `None` when nothing differs.
fn difference(before: &Facts, after: &Facts) -> Option<String> {
    let mut all: Vec<String> = Vec::new();
    for (name, old) in before {
        match after.get(name) {
            Some(new) if new == old => {}
            Some(new) => all.push(format!("{name} {old} → {new}")),
            None => all.push(format!("{name} {old} is gone")),
        }
    }
    let added = after.iter().filter(|(name, _)| !before.contains_key(*name));
    all.extend(added.map(|(name, version)| format!("{name} {version} is new")));
    let more = all.len().saturating_sub(NAMED);
    all.truncate(NAMED);
    if more > 0 {
        all.push(format!("{more} more"));
    }
    (!all.is_empty()).then(|| all.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn venv(root: &Path) -> PathBuf {
        let site = root.join(".venv/lib/python3.11/site-packages");
        fs::create_dir_all(&site).unwrap();
        fs::create_dir_all(root.join(".venv/bin")).unwrap();
        fs::write(root.join(".venv/bin/python"), "").unwrap();
        fs::write(root.join(".venv/pyvenv.cfg"), "home = /nowhere\nversion = 3.11.2\n").unwrap();
        fs::create_dir(site.join("torch-2.1.0.dist-info")).unwrap();
        site
    }

    fn environment(root: &Path) -> Environment {
        let command = [".venv/bin/python".to_owned(), "train.py".to_owned()];
        let lookup = python::Lookup::new(&command, root, "".as_ref(), None);
        Environment::new(lookup, root.join("record"))
    }

    #[test]
    fn a_changed_package_is_told_once_and_across_engines() {
        let root = tempfile::tempdir().unwrap();
        let site = venv(root.path());
        let mut watch = environment(root.path());
        let first = watch.look().unwrap();
        assert_eq!(first.changed, None);
        assert_eq!(watch.look().unwrap(), first);
        fs::rename(site.join("torch-2.1.0.dist-info"), site.join("torch-2.2.0.dist-info")).unwrap();
        let second = watch.look().unwrap();
        assert_eq!(second.changed.as_deref(), Some("torch 2.1.0 → 2.2.0"));
        assert_ne!(second.fingerprint, first.fingerprint);
        assert_eq!(watch.look().unwrap(), Sight { changed: None, ..second.clone() });

        fs::create_dir(site.join("numpy-2.0.dist-info")).unwrap();
        fs::remove_dir(site.join("torch-2.2.0.dist-info")).unwrap();
        let third = environment(root.path()).look().unwrap();
        assert_eq!(third.changed.as_deref(), Some("torch 2.2.0 is gone, numpy 2.0 is new"));
    }

    #[test]
    fn a_long_list_of_differences_is_cut() {
        let facts = |range: std::ops::Range<u8>| -> Facts {
            range.map(|n| (format!("p{n}"), "1".to_owned())).collect()
        };
        let said = difference(&facts(0..0), &facts(0..9)).unwrap();
        assert!(said.ends_with("p4 1 is new, 4 more"), "{said}");
    }
}
