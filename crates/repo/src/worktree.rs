//! Desks and benches: detached worktrees that belong to us alone.
//!
//! Two rules make them safe to hand to a program that nobody trusts. Git is
//! always told which folder is meant (`GIT_DIR`, `GIT_WORK_TREE`): a desk lies
//! inside the user's checkout, and a desk without its `.git` file would
//! otherwise be taken for that checkout. And git compares with an index of
//! ours; the desk's own, which a proposer may bend (`--assume-unchanged`), is
//! a copy.
//!
//! Files have the bytes that the repository has, but for `.gitattributes`:
//! `core.autocrlf` of the user is off here.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use autoresearch_core::experiment::CommitId;

use crate::error::RepoError;
use crate::git::Call;
use crate::path::{self, checked, ignore_pattern, is_under};
use crate::repo::{Repo, id};

const INDEX: &str = "autoresearch.index";

/// A detached worktree of ours.
#[derive(Clone, Debug)]
pub struct Worktree {
    pub(crate) repo: Repo,
    path: PathBuf,
    /// Git's folder for it, inside the user's `.git/worktrees`.
    admin: PathBuf,
}

impl Repo {
    /// A worktree at `path` that is exactly `commit`. One of ours that is
    /// there already is used again, and mended when a crash or a proposer
    /// left it broken.
    ///
    /// Submodules that the user has checked out are filled in with their
    /// files at the recorded commit, from the user's own copies and without
    /// the network; others stay empty folders, as do submodules of submodules.
    ///
    /// # Errors
    /// [`RepoError::NotOurs`] when something else is at `path`.
    pub fn worktree(&self, path: &Path, commit: &CommitId) -> Result<Worktree, RepoError> {
        id(commit)?;
        let path = resolved(path)?;
        let _guard = one_at_a_time();
        if let Some(worktree) = self.existing(&path)? {
            if worktree.reset_to(commit, &[]).is_ok() {
                return Ok(worktree);
            }
            self.remove(&path)?;
        }
        // Another process may be in the middle of the same.
        let mut attempts = 0;
        while let Err(error) = self.add(&path, commit) {
            attempts += 1;
            if attempts == 5 {
                return Err(error);
            }
            self.remove(&path)?;
        }
        let admin =
            self.admin_of(&path)?.ok_or_else(|| RepoError::NotOurs { path: path.clone() })?;
        let worktree = Worktree { repo: self.clone(), path, admin };
        worktree.reset_to(commit, &[])?;
        Ok(worktree)
    }

    fn add(&self, path: &Path, commit: &CommitId) -> Result<(), RepoError> {
        self.git
            .call("make a worktree", self.root())
            .env("GIT_DIR", self.git_dir())
            .set("core.autocrlf=false")
            .set("core.logAllRefUpdates=false")
            .remedy(
                "check that there is space left and that you may write to `.git` and to the folder",
            )
            .args(["worktree", "add", "--quiet", "--force", "--detach", "--no-checkout", "--"])
            .arg(path)
            .arg(id(commit)?)
            .run()?;
        Ok(())
    }

    /// Removes the worktree at `path`, whole or broken; nothing when there is
    /// none.
    ///
    /// # Errors
    /// [`RepoError::NotOurs`] when something else is at `path`.
    pub fn remove_worktree(&self, path: &Path) -> Result<(), RepoError> {
        let path = resolved(path)?;
        let _guard = one_at_a_time();
        self.remove(&path)
    }

    fn remove(&self, path: &Path) -> Result<(), RepoError> {
        let admin = self.admin_of(path)?;
        if admin.is_none() && !is_empty(path) && !self.is_orphan(path) {
            return Err(RepoError::NotOurs { path: path.to_owned() });
        }
        // The folder first: while git still knows it, it is known to be ours.
        remove_all(path).map_err(RepoError::io("remove the worktree", path))?;
        if let Some(admin) = admin {
            remove_all(&admin).map_err(RepoError::io("remove", &admin))?;
        }
        Ok(())
    }

    /// The worktree at `path`, if it is worth mending; what is not is removed.
    fn existing(&self, path: &Path) -> Result<Option<Worktree>, RepoError> {
        let admin = self.admin_of(path)?;
        if let Some(admin) = &admin {
            // `locked` is left by a `git worktree add` that was killed.
            let is_whole = admin.join("HEAD").is_file() && !admin.join("locked").exists();
            if is_whole && !is_empty(path) {
                return Ok(Some(Worktree {
                    repo: self.clone(),
                    path: path.to_owned(),
                    admin: admin.clone(),
                }));
            }
        }
        self.remove(path)?;
        Ok(None)
    }

