//! The engine dies before and after every event of a session, as `kill -9`
//! would have it, and `resume` goes on as if nothing had been (SPEC L5).

use std::sync::atomic::{AtomicUsize, Ordering};

use autoresearch_testkit::Place;
use serde_json::{Value, json};

use crate::toy::{CONFIG, PROPOSE, assert_sound, log, parts, place, session, show, status};

/// Assignments that a shell and the search for a batch size read alike.
fn target(batch: u32, loss: &str) -> String {
    format!("BATCH_SIZE={batch}\nLOSS={loss}\n")
}

const RUN: &str = r#". ./train.py
test "$BATCH_SIZE" -le 32 || { echo MemoryError; exit 1; }
echo "loss: $LOSS"
"#;

/// A discard, a keep that runs out of memory at first, one that does so and
/// cannot be helped, and one that is too good to be true, with checks before a
/// keep: every event of an experiment occurs.
fn toy() -> Place {
    let hopeless = "BATCH_SIZE='huge'\n".to_owned();
    let proposals = [target(32, "60.5"), target(64, "40.5"), hopeless, target(32, "0")];
    let config = CONFIG
        .replace("target = \"train.sh\"", "target = \"train.py\"")
        .replace("sh train.sh", "sh run.sh")
        // In one experiment everything that can happen to one.
        + "bundles = \"allow\"\n\n[checks]\ncommand = \"true\"\n";
    parts(place(), &proposals)
        .file("train.py", target(32, "50.5"))
        .file("run.sh", RUN)
        .file("propose.sh", PROPOSE.replace("train.sh", "train.py"))
        .file("autoresearch.toml", config)
        .repository()
}

/// Without the comparison at the end, which is another test's.
const UNVERIFIED: [&str; 2] = ["--set", "judge.verify=0"];

/// What must come out the same however often the engine died.
fn results(place: &Place) -> Vec<Value> {
    let part = |point: Value| {
        json!([
            point["number"],
            point["hypothesis"],
            point["verdict"],
            point["metric"],
            point["reason"]
        ])
    };
    log(place).into_iter().map(part).collect()
}

/// Runs of each side in the comparison at the end.
fn compared(place: &Place) -> [usize; 2] {
    let comparison = &status(place)["comparison"];
    ["baseline", "best"].map(|side| comparison[side]["values"].as_array().map_or(0, Vec::len))
}

/// Does something for every item, on as many threads as the machine has cores.
fn for_each<T: Sync>(items: &[T], act: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    let workers = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                    act(item);
                }
            });
        }
    });
}

/// Dies at `point` and goes on; `false` when the session never came there.
fn die_at(point: &str, expected: &[Value]) -> bool {
    let place = toy().variable("AUTORESEARCH_CRASH_POINT", point);
    let before = place.snapshot();
    let died = place.run(session("4", &[]));
    if died.signal.is_none() {
        died.expect(0);
        return false;
    }
    assert_eq!(died.signal, Some(6), "{point}: {}", died.stderr);
    place.assert_deserted();
    let place = place.variable("AUTORESEARCH_CRASH_POINT", "");
    let resumed = place.run(["resume", "--json"]);
    if point == "before:1" {
        // Nothing was opened yet, so it begins anew.
        resumed.expect(1).says(&["was never opened"]);
        place.run(session("4", &[])).expect(0);
    } else {
        resumed.expect(0);
    }
    assert_eq!(results(&place), expected, "{point}");
    assert_eq!(compared(&place), [2, 2], "{point}");
    assert_sound(&place, &before);
    true
}

#[test]
fn an_engine_that_dies_at_any_event_loses_nothing_and_doubles_nothing() {
    let undisturbed = toy();
    undisturbed.run(session("4", &[])).expect(0);
    let expected = results(&undisturbed);
    assert_eq!(expected.len(), 5);
    let verdicts: Vec<_> = expected.iter().map(|point| point[2].clone()).collect();
    assert_eq!(verdicts, ["keep", "discard", "keep", "crash", "discard"]);

    // Until an event that no session has; the first ones of every experiment
    // are its proposal, a start, an end, a verdict and its settling; beside them
    // are a relief with its start and end, those of an audit, the checks of what
    // is kept, and those of the comparison at the end, twice two runs.
    let end = AtomicUsize::new(usize::MAX);
    let events: Vec<usize> = (1..100).collect();
    for_each(&events, |seq| {
        for place in ["before", "after"] {
            if *seq < end.load(Ordering::Relaxed) && !die_at(&format!("{place}:{seq}"), &expected) {
                end.fetch_min(*seq, Ordering::Relaxed);
            }
        }
    });
    let reached = end.into_inner() - 1;
    assert!(
        (2 + 5 * expected.len() + 4 + 2 + 4 + 8..120).contains(&reached),
        "only {reached} events died"
    );
}

