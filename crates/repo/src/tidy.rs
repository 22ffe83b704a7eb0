//! What git does not see of a worktree and a run may leave there: pipes,
//! sockets and devices, which `git clean` passes over, and permissions other
//! than whether a file can be run. Either would reach the next run.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::path::is_under;

/// Removes what is neither a file, a folder nor a link, and gives files and
/// folders the permissions that `fresh`, a folder that git made, has. What
/// fails is found out when it is used.
pub(crate) fn tidy(root: &Path, fresh: &Path, keep: &[String]) {
    let mode = fs::metadata(fresh).map_or(0o755, |there| there.permissions().mode());
    folder(root, root, mode & 0o777, keep);
}

fn folder(root: &Path, path: &Path, fresh: u32, keep: &[String]) {
    set(path, fresh);
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        let path = entry.path();
        let is_kept =
            path.strip_prefix(root).is_ok_and(|below| is_under(&below.to_string_lossy(), keep));
        let Ok(there) = fs::symlink_metadata(&path) else {
            continue;
        };
        if is_kept || there.is_symlink() {
        } else if there.is_dir() {
            folder(root, &path, fresh, keep);
        } else if there.is_file() {
            let can_run = there.permissions().mode() & 0o100 != 0;
            set(&path, if can_run { fresh } else { fresh & 0o666 });
        } else {
            let _ = fs::remove_file(&path);
        }
    }
}

fn set(path: &Path, mode: u32) {
    let is_it = |there: fs::Metadata| there.permissions().mode() & 0o7777 == mode;
    if !fs::symlink_metadata(path).is_ok_and(is_it) {
        let _ = fs::set_permissions(path, Permissions::from_mode(mode));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pipes_go_and_permissions_come_back_but_not_of_what_is_kept() {
        let temp = tempfile::tempdir().unwrap();
        let (root, fresh) = (temp.path().join("root"), temp.path().join("fresh"));
        fs::create_dir_all(root.join("a/locked")).unwrap();
        fs::create_dir(root.join("kept")).unwrap();
        fs::create_dir(&fresh).unwrap();
        fs::set_permissions(&fresh, Permissions::from_mode(0o750)).unwrap();
        fs::write(root.join("a/run"), "").unwrap();
        fs::write(root.join("a/read"), "").unwrap();
        fs::write(root.join("outside"), "").unwrap();
        std::os::unix::fs::symlink("/", root.join("link")).unwrap();
        std::os::unix::net::UnixListener::bind(root.join("a/socket")).unwrap();
        std::os::unix::net::UnixListener::bind(root.join("kept/socket")).unwrap();
        fs::set_permissions(root.join("a/run"), Permissions::from_mode(0o6711)).unwrap();
        fs::set_permissions(root.join("a/read"), Permissions::from_mode(0o000)).unwrap();
        fs::set_permissions(root.join("a/locked"), Permissions::from_mode(0o000)).unwrap();
        fs::set_permissions(root.join("kept"), Permissions::from_mode(0o700)).unwrap();

        tidy(&root, &fresh, &["kept".to_owned()]);

        let mode = |path: &str| {
            fs::symlink_metadata(root.join(path)).unwrap().permissions().mode() & 0o7777
        };
        assert_eq!(mode(""), 0o750);
        assert_eq!(mode("a/run"), 0o750);
        assert_eq!(mode("a/read"), 0o640);
        assert_eq!(mode("a/locked"), 0o750);
        assert_eq!(mode("kept"), 0o700);
        assert!(!root.join("a/socket").exists());
        assert!(root.join("kept/socket").exists());
        assert!(root.join("link").is_symlink());
    }
}
