//! The proposer `model` in a whole session, against a server on loopback that
//! answers from what it is told, as a model does.

use autoresearch_testkit::{Place, Request, Response, Running, Server, until};
use serde_json::{Value, json};

use crate::toy::{CONFIG, assert_sound, log, loss, place, session, show, text, verdicts};

const KEY: &str = "sk-of-a-test-4711-abcdef";

fn config(server: &str) -> String {
    let model = format!(
        "proposer = \"model\"\nmodel = \"big\"\n\n[model]\nprovider = \"anthropic\"\n\
         base_url = \"{server}\"\nkey_env = \"BIG_API_KEY\"\nprice_in = 3\nprice_out = 15\n"
    );
    let (before, _) = CONFIG.split_once("proposer =").unwrap();
    format!("{before}patience = 3\n{model}")
}

fn toy(server: &str) -> Place {
    place()
        .variable("BIG_API_KEY", KEY)
        .file("train.sh", loss(50))
        .file("autoresearch.toml", config(server))
        .repository()
}

fn says(text: &str) -> Response {
    Response::json(&json!({
        "type": "message", "role": "assistant", "stop_reason": "end_turn",
        "content": [{ "type": "text", "text": text }],
        "usage": { "input_tokens": 1000, "output_tokens": 100 } }))
}

/// The last thing that the user said.
fn prompt(request: &Request) -> String {
    let body = request.json();
    let messages = body["messages"].as_array().unwrap();
    text(&messages.last().unwrap()["content"])
}

/// An edit of the loss that the prompt shows, by `step`.
fn edit(request: &Request, step: i32) -> Response {
    let body = request.body.replace("\\n", "\n");
    let line = body.lines().find(|line| line.contains("x=")).unwrap();
    let (_, digits) = line.split_once("x=").unwrap();
    let digits: String = digits.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
    let now: i32 = digits.parse().unwrap();
    says(&format!(
        "HYPOTHESIS: from {now} by {step}\nEXPECTED: {}\nFILE: train.sh\n<<<<<<< SEARCH\nx={now}\n\
         =======\nx={}\n>>>>>>> REPLACE\n",
        now + step,
        now + step
    ))
}

/// Every file below a folder, with the path in front of its content.
fn everything_below(folder: &std::path::Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if entry.file_type().unwrap().is_dir() {
            found.extend(everything_below(&path));
        } else if let Ok(content) = std::fs::read(&path) {
            found.push((path, content));
        }
    }
    found
}

/// SPEC K3.
#[test]
fn a_model_completes_five_experiments_and_its_key_is_nowhere() {
    let server = Server::start(|number, request| match number {
        // The baseline's brief, a block that does not match, and its repair.
        0 => says(
            "HYPOTHESIS: wrong\nFILE: train.sh\n<<<<<<< SEARCH\nx = 50\n=======\nx=1\n>>>>>>> REPLACE\n",
        ),
        1 => edit(request, -10),
        2 => edit(request, 7),
        3 => edit(request, -5),
        // Outside of the targets, twice: that is a failure, and it goes on.
        4 | 5 => says(
            "HYPOTHESIS: cheat\nFILE: autoresearch.toml\n<<<<<<< SEARCH\n=======\n>>>>>>> REPLACE\n",
        ),
        6 => edit(request, 3),
        _ => edit(request, -20),
    });
    let place = toy(&server.url());
    // A run that prints its whole environment.
    place.write("train.sh", format!("{}env\n", loss(50)));
    place.commit_all("a target that tells all");
    let before = place.snapshot();
    // One after another, so that each answer is known to be about the last.
    let args = ["--set", "run.protection=unprotected", "--set", "propose.lookahead=0"];
    let ended = place.run(session("5", &args)).expect(0);
    let verdicts = verdicts(&place);
    assert_eq!(verdicts, ["keep", "keep", "discard", "keep", "discard", "keep"]);
    assert_eq!(log(&place)[1]["hypothesis"], "from 50 by -10");
    assert_eq!(show(&place, 1)["proposer"], "model");
    let spent = &show(&place, 1)["spent"];
    assert_eq!((&spent["input_tokens"], &spent["output_tokens"]), (&json!(2000), &json!(200)));
    assert!((spent["dollars"].as_f64().unwrap() - 0.009).abs() < 1e-12, "{spent}");

    let requests = server.requests();
    assert!(requests.iter().all(|request| request.path == "/v1/messages"));
    assert!(requests.iter().all(|request| request.header("x-api-key") == Some(KEY)));
    let repair = prompt(&requests[1]);
    assert!(repair.contains("its search is not in `train.sh`"), "{repair}");
    let elsewhere = prompt(&requests[5]);
    assert!(elsewhere.contains("`autoresearch.toml` is not a target"), "{elsewhere}");
    assert!(prompt(&requests[6]).contains("asked twice"), "the next brief says what failed");

    // Neither in the journal, logs and reports, nor in git, nor on the screen,
    // nor in what runs could see.
    let mut files = everything_below(place.root());
    files.push(("git".into(), place.git(&["log", "--all", "-p"]).into_bytes()));
    files.push(("stdout".into(), ended.stdout.into_bytes()));
    files.push(("stderr".into(), ended.stderr.into_bytes()));
    files.extend(requests.iter().map(|request| ("body".into(), request.body.clone().into_bytes())));
    let logs = files.iter().filter(|(path, _)| path.to_string_lossy().contains("/logs/")).count();
    assert!(logs >= 6, "{logs} logs");
    for (path, content) in &files {
        let is_there = content.windows(KEY.len()).any(|window| window == KEY.as_bytes());
        assert!(!is_there, "the key is in {}", path.display());
    }
    let seen = place.read(".autoresearch/t/logs/0000-1.log");
    assert!(seen.contains("AUTORESEARCH_SEED=") && !seen.contains("BIG_API_KEY"), "{seen}");
    assert_sound(&place, &before);
}

