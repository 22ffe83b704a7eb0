//! The journal: every event of a session in a `SQLite` file.
//!
//! Beside the events lie two conveniences: an archive with one row a settled
//! experiment, written in the transaction of its last event, so that status
//! and reports need no replay; and an inbox through which other processes
//! speak to the engine. Only the holder of the [`crate::Lock`] appends.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension, Transaction, params};
use serde::{Deserialize, Serialize};

use autoresearch_core::experiment::{Counts, Experiment, Verdict};
use autoresearch_core::judge::Rule;
use autoresearch_core::proposal::Category;
use autoresearch_core::session::{Record, VERSION};
use autoresearch_core::trial::CrashKind;
use autoresearch_core::units::{Bytes, Timestamp};

/// Version of the tables; the events carry their own.
const SCHEMA: &str = "
    CREATE TABLE event (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, body TEXT NOT NULL) STRICT;
    CREATE TABLE experiment (
        number INTEGER PRIMARY KEY, commit_id TEXT, metric REAL, memory INTEGER,
        verdict TEXT NOT NULL, rule TEXT NOT NULL, hypothesis TEXT NOT NULL, reason TEXT NOT NULL,
        category TEXT NOT NULL, gain REAL, crash TEXT, settled_at INTEGER NOT NULL,
        wall_seconds REAL NOT NULL, code_lines INTEGER NOT NULL, record TEXT NOT NULL) STRICT;
    CREATE INDEX experiment_verdict ON experiment (verdict, number);
    CREATE INDEX event_extended ON event (seq) WHERE substr(body, 1, 11) = '{\"extended\"';
    CREATE INDEX experiment_suspect ON experiment (number) WHERE rule = 'suspect';
    CREATE TABLE inbox (id INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL) STRICT;
";

/// What can go wrong with a journal.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// `SQLite` reports a problem.
    #[error("failed to use the journal {}: {source}; check the disk's space and permissions", path.display())]
    Sqlite {
        /// The journal's file.
        path: PathBuf,
        /// What `SQLite` said.
        source: rusqlite::Error,
    },
    /// There is no journal there.
    #[error("no journal at {}", path.display())]
    Missing {
        /// The journal's file.
        path: PathBuf,
    },
    /// A new journal was to be made where one exists.
    #[error("a journal exists already at {}", path.display())]
    Exists {
        /// The journal's file.
        path: PathBuf,
    },
    /// A row cannot be read: damaged, or of a later version.
    #[error("row {seq} of the journal {} cannot be read: {why}; it is damaged, or written by a later version", path.display())]
    Unreadable {
        /// The journal's file.
        path: PathBuf,
        /// The event's place.
        seq: u64,
        /// What is wrong.
        why: String,
    },
}

/// One settled experiment, as reports need it.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Number of the experiment; 0 is the baseline.
    pub number: u64,
    /// Its commit.
    pub commit: Option<String>,
    /// Its metric.
    pub metric: Option<f64>,
    /// Its peak memory.
    pub memory: Option<Bytes>,
    /// Its verdict.
    pub verdict: Verdict,
    /// The rule behind the verdict.
    pub rule: Rule,
    /// What it tested.
    pub hypothesis: String,
    /// The grounds of the verdict.
    pub reason: String,
    /// What sort of change.
    pub category: Category,
    /// Gain over the incumbent of its time, positive when better.
    pub gain: Option<f64>,
    /// How it crashed.
    pub crash: Option<CrashKind>,
    /// When it was settled.
    pub settled_at: Timestamp,
    /// Wall-clock seconds of its trials.
    pub wall_seconds: f64,
    /// Lines of code of the targets.
    pub code_lines: u64,
    /// What its proposer expected of it.
    pub expected: Option<String>,
}

/// What another process asks of the engine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Message {
    /// Stop: after the current experiment, or now.
    Stop {
        /// Whether the running trial is to be ended.
        now: bool,
    },
    /// Put a hypothesis into the queue.
    Hypothesis {
        /// One sentence.
        hypothesis: String,
        /// A patch, if there is one.
        patch: Option<String>,
        /// Who proposes it, where that is not a person.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
    },
    /// Take a hypothesis out of the queue.
    Drop {
        /// Its number.
        id: u64,
    },
    /// Let the change of a held experiment run again, unsuspected.
    Trust {
        /// Its number.
        number: u64,
    },
    /// Print a progress report.
    Report,
}

/// An open journal.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    connection: Connection,
    last: u64,
}

