//! Notices what is done to protected files while a command runs, even if it is
//! undone before the end: the kernel tells whoever watches (`inotify`).

#[cfg(target_os = "linux")]
pub(crate) use linux::Witness;

#[cfg(target_os = "linux")]
mod linux {
    use std::collections::HashMap;
    use std::fs;
    use std::mem::MaybeUninit;
    use std::os::fd::OwnedFd;
    use std::path::{Path, PathBuf};

    use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};
    use std::mem::ManuallyDrop;

    use crate::Confinement;

    /// Files in protected folders that are watched one by one. Of more, what is
    /// done by way of their folder is noticed, and not what is done through a
    /// hard link elsewhere.
    const MOST_FILES: usize = 4096;
    /// Python writes there what it has compiled.
    const COMPILED: &[u8] = b"__pycache__";

    /// Watches from its making to its question.
    pub(crate) struct Witness {
        /// Left to the end of the process: to close it takes the kernel 10 ms,
        /// for which nobody then waits.
        watch: ManuallyDrop<OwnedFd>,
        /// What is watched, and how to call it.
        watched: HashMap<i32, String>,
    }

    impl Witness {
        /// Begins to watch all that is protected. None if nothing is, or the
        /// system has no more watches for this user.
        pub(crate) fn of(confinement: &Confinement) -> Option<Witness> {
            if confinement.protected.is_empty() {
                return None;
            }
            let watch = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).ok()?;
            let watch = ManuallyDrop::new(watch);
            let mut witness = Witness { watch, watched: HashMap::new() };
            let mut files_left = MOST_FILES;
            for path in &confinement.protected {
                let root = confinement.writable.iter().find(|root| path.starts_with(root));
                let name = |path: &Path| {
                    let short = root.and_then(|root| path.strip_prefix(root).ok()).unwrap_or(path);
                    short.display().to_string()
                };
                witness.add(path, name(path), &mut files_left);
                for folder in path.ancestors().skip(1) {
                    if root.is_none_or(|root| !folder.starts_with(root) || folder == root) {
                        break;
                    }
                    witness.watch(folder, place(), name(folder));
                }
            }
            Some(witness)
        }

        /// A file, or a folder with all that is in it.
        fn add(&mut self, path: &Path, name: String, files_left: &mut usize) {
            let Ok(metadata) = path.symlink_metadata() else { return };
            if !metadata.is_dir() {
                self.watch(path, place() | content(), name);
                return;
            }
            let entries = WatchFlags::CREATE | WatchFlags::DELETE | WatchFlags::MOVE;
            self.watch(path, place() | content() | entries, name.clone());
            for entry in fs::read_dir(path).into_iter().flatten().flatten() {
                let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
                if entry.file_name().as_encoded_bytes() == COMPILED {
                    continue;
                }
                if !is_folder {
                    if *files_left == 0 {
                        continue;
                    }
                    *files_left -= 1;
                }
                let within = PathBuf::from(&name).join(entry.file_name());
                self.add(&entry.path(), within.display().to_string(), files_left);
            }
        }

        fn watch(&mut self, path: &Path, flags: WatchFlags, called: String) {
            // Two ways lead to one watch: `ADD` keeps what is watched already.
            let flags = flags | WatchFlags::DONT_FOLLOW | WatchFlags::MASK_ADD;
            if let Ok(id) = inotify::add_watch(&*self.watch, path, flags) {
                self.watched.entry(id).or_insert(called);
            }
        }

        /// The first thing that was done to anything, in words.
        pub(crate) fn tampering(&self) -> Option<String> {
            let mut buffer = [MaybeUninit::uninit(); 16 * 1024];
            let mut reader = Reader::new(&*self.watch, &mut buffer);
            while let Ok(event) = reader.next() {
                let flags = event.events();
                if flags.contains(ReadFlags::QUEUE_OVERFLOW) {
                    return Some(
                        "protected files were changed more often than could be noted".to_owned(),
                    );
                }
                let Some(done) = what(flags) else { continue };
                let Some(name) = self.watched.get(&event.wd()) else { continue };
                let file = event.file_name().map(std::ffi::CStr::to_bytes).unwrap_or_default();
                if file == COMPILED {
                    continue;
                }
                let name = if file.is_empty() {
                    name.clone()
                } else {
                    format!("{name}/{}", String::from_utf8_lossy(file))
                };
                return Some(format!("`{name}` was {done}"));
            }
            None
        }
    }

    /// Where something is.
    fn place() -> WatchFlags {
        WatchFlags::MOVE_SELF | WatchFlags::DELETE_SELF
    }

    /// What is in it. Closing comes after writing through memory, too, which
    /// is no modification.
    fn content() -> WatchFlags {
        WatchFlags::MODIFY | WatchFlags::ATTRIB | WatchFlags::CLOSE_WRITE
    }

    fn what(flags: ReadFlags) -> Option<&'static str> {
        let words = [
            (ReadFlags::MODIFY | ReadFlags::CLOSE_WRITE, "opened for writing"),
            (ReadFlags::MOVE_SELF | ReadFlags::MOVED_FROM | ReadFlags::MOVED_TO, "moved"),
            (ReadFlags::DELETE_SELF | ReadFlags::DELETE, "deleted"),
            (ReadFlags::CREATE, "created"),
            (ReadFlags::ATTRIB, "replaced, linked or given other attributes"),
        ];
        words.into_iter().find(|(any, _)| flags.intersects(*any)).map(|(_, done)| done)
    }

    #[cfg(test)]
    mod tests {
        use std::os::unix::fs::PermissionsExt as _;

        use super::*;

        type Act<'a> = &'a dyn Fn(&Path);

        /// What is noticed when something is done to a repository with the
        /// protected file `a/b/eval.py` and the protected folder `data`.
        fn noticed(act: impl FnOnce(&Path)) -> Option<String> {
            let folder = tempfile::tempdir().unwrap();
            let root = folder.path();
            for dir in ["a/b", "data/deep/__pycache__"] {
                fs::create_dir_all(root.join(dir)).unwrap();
            }
            for file in ["a/b/eval.py", "a/b/other.py", "data/deep/x"] {
                fs::write(root.join(file), "1").unwrap();
            }
            let witness = Witness::of(&Confinement {
                writable: vec![root.to_owned()],
                protected: vec![root.join("a/b/eval.py"), root.join("data")],
                ..Confinement::default()
            });
            act(root);
            witness.unwrap().tampering()
        }

        #[test]
        fn ordinary_work_beside_protected_files_is_no_tampering() {
            let seen = noticed(|root| {
                fs::read(root.join("a/b/eval.py")).unwrap();
                fs::read_dir(root.join("data")).unwrap().count();
                fs::create_dir(root.join("a/b/__pycache__")).unwrap();
                fs::write(root.join("a/b/__pycache__/eval.pyc"), "x").unwrap();
                fs::write(root.join("data/deep/__pycache__/x.pyc"), "x").unwrap();
                fs::create_dir(root.join("data/__pycache__")).unwrap();
                let mode = fs::Permissions::from_mode(0o600);
                fs::set_permissions(root.join("a/b/other.py"), mode).unwrap();
                fs::rename(root.join("a/b/other.py"), root.join("a/b/third.py")).unwrap();
                fs::write(root.join("a/b/new.py"), "x").unwrap();
            });
            assert_eq!(seen, None);
        }

        #[test]
        fn whatever_is_done_to_a_protected_file_is_noticed_even_if_undone() {
            let eval = "a/b/eval.py";
            let swap = |root: &Path, from: &str| {
                fs::rename(root.join(from), root.join("aside")).unwrap();
                fs::rename(root.join("aside"), root.join(from)).unwrap();
            };
            let acts: [(&str, Act<'_>); 8] = [
                ("`a/b/eval.py` was opened", &|root| fs::write(root.join(eval), "1").unwrap()),
                ("`a/b/eval.py` was moved", &|root| swap(root, eval)),
                ("`a/b` was moved", &|root| swap(root, "a/b")),
                ("`a` was moved", &|root| swap(root, "a")),
                ("`a/b/eval.py` was replaced", &|root| {
                    fs::hard_link(root.join(eval), root.join("link")).unwrap();
                }),
                ("`a/b/eval.py` was replaced", &|root| {
                    fs::write(root.join("new"), "2").unwrap();
                    fs::rename(root.join("new"), root.join(eval)).unwrap();
                }),
                ("`data/deep/y` was created", &|root| {
                    fs::write(root.join("data/deep/y"), "").unwrap();
                }),
                ("`data/deep/x` was", &|root| fs::remove_file(root.join("data/deep/x")).unwrap()),
            ];
            for (expected, act) in acts {
                let seen = noticed(act).unwrap_or_default();
                assert!(seen.starts_with(expected), "{seen} instead of {expected}");
            }
        }
    }
}

/// Elsewhere nobody watches; hashes show what was not undone.
#[cfg(not(target_os = "linux"))]
pub(crate) struct Witness;

#[cfg(not(target_os = "linux"))]
impl Witness {
    pub(crate) fn of(_: &crate::Confinement) -> Option<Witness> {
        None
    }

    pub(crate) fn tampering(&self) -> Option<String> {
        None
    }
}
