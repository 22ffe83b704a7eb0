//! Proposals that are written while runs go on (SPEC L3): what waits, what is
//! carried over to a new incumbent, and what a crash leaves of it.

use autoresearch_testkit::{Place, until};
use serde_json::Value;

use crate::toy::{CONFIG, TAG, assert_sound, log, place, session, show};

/// Runs wait until the test lets them go on; every experiment changes a line of
/// its own, far from the others.
const PROPOSE: &str = r#"n=$(head -c 24 | sed 's/[^0-9]*\([0-9]*\).*/\1/')
sed -i "s/^loss_$n=.*/loss_$n=$((50 - n))/" train.sh
echo "HYPOTHESIS: proposal $n"
"#;

fn train(gate: &str) -> String {
    let line = |n: u64| format!("loss_{n}=50\n# {}\n# {}\n# {}\n", "-".repeat(9), n, n);
    let lines: String = (1..=4).map(line).collect();
    let wait = format!("while [ ! -e {gate}/$AUTORESEARCH_EXPERIMENT ]; do sleep 0.02; done\n");
    format!("{lines}{wait}echo loss: $((loss_1 + loss_2 + loss_3 + loss_4))\n")
}

fn scene(propose: &str) -> Place {
    let place = place();
    let gate = place.base().join("gate");
    std::fs::create_dir(&gate).unwrap();
    let gate = gate.display().to_string();
    let config = CONFIG
        .replace("grace = \"5s\"", &format!("grace = \"5s\"\nreadable = [\"{gate}\"]"))
        + "lookahead = 1\n\n[judge]\nmode = \"greedy\"\nverify = 0\n";
    let place = place
        .file("train.sh", train(&gate))
        .file("propose.sh", propose)
        .file("autoresearch.toml", config)
        .repository();
    open(&place, 0);
    place
}

/// Lets the run of an experiment end.
fn open(place: &Place, experiment: u64) {
    std::fs::write(place.base().join(format!("gate/{experiment}")), "").unwrap();
}

fn drafts(place: &Place) -> Vec<Value> {
    place.run(["hypothesis", "list", "--json"]).json_lines()
}

fn asked(place: &Place) -> usize {
    let logs = std::fs::read_dir(place.root().join(format!(".autoresearch/{TAG}/logs"))).unwrap();
    let is_desk = |name: &str| name.starts_with("desk-") && !name.contains(".err");
    logs.filter(|log| is_desk(&log.as_ref().unwrap().file_name().to_string_lossy())).count()
}

#[test]
fn the_next_proposal_waits_when_a_run_ends_and_is_carried_over_to_the_new_incumbent() {
    let place = scene(PROPOSE);
    let before = place.snapshot();
    let engine = place.start(session("3", &[]));
    until("a draft", || drafts(&place).pop().filter(|draft| draft["hypothesis"] == "proposal 2"));
    open(&place, 1);
    until("another", || drafts(&place).pop().filter(|draft| draft["hypothesis"] == "proposal 3"));
    // Experiment 1 is kept, so 2 runs on top of it, and 3 was written before 2 was.
    open(&place, 2);
    open(&place, 3);
    engine.wait().expect(0);

    let log = log(&place);
    let metrics: Vec<_> = log.iter().map(|point| point["metric"].as_f64().unwrap()).collect();
    assert_eq!(metrics, [200.0, 199.0, 197.0, 194.0], "each on top of the one before");
    assert_eq!(show(&place, 3)["parent"], show(&place, 2)["commit"]);
    assert_eq!(asked(&place), 3, "nothing was written that could not run");
    assert_sound(&place, &before);
}

/// SPEC L5: it was paid for.
#[test]
fn a_draft_survives_the_death_of_its_engine() {
    let place = scene(PROPOSE);
    let engine = place.start(session("2", &[]));
    until("a draft", || drafts(&place).pop());
    engine.kill();
    engine.wait();
    (1..3).for_each(|n| open(&place, n));
    place.run(["resume"]).expect(0);
    assert_eq!(asked(&place), 2, "nobody was asked again");
    assert_eq!(show(&place, 2)["hypothesis"], "proposal 2");
}

/// Everybody changes the same line: once it is kept, what was written meanwhile
/// does not fit any more.
#[test]
fn a_draft_that_contradicts_the_new_incumbent_is_refused_and_its_author_told() {
    let propose = PROPOSE.replace("loss_$n=.*/loss_$n=", "loss_1=.*/loss_1=")
        + "grep -q 'does not apply' \"$AUTORESEARCH_BRIEF\" && echo 'HYPOTHESIS: I was told'\n:\n";
    let place = scene(&propose);
    let engine = place.start(session("2", &[]));
    until("a draft", || drafts(&place).pop());
    (1..4).for_each(|n| open(&place, n));
    let ended = engine.wait().expect(0);
    assert!(ended.stdout.contains("does not apply"), "{}", ended.stdout);
    let log = log(&place);
    assert_eq!(log[2]["hypothesis"], "I was told", "{log:#?}");
}
