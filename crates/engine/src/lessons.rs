//! What a session taught, by rule: what helped, what never did and how often, which
//! crashes to avoid, what nearly helped, how noisy runs are; and the hand-off to the next
//! session (SPEC J4).

use std::collections::HashSet;
use std::fmt::Write as _;

use autoresearch_core::judge::Rule;
use autoresearch_core::metric::{Direction, significant};
use autoresearch_core::units::Timestamp;
use autoresearch_memory::{Entry, Kind, MemoryError, Meta, Note, Session, Vault};
use autoresearch_propose::{Digest, Group, Past, subject};
use autoresearch_report::{History, next_steps, noise_words};

use crate::error::EngineError;
use crate::remembering::told;
use crate::view::View;

/// Lessons of each sort, at most.
const MOST: usize = 10;

/// Failures of one sort from which they are a lesson.
const OFTEN: u64 = 3;

/// A lesson, before it is a note.
struct Lesson {
    /// What it is about, as `optimizer/lr`.
    about: String,
    stance: &'static str,
    title: String,
    body: String,
}

impl Lesson {
    /// Two lessons are on the same topic only where target and metric are the same.
    fn topic(&self, session: &Session, vault: &Vault) -> String {
        let target = session.target.join(", ");
        vault.redact(&format!("{} ({} of {target})", self.about, session.metric))
    }
}

/// Writes the lessons of a session, its hand-off and the hot page of its repository, and
/// says how many lessons are new. The hand-off comes last: where it is, all is.
pub(crate) fn write(
    view: &View,
    session: &Session,
    history: &History,
    vault: &mut Vault,
    warnings: &mut Vec<String>,
) -> Result<usize, Result<MemoryError, EngineError>> {
    let memory = view.memory().map_err(Err)?;
    let digest = memory.ledger().digest(40);
    let last = memory.last();
    let at = history.session.ended.unwrap_or_default();
    let learned = lessons(session, history, &digest, vault);
    let new = add(&learned, session, vault, last, at).map_err(Ok)?;
    let handoff = handoff(session, history, &digest, last, at);
    // A page that a person made something else of keeps nothing else from being written.
    if let Err(error) = hot_page(session, &handoff, at, vault) {
        warnings.push(told(&error));
    }
    vault.add(&session.folder(), &handoff).map_err(Ok)?;
    Ok(new)
}

/// Writes the lessons that are none yet, and says how many those are.
fn add(
    lessons: &[Lesson],
    session: &Session,
    vault: &mut Vault,
    last: u64,
    at: Timestamp,
) -> Result<usize, MemoryError> {
    let standing = vault.lessons(&session.repository.id)?;
    let mut new = 0;
    let mut names = HashSet::new();
    for lesson in lessons {
        let topic = lesson.topic(session, vault);
        let before: Vec<&Entry> =
            standing.iter().filter(|entry| entry.topic.as_ref() == Some(&topic)).collect();
        if before.iter().any(|entry| says_the_same(vault, entry, session, lesson)) {
            continue;
        }
        let mut note = note(session, lesson, topic, &before, last, at);
        number(&mut note.name, &mut names);
        new += usize::from(vault.add(&session.folder(), &note)?.is_new);
    }
    Ok(new)
}

/// Names are cut, and two of one write may be the same then.
fn number(name: &mut String, names: &mut HashSet<String>) {
    let whole = name.clone();
    let mut more = 2..;
    while !names.insert(name.clone()) {
        *name = format!("{whole}-{}", more.next().unwrap_or(0));
    }
}

/// A session that goes on and learns nothing new on a topic writes nothing on it.
fn says_the_same(vault: &Vault, entry: &Entry, session: &Session, lesson: &Lesson) -> bool {
    let new = note(session, lesson, String::new(), &[], 0, Timestamp::default());
    let new = vault.clean(&new);
    // The title is the head of the body.
    vault.read(entry).is_ok_and(|old| old.body.starts_with(new.body.trim_end()))
}

