//! The brief as a page: every part rendered, and as much of the rest as there is
//! room for.

use std::sync::Arc;

use autoresearch_core::experiment::Verdict;
use autoresearch_core::judge::Rule;
use autoresearch_core::metric::Direction;
use autoresearch_core::proposal::Category;
use minijinja::value::{Serde, Value};
use serde_json::{Map, Value as Json, json};

use super::{
    Brief, Failing, Ledger, Mark, Part, Past, Protected, Recalled, Remembered, Templates, Text,
    text,
};

/// Rows of each sort of thing in the ledger, tried in turn until the page fits.
const ROWS: [usize; 6] = [40, 25, 15, 8, 4, 1];

/// Bytes of the patches of near misses, together and for one.
const DIFFS: usize = 6_000;
const DIFF: usize = 2_500;

/// Bytes of the sentences and lists that are not ours.
const SENTENCE: usize = 2_000;
const LINES: usize = 40;

/// Bytes below which a file is named and not shown.
const LEAST: usize = 800;

/// Parts of the page in this order.
pub(super) fn page(brief: &Brief, parts: &[Part]) -> String {
    let mut values = values(brief);
    let ledger_of =
        |rows| cleaned(serde_json::to_value(brief.ledger.digest(rows)).unwrap_or_default());
    // The task names near misses.
    values.insert("ledger".to_owned(), ledger_of(ROWS[0]));
    let fixed: Vec<Part> = Part::ALL
        .into_iter()
        .filter(|part| !matches!(part, Part::Targets | Part::Context | Part::Ledger))
        .collect();
    let size = |values: &Map<String, Json>, parts: &[Part]| -> usize {
        let values = Value::from(Serde(values));
        parts.iter().map(|part| render(brief, *part, &values).len() + 1).sum()
    };
    let taken = size(&values, &fixed);
    // The files may have what is left, but at least a quarter of the page.
    let room = (brief.limit.saturating_sub(taken)).saturating_sub(brief.limit / 4);
    let mut ledger = 0;
    for rows in ROWS {
        values.insert("ledger".to_owned(), ledger_of(rows));
        ledger = size(&values, &[Part::Ledger]);
        if ledger <= room {
            break;
        }
    }
    let left = brief.limit.saturating_sub(taken + ledger);
    values.insert("context".to_owned(), files(&brief.context, left, false));
    insert_targets(&mut values, &brief.targets, 2 * brief.limit);
    let values = Value::from(Serde(&values));
    let parts = parts.iter().map(|part| render(brief, *part, &values));
    let mut page = parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n\n");
    page.push('\n');
    page
}

/// A part without blank lines around it. One of the user's that fails on what it was
/// not tried on is told in our words.
fn render(brief: &Brief, part: Part, values: &Value) -> String {
    let rendered = brief.templates.render(part, values);
    let rendered = rendered.or_else(|_| Templates::default().render(part, values));
    rendered.unwrap_or_default().trim().to_owned()
}