impl Journal {
    /// Makes a new journal.
    ///
    /// # Errors
    /// [`JournalError::Exists`], or what `SQLite` reports.
    pub fn create(path: &Path) -> Result<Journal, JournalError> {
        if path.exists() {
            return Err(JournalError::Exists { path: path.to_owned() });
        }
        let journal = Journal::connect(path, OpenFlags::default())?;
        journal.tune()?;
        // One transaction: a file without tables is told from a journal.
        journal
            .connection
            .execute_batch(&format!("BEGIN; {SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;"))
            .map_err(|source| journal.sqlite(source))?;
        Ok(journal)
    }

    /// Opens a journal to append to it.
    ///
    /// # Errors
    /// [`JournalError::Missing`], or what `SQLite` reports.
    pub fn open(path: &Path) -> Result<Journal, JournalError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut journal = Journal::existing(path, flags)?;
        journal.tune()?;
        let last: Option<u64> = journal.one("SELECT max(seq) FROM event")?;
        journal.last = last.unwrap_or(0);
        Ok(journal)
    }

    /// Opens a journal to read it while an engine may be appending.
    ///
    /// # Errors
    /// [`JournalError::Missing`], or what `SQLite` reports.
    pub fn open_read_only(path: &Path) -> Result<Journal, JournalError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        Journal::existing(path, flags)
    }

    fn existing(path: &Path, flags: OpenFlags) -> Result<Journal, JournalError> {
        if !path.is_file() {
            return Err(JournalError::Missing { path: path.to_owned() });
        }
        let journal = Journal::connect(path, flags)?;
        let version: u32 = journal.one("PRAGMA user_version")?;
        // Whoever made the file died before its tables: it never was one.
        if version == 0 && journal.one::<u64>("SELECT count(*) FROM sqlite_schema")? == 0 {
            return Err(JournalError::Missing { path: path.to_owned() });
        }
        if version == 0 || version > VERSION {
            let why = format!("its format is version {version}, this program knows {VERSION}");
            return Err(JournalError::Unreadable { path: path.to_owned(), seq: 0, why });
        }
        Ok(journal)
    }

    fn connect(path: &Path, flags: OpenFlags) -> Result<Journal, JournalError> {
        let connection = Connection::open_with_flags(path, flags)
            .map_err(|source| JournalError::Sqlite { path: path.to_owned(), source })?;
        let journal = Journal { path: path.to_owned(), connection, last: 0 };
        journal
            .connection
            .busy_timeout(Duration::from_secs(10))
            .map_err(|source| journal.sqlite(source))?;
        Ok(journal)
    }

    fn tune(&self) -> Result<(), JournalError> {
        self.connection
            .execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;")
            .map_err(|source| self.sqlite(source))
    }

    fn sqlite(&self, source: rusqlite::Error) -> JournalError {
        JournalError::Sqlite { path: self.path.clone(), source }
    }

    fn one<T: rusqlite::types::FromSql>(&self, sql: &str) -> Result<T, JournalError> {
        self.connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
            .map_err(|source| self.sqlite(source))
    }

    /// Appends events as one transaction that is on disk when this returns,
    /// and archives the experiment that they settle, or that ran again: of one
    /// that is in the archive only the whole record changes.
    ///
    /// # Errors
    /// What `SQLite` reports; then nothing of it is in the journal.
    pub fn append(
        &mut self,
        records: &[Record],
        settled: Option<&Experiment>,
    ) -> Result<(), JournalError> {
        let write = |transaction: &Transaction<'_>| {
            let mut insert =
                transaction.prepare_cached("INSERT INTO event (seq, at, body) VALUES (?, ?, ?)")?;
            for record in records {
                insert.execute(params![record.seq, record.at.0, json(&record.event)?])?;
            }
            settled.map_or(Ok(()), |experiment| archive(transaction, experiment))
        };
        self.connection
            .transaction()
            .and_then(|transaction| {
                write(&transaction)?;
                transaction.commit()
            })
            .map_err(|source| JournalError::Sqlite { path: self.path.clone(), source })?;
        self.last = records.last().map_or(self.last, |record| record.seq);
        Ok(())
    }

    /// Place of the last event; 0 when there is none.
    pub fn last_seq(&self) -> u64 {
        self.last
    }

    /// Hands every event to `each`, in order.
    ///
    /// # Errors
    /// [`JournalError::Unreadable`] names the first row that is no event.
    pub fn replay(&self, each: impl FnMut(Record)) -> Result<(), JournalError> {
        self.since(0, each)
    }

    /// Hands every event after the place `seq` to `each`, in order.
    ///
    /// # Errors
    /// As [`Journal::replay`].
    pub fn since(&self, seq: u64, mut each: impl FnMut(Record)) -> Result<(), JournalError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT seq, at, body FROM event WHERE seq > ? ORDER BY seq")
            .map_err(|source| self.sqlite(source))?;
        let mut rows = statement.query([seq]).map_err(|source| self.sqlite(source))?;
        while let Some(row) = rows.next().map_err(|source| self.sqlite(source))? {
            let seq: u64 = row.get(0).map_err(|source| self.sqlite(source))?;
            let at = row.get(1).map_err(|source| self.sqlite(source))?;
            let body = row.get_ref(2).map_err(|source| self.sqlite(source))?;
            // Lossy: damaged text fails as JSON, with its place.
            let body = String::from_utf8_lossy(body.as_bytes().unwrap_or_default());
            each(self.event(seq, at, &body)?);
        }
        Ok(())
    }

    /// A settled experiment, whole.
    ///
    /// # Errors
    /// What `SQLite` reports.
    pub fn experiment(&self, number: u64) -> Result<Option<Experiment>, JournalError> {
        let found = self
            .connection
            .prepare_cached("SELECT record FROM experiment WHERE number = ?")
            .and_then(|mut s| s.query_row([number], |row| row.get::<_, String>(0)).optional())
            .map_err(|source| self.sqlite(source))?;
        found.map(|text| self.parse(number, &text)).transpose()
    }

    /// The last `limit` settled experiments, oldest first, whole.
    ///
    /// # Errors
    /// What `SQLite` reports.
    pub fn recent(&self, limit: usize) -> Result<Vec<Experiment>, JournalError> {
        self.whole("SELECT number, record FROM experiment ORDER BY number DESC LIMIT ?", limit)
    }

    /// Hands every settled experiment to `each`, oldest first, whole.
    ///
    /// # Errors
    /// What `SQLite` reports.
    pub fn each(&self, mut each: impl FnMut(Experiment)) -> Result<(), JournalError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT number, record FROM experiment ORDER BY number")
            .map_err(|source| self.sqlite(source))?;
        let mut rows = statement.query([]).map_err(|source| self.sqlite(source))?;
        while let Some(row) = rows.next().map_err(|source| self.sqlite(source))? {
            let number: u64 = row.get(0).map_err(|source| self.sqlite(source))?;
            let record: String = row.get(1).map_err(|source| self.sqlite(source))?;
            each(self.parse(number, &record)?);
        }
        Ok(())
    }

    /// The last `limit` kept experiments, oldest first, whole; the baseline is
    /// one of them.
    ///
    /// # Errors
    /// What `SQLite` reports.
    pub fn kept(&self, limit: usize) -> Result<Vec<Experiment>, JournalError> {
        self.whole(
            "SELECT number, record FROM experiment WHERE verdict = 'keep' ORDER BY number DESC LIMIT ?",
            limit,
        )
    }

    fn whole(&self, sql: &str, limit: usize) -> Result<Vec<Experiment>, JournalError> {
        let rows: Vec<(u64, String)> = self
            .connection
            .prepare_cached(sql)
            .and_then(|mut s| {
                s.query_map([limit as u64], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
            })
            .map_err(|source| self.sqlite(source))?;
        rows.iter().rev().map(|(number, text)| self.parse(*number, text)).collect()
    }

    /// Settled experiments before whose trials the environment had changed,
    /// oldest first, with what changed.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn environment_changes(&self) -> Result<Vec<(u64, String)>, JournalError> {
        // Inside a text its quotes would be escaped.
        let found = self.whole(
            "SELECT number, record FROM experiment
             WHERE instr(record, '\"environment_changed\":\"') > 0 ORDER BY number DESC LIMIT ?",
            1000,
        )?;
        let change = |experiment: Experiment| {
            let seals = experiment.trials.into_iter().filter_map(|trial| trial.seal);
            let changes: Vec<String> = seals.filter_map(|seal| seal.environment_changed).collect();
            (experiment.number, changes.join(", then "))
        };
        Ok(found.into_iter().map(change).collect())
    }

    fn parse(&self, number: u64, text: &str) -> Result<Experiment, JournalError> {
        serde_json::from_str(text).map_err(|e| JournalError::Unreadable {
            path: self.path.clone(),
            seq: number,
            why: e.to_string(),
        })
    }

    /// Every settled experiment from number `from` on, in order.
    ///
    /// # Errors
    /// What `SQLite` reports.
    pub fn entries(&self, from: u64) -> Result<Vec<Entry>, JournalError> {
        self.some_entries("number >= ? ORDER BY number", from)
    }

    /// One settled experiment.
    ///
    /// # Errors
    /// What `SQLite` reports.
    pub fn entry(&self, number: u64) -> Result<Option<Entry>, JournalError> {
        Ok(self.some_entries("number = ?", number)?.pop())
    }

    /// The last experiment that was kept: the incumbent.
    ///
    /// # Errors
    /// What `SQLite` reports.
    pub fn best(&self) -> Result<Option<Entry>, JournalError> {
        Ok(self.some_entries("verdict = 'keep' ORDER BY number DESC LIMIT ?", 1)?.pop())
    }

    /// The last `limit` settled experiments, oldest first.
    ///
    /// # Errors
    /// What `SQLite` reports.
    pub fn last_entries(&self, limit: u64) -> Result<Vec<Entry>, JournalError> {
        let mut entries = self.some_entries("true ORDER BY number DESC LIMIT ?", limit)?;
        entries.reverse();
        Ok(entries)
    }

    /// The last `limit` suspects that nobody has trusted, oldest first.
    ///
    /// # Errors
    /// What `SQLite` reports.
    pub fn suspects(&self, limit: u64) -> Result<Vec<Entry>, JournalError> {
        let mut entries =
            self.some_entries("rule = 'suspect' ORDER BY number DESC LIMIT ?", limit)?;
        entries.reverse();
        Ok(entries)
    }

    fn some_entries(&self, which: &str, argument: u64) -> Result<Vec<Entry>, JournalError> {
        let sql = format!(
            "SELECT number, commit_id, metric, memory, verdict, rule, hypothesis, reason,
             category, gain, crash, settled_at, wall_seconds, code_lines,
             json_extract(record, '$.expected')
             FROM experiment WHERE {which}"
        );
        self.connection
            .prepare_cached(&sql)
            .and_then(|mut statement| statement.query_map([argument], entry)?.collect())
            .map_err(|source| self.sqlite(source))
    }

    /// How many of each verdict.
    ///
    /// # Errors
    /// What `SQLite` reports.
    pub fn tally(&self) -> Result<Counts, JournalError> {
        let count = |verdict: &str| {
            self.one(&format!(
                "SELECT count(*) FROM experiment WHERE verdict = '{verdict}' AND number > 0"
            ))
        };
        Ok(Counts { keep: count("keep")?, discard: count("discard")?, crash: count("crash")? })
    }

    /// The first event: what the session was opened with.
    ///
    /// # Errors
    /// What `SQLite` reports.
    pub fn first(&self) -> Result<Option<Record>, JournalError> {
        self.record("SELECT seq, at, body FROM event ORDER BY seq LIMIT 1")
    }

    /// The last event.
    ///
    /// # Errors
    /// What `SQLite` reports.
    pub fn last(&self) -> Result<Option<Record>, JournalError> {
        self.record("SELECT seq, at, body FROM event ORDER BY seq DESC LIMIT 1")
    }

    /// The last [`autoresearch_core::session::Event::Extended`]: the limits that hold now.
    ///
    /// # Errors
    /// What `SQLite` reports.
    pub fn extended(&self) -> Result<Option<Record>, JournalError> {
        self.record(
            "SELECT seq, at, body FROM event WHERE substr(body, 1, 11) = '{\"extended\"'
             ORDER BY seq DESC LIMIT 1",
        )
    }

    fn record(&self, sql: &str) -> Result<Option<Record>, JournalError> {
        let row: Option<(u64, i64, String)> = self
            .connection
            .prepare_cached(sql)
            .and_then(|mut s| s.query_row([], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?))).optional())
            .map_err(|source| self.sqlite(source))?;
        row.map(|(seq, at, body)| self.event(seq, at, &body)).transpose()
    }

    fn event(&self, seq: u64, at: i64, body: &str) -> Result<Record, JournalError> {
        let event = serde_json::from_str(body).map_err(|e| JournalError::Unreadable {
            path: self.path.clone(),
            seq,
            why: e.to_string(),
        })?;
        Ok(Record { seq, at: Timestamp(at), event })
    }

    /// Leaves a message for the engine, which need not be running, and returns
    /// its number, which no other message ever gets.
    ///
    /// # Errors
    /// What `SQLite` reports.
    pub fn post(&self, message: &Message) -> Result<i64, JournalError> {
        json(message)
            .and_then(|body| self.connection.execute("INSERT INTO inbox (body) VALUES (?)", [body]))
            .map(|_| self.connection.last_insert_rowid())
            .map_err(|source| self.sqlite(source))
    }

    /// Messages that wait, with their numbers, oldest first. One that this
    /// program does not understand is `None`.
    ///
    /// # Errors
    /// What `SQLite` reports.
    pub fn inbox(&self) -> Result<Vec<(i64, Option<Message>)>, JournalError> {
        self.connection
            .prepare_cached("SELECT id, body FROM inbox ORDER BY id")
            .and_then(|mut statement| {
                statement
                    .query_map([], |row| {
                        let body: String = row.get(1)?;
                        Ok((row.get(0)?, serde_json::from_str(&body).ok()))
                    })?
                    .collect()
            })
            .map_err(|source| self.sqlite(source))
    }

    /// Takes a message out once what it asked for is in the journal.
    ///
    /// # Errors
    /// What `SQLite` reports.
    pub fn discard(&self, message: i64) -> Result<(), JournalError> {
        self.connection
            .execute("DELETE FROM inbox WHERE id = ?", [message])
            .map(|_| ())
            .map_err(|source| self.sqlite(source))
    }
}

