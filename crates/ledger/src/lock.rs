//! One engine a session: an OS file lock, with who holds it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use autoresearch_core::units::Timestamp;

/// Who holds a lock.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Process id of the engine.
    pub pid: u32,
    /// Name of its machine.
    pub host: String,
    /// Since when.
    pub since: Timestamp,
    /// Whether people alone propose, and it waits for them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub waits: bool,
}

/// Why a lock was not taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another engine runs this session.
    #[error("another engine runs this session (process {} on {})", .0.pid, .0.host)]
    Held(Holder),
    /// The file cannot be used.
    #[error("failed to lock {}: {source}", path.display())]
    Io {
        /// The lock's file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// A held lock; dropping it, or dying, releases it.
#[derive(Debug)]
pub struct Lock {
    file: File,
    path: PathBuf,
}

impl Lock {
    /// Takes the lock at `path` and writes the holder into it.
    ///
    /// # Errors
    /// [`LockError::Held`] says by whom.
    pub fn acquire(path: &Path, holder: &Holder) -> Result<Lock, LockError> {
        let io = |source| LockError::Io { path: path.to_owned(), source };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(LockError::Held(read(&mut file))),
            Err(TryLockError::Error(source)) => return Err(io(source)),
        }
        let mut lock = Lock { file, path: path.to_owned() };
        lock.tell(holder)?;
        Ok(lock)
    }

    /// Writes anew who holds it.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn tell(&mut self, holder: &Holder) -> Result<(), LockError> {
        let text = serde_json::to_string(holder).unwrap_or_default();
        let Lock { file, path } = self;
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| file.write_all(text.as_bytes()))
            .map_err(|source| LockError::Io { path: path.clone(), source })
    }

    /// Who holds the lock at `path` now, if anyone.
    ///
    /// # Errors
    /// When the file exists and cannot be read.
    pub fn holder(path: &Path) -> Result<Option<Holder>, LockError> {
        let io = |source| LockError::Io { path: path.to_owned(), source };
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(io(e)),
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(None),
            Err(TryLockError::WouldBlock) => Ok(Some(read(&mut file))),
            Err(TryLockError::Error(source)) => Err(io(source)),
        }
    }
}

/// The holder as written; an engine between taking and writing is unknown.
fn read(file: &mut File) -> Holder {
    let mut text = String::new();
    let _ = file.rewind();
    let _ = file.take(4096).read_to_string(&mut text);
    serde_json::from_str(&text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_engine_learns_who_holds_the_lock() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        assert_eq!(Lock::holder(&path).unwrap(), None);
        let me = Holder { pid: 42, host: "here".into(), since: Timestamp(7), waits: false };
        let mut lock = Lock::acquire(&path, &me).unwrap();
        assert_eq!(Lock::holder(&path).unwrap(), Some(me.clone()));
        assert!(matches!(Lock::acquire(&path, &me), Err(LockError::Held(h)) if h == me));
        let waits = Holder { waits: true, ..me.clone() };
        lock.tell(&waits).unwrap();
        assert_eq!(Lock::holder(&path).unwrap(), Some(waits));
        drop(lock);
        assert_eq!(Lock::holder(&path).unwrap(), None);
        Lock::acquire(&path, &me).unwrap();
    }
}
