//! A vault: a folder of notes, and what is done with it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::MemoryError;
use crate::files::{self, OWN, Settled};
use crate::index::{self, Entry, Index, VERSION};
use crate::note::{Kind, NAME, Note, slug};
use crate::redact::Private;
use crate::search::{Hit, Query};
use crate::sync::{self, Look, Step};

/// Notes above which a search does not look at every file first.
const MANY: u64 = 20_000;

/// Longest name of a folder.
const FOLDER: usize = 80;

/// A repository, as notes name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    /// The name of its folder.
    pub name: String,
    /// What it has in common with all its clones: its first commit.
    pub id: String,
}

impl Repository {
    /// Its folder in a vault: its name and the beginning of its id.
    pub fn folder(&self) -> String {
        let id: String = self.id.chars().filter(char::is_ascii_alphanumeric).take(8).collect();
        format!("{}-{}", slug(&self.name, FOLDER - 10), id.to_lowercase())
    }
}

/// A note that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Added {
    /// Its name.
    pub name: String,
    /// Its file.
    pub path: PathBuf,
    /// Whether it was not there before.
    pub is_new: bool,
}

/// A vault.
#[derive(Debug)]
pub struct Vault {
    root: PathBuf,
    private: Private,
    index: Option<Index>,
    warnings: Vec<String>,
}

impl Vault {
    /// The vault in this folder, which need not exist: it is made with the first note.
    /// `private` is what no note may tell.
    pub fn at(root: &Path, private: Private) -> Vault {
        Vault { root: root.to_owned(), private, index: None, warnings: Vec::new() }
    }

    /// Its folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What went wrong and was got over since this was asked last.
    pub fn take_warnings(&mut self) -> Vec<String> {
        std::mem::take(&mut self.warnings)
    }

    /// Writes a note into `folder`, without secrets and paths of this machine. Notes are
    /// never changed: where one of its name lies there already, that one stays.
    ///
    /// # Errors
    /// When the disk is full or cannot be written, or the note is longer than 4 MiB;
    /// nothing is left behind then.
    pub fn add(&self, folder: &str, note: &Note) -> Result<Added, MemoryError> {
        self.write(folder, note, Settled::Now)
    }

    /// As [`Vault::add`], but it is on disk for sure only once [`Vault::settle`] was
    /// called: for many at once, several times as fast.
    ///
    /// # Errors
    /// As [`Vault::add`].
    pub fn add_unsettled(&self, folder: &str, note: &Note) -> Result<Added, MemoryError> {
        self.write(folder, note, Settled::Later)
    }