/// A lesson takes the place of what was said before in the same sense. What was said
/// otherwise may have been on the other direction of the same thing, and stands.
fn note(
    session: &Session,
    lesson: &Lesson,
    topic: String,
    before: &[&Entry],
    last: u64,
    at: Timestamp,
) -> Note {
    let Lesson { about, stance, title, body } = lesson;
    let mut body = format!("# {title}\n\n{}\n", body.trim());
    let (same, other): (Vec<&Entry>, Vec<&Entry>) =
        before.iter().partition(|entry| entry.stance.as_deref() == Some(stance));
    for (entries, says) in
        [(&same, "Before, it was much the same"), (&other, "An earlier session found otherwise")]
    {
        for entry in entries {
            let _ = writeln!(body, "\n{says}: [[{}]], {}.", entry.name, entry.title);
        }
    }
    let mut meta = Meta {
        topic: Some(topic),
        stance: Some((*stance).to_owned()),
        experiment: Some(last),
        supersedes: same.iter().map(|entry| format!("[[{}]]", entry.name)).collect(),
        ..session.meta(Kind::Lesson, title, at)
    };
    meta.tags.push((*stance).to_owned());
    Note { name: session.name(&format!("{last:04}-{stance}-{about}")), meta, body }
}

fn lessons(
    session: &Session,
    history: &History,
    digest: &Digest<'_>,
    vault: &Vault,
) -> Vec<Lesson> {
    let mut lessons: Vec<Lesson> = Vec::new();
    let mut keeps: Vec<&Past> = digest.keeps.clone();
    keeps.sort_by(|a, b| b.gain.unwrap_or(0.0).total_cmp(&a.gain.unwrap_or(0.0)));
    for past in keeps {
        let lesson = kept(session, past, vault);
        let is_known = lessons.iter().any(|l| l.about == lesson.about && l.stance == lesson.stance);
        if !is_known && lessons.len() < MOST {
            lessons.push(lesson);
        }
    }
    let failures = digest.failures.iter().filter(|group| group.count >= OFTEN);
    for group in failures.take(MOST) {
        let lesson = failure(session, group, vault);
        if !lessons.iter().any(|l| l.about == lesson.about && l.stance == "helped") {
            lessons.push(lesson);
        }
    }
    lessons.extend(digest.crashes.iter().take(MOST).map(|group| crash(session, group, vault)));
    lessons.extend(near(session, &digest.near_misses, vault));
    lessons.extend(facts(session, history));
    lessons
}

/// What a hypothesis is about. Names are made of it, in which no rule finds a key any
/// more: it goes first.
fn subject_of(vault: &Vault, hypothesis: &str) -> String {
    subject(&vault.redact(hypothesis))
}

fn link(session: &Session, number: u64) -> String {
    format!("[[{}]]", session.experiment(number))
}

fn kept(session: &Session, past: &Past, vault: &Vault) -> Lesson {
    let metric = &session.metric;
    let target = session.target.join(", ");
    // Its difference is within what is no worse, and may be on either side.
    let is_simpler = past.rule == Rule::EqualAndSimpler;
    let (stance, title) = if is_simpler {
        ("simpler", format!("Simpler and no worse in {target}: {}", past.hypothesis))
    } else {
        let gain = past.gain.map_or_else(String::new, |gain| {
            let change = if session.direction == Direction::Minimize { -gain } else { gain };
            let sign = if change < 0.0 { "-" } else { "+" };
            format!(": {metric} {sign}{}", significant(change.abs(), 3))
        });
        ("helped", format!("Helped in {target}: {}{gain}", past.hypothesis))
    };
    let value = past.metric.map_or_else(String::new, |value| {
        format!(" With it `{metric}` was {}.", significant(value, 7))
    });
    Lesson {
        about: format!("{}/{}", past.category, subject_of(vault, &past.hypothesis)),
        stance,
        title,
        body: format!(
            "Kept as experiment {}: {}.{value} {}.",
            past.number,
            link(session, past.number),
            past.reason
        ),
    }
}