    /// Git's folder for the worktree at `path`.
    ///
    /// Source: `git help gitrepository-layout`, "worktrees/<id>/gitdir".
    fn admin_of(&self, path: &Path) -> Result<Option<PathBuf>, RepoError> {
        let worktrees = self.common_dir().join("worktrees");
        let entries = match fs::read_dir(&worktrees) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(RepoError::io("read", &worktrees)(error)),
        };
        let wanted = path.join(".git");
        for admin in entries.filter_map(|entry| Some(entry.ok()?.path())) {
            let Ok(bytes) = fs::read(admin.join("gitdir")) else {
                continue;
            };
            let place = admin.join(path::from_bytes(bytes.trim_ascii_end()));
            if place == wanted || resolved(&place).is_ok_and(|place| place == wanted) {
                return Ok(Some(admin));
            }
        }
        Ok(None)
    }

    /// Whether the folder was a worktree of this repository that git forgot.
    fn is_orphan(&self, path: &Path) -> bool {
        let Ok(text) = fs::read(path.join(".git")) else {
            return false;
        };
        let Some(admin) = text.strip_prefix(b"gitdir: ") else {
            return false;
        };
        let admin = path::from_bytes(admin.trim_ascii_end());
        // A private one lies beside its worktree.
        admin.starts_with(self.common_dir().join("worktrees"))
            || (admin.parent() == path.parent() && admin.extension().is_some_and(|e| e == "git"))
    }
}

const REMEDY: &str = "remove what is in the way, or the whole worktree: it is made again";

impl Worktree {
    /// Its folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes it exactly `commit`: tracked files as they are there, everything
    /// else gone, ignored files and repositories inside included. Only `keep`
    /// (paths that are not in git, such as the linked ones) stays.
    ///
    /// # Errors
    /// When something in it cannot be removed, or the commit does not exist.
    pub fn reset_to(&self, commit: &CommitId, keep: &[String]) -> Result<(), RepoError> {
        let commit = id(commit)?;
        for path in keep {
            checked(path.trim_end_matches('/'))?;
        }
        self.mend()?;
        let reset = || self.check_out(commit).and_then(|()| self.clean(keep));
        if reset().is_err() {
            // A folder without write permission, or an index that a killed
            // git left half written.
            open_up(&self.path, &self.path, keep);
            let _ = fs::remove_file(self.admin.join(INDEX));
            reset()?;
        }
        self.fill_submodules()?;
        self.hand_out_index()
    }

    /// Links what is not in git (`.venv`, `data`) to where it is in the user's
    /// checkout, unless that is done. Whatever else is at such a path on this
    /// worktree, and not in git, is replaced.
    ///
    /// # Errors
    /// [`RepoError::BadPath`] when a path is in git, is behind a link, or is
    /// not in the checkout.
    pub fn link(&self, from_checkout: &Path, paths: &[String]) -> Result<(), RepoError> {
        for name in paths {
            let name = checked(name.trim_end_matches('/'))?;
            let (target, link) = (from_checkout.join(name), self.path.join(name));
            if fs::read_link(&link).is_ok_and(|there| there == target) {
                continue;
            }
            self.link_one(name, &target, &link)?;
        }
        Ok(())
    }

    fn link_one(&self, name: &str, target: &Path, link: &Path) -> Result<(), RepoError> {
        let bad = |why| RepoError::BadPath { path: name.to_owned(), why };
        if !target.exists() {
            return Err(bad(
                "it is not in your checkout; make it there or take it off the list of links",
            ));
        }
        let tracked =
            self.call("look for tracked files").args(["ls-files", "-z", "--", name]).run()?;
        if !tracked.is_empty() {
            return Err(bad("it is in git and thus there already; take it off the list of links"));
        }
        let mut folder = self.path.clone();
        for part in Path::new(name).parent().into_iter().flat_map(Path::components) {
            folder.push(part);
            match fs::symlink_metadata(&folder) {
                Ok(there) if there.is_dir() => {}
                Ok(_) => {
                    return Err(bad("a folder on its way is a link or a file; link that instead"));
                }
                Err(_) => {
                    fs::create_dir(&folder).map_err(RepoError::io("make the folder", &folder))?;
                }
            }
        }
        remove_all(link).map_err(RepoError::io("replace", link))?;
        path::symlink(target, link).map_err(RepoError::io("make the link", link))
    }

    /// A call on this worktree, with our index.
    pub(crate) fn call(&self, purpose: &'static str) -> Call {
        exact(self.repo.git.call(purpose, &self.path))
            .env("GIT_DIR", &self.admin)
            .env("GIT_WORK_TREE", &self.path)
            .env("GIT_INDEX_FILE", self.admin.join(INDEX))
    }

    /// Git's folder for it.
    pub(crate) fn admin(&self) -> &Path {
        &self.admin
    }

    /// As [`Worktree::reset_to`], for a worktree that was [cleaned](Worktree::clean)
    /// since anybody worked on it, and a commit with the same
    /// files: half of the work is done already.
    ///
    /// # Errors
    /// As [`Worktree::reset_to`].
    pub fn move_to(&self, commit: &CommitId, keep: &[String]) -> Result<(), RepoError> {
        let name = id(commit)?;
        if self.mend().and_then(|()| self.check_out(name)).is_err() {
            return self.reset_to(commit, keep);
        }
        self.fill_submodules()?;
        self.hand_out_index()
    }

