//! `simulate` needs nothing, tells the same for the same seed, and can be ended.

use autoresearch_testkit::{Place, until};
use serde_json::Value;

/// No repository, no configuration.
fn nowhere() -> Place {
    Place::new(env!("CARGO_BIN_EXE_autoresearch"))
}

#[test]
fn simulate_compares_rules_where_there_is_no_repository() {
    let place = nowhere();
    let before = place.everything();
    let few = ["simulate", "--sessions", "5", "--runs", "30", "--noise", "0,1"];
    let said = place.run(few).expect(0).stdout;
    for part in ["plain world, 30 runs, 5 sessions", "noise 0", "ours:standard", "omniscient"] {
        assert!(said.contains(part), "no `{part}` in:\n{said}");
    }
    assert!(said.lines().all(|line| line.chars().count() <= 100), "{said}");
    let of = |threads: &str| {
        let more = ["--json", "--world", "all", "--rule", "greedy,ours", "--threads", threads];
        place.run(few.into_iter().chain(more)).expect(0).json()
    };
    let one = of("1");
    assert_eq!(one, of("3"));
    let cells = one["cells"].as_array().unwrap();
    assert_eq!(cells.len(), 9 * 2 * 2);
    let greedy = |cell: &&Value| cell["rule"] == "greedy" && cell["noise"] == 0.0;
    assert_eq!(cells.iter().find(greedy).unwrap()["precision"], 1.0);
    before.assert_same(&place.everything());
}

#[test]
fn simulate_draws_and_writes_markdown() {
    let place = nowhere();
    let few = ["simulate", "--sessions", "3", "--rule", "greedy", "--slots", "1,4", "--markdown"];
    for name in ["a.svg", "a.png"] {
        let said = place.run(few.into_iter().chain(["--plot", name])).expect(0);
        assert!(said.stdout.contains("| greedy (Karpathy and most others), winners stacked | "));
        said.says(&["drawn into", name]);
    }
    assert!(place.read("a.svg").starts_with("<svg"));
    let png = std::fs::read(place.root().join("a.png")).unwrap();
    assert!(png.starts_with(b"\x89PNG"));
}

#[test]
fn simulate_says_what_is_wrong_before_it_computes() {
    let place = nowhere();
    let long = ["simulate", "--sessions", "1000000"];
    for (flags, parts) in [
        (&["--rule", "ours:bold", "--slots", "4"][..], &["one experiment at a time", "hint"][..]),
        (&["--rule", "greed"], &["is no rule; say greedy"]),
        (&["--world", "mars"], &["possible values: plain, heavy-tails"]),
        (&["--noise", "1,x"], &["a number from 0 to 1000"]),
        (&["--noise=-1"], &["a number from 0 to 1000"]),
        (&["--noise", "nan"], &["a number from 0 to 1000"]),
        (&["--runs", "0"], &["1..=1000000"]),
        (&["--slots", "0"], &["1..=10000"]),
        (&["--threads", "0"], &["--threads"]),
        (&["--plot", "a.gif"], &["ends in .svg or .png"]),
        (&["--plot", "no/where.svg"], &["is no folder"]),
    ] {
        place.run(long.iter().chain(flags)).expect(2).says(parts);
    }
}

#[test]
fn ctrl_c_ends_a_simulation_at_once() {
    let place = nowhere();
    let engine = place.start(["simulate", "--sessions", "1000000", "--rule", "ours"]);
    // Bit 1 is SIGINT's.
    until("a handler of Ctrl-C", || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", engine.pid())).ok()?;
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"))?;
        let caught = u64::from_str_radix(caught.trim(), 16).ok()?;
        (caught & 0b10 != 0).then_some(())
    });
    engine.interrupt();
    let ended = engine.wait().expect(130);
    assert_eq!(ended.stdout, "");
    ended.says(&["interrupted"]);
}
