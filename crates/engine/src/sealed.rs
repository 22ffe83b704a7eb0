//! Sealed evaluation (SPEC L2): a second command measures, in a pristine
//! checkout that the training code never touched.
//!
//! The targets are not there, unless they are declared as artefacts: then as
//! they are in the candidate's commit, not as the run left them. Of what the
//! run left, the declared artefacts are carried over and nothing else; what is
//! held out is there and nowhere else.

use std::fs;
use std::path::Path;

use autoresearch_config::OnBudget;
use autoresearch_core::trial::{Crash, CrashKind, Exit, Trial};
use autoresearch_core::units::Bytes;
use autoresearch_repo::is_under;

use crate::bench::{Bench, Order, wait};
use crate::error::EngineError;
use crate::pickle::pickled;
use crate::place::{Setting, git_of};
use crate::stop::Stop;
use crate::suite::Suite;

/// Files and folders that are carried over at most.
const ENTRIES: u64 = 1_000_000;

impl Bench<'_> {
    /// Measures what the run of `outcome` left.
    pub(crate) fn weigh(
        &mut self,
        outcome: &mut Trial,
        suite: Option<&Suite>,
        order: &Order<'_>,
        stop: &Stop,
        tick: &mut dyn FnMut(),
    ) -> Result<(), EngineError> {
        let Order { number, trial, commit, .. } = *order;
        let folder = self.places.scales();
        let mut links = self.config.links.clone();
        links.extend_from_slice(&self.held_out.untracked);
        let artifacts = &self.config.metric.artifacts;
        let absent: Vec<String> =
            self.config.target.iter().filter(|path| !is_under(path, artifacts)).cloned().collect();
        let setting = Setting { links: &links, withheld: &absent, history: false };
        self.scales.hold(&self.repo, &folder, commit, setting)?;
        let mut carrier = Carrier {
            from: &self.places.bench(),
            to: &folder,
            bytes: self.config.run.disk.0,
            entries: ENTRIES,
            may_be_pickle: self.config.metric.allow_pickle,
            is_kept: &|path| {
                self.protected.holds(path) || self.config.target.iter().any(|target| target == path)
            },
        };
        for artifact in artifacts {
            let artifact = artifact.trim_end_matches('/');
            if let Err(why) = carrier.carry(artifact) {
                let reason = format!("the artefact `{artifact}` cannot be carried over: {why}");
                outcome.crash = Some(Crash { kind: CrashKind::NoMetric, reason });
                return Ok(());
            }
        }
        let out = self.places.out(number, trial).with_extension("measure");
        fs::create_dir_all(&out).map_err(EngineError::io("create", &out))?;
        let mut job = self.job(order, &folder, &out);
        job.id.push_str("-measure");
        job.command = self.config.metric.command.clone().unwrap_or_default();
        job.deadline_seconds = self.config.metric.timeout.as_secs_f64();
        job.log = job.log.with_extension("measure.log");
        job.confinement = self.walls.measurement(&folder, git_of(&folder), &out);
        job.source = Some(self.config.source());
        job.take = self.config.metric.take;
        job.wanted = self.wanted();
        let report = wait(self.executor, &job, stop, None, tick)?;
        let _ = fs::remove_dir(&out);
        let Some(report) = report else {
            outcome.exit = Exit::Lost;
            return Ok(());
        };
        let (weighed, _) = self.trial_with_tests(report, suite, &folder, order, OnBudget::Crash)?;
        outcome.remark = weighed.remark;
        outcome.metric = weighed.metric;
        outcome.secondary.extend(weighed.secondary);
        outcome.crash = weighed.crash.map(|crash| Crash {
            reason: format!("the measuring command: {}", crash.reason),
            ..crash
        });
        if weighed.exit == Exit::Interrupted {
            outcome.exit = Exit::Interrupted;
        }
        Ok(())
    }
}

/// Copies artefacts from one worktree to another, within bounds.
struct Carrier<'a> {
    from: &'a Path,
    to: &'a Path,
    /// That may still be copied.
    bytes: u64,
    entries: u64,
    may_be_pickle: bool,
    /// What stays as the checkout has it.
    is_kept: &'a dyn Fn(&str) -> bool,
}