    fn check_out(&self, commit: &str) -> Result<(), RepoError> {
        // Not `reset --hard`: that would move the branch that a proposer may
        // have checked out here.
        self.call("reset a worktree")
            .remedy(REMEDY)
            .args(["checkout", "--quiet", "--force", "--detach", commit])
            .run()?;
        Ok(())
    }

    /// Removes what is not in git, ignored files and repositories inside
    /// included, and gives back the permissions that git does not keep; only
    /// `keep` stays.
    ///
    /// # Errors
    /// When something cannot be removed.
    pub fn clean(&self, keep: &[String]) -> Result<(), RepoError> {
        #[cfg(unix)]
        crate::tidy::tidy(&self.path, &self.admin, keep);
        let mut clean = self.call("clean a worktree").remedy(REMEDY).args(["clean", "-qffdx"]);
        for path in keep {
            clean = clean.arg("-e").arg(ignore_pattern(path.trim_end_matches('/')));
        }
        clean.run()?;
        Ok(())
    }

    /// Puts back what git needs: the `.git` file as it was made, and no lock
    /// of a git that was killed (whoever worked here has ended by now).
    fn mend(&self) -> Result<(), RepoError> {
        let file = self.path.join(".git");
        let mut content = b"gitdir: ".to_vec();
        content.extend(self.admin.as_os_str().as_encoded_bytes());
        content.push(b'\n');
        let is_file = fs::symlink_metadata(&file).is_ok_and(|there| there.is_file());
        if !is_file || fs::read(&file).is_ok_and(|there| there != content) {
            remove_all(&file)
                .and_then(|()| fs::write(&file, content))
                .map_err(RepoError::io("mend", &file))?;
        }
        for lock in ["index.lock", "HEAD.lock", "autoresearch.index.lock"] {
            let lock = self.admin.join(lock);
            match fs::remove_file(&lock) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(RepoError::io("remove the lock of an ended git", &lock)(error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The index that git finds on the desk is a copy of ours.
    fn hand_out_index(&self) -> Result<(), RepoError> {
        let theirs = self.admin.join("index");
        self.copy_index(&theirs).map_err(RepoError::io("write", &theirs))
    }

    /// A copy of our index at `to`.
    pub(crate) fn copy_index(&self, to: &Path) -> io::Result<()> {
        let ours = self.admin.join(INDEX);
        fs::copy(&ours, to)?;
        // Git takes the index's own time to know which files may have changed
        // since without a trace.
        fs::File::options().write(true).open(to)?.set_modified(fs::metadata(&ours)?.modified()?)
    }
}

/// `git worktree add` fails when it meets another one that is not done.
fn one_at_a_time() -> MutexGuard<'static, ()> {
    static WORKTREES: Mutex<()> = Mutex::new(());
    WORKTREES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Settings under which files are exactly those of a commit, and a change is
/// told from the times of a file, all of which count.
pub(crate) fn exact(call: Call) -> Call {
    const SETTINGS: [&str; 7] = [
        // A worktree of ours is made again when the machine dies.
        "core.fsync=none",
        "core.autocrlf=false",
        "core.trustctime=true",
        "core.checkStat=default",
        "core.untrackedCache=false",
        "core.splitIndex=false",
        "core.logAllRefUpdates=false",
    ];
    SETTINGS.into_iter().fold(call, Call::set)
}

/// `path` with its parent resolved, so that two spellings compare.
fn resolved(path: &Path) -> Result<PathBuf, RepoError> {
    let absolute = std::path::absolute(path).map_err(RepoError::io("find", path))?;
    let (Some(parent), Some(name)) = (absolute.parent(), absolute.file_name()) else {
        return Err(RepoError::NotOurs { path: path.to_owned() });
    };
    // What is not there yet has no links in it.
    let parent = parent.canonicalize().unwrap_or_else(|_| parent.to_owned());
    Ok(parent.join(name))
}

/// Whether nothing is at `path` but perhaps an empty folder.
fn is_empty(path: &Path) -> bool {
    match fs::symlink_metadata(path) {
        Ok(there) if there.is_dir() => {
            fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none())
        }
        Ok(_) => false,
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}

/// Removes whatever is at `path`, without following links.
pub(crate) fn remove_all(path: &Path) -> io::Result<()> {
    let remove = || match fs::symlink_metadata(path) {
        Ok(there) if there.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    let result = remove().or_else(|error| {
        if error.kind() != io::ErrorKind::PermissionDenied {
            return Err(error);
        }
        open_up(path, path, &[]);
        remove()
    });
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

/// Gives us back the permission to change the folders below `folder`, but for
/// `keep`. What fails is found out when it is used.
fn open_up(root: &Path, folder: &Path, keep: &[String]) {
    #[cfg(unix)]
    if let Ok(there) = fs::symlink_metadata(folder)
        && there.is_dir()
    {
        use std::os::unix::fs::PermissionsExt;
        let mut permissions = there.permissions();
        permissions.set_mode(permissions.mode() | 0o700);
        let _ = fs::set_permissions(folder, permissions);
    }
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        let is_kept =
            path.strip_prefix(root).is_ok_and(|below| is_under(&below.to_string_lossy(), keep));
        if !is_kept && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            open_up(root, &path, keep);
        }
    }
}
