//! What can go wrong with a vault, and what to do.

use std::io;
use std::path::{Path, PathBuf};

/// Why a vault cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MemoryError {
    /// A file or folder of it.
    #[error("failed to {what} {}: {source}", path.display())]
    Io {
        /// What was tried, as `write`.
        what: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The index.
    #[error("the index of the vault failed: {0}")]
    Index(#[from] rusqlite::Error),
    /// A note that is no note.
    #[error("{}: {why}", path.display())]
    Unreadable {
        /// Its file.
        path: PathBuf,
        /// What is wrong with it, and where.
        why: String,
    },
    /// A file that is no text.
    #[error("{} is not UTF-8 and is left as it is", .0.display())]
    NoText(PathBuf),
    /// A note that is too long to be found again.
    #[error("the note `{0}` is longer than 4 MiB")]
    TooLong(String),
    /// Nothing has this name.
    #[error("the vault has no note `{0}`")]
    NoNote(String),
}

impl MemoryError {
    /// What the user can do about it.
    pub fn hint(&self) -> String {
        match self {
            MemoryError::Io { source, .. } if source.kind() == io::ErrorKind::StorageFull => {
                "make room on that disk, or set `memory.path` to a folder on another".to_owned()
            }
            MemoryError::Io { .. } => {
                "make that folder writable, set `memory.path` to another, or switch the memory off with `memory.enabled = false`"
                    .to_owned()
            }
            MemoryError::Index(_) => {
                "make it anew from the notes with `autoresearch memory reindex`".to_owned()
            }
            MemoryError::Unreadable { .. } => {
                "mend the lines between the `---` at its top, or delete the file".to_owned()
            }
            MemoryError::NoText(_) => "save it as UTF-8, or delete it".to_owned(),
            MemoryError::TooLong(_) => {
                "note what matters of it, and where the rest lies".to_owned()
            }
            MemoryError::NoNote(_) => {
                "look for it with `autoresearch memory search` or `autoresearch memory list`"
                    .to_owned()
            }
        }
    }

    pub(crate) fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> MemoryError {
        let path = path.to_owned();
        move |source| MemoryError::Io { what, path, source }
    }
}
