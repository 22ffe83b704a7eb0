//! Writing files so that nobody ever sees half of one: whole beside the vault's notes,
//! then in their place in one step.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::MemoryError;

/// The folder of a vault that is no note's: the index and what is being written. Its
/// dot hides it from Obsidian.
pub(crate) const OWN: &str = ".autoresearch";

/// Bytes of a note; what is longer is none.
pub(crate) const LONGEST: u64 = 4 << 20;

/// The contents of a note, if it is a plain file of at most [`LONGEST`] bytes.
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    autoresearch_plain::read(path, LONGEST)
}

/// When what was written is on disk for sure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Settled {
    /// At once.
    Now,
    /// Once [`settle`] was called.
    Later,
}

/// Has all that was written below `root` on disk. One call costs about as much as one
/// file that is had there at once.
pub(crate) fn settle(root: &Path) -> Result<(), MemoryError> {
    #[cfg(target_os = "linux")]
    {
        let settled = File::open(root).and_then(|folder| Ok(rustix::fs::syncfs(folder)?));
        settled.map_err(MemoryError::io("write", root))?;
    }
    // Elsewhere there is no such call, and each was had there at once.
    #[cfg(not(target_os = "linux"))]
    let _ = root;
    Ok(())
}

/// Whether a note is there. A crash of the machine may leave an empty file of one that
/// had not settled, and that is none.
pub(crate) fn is_there(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|meta| !meta.is_file() || meta.len() > 0)
}

/// Writes a file that shall not exist yet, and says whether it did not: one that does is
/// left as it is. Folders are made as needed.
pub(crate) fn write_new(
    root: &Path,
    path: &Path,
    text: &str,
    settled: Settled,
) -> Result<bool, MemoryError> {
    if is_there(path) {
        return Ok(false);
    }
    let whole = write_aside(root, path, text, settled)?;
    // Unlike a rename, a link never takes the place of another's file.
    let linked = match fs::hard_link(&whole, path) {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == ErrorKind::AlreadyExists && is_there(path) => Ok(false),
        // An empty file, or a file system without links.
        Err(_) => return fs::rename(&whole, path).map(|()| true).map_err(gone(&whole, path)),
    };
    let _ = fs::remove_file(&whole);
    linked
}

/// Writes a file, whatever was there.
pub(crate) fn replace(root: &Path, path: &Path, text: &str) -> Result<(), MemoryError> {
    let whole = write_aside(root, path, text, Settled::Now)?;
    fs::rename(&whole, path).map_err(gone(&whole, path))
}

/// What an error leaves is removed.
fn gone(whole: &Path, path: &Path) -> impl FnOnce(std::io::Error) -> MemoryError {
    let (whole, path) = (whole.to_owned(), path.to_owned());
    move |source| {
        let _ = fs::remove_file(whole);
        MemoryError::Io { what: "write", path, source }
    }
}

/// The whole text in a file of its own.
fn write_aside(
    root: &Path,
    path: &Path,
    text: &str,
    settled: Settled,
) -> Result<PathBuf, MemoryError> {
    let folder = path.parent().unwrap_or(root);
    fs::create_dir_all(folder).map_err(MemoryError::io("create", folder))?;
    let aside = root.join(OWN).join("new");
    fs::create_dir_all(&aside).map_err(MemoryError::io("create", &aside))?;
    let (whole, mut file) = create(&aside).map_err(MemoryError::io("create a file in", &aside))?;
    let is_later = settled == Settled::Later && cfg!(target_os = "linux");
    let on_disk = |file: File| if is_later { Ok(()) } else { file.sync_data() };
    let written = file.write_all(text.as_bytes()).and_then(|()| on_disk(file));
    written.map_err(gone(&whole, path))?;
    Ok(whole)
}

/// A file with a name that nobody has.
fn create(folder: &Path) -> std::io::Result<(PathBuf, File)> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    loop {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(format!("{}-{number}", std::process::id()));
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            // Another machine's on the same disk, or one that a crash left.
            Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
            opened => return opened.map(|file| (path, file)),
        }
    }
}
