//! What the control groups that we are in mean for runs: which controllers
//! their own groups can have, and how much memory there is for them.

use std::path::Path;

use autoresearch_core::units::Bytes;

use super::machine;
use crate::limits::hierarchy::{Kind, Own, own_groups};

/// Which controllers that limit a run its own group could have, in words, as
/// `memory, pids (v1)`; what there is and may not be used is said, too.
pub fn controllers() -> String {
    let (mut ours, mut others) = (Vec::new(), Vec::new());
    for own in own_groups() {
        let (names, version) = match own.kind {
            Kind::Unified => (read(&own.folder.join("cgroup.controllers")), "v2"),
            Kind::Memory => (Some("memory".to_owned()), "v1"),
            Kind::Pids => (Some("pids".to_owned()), "v1"),
        };
        let names = names.unwrap_or_default();
        let matter = names
            .split_whitespace()
            .filter(|name| matches!(*name, "memory" | "pids"))
            .map(|name| format!("{name} ({version})"));
        let access = rustix::fs::access(&own.folder, rustix::fs::Access::WRITE_OK);
        if access.is_ok() { ours.extend(matter) } else { others.extend(matter) }
    }
    let list = |names: &[String]| {
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    };
    if others.is_empty() {
        list(&ours)
    } else {
        format!("{}; not ours to use: {}", list(&ours), list(&others))
    }
}

/// How much memory there is for runs: the machine's, or less where a control
/// group that we are in allows less. `None` where the system does not tell.
///
/// Sources: the kernel's `cgroup-v2.rst` and `cgroup-v1/memory.rst`.
pub fn available_memory() -> Option<Bytes> {
    let limit = least_limit(&own_groups(), &read);
    limit.map(Bytes).into_iter().chain(machine().memory).min()
}

/// The least limit on memory of these groups and of those above them.
fn least_limit(groups: &[Own], read: &dyn Fn(&Path) -> Option<String>) -> Option<u64> {
    groups
        .iter()
        .filter_map(|own| Some((own, own.kind.memory_limit()?)))
        .flat_map(|(own, file)| {
            let above = own.folder.ancestors().take_while(|group| group.starts_with(&own.mount));
            above.map(move |group| group.join(file))
        })
        // `max` is no number, and no limit.
        .filter_map(|file| read(&file)?.trim().parse().ok())
        .min()
}

fn read(file: &Path) -> Option<String> {
    std::fs::read_to_string(file).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_limit_of_all_groups_above_counts() {
        let own = |kind, folder: &str, mount: &str| Own {
            kind,
            folder: folder.into(),
            mount: mount.into(),
        };
        let groups = [
            own(Kind::Unified, "/g/user/job", "/g"),
            own(Kind::Memory, "/m/docker/x", "/m"),
            own(Kind::Pids, "/p/x", "/p"),
        ];
        let with = |files: &[(&str, &str)]| {
            least_limit(&groups, &|path| {
                let found = files.iter().find(|(name, _)| Path::new(name) == path)?;
                Some(found.1.to_owned())
            })
        };
        let (inner, outer) = (("/g/user/job/memory.max", "max\n"), ("/g/memory.max", "500000\n"));
        assert_eq!(with(&[inner, outer]), Some(500_000));
        let old = ("/m/docker/x/memory.limit_in_bytes", "300000\n");
        let none = ("/m/memory.limit_in_bytes", "9223372036854771712\n");
        assert_eq!(with(&[inner, outer, old, none]), Some(300_000));
        assert_eq!(with(&[("/memory.max", "1\n"), ("/p/x/memory.max", "1\n")]), None);
    }

    #[test]
    fn there_is_always_an_answer() {
        assert!(!controllers().is_empty());
        assert!(!cfg!(target_os = "linux") || available_memory().is_some());
    }
}