/// The same of a session in which a person trusts what was held.
#[test]
fn trust_survives_a_death_at_any_event() {
    let held = || {
        let place = toy();
        place.run(session("4", &UNVERIFIED)).expect(0);
        place.run(["trust", "4"]).expect(0);
        place
    };
    let resume = ["resume", "--json", "-n", "5"];
    let undisturbed = held();
    undisturbed.run(resume).expect(0);
    let expected = results(&undisturbed);
    assert_eq!(expected[5][2], "keep");
    let first = 1 + events(&held());

    let end = AtomicUsize::new(usize::MAX);
    let seqs: Vec<usize> = (first..first + 30).collect();
    for_each(&seqs, |seq| {
        for at in ["before", "after"] {
            if *seq >= end.load(Ordering::Relaxed) {
                return;
            }
            let place = held().variable("AUTORESEARCH_CRASH_POINT", format!("{at}:{seq}"));
            let before = place.snapshot();
            let died = place.run(resume);
            if died.signal.is_none() {
                died.expect(0);
                end.fetch_min(*seq, Ordering::Relaxed);
                return;
            }
            assert_eq!(died.signal, Some(6), "{at}:{seq}: {}", died.stderr);
            let place = place.variable("AUTORESEARCH_CRASH_POINT", "");
            place.run(resume).expect(0);
            assert_eq!(results(&place), expected, "{at}:{seq}");
            assert_sound(&place, &before);
        }
    });
    // Resumed, extended, trusted, proposed, started, ended, checking, checked,
    // judged, settled.
    let reached = end.into_inner() - first;
    assert!((10..29).contains(&reached), "only {reached} events died");
}

/// How many events the journal of a place holds.
fn events(place: &Place) -> usize {
    let log = log(place);
    let more = |n: usize| {
        let experiment = show(place, n as u64);
        let count = |list: &Value| list.as_array().map_or(0, Vec::len);
        // Started and ended, or checking and checked; relieved.
        2 * (count(&experiment["trials"]) + count(&experiment["checks"]))
            + usize::from(experiment["relief"].is_object())
    };
    // Opened and stopped; proposed, judged and settled.
    2 + 3 * log.len() + (0..log.len()).map(more).sum::<usize>()
}

/// An engine that dies while it cleans up after one that died.
#[test]
fn an_engine_that_dies_while_it_resumes_can_be_resumed_again() {
    let undisturbed = toy();
    undisturbed.run(session("4", &UNVERIFIED)).expect(0);
    let expected = results(&undisturbed);
    // In a trial of the keep, with its retry at work, with a verdict in hand,
    // with a branch that moved.
    let points: Vec<(u32, String)> = [13, 16, 18, 19]
        .iter()
        .flat_map(|seq| (1..5).map(move |more| (*seq, format!("before:{}", seq + more))))
        .collect();
    let died_twice = AtomicUsize::new(0);
    for_each(&points, |(first, second)| {
        let place = toy().variable("AUTORESEARCH_CRASH_POINT", format!("after:{first}"));
        let before = place.snapshot();
        assert_eq!(place.run(session("4", &UNVERIFIED)).signal, Some(6), "{first}");
        // Events are written in groups: the second death may lie behind us.
        let place = place.variable("AUTORESEARCH_CRASH_POINT", second);
        let died = place.run(["resume", "--json"]);
        if died.signal == Some(6) {
            died_twice.fetch_add(1, Ordering::Relaxed);
        } else {
            died.expect(0);
        }
        let place = place.variable("AUTORESEARCH_CRASH_POINT", "");
        place.run(["resume", "--json"]).expect(0);
        assert_eq!(results(&place), expected, "{first}, {second}");
        assert_sound(&place, &before);
    });
    assert!(died_twice.into_inner() > points.len() / 2);
}
