//! What a session taught, by rule: what helped, what never did and how often, which
//! crashes to avoid, what nearly helped, how noisy runs are; and the hand-off to the next
//! session (SPEC J4).

use std::fmt::Write as _;

use autoresearch_core::metric::{Direction, significant};
use autoresearch_core::units::Timestamp;
use autoresearch_memory::{Entry, Kind, MemoryError, Meta, Note, Session, Vault};
use autoresearch_propose::{Digest, Group, Past, subject};
use autoresearch_report::{History, next_steps, noise_words};

use crate::error::EngineError;
use crate::view::View;

/// Lessons of each sort, at most.
const MOST: usize = 10;

/// Failures of one sort from which they are a lesson.
const OFTEN: u64 = 3;

/// A lesson, before it is a note.
struct Lesson {
    topic: String,
    stance: &'static str,
    title: String,
    body: String,
}

/// Writes the lessons of a session, its hand-off and the hot page of its repository, and
/// says how many lessons are new. The hand-off comes last: where it is, all is.
pub(crate) fn write(
    view: &View,
    session: &Session,
    history: &History,
    vault: &mut Vault,
) -> Result<usize, Result<MemoryError, EngineError>> {
    let memory = view.memory().map_err(Err)?;
    let digest = memory.ledger().digest(40);
    let last = memory.last();
    let at = history.session.ended.unwrap_or_default();
    let standing = vault.lessons(&session.repository.id).map_err(Ok)?;
    let mut new = 0;
    for lesson in lessons(session, history, &digest) {
        let before: Vec<&Entry> =
            standing.iter().filter(|entry| entry.topic.as_ref() == Some(&lesson.topic)).collect();
        let note = note(session, &lesson, &before, last, at);
        if !before.iter().any(|entry| says_the_same(vault, entry, &lesson)) {
            new += usize::from(vault.add(&session.folder(), &note).map_err(Ok)?.is_new);
        }
    }
    let handoff = handoff(session, history, &digest, last, at);
    hot_page(session, &handoff, at, vault).map_err(Ok)?;
    vault.add(&session.folder(), &handoff).map_err(Ok)?;
    Ok(new)
}

/// A session that goes on and learns nothing new on a topic writes nothing on it.
fn says_the_same(vault: &Vault, entry: &Entry, lesson: &Lesson) -> bool {
    vault.read(entry).is_ok_and(|note| note.body.contains(lesson.body.trim()))
}

fn note(session: &Session, lesson: &Lesson, before: &[&Entry], last: u64, at: Timestamp) -> Note {
    let Lesson { topic, stance, title, body } = lesson;
    let mut body = format!("# {title}\n\n{}\n", body.trim());
    for entry in before {
        let says = if entry.stance.as_deref() == Some(stance) {
            "Before, it was much the same"
        } else {
            "An earlier session found otherwise"
        };
        let _ = writeln!(body, "\n{says}: [[{}]], {}.", entry.name, entry.title);
    }
    let mut meta = Meta {
        topic: Some(topic.clone()),
        stance: Some((*stance).to_owned()),
        experiment: Some(last),
        supersedes: before.iter().map(|entry| format!("[[{}]]", entry.name)).collect(),
        ..session.meta(Kind::Lesson, title, at)
    };
    meta.tags.push((*stance).to_owned());
    let about = topic.rsplit('/').next().unwrap_or(topic);
    Note { name: session.name(&format!("{last:04}-{stance}-{about}")), meta, body }
}

fn lessons(session: &Session, history: &History, digest: &Digest<'_>) -> Vec<Lesson> {
    let mut lessons = Vec::new();
    let mut keeps: Vec<&Past> = digest.keeps.clone();
    keeps.sort_by(|a, b| b.gain.unwrap_or(0.0).total_cmp(&a.gain.unwrap_or(0.0)));
    let mut helped: Vec<String> = Vec::new();
    for past in keeps {
        let topic = format!("{}/{}", past.category, subject(&past.hypothesis));
        if !helped.contains(&topic) && helped.len() < MOST {
            lessons.push(help(session, past, topic.clone()));
            helped.push(topic);
        }
    }
    let failures = digest.failures.iter().filter(|group| group.count >= OFTEN);
    for group in failures.take(MOST) {
        let topic = format!("{}/{}", group.kind, group.subject);
        if !helped.contains(&topic) {
            lessons.push(failure(session, group, topic));
        }
    }
    lessons.extend(digest.crashes.iter().take(MOST).map(|group| crash(session, group)));
    lessons.extend(near(session, &digest.near_misses));
    lessons.extend(facts(session, history));
    lessons
}

fn link(session: &Session, number: u64) -> String {
    format!("[[{}]]", session.experiment(number))
}

fn help(session: &Session, past: &Past, topic: String) -> Lesson {
    let gain = past.gain.map_or_else(String::new, |gain| {
        let sign = if session.direction == Direction::Minimize { "-" } else { "+" };
        format!(": {} {sign}{}", session.metric, significant(gain.abs(), 3))
    });
    let metric = past.metric.map_or_else(String::new, |value| {
        format!(" With it `{}` was {}.", session.metric, significant(value, 7))
    });
    Lesson {
        topic,
        stance: "helped",
        title: format!("Helped in {}: {}{gain}", session.target.join(", "), past.hypothesis),
        body: format!(
            "Kept as experiment {}: {}.{metric} {}.",
            past.number,
            link(session, past.number),
            past.reason
        ),
    }
}

