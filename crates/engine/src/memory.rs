//! How much memory there is for runs: the machine's, or what the cgroup that
//! we are in may use.
//!
//! Sources: proc(5), cgroups(7), the kernel's `cgroup-v2.rst` and
//! `cgroup-v1/memory.rst`.

use std::path::{Path, PathBuf};

/// Nine tenths of it, in bytes; `None` where the system does not tell.
pub(crate) fn share() -> Option<u64> {
    let read = |path: &Path| std::fs::read_to_string(path).ok();
    available(&read).map(|bytes| bytes / 10 * 9)
}

fn available(read: &dyn Fn(&Path) -> Option<String>) -> Option<u64> {
    let machine = read(Path::new("/proc/meminfo")).and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("MemTotal:"))?;
        let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
        kib.checked_mul(1024)
    });
    let groups = read(Path::new("/proc/self/cgroup")).unwrap_or_default();
    let limits = limit_files(&groups).into_iter().filter_map(|file| {
        // `max` is no number, and no limit.
        read(&file)?.trim().parse::<u64>().ok()
    });
    limits.chain(machine).min()
}

/// The files that hold a limit on the memory of a process in these cgroups,
/// those of the groups above included.
fn limit_files(groups: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for line in groups.lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else { continue };
        let (mount, name) = if controllers.is_empty() {
            ("/sys/fs/cgroup", "memory.max")
        } else if controllers.split(',').any(|controller| controller == "memory") {
            ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
        } else {
            continue;
        };
        let group = Path::new(mount).join(path.trim_start_matches('/'));
        let above = group.ancestors().take_while(|folder| folder.starts_with(mount));
        files.extend(above.map(|folder| folder.join(name)));
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(files: &[(&str, &str)]) -> Option<u64> {
        available(&|path| {
            let found = files.iter().find(|(name, _)| Path::new(name) == path)?;
            Some(found.1.to_owned())
        })
    }

    #[test]
    fn the_smallest_limit_counts() {
        let machine = ("/proc/meminfo", "MemTotal:       1000 kB\nMemFree: 1 kB\n");
        assert_eq!(with(&[machine]), Some(1_024_000));
        let unified = ("/proc/self/cgroup", "0::/user.slice/job\n");
        let (inner, outer) =
            ("/sys/fs/cgroup/user.slice/job/memory.max", "/sys/fs/cgroup/user.slice/memory.max");
        assert_eq!(with(&[machine, unified, (inner, "max\n"), (outer, "500000\n")]), Some(500_000));
        let old = ("/proc/self/cgroup", "5:cpu,cpuacct:/a\n4:memory:/docker/x\n0::/\n");
        let limit = ("/sys/fs/cgroup/memory/docker/x/memory.limit_in_bytes", "300000\n");
        let none = ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
        assert_eq!(with(&[machine, old, limit, none]), Some(300_000));
        assert_eq!(with(&[]), None);
    }
}
