//! Where the control groups of this process lie, from `/proc/self/cgroup` and
//! `/proc/self/mountinfo`. Both versions, as `cgroups(7)` and `proc(5)` have
//! them.

use std::fs;
use std::path::{Path, PathBuf};

/// What a hierarchy of groups can do for us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Version 2: all controllers in one hierarchy.
    Unified,
    /// Version 1, with the memory controller.
    Memory,
    /// Version 1, with the pids controller.
    Pids,
}

impl Kind {
    /// The file that limits memory, if it does.
    pub(crate) fn memory_limit(self) -> Option<&'static str> {
        match self {
            Kind::Unified => Some("memory.max"),
            Kind::Memory => Some("memory.limit_in_bytes"),
            Kind::Pids => None,
        }
    }
}

/// The group in one hierarchy that this process is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Own {
    pub(crate) kind: Kind,
    pub(crate) folder: PathBuf,
    /// The topmost group that is visible.
    pub(crate) mount: PathBuf,
}

/// The groups of this process, in hierarchies that are mounted.
pub(crate) fn own_groups() -> Vec<Own> {
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    groups_in(&read("/proc/self/cgroup"), &read("/proc/self/mountinfo"))
}

fn groups_in(groups: &str, mounts: &str) -> Vec<Own> {
    groups
        .lines()
        .flat_map(|line| {
            let Some((_, (controllers, path))) =
                line.split_once(':').and_then(|(id, rest)| Some((id, rest.split_once(':')?)))
            else {
                return Vec::new();
            };
            let kinds: &[(&str, Kind)] = if controllers.is_empty() {
                &[("", Kind::Unified)]
            } else {
                &[("memory", Kind::Memory), ("pids", Kind::Pids)]
            };
            kinds
                .iter()
                .filter(|(name, _)| name.is_empty() || controllers.split(',').any(|c| c == *name))
                .filter_map(|(name, kind)| {
                    let (mount, folder) = place(mounts, name, Path::new(path))?;
                    Some(Own { kind: *kind, folder, mount })
                })
                .collect()
        })
        .collect()
}

/// Where a group lies in the file system. In a container its path may be the
/// host's: then all that is visible is what is mounted, and that is our group.
fn place(mounts: &str, controller: &str, path: &Path) -> Option<(PathBuf, PathBuf)> {
    let mut mounted = mounts.lines().filter_map(|line| {
        let (left, right) = line.split_once(" - ")?;
        let mut left = left.split(' ').skip(3);
        let (root, point) = (left.next()?, left.next()?);
        let mut right = right.split(' ');
        let (system, options) = (right.next()?, right.nth(1)?);
        let fits = if controller.is_empty() {
            system == "cgroup2"
        } else {
            system == "cgroup" && options.split(',').any(|option| option == controller)
        };
        fits.then_some((root, PathBuf::from(point)))
    });
    let (root, mount) = mounted.next()?;
    // `/..` is what a group outside of the namespace's root is called.
    let folder = match path.strip_prefix(root) {
        Ok(below) if !path.starts_with("/..") => mount.join(below),
        _ => mount.clone(),
    };
    Some((mount, folder))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn own(kind: Kind, folder: &str, mount: &str) -> Own {
        Own { kind, folder: folder.into(), mount: mount.into() }
    }

    /// Debian 12 with systemd's hybrid layout, recorded.
    const HYBRID_GROUPS: &str = "9:name=systemd:/\n8:pids:/\n6:freezer:/\n\
        4:memory:/process_api/3f4c\n0::/\n";
    const HYBRID_MOUNTS: &str = "\
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
39 31 0:36 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
";

    #[test]
    fn every_hierarchy_of_a_hybrid_machine_is_found() {
        let at = "/sys/fs/cgroup";
        assert_eq!(
            groups_in(HYBRID_GROUPS, HYBRID_MOUNTS),
            [
                own(Kind::Pids, &format!("{at}/pids"), &format!("{at}/pids")),
                own(
                    Kind::Memory,
                    &format!("{at}/memory/process_api/3f4c"),
                    &format!("{at}/memory")
                ),
                own(Kind::Unified, &format!("{at}/unified"), &format!("{at}/unified")),
            ]
        );
    }

    #[test]
    fn a_session_under_systemd_has_one_group_for_everything() {
        let mounts = "26 23 0:23 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:4 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot\n";
        let path = "/user.slice/user-1000.slice/user@1000.service/app.slice/x.scope";
        assert_eq!(
            groups_in(&format!("0::{path}\n"), mounts),
            [own(Kind::Unified, &format!("/sys/fs/cgroup{path}"), "/sys/fs/cgroup")]
        );
    }

    #[test]
    fn in_a_container_the_group_is_what_is_mounted() {
        // Docker with version 1: the path is the host's, and so is the mount's root.
        let mounts =
            "7 6 0:3 /docker/abc /sys/fs/cgroup/cpu,memory ro - cgroup cgroup rw,cpu,memory\n";
        let at = "/sys/fs/cgroup/cpu,memory";
        assert_eq!(groups_in("4:cpu,memory:/docker/abc\n", mounts), [own(Kind::Memory, at, at)]);
        assert_eq!(groups_in("4:cpu,memory:/elsewhere\n", mounts), [own(Kind::Memory, at, at)]);
        let mounts = "7 6 0:3 / /sys/fs/cgroup ro - cgroup2 cgroup rw\n";
        let at = "/sys/fs/cgroup";
        assert_eq!(groups_in("0::/../../x\n", mounts), [own(Kind::Unified, at, at)]);
    }

    #[test]
    fn what_is_not_mounted_is_left_out() {
        assert_eq!(groups_in(HYBRID_GROUPS, ""), []);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(groups in "([0-9:/a-z,.\n -]){0,80}", mounts in "([0-9:/a-z,.\n -]){0,120}") {
            let _ = groups_in(&groups, &mounts);
        }
    }
}
