//! Finding notes: by words (BM25, Robertson and Zaragoza 2009, as FTS5 has it), by
//! meaning, and by both, their scores put together, each as a share of its
//! theoretical maximum: better than by ranks as soon as there is something to choose the
//! weight by (Bruch, Gai and Ingber, 2023).

use std::collections::{HashMap, HashSet};

use rusqlite::{OptionalExtension as _, params_from_iter};

use crate::index::{BLOCK, COLUMNS, Entry, Index, entry};
use crate::meaning::{self, Question};
use crate::note::Kind;

/// Notes of each sort that are put together.
const POOL: usize = 100;

/// What the words that a note shares with a question count beside what they mean; chosen on
/// the half of the labelled set that is for tuning (`docs/memory.md`).
const WORDS: f64 = 0.3;

/// What a hit in title, text and code is worth.
const WEIGHTS: &str = "4.0, 1.0, 0.3";

/// Notes above which words are left out that are in a tenth of them or more: they cost
/// much and tell little.
const MANY: u64 = 2_000;

/// Words of a question that count, the rarest.
const RAREST: usize = 12;

/// By what notes are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum By {
    /// The words that they have in common with the question.
    Words,
    /// What they are about, in whatever words.
    Meaning,
    /// Both, put together.
    #[default]
    Both,
}

/// A question to a vault.
#[derive(Clone, Copy, Debug)]
pub struct Query<'a> {
    /// In plain words.
    pub text: &'a str,
    /// By what notes are found.
    pub by: By,
    /// Notes that are wanted at most.
    pub most: usize,
    /// Only notes of this kind.
    pub kind: Option<Kind>,
    /// Only notes of the repository with this id.
    pub repository: Option<&'a str>,
    /// No notes of the session with this id.
    pub except_session: Option<&'a str>,
    /// Whether lessons count that a later one took the place of.
    pub with_superseded: bool,
}

impl<'a> Query<'a> {
    /// By words and meaning, anything that stands, at most `most`.
    pub fn new(text: &'a str, most: usize) -> Query<'a> {
        Query {
            text,
            by: By::Both,
            most,
            kind: None,
            repository: None,
            except_session: None,
            with_superseded: false,
        }
    }
}

/// A note that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// Which.
    pub entry: Entry,
    /// How well it fits, the first best; only for comparing hits of one question.
    pub score: f64,
    /// Its place among those found by words, from 1.
    pub by_words: Option<usize>,
    /// Its place among those found by meaning, from 1.
    pub by_meaning: Option<usize>,
}

impl Index {
    /// The notes that fit best, the best first.
    pub(crate) fn search(&self, query: &Query<'_>) -> rusqlite::Result<Vec<Hit>> {
        // All of it sees the index as it is now, whoever writes there meanwhile.
        let _seen = self.db.unchecked_transaction()?;
        let (words, most_words) = match query.by {
            By::Meaning => (Vec::new(), 1.0),
            By::Words | By::Both => self.by_words(query)?,
        };
        let (meaning, most_meaning) = match query.by {
            By::Words => (Vec::new(), 1.0),
            By::Meaning | By::Both => self.by_meaning(query)?,
        };
        let mut ranked = fused(&words, most_words, &meaning, most_meaning);
        ranked.truncate(query.most);
        let place = |list: &[Scored], id| list.iter().position(|(_, other)| *other == id);
        let sql = format!("SELECT {COLUMNS} FROM note WHERE id = ?1");
        let mut one = self.db.prepare_cached(&sql)?;
        let mut hits = Vec::new();
        for (score, id) in ranked {
            let Some(entry) = one.query_row([id], entry).optional()? else { continue };
            hits.push(Hit {
                entry,
                score,
                by_words: place(&words, id).map(|at| at + 1),
                by_meaning: place(&meaning, id).map(|at| at + 1),
            });
        }
        Ok(hits)
    }

    /// Notes by the words of the question, best first, and the most that one could score.
    fn by_words(&self, query: &Query<'_>) -> rusqlite::Result<(Vec<Scored>, f64)> {
        let Some((expression, most)) = self.expression(query.text)? else {
            return Ok((Vec::new(), 1.0));
        };
        let (filter, mut values) = filter(query);
        let sql = format!(
            "SELECT -bm25(words, {WEIGHTS}) AS score, words.rowid
             FROM words JOIN note ON note.id = words.rowid
             WHERE words MATCH ?{} {filter} ORDER BY score DESC, words.rowid LIMIT {POOL}",
            values.len() + 1
        );
        values.push(expression);
        let mut found = self.db.prepare_cached(&sql)?;
        let found = found.query_map(params_from_iter(values), |row| Ok((row.get(0)?, row.get(1)?)));
        Ok((found?.collect::<rusqlite::Result<_>>()?, most))
    }

    /// The words of a question as FTS5 wants them, and the score of a note that is
    /// full of each of them.
    fn expression(&self, text: &str) -> rusqlite::Result<Option<(String, f64)>> {
        let mut words: Vec<String> = Vec::new();
        for word in meaning::words(text) {
            if !words.contains(&word) {
                words.push(word);
            }
        }
        let mut counted = Vec::new();
        for word in words {
            counted.push((self.notes_with(&word)?, word));
        }
        let notes = self.about()?;
        if notes > MANY || counted.len() > RAREST {
            counted.sort();
            let rare = counted.iter().filter(|(count, _)| *count < notes / 10).count();
            // Where all are frequent, the rarest of them.
            counted.truncate(rare.clamp(1, RAREST));
        }
        let most = counted.iter().map(|(count, _)| most_of(notes as f64, *count as f64)).sum();
        let quoted: Vec<String> = counted.iter().map(|(_, word)| format!("\"{word}\"")).collect();
        Ok((!quoted.is_empty()).then(|| (quoted.join(" OR "), most)))
    }