/// Everything that a template may name. Files and ledger come later.
fn values(brief: &Brief) -> Map<String, Json> {
    let Ok(Json::Object(mut values)) = serde_json::to_value(brief) else { return Map::new() };
    // A page tells of them otherwise, or in fewer words.
    for name in ["targets", "context", "ledger", "history", "diffs"] {
        values.remove(name);
    }
    let Json::Object(mut values) = cleaned(Json::Object(values)) else { return Map::new() };
    let targets = brief.targets.iter().take(LINES);
    let paths: Vec<String> = targets.map(|file| text::clean(&file.path)).collect();
    let more_paths = brief.targets.len() - paths.len();
    let bounded = |texts: &[String]| -> Vec<String> {
        let lines = texts.iter().take(LINES);
        lines.map(|line| text::one_line(&text::clean(line), SENTENCE / 4)).collect()
    };
    let sentence = brief.hypothesis.as_ref().map(|s| text::one_line(&text::clean(s), SENTENCE));
    let mut room = DIFFS;
    let mut diffs: Vec<Json> = Vec::new();
    for past in brief.ledger.near_misses() {
        if let Some(diff) = brief.diffs.get(&past.number)
            && room > DIFF / 2
        {
            let diff = text::clean(diff);
            let (head, missing) = text::head(&diff, DIFF.min(room));
            room -= head.len();
            diffs.push(json!({
                "number": past.number, "text": head.trim_end(), "fence": text::fence(head),
                "is_cut": missing > 0,
            }));
        }
    }
    let (failing, failing_more) = failing(brief);
    for (name, value) in [
        ("failing", failing),
        ("failing_more", json!(failing_more)),
        ("hypothesis", json!(sentence)),
        ("complaints", json!(bounded(&brief.complaints))),
        ("platform", json!(bounded(&brief.platform))),
        ("constraints", json!(bounded(&brief.constraints))),
        ("paths", json!(paths)),
        ("more_paths", json!(more_paths)),
        ("unshown", json!([])),
        ("unshown_more", json!(0)),
        ("command", json!(text::clean(&brief.command.join(" ")))),
        ("better", json!(brief.direction.to_string())),
        ("budget", json!(budget(brief))),
        ("quota", json!(brief.quota)),
        ("combine", json!(diffs)),
        ("memory", memory(brief)),
        ("context", json!([])),
        ("targets", json!([])),
    ] {
        values.insert(name.to_owned(), value);
    }
    values
}

/// What earlier sessions left, in a sixth of the page: half of it is the hot page's.
fn memory(brief: &Brief) -> Json {
    let room = brief.limit / 6;
    let block = |name: &str, text: &str, most: usize| {
        let text = text::clean(text);
        let (head, _) = text::head(&text, most);
        json!({ "name": text::clean(name), "text": head.trim_end(), "fence": text::fence(head) })
    };
    let Remembered { hot, handoff, notes } = &brief.memory;
    let mut left = room / 4;
    let told: Vec<Json> = notes
        .iter()
        .map_while(|note| {
            let (head, _) = text::head(&note.text, 600);
            left = left.checked_sub(head.len() + note.title.len().min(200))?;
            Some(cleaned(json!({
                "name": note.name, "title": note.title, "repository": note.repository, "text": head,
            })))
        })
        .collect();
    let fenced: String = notes.iter().flat_map(|note| [&*note.title, &note.text, "\n"]).collect();
    json!({
        "hot": hot.as_ref().map(|page| block("", page, room / 2)),
        "handoff": handoff.as_ref().map(|note| block(&note.name, &note.text, room / 4)),
        "notes": told,
        "fence": text::fence(&fenced),
    })
}

/// As many of the failing tests as there is room for, and how many more there are.
fn failing(brief: &Brief) -> (Json, usize) {
    let mut room = brief.limit / 4;
    let mut told = Vec::new();
    for failed in &brief.failing {
        let size = failed.test.len() + failed.message.len() + 8;
        if size > room {
            break;
        }
        room -= size;
        told.push(json!({
            "test": text::clean(&failed.test), "message": text::clean(&failed.message),
        }));
    }
    let more = brief.failing_more + brief.failing.len() - told.len();
    (Json::Array(told), more)
}

fn budget(brief: &Brief) -> String {
    let seconds = std::time::Duration::try_from_secs_f64(brief.budget_seconds).unwrap_or_default();
    let time = autoresearch_core::units::human_duration(seconds);
    brief.quota.clone().unwrap_or(time)
}

/// The targets in `most` bytes: as many as there is room to show, the others by name.
fn insert_targets(values: &mut Map<String, Json>, targets: &[Text], most: usize) {
    let shown = (most / LEAST).min(targets.len());
    let (shown, others) = targets.split_at(shown);
    let names: Vec<String> = others
        .iter()
        .take(LINES)
        .map(|file| text::one_line(&text::clean(&file.path), SENTENCE))
        .collect();
    let taken: usize = names.iter().map(|name| name.len() + 10).sum();
    values.insert("targets".to_owned(), files(shown, most.saturating_sub(taken), true));
    values.insert("unshown_more".to_owned(), json!(others.len() - names.len()));
    values.insert("unshown".to_owned(), json!(names));
}

