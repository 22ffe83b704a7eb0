//! Replicates of a script with a seed of its own: a real Python program whose
//! metric depends on `random.seed(1234)`.

use autoresearch_testkit::Place;

use crate::toy::{CONFIG, PROPOSE, TAG, assert_sound, log, place, session, show, text};

/// With 1234 the first number is above 0.96, with 1235 it is not.
fn script(lucky: f64) -> String {
    format!(
        "import os, random\nrandom.seed(1234)\nprint('ran with', open('train.py').read()[25:42])\n\
         print('loss:', {lucky} if random.random() > 0.96 else 55.0)\n"
    )
}

fn lab(proposals: &[String], more: &str) -> Place {
    // A `python3` found elsewhere may be a shim that a confined run cannot follow.
    let system = "/usr/bin/python3";
    let python = if std::path::Path::new(system).exists() { system } else { "python3" };
    let config = CONFIG.replace("sh train.sh", &format!("{python} train.py"));
    let config = config.replace("train.sh", "train.py");
    let mut place = place()
        .file("train.py", script(50.5))
        .file("propose.sh", PROPOSE.replace("train.sh", "train.py"))
        .file("autoresearch.toml", config.replace("[run]\n", &format!("[run]\n{more}\n")));
    for (body, number) in proposals.iter().zip(1..) {
        place = place.file(format!("proposals/{number}"), body);
    }
    place.repository()
}

/// What a trial printed of its own text.
fn ran_with(place: &Place, number: u64, trial: u64) -> String {
    let log = place.read(format!(".autoresearch/{TAG}/logs/{number:04}-{trial}.log"));
    log.lines().next().unwrap().to_owned()
}

#[test]
fn a_replicate_varies_the_targets_own_seed_and_the_candidate_does_not_know() {
    let place = lab(&[script(49.5), script(0.0), script(49.0)], "");
    let before = place.snapshot();
    let ended = place.run(session("3", &[])).expect(0);
    let notes: Vec<String> = ended
        .json_lines()
        .iter()
        .filter(|line| line["event"] == "note")
        .map(|line| text(&line["text"]))
        .collect();
    let note = "replicates: the target's seed `random.seed(1234)` in line 2 is varied";
    assert!(notes.iter().any(|said| said == note), "{notes:?}");

    // A perfect 0 under the one lucky seed does not repeat under another.
    let point = &log(&place)[2];
    assert_eq!((&point["verdict"], &point["rule"]), (&"discard".into(), &"unrepeated".into()));
    let trials = show(&place, 2)["trials"].clone();
    assert_eq!((&trials[0]["metric"], &trials[1]["metric"]), (&0.0.into(), &55.0.into()));
    assert!(trials[0].get("seeded").is_none(), "{trials}");
    let seeds = serde_json::json!({ "overlay": ["`random.seed(1234)` in line 2"] });
    assert_eq!(trials[1]["seeded"], seeds);
    let shown = place.run(["show", "2"]).expect(0).stdout;
    assert!(shown.contains("varied for this run alone: `random.seed(1234)`"), "{shown}");

    // It ran so, and the candidates are as they were proposed.
    assert!(ran_with(&place, 2, 1).contains("1234"), "{}", ran_with(&place, 2, 1));
    assert!(ran_with(&place, 2, 2).contains("1235"), "{}", ran_with(&place, 2, 2));
    assert!(ran_with(&place, 3, 1).contains("1234"), "{}", ran_with(&place, 3, 1));
    for number in ["2", "3"] {
        let candidate = format!("refs/autoresearch/{TAG}/{number}:train.py");
        assert!(place.git(&["show", &candidate]).contains("seed(1234)"));
    }
    assert_sound(&place, &before);
}

#[test]
fn where_the_environment_alone_may_vary_a_run_its_text_stays() {
    let place = lab(&[script(49.5), script(0.0)], "seeds = \"environment\"");
    let before = place.snapshot();
    let said = place.run(["run", "--dry-run", "--tag", TAG]).expect(0).stdout;
    assert!(said.contains("`run.seeds = \"environment\"` leaves `random.seed(1234)`"), "{said}");
    place.run(session("2", &[])).expect(0);
    assert_eq!(log(&place)[2]["rule"], "suspect");
    assert_eq!(show(&place, 2)["trials"][1]["seeded"], "nothing");
    assert!(ran_with(&place, 2, 2).contains("1234"));
    assert_sound(&place, &before);
}

#[test]
fn a_script_that_reads_the_variable_is_left_to_it() {
    let reads = "import os, random\nrandom.seed(1234 + int(os.environ['AUTORESEARCH_SEED']))\n\
         print('loss:', 0.0 if random.random() > 0.96 else 55.0)\n";
    let place = lab(&[script(49.5), reads.to_owned()], "");
    place.run(session("2", &[])).expect(0);
    assert_eq!(log(&place)[2]["rule"], "unrepeated");
    assert_eq!(show(&place, 2)["trials"][1]["seeded"], "environment");
}

#[test]
fn a_candidate_that_only_changes_the_seed_is_refused_as_luck() {
    let place = lab(&[script(50.5).replace("1234", "99")], "");
    let before = place.snapshot();
    let ended = place.run(session("1", &[]));
    let refused: Vec<String> = ended
        .json_lines()
        .iter()
        .filter(|line| line["event"] == "refused")
        .map(|line| text(&line["reason"]))
        .collect();
    assert!(!refused.is_empty());
    for reason in refused {
        assert!(reason.contains("changes luck, not the program"), "{reason}");
        assert!(reason.contains("`random.seed(1234)` became `random.seed(99)`"), "{reason}");
    }
    assert_eq!(log(&place).len(), 1, "the baseline alone");
    assert_sound(&place, &before);
}