    /// Has on disk what was added.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn settle(&self) -> Result<(), MemoryError> {
        files::settle(&self.root)
    }

    fn write(&self, folder: &str, note: &Note, settled: Settled) -> Result<Added, MemoryError> {
        let note = self.clean(note);
        let path = self.file(folder, &note.name);
        let text = note.to_markdown();
        if text.len() as u64 > files::LONGEST {
            return Err(MemoryError::TooLong(note.name));
        }
        let is_new = files::write_new(&self.root, &path, &text, settled)?;
        Ok(Added { name: note.name, path, is_new })
    }

    /// A note as it would be written: without secrets and paths of this machine.
    pub fn clean(&self, note: &Note) -> Note {
        note.redacted(&self.private)
    }

    /// A text without secrets and paths of this machine.
    pub fn redact(&self, text: &str) -> String {
        self.private.redact(text)
    }

    /// Where the note of this name lies in `folder`.
    pub(crate) fn file(&self, folder: &str, name: &str) -> PathBuf {
        let parts = folder.split('/').filter(|part| !part.is_empty());
        let folder = parts.fold(self.root.clone(), |path, part| path.join(slug(part, FOLDER)));
        folder.join(format!("{}.md", slug(name, NAME)))
    }

    /// Whether `name` was written into `folder`.
    pub fn has(&self, folder: &str, name: &str) -> bool {
        files::is_there(&self.file(folder, name))
    }

    /// Finds notes. Up to 20,000 of them, it sees every change; beyond that, what was
    /// written into a file in place counts from the next [`Vault::sync`] on.
    ///
    /// # Errors
    /// When neither the index nor the notes can be read.
    pub fn search(&mut self, query: &Query<'_>) -> Result<Vec<Hit>, MemoryError> {
        self.look(None)?;
        self.ask(|index| index.search(query))
    }

    /// The note of this name; `[[name]]` and a path to its file are names, too.
    ///
    /// # Errors
    /// [`MemoryError::NoNote`], or why it cannot be read.
    pub fn note(&mut self, name: &str) -> Result<(Entry, Note), MemoryError> {
        let plain = name.trim().trim_start_matches("[[").trim_end_matches("]]").replace('\\', "/");
        let plain = plain.strip_suffix(".md").unwrap_or(&plain);
        self.look(None)?;
        let entry = if plain.contains('/') {
            self.by_path(plain)?
        } else {
            self.ask(|index| index.named(plain))?
        };
        let entry = entry.ok_or_else(|| MemoryError::NoNote(plain.to_owned()))?;
        let note = self.read(&entry)?;
        Ok((entry, note))
    }

    /// The note with a path that may begin anywhere, also outside of the vault.
    fn by_path(&mut self, path: &str) -> Result<Option<Entry>, MemoryError> {
        let file = format!("{path}.md");
        let root = format!("{}/", self.root.display()).replace('\\', "/");
        if let Some(inside) = file.strip_prefix(&root) {
            return self.ask(|index| index.at(inside));
        }
        let mut rest = file.as_str();
        while rest.contains('/') {
            if let Some(entry) = self.ask(|index| index.at(rest))? {
                return Ok(Some(entry));
            }
            rest = rest.split_once('/').map_or("", |(_, inner)| inner);
        }
        Ok(None)
    }

    /// What a note says.
    ///
    /// # Errors
    /// When its file cannot be read.
    pub fn read(&self, entry: &Entry) -> Result<Note, MemoryError> {
        let path = self.root.join(&entry.path);
        let bytes = files::read(&path).map_err(MemoryError::io("read", &path))?;
        let text = String::from_utf8(bytes).map_err(|_| MemoryError::NoText(path.clone()))?;
        let parsed = Note::parse(&entry.name, &text);
        parsed.map_err(|why| MemoryError::Unreadable { path, why })
    }

    /// Notes of a kind and a repository, or of all, the newest first.
    ///
    /// # Errors
    /// As [`Vault::search`].
    pub fn list(
        &mut self,
        kind: Option<Kind>,
        repository: Option<&str>,
        most: usize,
    ) -> Result<Vec<Entry>, MemoryError> {
        self.look(None)?;
        self.ask(|index| index.list(kind, repository, most))
    }

    /// Lessons of a repository that no later one took the place of, the newest first.
    ///
    /// # Errors
    /// As [`Vault::search`].
    pub fn lessons(&mut self, repository: &str) -> Result<Vec<Entry>, MemoryError> {
        self.look(Some(Look::Folders))?;
        self.ask(|index| index.lessons(repository))
    }

    /// How many notes there are.
    ///
    /// # Errors
    /// As [`Vault::search`].
    pub fn count(&mut self) -> Result<u64, MemoryError> {
        self.look(None)?;
        self.ask(Index::len)
    }

    /// Files that are no notes, and why.
    ///
    /// # Errors
    /// As [`Vault::search`].
    pub fn faults(&mut self) -> Result<Vec<(String, String)>, MemoryError> {
        self.ask(Index::faults)
    }

    /// Makes the index say what the notes say; `tell` hears how far it is.
    ///
    /// # Errors
    /// As [`Vault::search`].
    pub fn sync(&mut self, tell: &mut dyn FnMut(Step)) -> Result<(), MemoryError> {
        self.look_and_tell(Some(Look::Files), tell)
    }

    /// Forgets the index and makes it anew from the notes.
    ///
    /// # Errors
    /// As [`Vault::search`]; when the index cannot be written, too.
    pub fn reindex(&mut self, tell: &mut dyn FnMut(Step)) -> Result<(), MemoryError> {
        self.index = None;
        if self.root.is_dir() {
            self.begin_anew()?;
        }
        self.sync(tell)
    }

    fn look(&mut self, look: Option<Look>) -> Result<(), MemoryError> {
        self.look_and_tell(look, &mut |_| ())
    }

    /// Brings the index up to date; `None` looks as closely as is quick.
    fn look_and_tell(
        &mut self,
        look: Option<Look>,
        tell: &mut dyn FnMut(Step),
    ) -> Result<(), MemoryError> {
        let now = self.now();
        let root = self.root.clone();
        self.with_index(&mut |index| {
            let many = || Ok(if index.about()? > MANY { Look::Folders } else { Look::Files });
            let look = look.map_or_else(many, Ok::<_, MemoryError>)?;
            if !root.exists() {
                return Ok(());
            }
            sync::sync(index, &root, look, now, tell)
        })
    }

    fn ask<T>(
        &mut self,
        question: impl Fn(&Index) -> rusqlite::Result<T>,
    ) -> Result<T, MemoryError> {
        self.with_index(&mut |index| Ok(question(index)?))
    }

    /// Does something with the index. One that is damaged is made anew, and it is done
    /// again.
    fn with_index<T>(
        &mut self,
        act: &mut dyn FnMut(&mut Index) -> Result<T, MemoryError>,
    ) -> Result<T, MemoryError> {
        let mut index = match self.index.take() {
            Some(index) => index,
            None => self.open()?,
        };
        let mut done = act(&mut index);
        match &done {
            Err(MemoryError::Index(error)) if is_damage(error) => {
                drop(index);
                self.mend(error)?;
                index = self.open()?;
                let now = self.now();
                sync::sync(&mut index, &self.root, Look::Files, now, &mut |_| ())?;
                done = act(&mut index);
            }
            Err(MemoryError::Index(error)) if is_unwritable(error) => {
                let why = error.to_string();
                index = self.elsewhere(&why)?;
                done = act(&mut index);
            }
            _ => {}
        }
        self.index = Some(index);
        done
    }

    fn open(&mut self) -> Result<Index, MemoryError> {
        if !self.root.is_dir() {
            // Whoever only looks makes no folders.
            return match fs::metadata(&self.root) {
                Ok(_) => {
                    let source = std::io::ErrorKind::NotADirectory.into();
                    Err(MemoryError::Io { what: "open", path: self.root.clone(), source })
                }
                Err(_) => Ok(Index::in_memory()?),
            };
        }
        let path = self.index_file();
        let made = fs::create_dir_all(self.root.join(OWN));
        if let Err(error) = made {
            return self.elsewhere(&error.to_string());
        }
        match Index::open(&path) {
            Ok(index) => Ok(index),
            Err(error) if is_damage(&error) => {
                self.mend(&error)?;
                Ok(Index::open(&path)?)
            }
            Err(error) => self.elsewhere(&error.to_string()),
        }
    }

    /// An index of a vault that cannot be written: as it is, or else in memory.
    fn elsewhere(&mut self, why: &str) -> Result<Index, MemoryError> {
        self.warnings.push(format!(
            "the index of the vault {} cannot be written ({why}); it is made for this command alone",
            self.root.display()
        ));
        let mut index = Index::in_memory()?;
        sync::sync(&mut index, &self.root, Look::Files, 0, &mut |_| ())?;
        Ok(index)
    }

    /// Removes an index that is damaged, unless somebody else has done it.
    fn mend(&mut self, error: &rusqlite::Error) -> Result<(), MemoryError> {
        self.warnings.push(format!(
            "the index of the vault {} was damaged ({error}); it is made anew from the notes",
            self.root.display()
        ));
        self.begin_anew()
    }

    fn begin_anew(&self) -> Result<(), MemoryError> {
        let own = self.root.join(OWN);
        fs::create_dir_all(&own).map_err(MemoryError::io("create", &own))?;
        let lock = own.join("lock");
        let file = fs::File::create(&lock).map_err(MemoryError::io("create", &lock))?;
        // Where locks are not to be had, two may make it anew, and one is made again.
        let _ = file.lock();
        match Index::open(&self.index_file()).and_then(|mut index| index.clear()) {
            Ok(()) => Ok(()),
            Err(error) if is_damage(&error) => {
                index::remove_files(&self.index_file());
                Ok(Index::open(&self.index_file()).map(drop)?)
            }
            Err(error) => Err(error.into()),
        }
    }

    fn index_file(&self) -> PathBuf {
        // Each version has its own, so that none clears another's.
        self.root.join(OWN).join(format!("index-{VERSION}.db"))
    }

    /// What time the disk has, by a file that is written there; 0 where that cannot be.
    fn now(&self) -> i64 {
        let stamp = self.root.join(OWN).join("stamp");
        let written = fs::write(&stamp, "").and_then(|()| fs::metadata(&stamp));
        written.map_or(0, |meta| sync::nanoseconds(&meta))
    }
}

/// Whether the file is no sound index.
fn is_damage(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode as Code;
    match error {
        rusqlite::Error::SqliteFailure(failure, _) => matches!(
            failure.code,
            Code::DatabaseCorrupt | Code::NotADatabase | Code::Unknown | Code::TypeMismatch
        ),
        rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::SqlInputError { .. } => true,
        _ => false,
    }
}

/// Whether the disk is what failed.
fn is_unwritable(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode as Code;
    matches!(
        error.sqlite_error_code(),
        Some(
            Code::ReadOnly
                | Code::DiskFull
                | Code::SystemIoFailure
                | Code::CannotOpen
                | Code::PermissionDenied
        )
    )
}