impl Carrier<'_> {
    /// Copies the file or folder `path`; a link is no artefact, since it could
    /// lead anywhere, and neither is what lies behind one.
    fn carry(&mut self, path: &str) -> Result<(), String> {
        for root in [self.from, self.to] {
            let mut folder = root.to_owned();
            let above = Path::new(path).parent().into_iter().flat_map(Path::components);
            for part in above {
                folder.push(part);
                let meta = folder.symlink_metadata();
                if meta.as_ref().is_ok_and(|meta| !meta.is_dir()) {
                    return Err("it lies behind something that is no folder".to_owned());
                }
            }
        }
        self.copy(path)
    }

    fn copy(&mut self, path: &str) -> Result<(), String> {
        let io = |error: std::io::Error| match error.kind() {
            std::io::ErrorKind::NotFound => format!("the run did not write `{path}`"),
            _ => format!("`{path}`: {error}"),
        };
        if (self.is_kept)(path) {
            return Ok(());
        }
        self.entries = self.entries.checked_sub(1).ok_or("it holds too many files")?;
        let (from, to) = (self.from.join(path), self.to.join(path));
        let meta = from.symlink_metadata().map_err(io)?;
        if meta.is_dir() {
            make_room(&to, fs::Metadata::is_dir).map_err(io)?;
            fs::create_dir_all(&to).map_err(io)?;
            for entry in fs::read_dir(&from).map_err(io)? {
                let name = entry.map_err(io)?.file_name();
                let name = name.to_str().ok_or("a name in it is not UTF-8")?;
                if name.eq_ignore_ascii_case(".git") {
                    return Err(format!("`{path}` is a repository"));
                }
                self.copy(&format!("{path}/{name}"))?;
            }
            return Ok(());
        }
        if !meta.is_file() {
            return Err(format!("`{path}` is neither a file nor a folder"));
        }
        self.bytes = self.bytes.checked_sub(meta.len()).ok_or_else(|| {
            format!("`{path}` is {}, more than `run.disk` leaves", Bytes(meta.len()))
        })?;
        if !self.may_be_pickle
            && let Some(how) = pickled(&from).map_err(io)?
        {
            return Err(format!(
                "`{path}`: {how}, whose code would run where it is loaded; write safetensors, .npz without objects, JSON or CSV instead, or set `metric.allow_pickle`"
            ));
        }
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent).map_err(io)?;
        }
        make_room(&to, |_| false).map_err(io)?;
        fs::copy(&from, &to).map_err(io)?;
        Ok(())
    }
}

/// Makes room at `to`: what the checkout has there is not written through.
fn make_room(to: &Path, is_fit: impl Fn(&fs::Metadata) -> bool) -> std::io::Result<()> {
    match to.symlink_metadata() {
        Ok(there) if is_fit(&there) => Ok(()),
        Ok(there) if there.is_dir() => fs::remove_dir_all(to),
        Ok(_) => fs::remove_file(to),
        Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    struct Two(tempfile::TempDir);

    impl Two {
        fn new() -> Two {
            let temp = tempfile::tempdir().unwrap();
            fs::create_dir_all(temp.path().join("from/out")).unwrap();
            fs::create_dir_all(temp.path().join("to")).unwrap();
            Two(temp)
        }

        fn from(&self, path: &str) -> std::path::PathBuf {
            self.0.path().join("from").join(path)
        }

        fn to(&self, path: &str) -> std::path::PathBuf {
            self.0.path().join("to").join(path)
        }

        fn carry(&self, path: &str) -> Result<(), String> {
            let (from, to) = (self.from(""), self.to(""));
            let mut carrier = Carrier {
                from: &from,
                to: &to,
                bytes: 1000,
                entries: 10,
                may_be_pickle: false,
                is_kept: &|path| path == "out/evaluate.py",
            };
            carrier.carry(path)
        }
    }

    #[test]
    fn a_folder_is_carried_but_for_what_the_checkout_must_keep() {
        let two = Two::new();
        fs::write(two.from("out/model.json"), "{}").unwrap();
        fs::write(two.from("out/evaluate.py"), "cheat").unwrap();
        fs::create_dir(two.to("out")).unwrap();
        fs::write(two.to("out/evaluate.py"), "honest").unwrap();
        two.carry("out").unwrap();
        assert_eq!(fs::read_to_string(two.to("out/model.json")).unwrap(), "{}");
        assert_eq!(fs::read_to_string(two.to("out/evaluate.py")).unwrap(), "honest");
    }

    #[test]
    fn links_devices_and_what_lies_behind_a_link_stay() {
        let two = Two::new();
        fs::write(two.0.path().join("secret"), "s").unwrap();
        symlink("../secret", two.from("leak")).unwrap();
        symlink("../..", two.from("out/up")).unwrap();
        symlink("..", two.from("up")).unwrap();
        assert!(two.carry("leak").unwrap_err().contains("neither a file nor a folder"));
        assert!(two.carry("out").unwrap_err().contains("out/up"));
        assert!(two.carry("up/secret").unwrap_err().contains("no folder"));
        assert!(two.carry("missing").unwrap_err().contains("did not write"));
        // A link in the checkout is replaced, not written through.
        fs::write(two.from("a.json"), "new").unwrap();
        symlink("../secret", two.to("a.json")).unwrap();
        two.carry("a.json").unwrap();
        assert_eq!(fs::read_to_string(two.0.path().join("secret")).unwrap(), "s");
        assert_eq!(fs::read_to_string(two.to("a.json")).unwrap(), "new");
    }

    #[test]
    fn what_is_too_much_or_a_pickle_stays() {
        let two = Two::new();
        fs::File::create(two.from("huge")).unwrap().set_len(1 << 40).unwrap();
        assert!(two.carry("huge").unwrap_err().contains("run.disk"));
        for n in 0..20 {
            fs::write(two.from(&format!("out/{n}")), "").unwrap();
        }
        assert!(two.carry("out").unwrap_err().contains("too many"));
        fs::write(two.from("model"), b"\x80\x04N.").unwrap();
        assert!(two.carry("model").unwrap_err().contains("safetensors"));
    }
}
