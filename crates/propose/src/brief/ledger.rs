//! What a session has tried, as a proposer needs it: one settled experiment at a
//! time is taken in, at a cost and in a size that do not depend on how many there
//! were.

use std::collections::{BTreeMap, VecDeque};

use autoresearch_core::experiment::{Counts, Verdict};
use autoresearch_core::judge::Rule;
use autoresearch_core::proposal::Category;
use serde::Serialize;

use super::past::Past;
use super::subject::subject;

/// Experiments that are remembered one by one.
const RECENT: usize = 200;

/// Kept experiments that are remembered because they are new, and because they
/// brought much.
const NEWEST: usize = 60;
const LARGEST: usize = 10;

/// Groups of failures, and of crashes. What occurs least goes when there are more.
const GROUPS: usize = 200;

/// Near misses, and suspects.
const FEW: usize = 8;

/// A discarded change this likely to be better was nearly kept.
const NEARLY: f64 = 0.25;

/// What a session has tried so far.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    recent: VecDeque<Past>,
    categories: BTreeMap<Category, Tally>,
    kept: u64,
    newest: VecDeque<Past>,
    /// The first brought the most.
    largest: Vec<Past>,
    failures: Groups,
    crashes: Groups,
    /// The first was the nearest.
    near: Vec<Past>,
    suspects: VecDeque<Past>,
    last: u64,
}

/// What became of the experiments of one category.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Tally {
    /// How many ended how.
    #[serde(flatten)]
    pub counts: Counts,
    /// What those kept brought, each against the incumbent of its time.
    pub gain: f64,
}

/// Experiments that tried the same and failed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Group {
    /// What they have in common besides.
    pub kind: String,
    /// What they were about, in at most three words.
    pub subject: String,
    /// How many.
    pub count: u64,
    /// Why they failed, and how many of them for that reason.
    pub why: BTreeMap<&'static str, u64>,
    /// The best difference to the incumbent among them, positive when better.
    pub best: Option<f64>,
    /// Number of the last.
    pub last: u64,
    /// What the last one tried.
    pub example: String,
    /// The grounds of its verdict.
    pub reason: String,
}

/// Groups by kind and subject.
#[derive(Clone, Debug, Default)]
struct Groups {
    groups: BTreeMap<(String, String), Group>,
    /// Experiments of groups that went.
    rest: u64,
}

impl Groups {
    fn add(&mut self, kind: String, past: &Past, why: &'static str) {
        let key = (kind, subject(&past.hypothesis));
        if self.groups.len() >= GROUPS && !self.groups.contains_key(&key) {
            // As heavy hitters are found in a stream (Metwally et al., 2005).
            let least = self.groups.iter().min_by_key(|(_, group)| (group.count, group.last));
            if let Some(gone) = least.map(|(key, _)| key.clone())
                && let Some(group) = self.groups.remove(&gone)
            {
                self.rest += group.count;
            }
        }
        let group = self.groups.entry(key.clone()).or_insert_with(|| Group {
            kind: key.0,
            subject: key.1,
            count: 0,
            why: BTreeMap::new(),
            best: None,
            last: 0,
            example: String::new(),
            reason: String::new(),
        });
        group.count += 1;
        *group.why.entry(why).or_default() += 1;
        group.best = group.best.into_iter().chain(past.gain).reduce(f64::max);
        group.last = past.number;
        group.example.clone_from(&past.hypothesis);
        group.reason.clone_from(&past.reason);
    }

    /// The largest `most` groups, and the number of experiments in the others.
    fn largest(&self, most: usize) -> (Vec<&Group>, u64) {
        let mut groups: Vec<&Group> = self.groups.values().collect();
        groups.sort_by_key(|group| std::cmp::Reverse((group.count, group.last)));
        let others = groups.split_off(most.min(groups.len()));
        (groups, self.rest + others.iter().map(|group| group.count).sum::<u64>())
    }
}

/// What a page or a program is told of a ledger.
#[derive(Clone, Debug, Serialize)]
pub struct Digest<'a> {
    /// By category, what became of it.
    pub categories: Vec<(Category, Tally)>,
    /// How many were kept, the baseline apart.
    pub kept: u64,
    /// Those kept last and those that brought most, oldest first.
    pub keeps: Vec<&'a Past>,
    /// Others that were kept, newest first; in one line each.
    pub older_keeps: Vec<&'a Past>,
    /// How many more were kept.
    pub more_keeps: u64,
    /// Experiments that failed, grouped by what they tried, the largest group first.
    pub failures: Vec<&'a Group>,
    /// How many more failed, in smaller groups.
    pub more_failures: u64,
    /// Discarded, and likelier than others to be better: the nearest first.
    pub near_misses: Vec<&'a Past>,
    /// Experiments that crashed, grouped by how and by what they tried.
    pub crashes: Vec<&'a Group>,
    /// How many more crashed, in smaller groups.
    pub more_crashes: u64,
    /// Too good to be true, and not trusted by anybody.
    pub suspects: Vec<&'a Past>,
    /// The last ones, oldest first.
    pub last: Vec<&'a Past>,
}