fn failure(session: &Session, group: &Group, topic: String) -> Lesson {
    let why: Vec<String> = group.why.iter().map(|(why, n)| format!("{n} {why}")).collect();
    let best = group.best.filter(|best| *best > 0.0).map_or_else(String::new, |best| {
        format!(
            " The best of them looked better by {}, which was not enough.",
            significant(best, 3)
        )
    });
    Lesson {
        topic,
        stance: "failed",
        title: format!(
            "Did not help in {}: {} ({} tries)",
            session.target.join(", "),
            group.subject,
            group.count
        ),
        body: format!(
            "{}.{best} The last was experiment {}, {}: {}",
            why.join(", "),
            group.last,
            link(session, group.last),
            group.example
        ),
    }
}

fn crash(session: &Session, group: &Group) -> Lesson {
    Lesson {
        topic: format!("crash/{}/{}", group.kind, group.subject),
        stance: "crashed",
        title: format!(
            "Crashes in {} ({}): {}",
            session.target.join(", "),
            group.kind,
            group.example
        ),
        body: format!(
            "{} of this sort; the last was experiment {}, {}. It said: {}",
            group.count,
            group.last,
            link(session, group.last),
            group.reason
        ),
    }
}

fn near(session: &Session, misses: &[&Past]) -> Option<Lesson> {
    let mut body = String::new();
    for past in misses.iter().take(4) {
        let likely =
            past.better.map_or_else(String::new, |p| format!(", {:.0}% likely better", p * 100.0));
        let _ = writeln!(body, "- {}: {}{likely}", link(session, past.number), past.hypothesis);
    }
    let about: Vec<String> = misses.iter().take(4).map(|past| subject(&past.hypothesis)).collect();
    (!body.is_empty()).then(|| Lesson {
        topic: "near misses".to_owned(),
        stance: "near",
        title: format!("Nearly helped in {}: {}", session.target.join(", "), about.join(", ")),
        body: format!(
            "Not kept, and likelier than others to help, with more runs or together:\n\n{body}"
        ),
    })
}

fn facts(session: &Session, history: &History) -> Option<Lesson> {
    let baseline = history.baseline()?;
    let noise = history
        .session
        .noise
        .as_ref()
        .map_or_else(String::new, |noise| format!("Noise: {}.\n", noise_words(noise)));
    Some(Lesson {
        topic: "facts".to_owned(),
        stance: "facts",
        title: format!(
            "{} of {} begins at {}, a run gets {}",
            session.metric,
            session.target.join(", "),
            significant(baseline, 7),
            session.budget
        ),
        body: format!(
            "{noise}Measured on {}.",
            if session.platform.is_empty() { "an unknown machine" } else { &session.platform }
        ),
    })
}

fn handoff(
    session: &Session,
    history: &History,
    digest: &Digest<'_>,
    last: u64,
    at: Timestamp,
) -> Note {
    let counts = history.counts();
    let best = history.best();
    let value = best.as_ref().map_or("none".to_owned(), |best| significant(best.metric, 7));
    let title = format!("Hand-off of {}: best {} {value}", session.tag, session.metric);
    let mut body = format!("# {title}\n\n");
    if let Some(stopped) = &history.session.stopped {
        let _ = writeln!(body, "It stopped: {stopped}.");
    }
    let baseline = history.baseline().map_or("none".to_owned(), |value| significant(value, 7));
    let _ = writeln!(
        body,
        "{} experiments: {} kept, {} discarded, {} crashed. Baseline {baseline}, best {value}{}.",
        counts.total(),
        counts.keep,
        counts.discard,
        counts.crash,
        best.map_or_else(String::new, |best| format!(", {}", link(session, best.number)))
    );
    if !digest.keeps.is_empty() {
        let _ = writeln!(body, "\n## Kept\n");
        for past in digest.keeps.iter().rev().take(MOST) {
            let _ = writeln!(body, "- {}: {}", link(session, past.number), past.hypothesis);
        }
    }
    let _ = writeln!(body, "\n## What to try next\n");
    for (step, number) in next_steps(history).iter().zip(1..) {
        let _ = writeln!(body, "{number}. {step}");
    }
    let meta = Meta { experiment: Some(last), ..session.meta(Kind::Handoff, &title, at) };
    Note { name: session.name(&format!("handoff-{last:04}")), meta, body }
}

/// The lessons that stand, what helped first.
fn hot_page(
    session: &Session,
    handoff: &Note,
    at: Timestamp,
    vault: &mut Vault,
) -> Result<(), MemoryError> {
    let mut standing = vault.lessons(&session.repository.id)?;
    let order = ["facts", "helped", "near", "crashed", "failed"];
    let place = |entry: &Entry| order.iter().position(|s| entry.stance.as_deref() == Some(*s));
    standing.sort_by_key(|entry| place(entry).unwrap_or(order.len()));
    let mut lines = vec![format!("- Last session: {} ([[{}]])", handoff.meta.title, handoff.name)];
    lines.extend(standing.iter().map(|entry| format!("- {} ([[{}]])", entry.title, entry.name)));
    let date = session.meta(Kind::Hot, "", at).date;
    vault.write_hot_page(&session.repository, date, &lines)
}