fn failure(session: &Session, group: &Group, vault: &Vault) -> Lesson {
    let subject = subject_of(vault, &group.example);
    let why: Vec<String> = group.why.iter().map(|(why, n)| format!("{n} {why}")).collect();
    let best = group.best.filter(|best| *best > 0.0).map_or_else(String::new, |best| {
        format!(
            " The best of them looked better by {}, which was not enough.",
            significant(best, 3)
        )
    });
    Lesson {
        about: format!("{}/{subject}", group.kind),
        stance: "failed",
        title: format!(
            "Did not help in {}: {subject} ({} tries)",
            session.target.join(", "),
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

fn crash(session: &Session, group: &Group, vault: &Vault) -> Lesson {
    Lesson {
        about: format!("crash/{}/{}", group.kind, subject_of(vault, &group.example)),
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

fn near(session: &Session, misses: &[&Past], vault: &Vault) -> Option<Lesson> {
    let mut body = String::new();
    for past in misses.iter().take(4) {
        let likely =
            past.better.map_or_else(String::new, |p| format!(", {:.0}% likely better", p * 100.0));
        let _ = writeln!(body, "- {}: {}{likely}", link(session, past.number), past.hypothesis);
    }
    let about = misses.iter().take(4).map(|past| subject_of(vault, &past.hypothesis));
    let about: Vec<String> = about.collect();
    (!body.is_empty()).then(|| Lesson {
        about: "near misses".to_owned(),
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
        about: "facts".to_owned(),
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
    let order = ["facts", "helped", "simpler", "near", "crashed", "failed"];
    let place = |entry: &Entry| order.iter().position(|s| entry.stance.as_deref() == Some(*s));
    standing.sort_by_key(|entry| place(entry).unwrap_or(order.len()));
    let mut lines = vec![format!("- Last session: {} ([[{}]])", handoff.meta.title, handoff.name)];
    lines.extend(standing.iter().map(|entry| format!("- {} ([[{}]])", entry.title, entry.name)));
    let date = session.meta(Kind::Hot, "", at).date;
    vault.write_hot_page(&session.repository, date, &lines)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use autoresearch_core::experiment::Verdict;
    use autoresearch_core::proposal::Category;
    use autoresearch_memory::{Private, Repository};

    use super::*;

    fn session(id: &str, target: &str, direction: Direction) -> Session {
        Session {
            repository: Repository { name: "r".to_owned(), id: "0123456789".to_owned() },
            tag: "mar8".to_owned(),
            id: id.to_owned(),
            target: vec![target.to_owned()],
            metric: "loss".to_owned(),
            direction,
            budget: "5m".to_owned(),
            platform: String::new(),
        }
    }

    fn past(hypothesis: &str, rule: Rule, gain: f64) -> Past {
        Past {
            number: 1,
            hypothesis: hypothesis.to_owned(),
            category: Category::Optimizer,
            verdict: Verdict::Keep,
            reason: "so it was".to_owned(),
            metric: Some(0.5),
            rule,
            commit: None,
            gain: Some(gain),
            better: None,
            crash: None,
            expected: None,
            parent: String::new(),
            trusts: None,
            settings: None,
        }
    }

    fn group(kind: &str, example: &str) -> Group {
        Group {
            kind: kind.to_owned(),
            subject: subject(example),
            count: 3,
            why: BTreeMap::from([("worse", 3)]),
            best: None,
            last: 4,
            example: example.to_owned(),
            reason: "worse".to_owned(),
        }
    }

    fn vault(folder: &Path) -> Vault {
        Vault::at(&folder.join("vault"), Private::default())
    }

    fn standing(vault: &mut Vault) -> Vec<String> {
        let mut titles: Vec<String> =
            vault.lessons("0123456789").unwrap().into_iter().map(|entry| entry.title).collect();
        titles.sort();
        titles
    }

    #[test]
    fn only_what_says_the_same_of_the_same_is_taken_the_place_of() {
        let folder = tempfile::tempdir().unwrap();
        let vault = &mut vault(folder.path());
        let lower = Direction::Minimize;
        let (one, two) = (session("aaa", "train.py", lower), session("bbb", "train.py", lower));
        let elsewhere = session("ccc", "infer.py", lower);
        let helped = kept(&one, &past("lower LR to 0.05", Rule::Better, 0.1), vault);
        add(&[helped], &one, vault, 1, Timestamp(0)).unwrap();
        let failed = failure(&two, &group("optimizer", "raise LR"), vault);
        add(&[failed], &two, vault, 4, Timestamp(1)).unwrap();
        let helped = kept(&elsewhere, &past("raise LR", Rule::Better, 0.1), vault);
        add(&[helped], &elsewhere, vault, 1, Timestamp(2)).unwrap();
        assert_eq!(
            standing(vault),
            [
                "Did not help in train.py: lr (3 tries)",
                "Helped in infer.py: raise LR: loss -0.1",
                "Helped in train.py: lower LR to 0.05: loss -0.1",
            ]
        );
        let failed = vault.note("r-mar8-bbb-0004-failed-optimizer-lr").unwrap().1;
        assert!(failed.body.contains("found otherwise: [[r-mar8-aaa-0001-helped-optimizer-lr]]"));
        let later = kept(&two, &past("lower LR to 0.02", Rule::Better, 0.2), vault);
        add(&[later], &two, vault, 9, Timestamp(3)).unwrap();
        let all = standing(vault);
        assert!(!all.iter().any(|title| title.contains("0.05")) && all.len() == 3, "{all:?}");
    }

    #[test]
    fn a_fact_that_changed_is_written_and_one_that_did_not_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let vault = &mut vault(folder.path());
        let session = session("aaa", "train.py", Direction::Minimize);
        let facts = |begins: &str| Lesson {
            about: "facts".to_owned(),
            stance: "facts",
            title: format!("loss of train.py begins at {begins}"),
            body: "Measured on /opt/acme/machine.".to_owned(),
        };
        for (last, begins, new) in [(1, "1.5", 1), (2, "1.5", 0), (3, "1.7", 1)] {
            let added = add(&[facts(begins)], &session, vault, last, Timestamp(0)).unwrap();
            assert_eq!(added, new, "{begins}");
        }
        assert_eq!(standing(vault), ["loss of train.py begins at 1.7"]);
    }

    #[test]
    fn a_change_has_the_sign_that_it_has() {
        let folder = tempfile::tempdir().unwrap();
        let vault = &vault(folder.path());
        let (lower, higher) = (Direction::Minimize, Direction::Maximize);
        for (direction, rule, gain, title) in [
            (lower, Rule::Better, 0.1, "Helped in t.py: x: loss -0.1"),
            (lower, Rule::Better, -0.1, "Helped in t.py: x: loss +0.1"),
            (higher, Rule::Better, 0.1, "Helped in t.py: x: loss +0.1"),
            (lower, Rule::EqualAndSimpler, -0.008, "Simpler and no worse in t.py: x"),
        ] {
            let lesson = kept(&session("aaa", "t.py", direction), &past("x", rule, gain), vault);
            assert_eq!(lesson.title, title);
            assert_eq!(lesson.stance == "simpler", rule == Rule::EqualAndSimpler);
        }
    }

    #[test]
    fn every_lesson_has_a_file_and_none_names_a_key() {
        let folder = tempfile::tempdir().unwrap();
        let vault = &mut vault(folder.path());
        let session = session("aaa", "train.py", Direction::Minimize);
        let long = "quantisation-aware-distillation of attention";
        let crashes = [
            crash(&session, &group("oom", "raise LR"), vault),
            crash(&session, &group("nan", "raise LR"), vault),
            crash(&session, &group("oom", &format!("{long} heads")), vault),
            crash(&session, &group("oom", &format!("{long} queries")), vault),
            failure(&session, &group("other", "use sk-proj-Zx81kLmQ02pvT5nB7cYd99 there"), vault),
        ];
        assert_eq!(add(&crashes, &session, vault, 5, Timestamp(0)).unwrap(), 5);
        let all = vault.lessons("0123456789").unwrap();
        assert_eq!(all.len(), 5);
        for entry in all {
            let text = std::fs::read_to_string(vault.root().join(&entry.path)).unwrap();
            let text = format!("{}{text}", entry.path).to_lowercase();
            assert!(!text.contains("zx81klm"), "{text}");
        }
    }
}
