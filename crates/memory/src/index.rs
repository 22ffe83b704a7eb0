//! What is known of the notes without reading them: where they are, their words, and
//! what those mean. A cache: whatever is wrong with it, it is made again from the notes.
//!
//! `SQLite` in WAL mode, so that sessions read and write it at once. Words lie in an FTS5
//! table that holds no text; what they mean in blocks of [`BLOCK`] notes, one row each,
//! since a search reads them all.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, Transaction, params};
use sha2::{Digest as _, Sha256};

use crate::meaning::{self, SLOT};
use crate::note::{Kind, Note, linked};

/// Goes up whenever what is stored, or how it is reckoned, changes.
pub(crate) const VERSION: u32 = 1;

/// How long a statement waits for another process that writes.
const BUSY: Duration = Duration::from_secs(20);

/// Notes in one row of `meaning`.
pub(crate) const BLOCK: i64 = 256;

const TABLES: &str = "
    CREATE TABLE note (
        id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, folder TEXT NOT NULL,
        size INTEGER NOT NULL, mtime INTEGER NOT NULL, hash BLOB NOT NULL,
        -- Null for a file that is no note, with the reason.
        name TEXT, fault TEXT,
        kind TEXT, title TEXT, date TEXT, repository TEXT, repository_id TEXT,
        session_id TEXT, experiment INTEGER, topic TEXT, stance TEXT, verdict TEXT
    ) STRICT;
    CREATE INDEX note_folder ON note (folder);
    CREATE INDEX note_name ON note (name);
    CREATE INDEX note_of ON note (repository_id, kind);
    CREATE INDEX note_in ON note (session_id);
    CREATE TABLE folder (path TEXT PRIMARY KEY, parent TEXT, mtime INTEGER NOT NULL) STRICT;
    CREATE TABLE superseded (name TEXT NOT NULL, by INTEGER NOT NULL) STRICT;
    CREATE INDEX superseded_name ON superseded (name);
    CREATE INDEX superseded_by ON superseded (by);
    CREATE TABLE meaning (block INTEGER PRIMARY KEY, slots BLOB NOT NULL) STRICT;
    CREATE VIRTUAL TABLE words USING fts5 (
        title, text, code, content='', contentless_delete=1,
        tokenize='porter unicode61 remove_diacritics 2'
    );
";

/// What is stored of a note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Where its file is, from the vault.
    pub path: String,
    /// What it is, as `lesson`.
    pub kind: String,
    /// In one line.
    pub title: String,
    /// When it was written.
    pub date: Option<String>,
    /// Name of its repository.
    pub repository: Option<String>,
    /// Id of its repository.
    pub repository_id: Option<String>,
    /// Id of its session.
    pub session_id: Option<String>,
    /// Number of its experiment.
    pub experiment: Option<u64>,
    /// What a lesson is about.
    pub topic: Option<String>,
    /// What a lesson says of it.
    pub stance: Option<String>,
    /// What became of an experiment.
    pub verdict: Option<String>,
}

/// Columns of an [`Entry`].
pub(crate) const COLUMNS: &str = "note.name, note.path, note.kind, note.title, note.date, \
     note.repository, note.repository_id, note.session_id, note.experiment, note.topic, \
     note.stance, note.verdict";

pub(crate) fn entry(row: &rusqlite::Row<'_>) -> rusqlite::Result<Entry> {
    Ok(Entry {
        name: row.get(0)?,
        path: row.get(1)?,
        kind: row.get(2)?,
        title: row.get(3)?,
        date: row.get(4)?,
        repository: row.get(5)?,
        repository_id: row.get(6)?,
        session_id: row.get(7)?,
        experiment: row.get(8)?,
        topic: row.get(9)?,
        stance: row.get(10)?,
        verdict: row.get(11)?,
    })
}

/// A file as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// From the vault, with `/`.
    pub(crate) path: String,
    pub(crate) size: i64,
    /// Nanoseconds; 0 when it may change again within the same tick.
    pub(crate) mtime: i64,
}