/// SPEC L3: the first candidate's run ends only when the second was asked for.
#[test]
fn while_a_run_goes_on_the_next_answer_is_asked_for() {
    let place = toy("http://127.0.0.1:9");
    let asked = place.base().join("home").join("asked");
    let server = Server::start(move |number, request| {
        if number == 1 {
            std::fs::write(&asked, "").unwrap();
        }
        edit(request, -1 - i32::try_from(number).unwrap())
    });
    let wait = "[ $x = 50 ] || while [ ! -e \"$HOME/asked\" ]; do sleep 0.02; done\n";
    place.write("train.sh", format!("x=50\n{wait}echo \"loss: $x\"\n"));
    place.write("autoresearch.toml", config(&server.url()));
    place.commit_all("a target that waits");
    let args = ["--set", "run.writable=~", "--set", "propose.patience=20"];
    place.run(session("3", &args)).expect(0);
    let verdicts = verdicts(&place);
    assert_eq!((verdicts.len(), verdicts[1].as_str()), (4, "keep"), "{verdicts:?}");
}

#[test]
fn a_session_does_not_begin_without_what_its_model_needs() {
    let place = toy("http://127.0.0.1:9");
    let refused = |more: &[&str], words: &[&str]| {
        let ended = place.run(session("1", more));
        assert_ne!(ended.code, Some(0));
        for word in words {
            assert!(ended.stderr.contains(word), "no `{word}` in {}", ended.stderr);
        }
    };
    refused(
        &["--set", "model.key_env=OTHER_API_KEY"],
        &["`OTHER_API_KEY` is not set", "export OTHER_API_KEY="],
    );
    refused(&["--set", "model.base_url=nonsense"], &["`model.base_url` is no address"]);
    // A run would see a variable of such a name.
    let mut sighted = place.command(session("1", &["--set", "model.key_env=BIG"]));
    sighted.env("BIG", KEY);
    let ended = Running::start(sighted).wait();
    assert!(ended.stderr.contains("runs would see the key"), "{}", ended.stderr);
    let place = place_without_name();
    let ended = place.run(session("1", &[]));
    assert!(ended.stderr.contains("needs the name of a model"), "{}", ended.stderr);
    assert!(!place.root().join(".autoresearch").exists());
}

fn place_without_name() -> Place {
    let text = config("http://127.0.0.1:9").replace("model = \"big\"\n", "");
    place().file("train.sh", loss(50)).file("autoresearch.toml", text).repository()
}

#[test]
fn a_wrong_key_ends_the_session_and_names_the_variable() {
    let server = Server::start(|_, _| {
        let echo = json!({ "error": { "message": format!("bad key {KEY}") } });
        Response::Say(401, Vec::new(), echo.to_string())
    });
    let place = toy(&server.url());
    let ended = place.run(session("3", &[]));
    let last: Value = ended.json_lines().last().unwrap().clone();
    assert!(ended.stdout.contains("check the key in `BIG_API_KEY`"), "{last} {}", ended.stdout);
    assert!(!ended.stdout.contains(KEY) && !ended.stderr.contains(KEY));
    assert_eq!(server.requests().len(), 1, "it is not asked again");
}

/// Ctrl-C reaches a request that would hang for an hour.
#[test]
fn a_stop_ends_a_request_that_hangs_and_resume_goes_on() {
    let server = Server::start(|number, request| match number {
        0 => Response::Hang,
        _ => edit(request, -10),
    });
    let place = toy(&server.url());
    let before = place.snapshot();
    let engine = place.start(session("1", &["--set", "propose.timeout=1h"]));
    until("the request", || (!server.requests().is_empty()).then_some(()));
    engine.interrupt();
    engine.wait().expect(130);
    place.assert_deserted();
    place.run(["resume"]).expect(0);
    assert_eq!(verdicts(&place), ["keep", "keep"]);
    assert_sound(&place, &before);
}