    /// How many notes hold a word that is stemmed as this one.
    fn notes_with(&self, word: &str) -> rusqlite::Result<u64> {
        let mut count =
            self.db.prepare_cached("SELECT count(*) FROM words WHERE words MATCH ?1")?;
        count.query_row([format!("\"{word}\"")], |row| row.get(0))
    }

    /// Notes by what the question means, best first, and the most that one could score.
    fn by_meaning(&self, query: &Query<'_>) -> rusqlite::Result<(Vec<Scored>, f64)> {
        let Some(question) = Question::of(query.text) else { return Ok((Vec::new(), 1.0)) };
        let allowed = self.allowed(query)?;
        let mut blocks = self.db.prepare_cached("SELECT block, slots FROM meaning")?;
        let mut rows = blocks.query([])?;
        let mut best: Vec<Scored> = Vec::new();
        let mut least = 0.0;
        while let Some(row) = rows.next()? {
            let block: i64 = row.get(0)?;
            let slots = row.get_ref(1)?.as_blob()?;
            for (slot, id) in slots.chunks_exact(meaning::SLOT).zip(block * BLOCK..) {
                let answer = f64::from(question.answer(slot));
                if answer > least && allowed.has(id) {
                    best.push((answer, id));
                }
            }
            if best.len() > 4 * POOL {
                best.sort_unstable_by(by_answer);
                best.truncate(POOL);
                least = best.last().map_or(0.0, |(answer, _)| *answer);
            }
        }
        best.sort_unstable_by(by_answer);
        best.truncate(POOL);
        Ok((best, f64::from(question.most())))
    }

    /// Which notes a question may find.
    fn allowed(&self, query: &Query<'_>) -> rusqlite::Result<Allowed> {
        let ids = |sql: &str, values: &[&str]| {
            let mut ids = self.db.prepare_cached(sql)?;
            let ids = ids.query_map(params_from_iter(values), |row| row.get(0))?;
            ids.collect::<rusqlite::Result<HashSet<i64>>>()
        };
        let mut allowed = Allowed { only: None, never: HashSet::new() };
        if query.kind.is_some() || query.repository.is_some() {
            let (filter, values) = filter(query);
            let values: Vec<&str> = values.iter().map(String::as_str).collect();
            allowed.only = Some(ids(&format!("SELECT id FROM note WHERE true {filter}"), &values)?);
            return Ok(allowed);
        }
        if let Some(session) = query.except_session {
            allowed.never = ids("SELECT id FROM note WHERE session_id = ?1", &[session])?;
        }
        if !query.with_superseded {
            allowed.never.extend(ids(
                "SELECT note.id FROM superseded JOIN note ON note.name = superseded.name",
                &[],
            )?);
        }
        Ok(allowed)
    }
}

/// What words and meaning say of notes, each as a share of the most that they could
/// say, as one score. A note that holds every word of the question is surely meant; one
/// that holds a few of them tells little, so the share of words counts by its square.
fn fused(words: &[Scored], most_words: f64, meaning: &[Scored], most_meaning: f64) -> Vec<Scored> {
    let mut scores: HashMap<i64, f64> = HashMap::new();
    for (score, id) in words {
        *scores.entry(*id).or_default() += WORDS * (score / most_words).powi(2);
    }
    for (score, id) in meaning {
        *scores.entry(*id).or_default() += score / most_meaning;
    }
    let mut ranked: Vec<Scored> = scores.into_iter().map(|(id, score)| (score, id)).collect();
    ranked.sort_unstable_by(by_answer);
    ranked
}

/// The most that a word which `count` of all `notes` hold adds to a note's BM25, as FTS5
/// computes it: its `k1` is 1.2, and no word counts less than nothing.
fn most_of(notes: f64, count: f64) -> f64 {
    let rarity = ((notes - count + 0.5) / (count + 0.5)).ln().max(1e-6);
    rarity * (1.2 + 1.0)
}

/// A score, and the number of the note.
type Scored = (f64, i64);

/// The best answer first; of equal ones the older note.
fn by_answer(a: &Scored, b: &Scored) -> std::cmp::Ordering {
    b.0.total_cmp(&a.0).then(a.1.cmp(&b.1))
}

/// Which notes a question may find, in the form that takes the fewest.
struct Allowed {
    only: Option<HashSet<i64>>,
    never: HashSet<i64>,
}

impl Allowed {
    fn has(&self, id: i64) -> bool {
        !self.never.contains(&id) && self.only.as_ref().is_none_or(|only| only.contains(&id))
    }
}

/// Conditions on a note, and their values.
fn filter(query: &Query<'_>) -> (String, Vec<String>) {
    let (mut filter, mut values) = (String::new(), Vec::new());
    let mut add = |condition: &str, value: Option<&str>| {
        if let Some(value) = value {
            values.push(value.to_owned());
            filter
                .push_str(&format!(" AND {condition}").replace('?', &format!("?{}", values.len())));
        }
    };
    add("note.kind = ?", query.kind.map(Kind::name));
    add("note.repository_id = ?", query.repository);
    add("note.session_id IS NOT ?", query.except_session);
    if !query.with_superseded {
        filter.push_str(
            " AND NOT EXISTS (SELECT 1 FROM superseded WHERE superseded.name = note.name)",
        );
    }
    (filter, values)
}