/// The index of a vault.
#[derive(Debug)]
pub(crate) struct Index {
    pub(crate) db: Connection,
}

impl Index {
    /// The index in this file; made where there is none.
    pub(crate) fn open(path: &Path) -> rusqlite::Result<Index> {
        let db = Connection::open(path)?;
        db.busy_timeout(BUSY)?;
        db.pragma_update(None, "journal_mode", "WAL")?;
        // A cache: a crash of the machine may cost it, and it is made again.
        db.pragma_update(None, "synchronous", "NORMAL")?;
        Index::of(db)
    }

    /// One that is lost at the end.
    pub(crate) fn in_memory() -> rusqlite::Result<Index> {
        Index::of(Connection::open_in_memory()?)
    }

    fn version(&self) -> rusqlite::Result<u32> {
        self.db.query_row("PRAGMA user_version", [], |row| row.get(0))
    }

    fn of(db: Connection) -> rusqlite::Result<Index> {
        let mut index = Index { db };
        if index.version()? != VERSION {
            index.clear()?;
        }
        Ok(index)
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) -> rusqlite::Result<()> {
        let tx = self.db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let tables: Vec<(String, String)> = tx
            .prepare("SELECT type, name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'words_%' AND name NOT LIKE 'sqlite_%' ORDER BY name")?
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        for (_, name) in tables {
            tx.execute_batch(&format!("DROP TABLE IF EXISTS \"{}\"", name.replace('"', "\"\"")))?;
        }
        tx.execute_batch(TABLES)?;
        tx.pragma_update(None, "user_version", VERSION)?;
        tx.commit()
    }

    /// How many notes there are.
    pub(crate) fn len(&self) -> rusqlite::Result<u64> {
        self.db.query_row("SELECT count(*) FROM note WHERE name IS NOT NULL", [], |row| row.get(0))
    }

    /// About how many notes there are, at no cost.
    pub(crate) fn about(&self) -> rusqlite::Result<u64> {
        self.db.query_row("SELECT coalesce(max(id), 0) FROM note", [], |row| row.get(0))
    }

    /// The folders that are known, with their times.
    pub(crate) fn folders(&self) -> rusqlite::Result<HashMap<String, i64>> {
        let mut all = self.db.prepare("SELECT path, mtime FROM folder")?;
        all.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
    }

    /// The folders in this one.
    pub(crate) fn inner_folders(&self, parent: &str) -> rusqlite::Result<Vec<String>> {
        let mut inner = self.db.prepare_cached("SELECT path FROM folder WHERE parent = ?1")?;
        inner.query_map([parent], |row| row.get(0))?.collect()
    }

    /// The files of a folder.
    pub(crate) fn files(&self, folder: &str) -> rusqlite::Result<HashMap<String, (i64, i64)>> {
        let mut files =
            self.db.prepare_cached("SELECT path, size, mtime FROM note WHERE folder = ?1")?;
        files.query_map([folder], |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?))))?.collect()
    }

    /// Files that are no notes, and why.
    pub(crate) fn faults(&self) -> rusqlite::Result<Vec<(String, String)>> {
        let mut faults = self
            .db
            .prepare("SELECT path, fault FROM note WHERE fault IS NOT NULL ORDER BY path")?;
        faults.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
    }

    /// The note of this name.
    pub(crate) fn named(&self, name: &str) -> rusqlite::Result<Option<Entry>> {
        let sql = format!("SELECT {COLUMNS} FROM note WHERE name = ?1 ORDER BY path LIMIT 1");
        self.db.prepare_cached(&sql)?.query_row([name], entry).optional()
    }

    /// The note whose file is this one, or whose path ends in it.
    pub(crate) fn at(&self, path: &str) -> rusqlite::Result<Option<Entry>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM note WHERE name IS NOT NULL
             AND (path = ?1 OR substr(path, -length(?1) - 1) = '/' || ?1)
             ORDER BY length(path), path LIMIT 1"
        );
        self.db.prepare_cached(&sql)?.query_row([path], entry).optional()
    }

    /// Notes, the newest first.
    pub(crate) fn list(
        &self,
        kind: Option<Kind>,
        repository: Option<&str>,
        most: usize,
    ) -> rusqlite::Result<Vec<Entry>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM note WHERE name IS NOT NULL
             AND (?1 IS NULL OR kind = ?1) AND (?2 IS NULL OR repository_id = ?2)
             ORDER BY date DESC, name DESC LIMIT ?3"
        );
        let mut notes = self.db.prepare_cached(&sql)?;
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        notes.query_map(params![kind.map(Kind::name), repository, most], entry)?.collect()
    }

    /// Lessons of a repository that stand, the newest first.
    pub(crate) fn lessons(&self, repository: &str) -> rusqlite::Result<Vec<Entry>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM note WHERE repository_id = ?1 AND kind = 'lesson'
             AND NOT EXISTS (SELECT 1 FROM superseded WHERE superseded.name = note.name)
             ORDER BY date DESC, name"
        );
        self.db.prepare_cached(&sql)?.query_map([repository], entry)?.collect()
    }

    /// Begins to change it; whoever else wants to, waits.
    pub(crate) fn change(&mut self) -> rusqlite::Result<Change<'_>> {
        let tx = self.db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        Ok(Change { tx, blocks: HashMap::new() })
    }
}

