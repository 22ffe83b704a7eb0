//! Which resource controllers a trial's group could have: those of control
//! groups that this process may make children of.

use std::path::{Path, PathBuf};

/// In words, as `memory, pids (v1)`; what there is and may not be used is said,
/// too.
pub fn controllers() -> String {
    let read = |path: &Path| std::fs::read_to_string(path).unwrap_or_default();
    let mounts = mounts(&read(Path::new("/proc/self/mounts")));
    if mounts.is_empty() {
        return "none: the system has no control groups".to_owned();
    }
    let (mut ours, mut others) = (Vec::new(), Vec::new());
    for (group, names) in groups(&read(Path::new("/proc/self/cgroup")), &mounts) {
        let (version, names) = match names {
            Some(names) => ("v1", names),
            None => ("v2", read(&group.join("cgroup.controllers"))),
        };
        let access = rustix::fs::access(&group, rustix::fs::Access::WRITE_OK);
        let matter = names
            .split([',', ' ', '\n'])
            .filter(|name| matches!(*name, "memory" | "pids" | "cpu" | "io"))
            .map(|name| format!("{name} ({version})"));
        if access.is_ok() { ours.extend(matter) } else { others.extend(matter) }
    }
    let list = |mut names: Vec<String>| {
        names.sort();
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    };
    if others.is_empty() {
        list(ours)
    } else {
        format!("{}; not ours to use: {}", list(ours), list(others))
    }
}

/// Where hierarchies are mounted, with their options; v2 has none that name a
/// controller.
fn mounts(text: &str) -> Vec<(PathBuf, Option<String>)> {
    text.lines()
        .filter_map(|line| {
            let mut fields = line.split(' ').skip(1);
            let (folder, kind, options) = (fields.next()?, fields.next()?, fields.next()?);
            match kind {
                "cgroup" => Some((PathBuf::from(folder), Some(options.to_owned()))),
                "cgroup2" => Some((PathBuf::from(folder), None)),
                _ => None,
            }
        })
        .collect()
}

/// This process's group in each hierarchy: its folder, and for v1 its
/// controllers.
fn groups(own: &str, mounts: &[(PathBuf, Option<String>)]) -> Vec<(PathBuf, Option<String>)> {
    own.lines()
        .filter_map(|line| {
            let mut fields = line.splitn(3, ':').skip(1);
            let (names, path) = (fields.next()?, fields.next()?.trim_start_matches('/'));
            let is_one = |options: &Option<String>| match options {
                None => names.is_empty(),
                Some(options) => {
                    !names.is_empty()
                        && names.split(',').all(|name| options.split(',').any(|o| o == name))
                }
            };
            let (folder, options) = mounts.iter().find(|(_, options)| is_one(options))?;
            let inside = folder.join(path);
            // In a container the path may be the host's, of which this is the root.
            let folder = if inside.is_dir() { inside } else { folder.clone() };
            Some((folder, options.as_ref().map(|_| names.to_owned())))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hybrid_machine_has_groups_of_both_kinds() {
        let mounts = mounts(
            "tmpfs /sys/fs/cgroup tmpfs ro 0 0\ncgroup2 /nowhere/unified cgroup2 rw,nosuid 0 0\ncgroup /nowhere/memory cgroup rw,nosuid,memory 0 0\ncgroup /nowhere/cpu,cpuacct cgroup rw,cpu,cpuacct 0 0\n",
        );
        let own = "12:memory:/a/b\n5:cpu,cpuacct:/\n3:pids:/\n0::/a\n";
        assert_eq!(
            groups(own, &mounts),
            [
                (PathBuf::from("/nowhere/memory"), Some("memory".to_owned())),
                (PathBuf::from("/nowhere/cpu,cpuacct/"), Some("cpu,cpuacct".to_owned())),
                (PathBuf::from("/nowhere/unified"), None),
            ]
        );
        assert_eq!(groups("nonsense\n:\n", &mounts), []);
    }

    #[test]
    fn there_is_always_an_answer() {
        assert!(!controllers().is_empty());
    }
}
