//! What a trial fills of the disks that it may write to, without looking at
//! every file all the time: the files are counted when the room there falls by as
//! much as the trial may fill, or is nearly gone, and now and then all the same,
//! since others may make room meanwhile.

use std::collections::{HashMap, HashSet};
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use autoresearch_core::units::Bytes;

use crate::limits::Breach;

/// Room that is left to the machine, on a disk that is large enough.
const RESERVE: u64 = 1 << 30;
/// Entries of folders that are looked at at once: less than half a second's.
const MOST_ENTRIES: u64 = 200_000;
/// Between two counts of all files, which take at most this part of the time.
const RAREST_COUNT: Duration = Duration::from_secs(2);
const COUNTING_SHARE: u32 = 100;
/// How far behind the time of a file may be: a tick of the kernel's.
const TICK: Duration = Duration::from_millis(10);

/// Watches the disks that a trial can write to.
pub(crate) struct Disk {
    limit: u64,
    /// Files that were changed later are the trial's; since the epoch.
    since: Duration,
    folders: Vec<PathBuf>,
    disks: Vec<Room>,
    /// When the files are counted, whatever the room says.
    count_at: Instant,
}

/// The room on one file system.
struct Room {
    folder: PathBuf,
    /// Below it, nothing is left for others.
    reserve: u64,
    /// Below it, the trial may have filled too much.
    suspicious: u64,
}

impl Disk {
    /// Those that hold `folders`, as they are now.
    pub(crate) fn new(limit: u64, folders: impl Iterator<Item = PathBuf>) -> Disk {
        let folders = apart(folders.collect());
        let mut disks = HashMap::new();
        for folder in &folders {
            if let Some((metadata, (free, total))) = folder.metadata().ok().zip(room(folder)) {
                disks.entry(metadata.dev()).or_insert_with(|| Room {
                    folder: folder.clone(),
                    // Where it is nearly full already, the trial may not make it
                    // worse by much.
                    reserve: RESERVE.min(total / 100).min(free - free / 10),
                    suspicious: free.saturating_sub(limit),
                });
            }
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Disk {
            limit,
            since: now.saturating_sub(TICK),
            folders,
            disks: disks.into_values().collect(),
            count_at: Instant::now() + RAREST_COUNT,
        }
    }

    /// Whether the trial has filled too much, or somebody else nearly all.
    pub(crate) fn look(&mut self) -> Option<Breach> {
        let began = Instant::now();
        if began >= self.count_at {
            let written = self.written();
            self.count_at = Instant::now() + RAREST_COUNT.max(began.elapsed() * COUNTING_SHARE);
            if written > self.limit {
                return Some(Breach::Disk(Bytes(self.limit)));
            }
        }
        for at in 0..self.disks.len() {
            let disk = &self.disks[at];
            let Some((free, _)) = room(&disk.folder) else {
                continue;
            };
            let is_full = free < disk.reserve;
            if !is_full && free >= disk.suspicious {
                continue;
            }
            let written = self.written();
            if written > self.limit {
                return Some(Breach::Disk(Bytes(self.limit)));
            }
            if is_full {
                return Some(Breach::FullDisk(Bytes(free)));
            }
            // It cannot be over before this much more is gone.
            self.disks[at].suspicious = free.saturating_sub(self.limit - written);
        }
        None
    }

    /// Bytes on disk of what was written since the start, no more of them
    /// counted than it takes to know.
    fn written(&self) -> u64 {
        let (mut bytes, mut entries) = (0_u64, 0_u64);
        let mut linked = HashSet::new();
        for root in &self.folders {
            let Ok(device) = root.metadata().map(|metadata| metadata.dev()) else {
                continue;
            };
            let mut folders = vec![root.clone()];
            while let Some(folder) = folders.pop() {
                for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                    entries += 1;
                    if bytes > self.limit || entries > MOST_ENTRIES {
                        return bytes;
                    }
                    // Of a symbolic link itself, not of what it leads to.
                    let Ok(metadata) = entry.metadata() else {
                        continue;
                    };
                    if metadata.dev() != device {
                        continue;
                    }
                    if metadata.is_dir() {
                        folders.push(entry.path());
                    }
                    if self.is_new(&metadata)
                        && (metadata.nlink() == 1 || linked.insert(metadata.ino()))
                    {
                        bytes = bytes.saturating_add(metadata.blocks().saturating_mul(512));
                    }
                }
            }
        }
        bytes
    }

    /// By the time that no program can set.
    fn is_new(&self, metadata: &Metadata) -> bool {
        let changed = u64::try_from(metadata.ctime()).unwrap_or(0);
        let nanoseconds = u32::try_from(metadata.ctime_nsec()).unwrap_or(0);
        Duration::new(changed, nanoseconds) >= self.since
    }
}

/// Bytes that are free for us and all there are, of a file system.
fn room(folder: &Path) -> Option<(u64, u64)> {
    let stat = rustix::fs::statvfs(folder).ok()?;
    let bytes = |blocks: u64| blocks.saturating_mul(stat.f_frsize);
    Some((bytes(stat.f_bavail), bytes(stat.f_blocks)))
}

/// Without what lies in another of them.
fn apart(mut folders: Vec<PathBuf>) -> Vec<PathBuf> {
    folders.sort();
    folders.dedup_by(|later, earlier| later.starts_with(earlier));
    folders
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_in_one_another_are_counted_once() {
        let paths = |names: &[&str]| names.iter().map(PathBuf::from).collect::<Vec<_>>();
        assert_eq!(
            apart(paths(&["/b/c", "/a", "/a/x", "/a", "/ab"])),
            paths(&["/a", "/ab", "/b/c"])
        );
    }

    #[test]
    fn only_what_was_written_since_counts_and_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        fs::write(path.join("before"), vec![1; 1 << 20]).unwrap();
        let mut disk = Disk::new(10 << 20, [path.to_owned()].into_iter());
        disk.since += TICK * 3;
        while SystemTime::now().duration_since(UNIX_EPOCH).unwrap() < disk.since + TICK * 2 {
            std::thread::yield_now();
        }
        assert_eq!(disk.written(), 0);
        fs::create_dir_all(path.join("deep/er")).unwrap();
        fs::write(path.join("deep/er/file"), vec![1; 1 << 20]).unwrap();
        fs::hard_link(path.join("deep/er/file"), path.join("again")).unwrap();
        std::os::unix::fs::symlink("/usr", path.join("link")).unwrap();
        let written = disk.written();
        assert!((1 << 20..(1 << 20) + (1 << 16)).contains(&written), "{written}");
        // A hole is no room that was filled.
        fs::File::create(path.join("hole")).unwrap().set_len(1 << 30).unwrap();
        assert!(disk.written() < 2 << 20);
    }

    #[test]
    fn room_that_others_take_is_not_held_against_the_trial() {
        let folder = tempfile::tempdir().unwrap();
        let mut disk = Disk::new(1 << 20, [folder.path().to_owned()].into_iter());
        disk.disks[0].suspicious = u64::MAX;
        assert_eq!(disk.look(), None);
        assert!(disk.disks[0].suspicious < u64::MAX);
        disk.disks[0].reserve = u64::MAX;
        assert!(matches!(disk.look(), Some(Breach::FullDisk(_))));
        fs::write(folder.path().join("file"), vec![1; 2 << 20]).unwrap();
        assert_eq!(disk.look(), Some(Breach::Disk(Bytes(1 << 20))));
    }
}