/// Changes that are made together or not at all.
pub(crate) struct Change<'a> {
    tx: Transaction<'a>,
    /// What notes mean, by the number of their block.
    blocks: HashMap<i64, Vec<u8>>,
}

impl Change<'_> {
    /// Takes in a file as it is now.
    pub(crate) fn put(
        &mut self,
        found: &Found,
        text: &str,
        note: &Result<Note, String>,
    ) -> rusqlite::Result<()> {
        let hash: [u8; 32] = Sha256::digest(text.as_bytes()).into();
        let before = self
            .tx
            .prepare_cached("SELECT id, hash FROM note WHERE path = ?1")?
            .query_row([&found.path], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?)))
            .optional()?;
        if let Some((id, _)) = before.as_ref().filter(|(_, known)| *known == hash) {
            let mut touched =
                self.tx.prepare_cached("UPDATE note SET size = ?2, mtime = ?3 WHERE id = ?1")?;
            touched.execute(params![id, found.size, found.mtime])?;
            return Ok(());
        }
        if let Some((id, _)) = before {
            self.forget(id)?;
        }
        let folder = found.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let mut insert = self.tx.prepare_cached(
            "INSERT INTO note (id, path, folder, size, mtime, hash, name, fault, kind, title, date,
                 repository, repository_id, session_id, experiment, topic, stance, verdict)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)",
        )?;
        let meta = note.as_ref().ok().map(|note| &note.meta);
        let id = insert.insert(params![
            before.map(|(id, _)| id),
            found.path,
            folder,
            found.size,
            found.mtime,
            hash,
            note.as_ref().ok().map(|note| &note.name),
            note.as_ref().err(),
            meta.map(|meta| meta.kind.name()),
            meta.map(|meta| &meta.title),
            meta.and_then(|meta| meta.date.as_ref()),
            meta.and_then(|meta| meta.repository.as_ref()),
            meta.and_then(|meta| meta.repository_id.as_ref()),
            meta.and_then(|meta| meta.session_id.as_ref()),
            meta.and_then(|meta| meta.experiment).and_then(|n| i64::try_from(n).ok()),
            meta.and_then(|meta| meta.topic.as_ref()),
            meta.and_then(|meta| meta.stance.as_ref()),
            meta.and_then(|meta| meta.verdict.as_ref()),
        ])?;
        drop(insert);
        if let Ok(note) = note {
            self.put_words(id, note)?;
        }
        Ok(())
    }

    fn put_words(&mut self, id: i64, note: &Note) -> rusqlite::Result<()> {
        for link in &note.meta.supersedes {
            self.tx
                .prepare_cached("INSERT INTO superseded (name, by) VALUES (?1, ?2)")?
                .execute(params![linked(link), id])?;
        }
        // Every proposer reads the hot page anyway, and a hand-off is asked for by name.
        if note.meta.kind == Kind::Hot {
            return Ok(());
        }
        let (text, code) = note.words_and_code();
        let title = &note.meta.title;
        self.tx
            .prepare_cached("INSERT INTO words (rowid, title, text, code) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![id, title, text, code])?;
        self.mean(id, &meaning::slot(title, &text))
    }

    fn mean(&mut self, id: i64, meaning: &[u8; SLOT]) -> rusqlite::Result<()> {
        let (block, slot) = (id / BLOCK, usize::try_from(id % BLOCK).unwrap_or(0));
        if !self.blocks.contains_key(&block) {
            let slots = self
                .tx
                .prepare_cached("SELECT slots FROM meaning WHERE block = ?1")?
                .query_row([block], |row| row.get::<_, Vec<u8>>(0))
                .optional()?;
            let mut slots = slots.unwrap_or_default();
            slots.resize(usize::try_from(BLOCK).unwrap_or(0) * SLOT, 0);
            self.blocks.insert(block, slots);
        }
        let slots = self.blocks.get_mut(&block).map(Vec::as_mut_slice).unwrap_or_default();
        if let Some(place) = slots.get_mut(slot * SLOT..(slot + 1) * SLOT) {
            place.copy_from_slice(meaning);
        }
        Ok(())
    }

    /// Forgets a note.
    fn forget(&mut self, id: i64) -> rusqlite::Result<()> {
        for sql in [
            "DELETE FROM words WHERE rowid = ?1",
            "DELETE FROM superseded WHERE by = ?1",
            "DELETE FROM note WHERE id = ?1",
        ] {
            self.tx.prepare_cached(sql)?.execute([id])?;
        }
        self.mean(id, &[0; SLOT])
    }

    /// Forgets a file that is gone.
    pub(crate) fn remove(&mut self, path: &str) -> rusqlite::Result<()> {
        let id = self
            .tx
            .prepare_cached("SELECT id FROM note WHERE path = ?1")?
            .query_row([path], |row| row.get(0))
            .optional()?;
        id.map_or(Ok(()), |id| self.forget(id))
    }

    /// Forgets a folder that is gone, with all that is in it.
    pub(crate) fn remove_folder(&mut self, folder: &str) -> rusqlite::Result<()> {
        let inside = format!("{folder}/");
        let gone: Vec<i64> = self
            .tx
            .prepare("SELECT id FROM note WHERE substr(path, 1, length(?1)) = ?1")?
            .query_map([&inside], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        for id in gone {
            self.forget(id)?;
        }
        self.tx.execute(
            "DELETE FROM folder WHERE path = ?1 OR substr(path, 1, length(?2)) = ?2",
            [folder, &inside],
        )?;
        Ok(())
    }

    /// Remembers when a folder was seen to change last; 0 is to look again.
    pub(crate) fn saw_folder(&mut self, path: &str, mtime: i64) -> rusqlite::Result<()> {
        let parent = match path.rsplit_once('/') {
            Some((parent, _)) => Some(parent),
            None => (!path.is_empty()).then_some(""),
        };
        self.tx
            .prepare_cached(
                "INSERT OR REPLACE INTO folder (path, parent, mtime) VALUES (?1, ?2, ?3)",
            )?
            .execute(params![path, parent, mtime])?;
        Ok(())
    }

    /// Has it on disk.
    pub(crate) fn commit(self) -> rusqlite::Result<()> {
        let Change { tx, blocks } = self;
        for (block, slots) in blocks {
            tx.prepare_cached("INSERT OR REPLACE INTO meaning (block, slots) VALUES (?1, ?2)")?
                .execute(params![block, slots])?;
        }
        tx.commit()
    }
}

/// Removes an index and what `SQLite` keeps beside it.
pub(crate) fn remove_files(path: &Path) {
    for end in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        // What cannot be removed will not open either, and that is told.
        let _ = std::fs::remove_file(PathBuf::from(name));
    }
}