/// Files as a page shows them, in `most` bytes together.
fn files(files: &[Text], most: usize, is_numbered: bool) -> Json {
    let numbers = |file: &Text| if is_numbered { file.text.lines().count() * 6 } else { 0 };
    let sizes: Vec<usize> =
        files.iter().map(|file| file.text.len() + 200 + numbers(file)).collect();
    let shares = text::shares(&sizes, most);
    let shown = files.iter().zip(shares).map(|(file, share)| {
        let shown = text::shown(&file.text, share.saturating_sub(200), is_numbered);
        json!({
            "path": text::clean(&file.path), "fence": text::fence(&shown.text),
            "text": shown.text.trim_end_matches('\n'), "lines": shown.lines,
            "left_out": shown.left_out,
        })
    });
    shown.collect()
}

/// With every text in it cleaned.
fn cleaned(value: Json) -> Json {
    match value {
        Json::String(text) => Json::String(text::clean(&text)),
        Json::Array(items) => items.into_iter().map(cleaned).collect(),
        Json::Object(fields) => {
            fields.into_iter().map(|(name, value)| (name, cleaned(value))).collect()
        }
        other => other,
    }
}

/// What templates are tried on: a first brief, and one of a session that has seen
/// everything.
pub(super) fn samples() -> impl Iterator<Item = Value> {
    let first = Brief::about("loss", Direction::Minimize);
    let file = |path: &str| Text { path: path.to_owned(), text: "LR = 0.1\n".to_owned() };
    let mark = Mark { number: 1, commit: "0".repeat(40), metric: 0.5 };
    let past = |number: u64, verdict, rule| Past {
        number,
        hypothesis: "raise LR from 0.1 to 0.2".to_owned(),
        category: Category::Optimizer,
        verdict,
        reason: "why".to_owned(),
        metric: Some(0.5),
        rule,
        commit: Some("0".repeat(40)),
        gain: Some(0.1),
        better: Some(0.7),
        crash: None,
        expected: Some("lower by 0.1".to_owned()),
        parent: "0".repeat(40),
        trusts: None,
        settings: None,
    };
    let mut ledger = Ledger::default();
    for number in 1..100 {
        ledger.add(past(number, Verdict::Keep, Rule::Better));
    }
    ledger.add(past(100, Verdict::Discard, Rule::Unproven));
    ledger.add(past(101, Verdict::Crash, Rule::Failed));
    ledger.add(past(102, Verdict::Discard, Rule::Suspect));
    let full = Brief {
        quota: Some("1000 steps".to_owned()),
        command: vec!["python".to_owned(), "train.py".to_owned()],
        targets: vec![file("train.py")],
        context: vec![file("README.md")],
        baseline: Some(mark.clone()),
        incumbent: Some(mark),
        hypothesis: Some("a sentence".to_owned()),
        near: Some(Category::Optimizer),
        avoid: Some(Category::Architecture),
        failures_in_a_row: 12,
        complaint: Some("why".to_owned()),
        complaints: vec!["why".to_owned()],
        ledger: Arc::new(ledger),
        diffs: [(100, "-a\n+b\n".to_owned())].into(),
        has_history: true,
        platform: vec!["a machine".to_owned()],
        failing: vec![Failing { test: "a::b".to_owned(), message: "why".to_owned() }],
        failing_more: 1,
        noise: Some("words".to_owned()),
        memory: Remembered {
            hot: Some("- a lesson".to_owned()),
            handoff: Some(Recalled { text: "best 0.5".to_owned(), ..Recalled::default() }),
            notes: vec![Recalled::default()],
        },
        constraints: vec!["a <= 1".to_owned()],
        protected: vec![Protected {
            why: "a test".to_owned(),
            paths: vec!["t".to_owned()],
            more: 1,
        }],
        ..first.clone()
    };
    [first, full].into_iter().map(|brief| {
        let mut values = values(&brief);
        let digest = serde_json::to_value(brief.ledger.digest(4)).unwrap_or_default();
        values.insert("ledger".to_owned(), digest);
        values.insert("context".to_owned(), files(&brief.context, 100, false));
        insert_targets(&mut values, &brief.targets, 1000);
        Value::from(Serde(values))
    })
}
