//! What a confined job has to itself: a place for its temporary files, and an
//! environment that tells of it.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use autoresearch_core::trial::Protection;

use super::view::View;
use crate::{Job, RunError};

/// Brings an environment in line with what there is: folders that it may write
/// to, and no waiting for a network that never answers.
pub(super) fn adjust(
    environment: &mut BTreeMap<OsString, OsString>,
    job: &Job,
    view: &View,
    private: Option<&Path>,
) {
    let is_sandbox = job.confinement.protection == Protection::Sandboxed;
    let mut set = |name: &str, value: &OsStr, is_default: bool| {
        let is_set = if is_default {
            environment.contains_key(OsStr::new(name))
        } else {
            job.environment.contains_key(name)
        };
        if !is_set {
            environment.insert(name.into(), value.to_owned());
        }
    };
    let tmp = match private {
        Some(private) if !is_sandbox => private.join("tmp"),
        _ => PathBuf::from("/tmp"),
    };
    for name in ["TMPDIR", "TMP", "TEMP"] {
        set(name, tmp.as_os_str(), false);
    }
    set("PWD", job.directory.as_os_str(), false);
    if is_sandbox {
        // Its user may have no name there, and some programs insist on one.
        set("USER", "user".as_ref(), true);
        set("LOGNAME", "user".as_ref(), true);
    } else if let Some(private) = private.filter(|_| view.has_own_home) {
        // The home folder is the user's, and cannot be written to.
        for (name, folder) in [("MPLCONFIGDIR", "matplotlib"), ("TRITON_CACHE_DIR", "triton")] {
            set(name, private.join("tmp").join(folder).as_os_str(), true);
        }
    }
    if !job.confinement.network {
        for name in ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE", "UV_OFFLINE"]
        {
            set(name, "1".as_ref(), true);
        }
        set("WANDB_MODE", "offline".as_ref(), true);
    }
    for name in ["OLDPWD", "XDG_RUNTIME_DIR"] {
        if !job.environment.contains_key(name) {
            environment.remove(OsStr::new(name));
        }
    }
    move_in(environment, job);
}

/// Gives a job the home folder that was chosen for it.
pub(crate) fn move_in(environment: &mut BTreeMap<OsString, OsString>, job: &Job) {
    let Some(home) = &job.confinement.home else { return };
    environment.insert("HOME".into(), home.into());
    // They lie in the home folder unless they are set, and were set for another.
    for name in ["XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"] {
        if !job.environment.contains_key(name) {
            environment.remove(OsStr::new(name));
        }
    }
}

/// A folder for the job's `/tmp` and home; goes away with its value.
pub(crate) struct Private(pub(super) PathBuf);

impl Private {
    /// Makes it anew: what a killed supervisor left there is removed.
    pub(super) fn create(path: &Path, has_home: bool) -> Result<Private, RunError> {
        let make = || -> io::Result<PathBuf> {
            fs::create_dir_all(path)?;
            let path = path.canonicalize()?;
            empty(&path);
            // Each folder costs time, on some file systems a millisecond.
            fs::create_dir(path.join("tmp"))?;
            if has_home {
                fs::create_dir(path.join("home"))?;
            }
            Ok(path)
        };
        make().map(Private).map_err(|error| RunError::write(path, error))
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        empty(&self.0);
        // Not empty if it was somebody else's, too.
        let _ = fs::remove_dir(&self.0);
    }
}

fn empty(private: &Path) {
    for name in ["tmp", "home"] {
        let folder = private.join(name);
        let removed = fs::remove_dir_all(&folder);
        if removed.is_err_and(|error| error.kind() != io::ErrorKind::NotFound) {
            unlock(&folder);
            // What cannot be removed now is found by the next one.
            let _ = fs::remove_dir_all(&folder);
        }
    }
}

/// Lets us remove what is in folders that were locked by whoever made them.
fn unlock(folder: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let _ = fs::set_permissions(folder, fs::Permissions::from_mode(0o700));
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            unlock(&entry.path());
        }
    }
}
