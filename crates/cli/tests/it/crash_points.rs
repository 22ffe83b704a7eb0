//! The engine dies before and after every event of a session, as `kill -9`
//! would have it, and `resume` goes on as if nothing had been (SPEC L5).

use std::sync::atomic::{AtomicUsize, Ordering};

use autoresearch_testkit::Place;
use serde_json::{Value, json};

use crate::toy::{assert_sound, log, loss, session, toy};

/// Discard, keep, crash.
fn proposals() -> Vec<String> {
    vec![loss(60), loss(40), "echo broken\nexit 3\n".to_owned()]
}

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
    let place = toy(&proposals()).variable("AUTORESEARCH_CRASH_POINT", point);
    let before = place.snapshot();
    let died = place.run(session("3", &[]));
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
        place.run(session("3", &[])).expect(0);
    } else {
        resumed.expect(0);
    }
    assert_eq!(results(&place), expected, "{point}");
    assert_sound(&place, &before);
    true
}

#[test]
fn an_engine_that_dies_at_any_event_loses_nothing_and_doubles_nothing() {
    let undisturbed = toy(&proposals());
    undisturbed.run(session("3", &[])).expect(0);
    let expected = results(&undisturbed);
    assert_eq!(expected.len(), 4);

    // Until an event that no session has; the first ones of every experiment
    // are its proposal, a start, an end, a verdict and its settling.
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
    assert!((2 + 5 * expected.len()..99).contains(&reached), "only {reached} events died");
}

/// An engine that dies while it cleans up after one that died.
#[test]
fn an_engine_that_dies_while_it_resumes_can_be_resumed_again() {
    let undisturbed = toy(&proposals());
    undisturbed.run(session("3", &[])).expect(0);
    let expected = results(&undisturbed);
    // In a trial of the keep, with a verdict in hand, with a branch that moved.
    let points: Vec<(u32, String)> = [13, 15, 16]
        .iter()
        .flat_map(|seq| (1..5).map(move |more| (*seq, format!("before:{}", seq + more))))
        .collect();
    let died_twice = AtomicUsize::new(0);
    for_each(&points, |(first, second)| {
        let place =
            toy(&proposals()).variable("AUTORESEARCH_CRASH_POINT", format!("after:{first}"));
        let before = place.snapshot();
        assert_eq!(place.run(session("3", &[])).signal, Some(6), "{first}");
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