impl Ledger {
    /// Takes in the next settled experiment.
    pub fn add(&mut self, past: Past) {
        self.last = past.number;
        if past.number > 0 {
            self.count(&past);
        }
        self.recent.push_back(past);
        if self.recent.len() > RECENT {
            // Keeps are remembered longer than failures; but what is new is not
            // forgotten for the sake of old keeps.
            let mut older = self.recent.iter().take(RECENT / 2);
            let place = older.position(|past| past.verdict != Verdict::Keep).unwrap_or(0);
            self.recent.remove(place);
        }
    }

    fn count(&mut self, past: &Past) {
        let tally = self.categories.entry(past.category).or_default();
        tally.counts.add(past.verdict);
        // Whoever trusted it has looked at it.
        self.suspects.retain(|held| Some(held.number) != past.trusts);
        match (past.verdict, past.rule) {
            (Verdict::Keep, _) => {
                tally.gain += past.gain.unwrap_or(0.0);
                self.keep(past);
            }
            (_, Rule::Suspect) => {
                self.suspects.push_back(past.clone());
                if self.suspects.len() > FEW {
                    self.suspects.pop_front();
                }
            }
            (Verdict::Crash, _) => {
                let kind = past.crash.map_or_else(|| "crash".to_owned(), |kind| kind.to_string());
                self.crashes.add(kind, past, "crash");
            }
            (Verdict::Discard, rule) => {
                self.failures.add(past.category.to_string(), past, words(rule));
                self.miss(past);
            }
        }
    }

    fn keep(&mut self, past: &Past) {
        self.kept += 1;
        self.newest.push_back(past.clone());
        if self.newest.len() > NEWEST {
            self.newest.pop_front();
        }
        insert(&mut self.largest, past, LARGEST, |past| past.gain.unwrap_or(f64::MIN));
    }

    fn miss(&mut self, past: &Past) {
        let is_near = match past.better {
            Some(better) => better >= NEARLY,
            None => past.gain.is_some_and(|gain| gain > 0.0),
        };
        if is_near && past.rule != Rule::Unrepeated && past.metric.is_some() {
            insert(&mut self.near, past, FEW, |past| past.better.unwrap_or(0.5));
        }
    }

    /// The last experiments, oldest first; keeps stay longer than others.
    pub fn recent(&self) -> impl Iterator<Item = &Past> {
        self.recent.iter()
    }

    /// Discarded, and likelier than others to be better: the nearest first.
    pub fn near_misses(&self) -> &[Past] {
        &self.near
    }

    /// Number of the last experiment.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// What fits `rows` rows for each sort of thing.
    pub fn digest(&self, rows: usize) -> Digest<'_> {
        let full = rows.div_ceil(2).min(12);
        let mut keeps: Vec<&Past> = self.newest.iter().rev().take(full).collect();
        let is_in = |list: &[&Past], past: &Past| list.iter().any(|p| p.number == past.number);
        for past in self.largest.iter().take(full) {
            if !is_in(&keeps, past) {
                keeps.push(past);
            }
        }
        keeps.sort_by_key(|past| past.number);
        let others = self.newest.iter().rev().filter(|past| !is_in(&keeps, past));
        let older_keeps: Vec<&Past> = others.take(rows).collect();
        let (failures, more_failures) = self.failures.largest(rows);
        let (crashes, more_crashes) = self.crashes.largest(rows.div_ceil(2));
        let first = self.recent.len().saturating_sub(rows.min(10));
        Digest {
            categories: self
                .categories
                .iter()
                .map(|(category, tally)| (*category, *tally))
                .collect(),
            kept: self.kept,
            more_keeps: self.kept - (keeps.len() + older_keeps.len()) as u64,
            keeps,
            older_keeps,
            failures,
            more_failures,
            near_misses: self.near.iter().take(rows).collect(),
            crashes,
            more_crashes,
            suspects: self.suspects.iter().take(rows).collect(),
            last: self.last_ones(first),
        }
    }

    /// By their numbers, since older keeps outlive other experiments.
    fn last_ones(&self, first: usize) -> Vec<&Past> {
        self.recent.iter().skip(first).filter(|past| past.number > 0).collect()
    }
}

/// Keeps `list` at `most`, the greatest `worth` first; of equals the newer.
fn insert(list: &mut Vec<Past>, past: &Past, most: usize, worth: impl Fn(&Past) -> f64) {
    let place = list.partition_point(|other| worth(other) > worth(past));
    if place < most {
        list.insert(place, past.clone());
        list.truncate(most);
    }
}

/// Why something was discarded, in words that fit "9 {…}".
fn words(rule: Rule) -> &'static str {
    match rule {
        Rule::Unproven | Rule::Unrepeated => "no gain to be seen",
        Rule::NotWorthItsLines => "not worth its lines",
        Rule::Equal | Rule::EqualAndSimpler => "equal",
        Rule::Hopeless => "hopeless early",
        Rule::Constraint => "broke a constraint",
        Rule::Failed => "failed",
        Rule::Baseline
        | Rule::Better
        | Rule::Worse
        | Rule::Suspect
        | Rule::Trusted
        | Rule::Imported => "worse",
    }
}