fn entry(row: &rusqlite::Row<'_>) -> rusqlite::Result<Entry> {
    Ok(Entry {
        number: row.get(0)?,
        commit: row.get(1)?,
        metric: row.get(2)?,
        memory: row.get::<_, Option<u64>>(3)?.map(Bytes),
        verdict: word(row, 4)?,
        rule: word(row, 5)?,
        hypothesis: row.get(6)?,
        reason: row.get(7)?,
        category: word(row, 8)?,
        gain: row.get(9)?,
        crash: match row.get_ref(10)? {
            rusqlite::types::ValueRef::Null => None,
            _ => Some(word(row, 10)?),
        },
        settled_at: Timestamp(row.get(11)?),
        wall_seconds: row.get(12)?,
        code_lines: row.get(13)?,
        expected: row.get(14)?,
    })
}

fn archive(transaction: &Transaction<'_>, experiment: &Experiment) -> rusqlite::Result<()> {
    let Some(ruling) = &experiment.ruling else {
        return Ok(());
    };
    transaction
        .prepare_cached(
            "INSERT INTO experiment VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)
             ON CONFLICT (number) DO UPDATE SET record = excluded.record",
        )?
        .execute(params![
            experiment.number,
            experiment.commit.as_ref().map(|c| &c.0),
            experiment.metric(),
            experiment.peak_memory().map(|b| b.0),
            bare(&ruling.verdict)?,
            bare(&ruling.rule)?,
            experiment.hypothesis,
            ruling.reason,
            bare(&experiment.category)?,
            ruling.gain,
            ruling.crash.as_ref().map(|c| bare(&c.kind)).transpose()?,
            experiment.settled_at.unwrap_or(experiment.proposed_at).0,
            experiment.trials.iter().map(|t| t.usage.wall_seconds).sum::<f64>(),
            experiment.code_lines,
            json(experiment)?,
        ])?;
    // The held experiment that it ran again needs nobody's attention any more.
    if let Some(number) = experiment.trusts {
        transaction
            .prepare_cached("UPDATE experiment SET rule = ? WHERE number = ?")?
            .execute(params![bare(&Rule::Trusted)?, number])?;
    }
    Ok(())
}

fn json<T: Serialize>(value: &T) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|e| rusqlite::Error::ToSqlConversionFailure(e.into()))
}

/// An enum's name as serde writes it, without quotes.
fn bare<T: Serialize>(value: &T) -> rusqlite::Result<String> {
    json(value).map(|text| text.trim_matches('"').to_owned())
}

fn word<T: for<'de> Deserialize<'de>>(
    row: &rusqlite::Row<'_>,
    column: usize,
) -> rusqlite::Result<T> {
    let text = row.get_ref(column)?.as_str()?;
    T::deserialize(serde::de::value::BorrowedStrDeserializer::<serde::de::value::Error>::new(text))
        .map_err(|e| {
            rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, e.into())
        })
}

#[cfg(test)]
mod tests;
