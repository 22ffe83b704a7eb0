//! An agent in the driving seat (SPEC K5): the MCP server as a client sees it,
//! with real sessions and real runs.

mod client;
mod install;
mod skill;

use autoresearch_testkit::{Place, until};
use serde_json::{Value, json};

use crate::toy::{TAG, assert_sound, log, loss, place, show, verdicts};
use client::Client;

/// A toy that nobody proposes for.
fn toy() -> Place {
    let config = "target = \"train.sh\"\nbudget = \"60s\"\n[metric]\nname = \"loss\"\ndirection = \"minimize\"\n[run]\ncommand = \"sh train.sh\"\ngrace = \"5s\"\nwritable = [\"~\"]\n";
    place().file("train.sh", loss(50)).file("autoresearch.toml", config).repository()
}

/// A session in the server, after its baseline.
fn started(place: &Place, iterations: u64) -> Client {
    let mut client = Client::start(place);
    let started = client.call("start", &json!({ "tag": TAG, "iterations": iterations }));
    assert_eq!((&started["running"], &started["tag"]), (&json!(true), &json!(TAG)));
    assert_eq!(client.verdict(0)["metric"], 50.0);
    client
}

/// A line that runs while the file `slow` is in HOME.
const SLOW: &str = "touch \"$HOME/runs\"; while [ -e \"$HOME/slow\" ]; do sleep 0.02; done; x=30";

fn slow_down(place: &Place) {
    std::fs::write(place.base().join("home/slow"), "").unwrap();
}

fn hurry(place: &Place) {
    std::fs::remove_file(place.base().join("home/slow")).unwrap();
}

fn await_run(place: &Place) {
    until("the run", || place.base().join("home/runs").exists().then_some(()));
}

/// SPEC K5: the same guard and judge as for anyone.
#[test]
fn an_agent_proposes_and_the_engine_keeps_discards_and_refuses() {
    let place = toy();
    let before = place.snapshot();
    let mut client = started(&place, 9);
    let first = client.propose("x=50", "x=40");
    assert_eq!((&first["state"], &first["experiment"]), (&json!("running"), &json!(1)));
    assert_eq!(client.verdict(1)["verdict"], "keep");
    // The next change is one of the new incumbent.
    assert_eq!(client.propose("x=40", "x=60")["experiment"], 2);
    assert_eq!(client.verdict(2)["verdict"], "discard");

    let refused = |told: &Value| {
        assert_eq!(told["state"], "refused", "{told}");
        told["refused"].as_str().unwrap().to_owned()
    };
    assert!(refused(&client.propose("x=40", "x=50")).contains("experiment 0"));
    assert!(refused(&client.propose("x=77", "x=1")).contains("not in `train.sh`"));
    let cheat =
        json!({ "hypothesis": "cheat", "files": [{ "path": "autoresearch.toml", "content": "" }] });
    assert!(refused(&client.call("propose", &cheat)).contains("is not a target"));
    let foreign = "--- a/evil.sh\n+++ b/evil.sh\n@@ -0,0 +1 @@\n+x\n";
    let new_file = json!({ "hypothesis": "one more", "patch": foreign });
    assert!(refused(&client.call("propose", &new_file)).contains("is not a target"));
    let same =
        json!({ "hypothesis": "same", "files": [{ "path": "train.sh", "content": loss(40) }] });
    assert!(refused(&client.call("propose", &same)).contains("changes nothing"));

    // A patch, and waiting by the proposal's number.
    let patch =
        "--- a/train.sh\n+++ b/train.sh\n@@ -1,2 +1,2 @@\n-x=40\n+exit 3\n echo \"loss: $x\"\n";
    let crash = client.call("propose", &json!({ "hypothesis": "break it", "patch": patch }));
    let waited = client.call("wait", &json!({ "proposal": crash["proposal"], "seconds": 100 }));
    assert_eq!(waited["experiment"]["verdict"], "crash", "{waited}");
    assert!(waited["experiment"]["reason"].as_str().unwrap().contains("exit 3"), "{waited}");

    assert_eq!(client.call("stop", &json!({}))["tag"], TAG);
    let rests = client.call("wait", &json!({}));
    assert_eq!((&rests["done"], &rests["state"]), (&json!(true), &json!("resting")), "{rests}");
    assert_eq!(client.leave(), Some(0));
    assert_eq!(verdicts(&place), ["keep", "keep", "discard", "crash"]);
    // Refusals cost nothing, and the ledger says who proposed.
    assert_eq!(show(&place, 1)["proposer"], "mcp:handmade");
    assert_sound(&place, &before);
}

#[test]
fn what_there_is_to_see_is_short_and_true() {
    let place = toy();
    let mut client = Client::start(&place);
    let context = client.call("context", &json!({}));
    assert_eq!(context["standing"]["state"], "none");
    assert_eq!((&context["targets"], &context["scope"]), (&json!(["train.sh"]), &json!("all")));
    for tool in ["brief", "wait", "history", "diff", "report", "stop"] {
        let said = client.error(tool, &json!({}));
        assert!(said.contains("no session") && said.contains("call `start`"), "{tool}: {said}");
    }
    let would = client.call("start", &json!({ "tag": TAG, "dry_run": true }));
    assert_eq!(would["running"], false);
    assert!(would["actions"].to_string().contains("create the branch autoresearch/t"), "{would}");
    assert!(!place.root().join(".autoresearch").exists());
    drop(client);

    let mut client = started(&place, 9);
    assert!(client.error("diff", &json!({})).contains("nothing was kept"));
    client.propose("x=50", "x=40");
    client.verdict(1);
    client.propose("x=40", "x=60");
    client.verdict(2);
    let status = client.await_state("waiting");
    assert_eq!((&status["best"]["metric"], &status["kept"]), (&json!(40.0), &json!(1)));
    let history = client.call("history", &json!({ "verdict": "keep", "last": 1 }));
    assert_eq!((&history["total"], &history["experiments"][0]["number"]), (&json!(2), &json!(1)));
    let diff = client.text("diff", &json!({}));
    assert!(diff.contains("-x=50") && diff.contains("+x=40"), "{diff}");
    assert!(client.text("diff", &json!({ "experiment": 2 })).contains("+x=60"));
    assert!(client.error("diff", &json!({ "experiment": 7 })).contains("no experiment 7"));
    assert!(client.text("report", &json!({})).contains("Best: **40**"));
    let brief = client.text("brief", &json!({}));
    assert!(brief.contains("x=40") && brief.contains("x=60 is better"), "{brief}");

    let read = |client: &mut Client, uri: &str| {
        client.ask("resources/read", &json!({ "uri": uri }))["result"]["contents"][0]["text"]
            .as_str()
            .map(str::to_owned)
    };
    let listed = client.ask("resources/list", &json!({}))["result"]["resources"].clone();
    for resource in listed.as_array().unwrap() {
        assert!(read(&mut client, resource["uri"].as_str().unwrap()).is_some(), "{resource}");
    }
    assert_eq!(read(&mut client, "autoresearch://results.tsv").unwrap(), place.read("results.tsv"));
    assert_eq!(read(&mut client, "autoresearch://log/2/1").unwrap(), "loss: 60\n");
    for uri in [
        "autoresearch://log/9/1",
        "autoresearch://log/../1",
        "autoresearch://x",
        "file:///etc/passwd",
    ] {
        let told = client.ask("resources/read", &json!({ "uri": uri }));
        assert_eq!(told["error"]["code"], -32002, "{told}");
    }
}

/// Agents decide by these whether to ask their user.
#[test]
fn tools_say_what_they_change_and_have_schemas_that_every_client_takes() {
    let place = toy();
    let mut client = Client::start(&place);
    let told = client.ask("tools/list", &json!({}));
    let tools = told["result"]["tools"].as_array().unwrap().clone();
    let names: Vec<&str> = tools.iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    let known = [
        "brief", "context", "diff", "history", "propose", "report", "start", "status", "stop",
        "wait",
    ];
    assert_eq!(names, known);
    for tool in &tools {
        let name = tool["name"].as_str().unwrap();
        let reads = !["propose", "start", "stop"].contains(&name);
        assert_eq!(tool["annotations"]["readOnlyHint"], reads, "{name}");
        assert!(tool["description"].as_str().unwrap().len() > 40, "{name}");
        let asked = tool["inputSchema"].to_string();
        for odd in ["\"null\"", "$ref", "uint", "\"format\":", "anyOf"] {
            assert!(!asked.contains(odd), "{name} has {odd}: {asked}");
        }
        let is_text = ["brief", "diff", "report"].contains(&name);
        assert_eq!(tool["outputSchema"].is_null(), is_text, "{name}");
    }
}

#[test]
fn waiting_ends_with_the_clients_patience_and_tells_progress_meanwhile() {
    let place = toy();
    let mut client = started(&place, 9);
    slow_down(&place);
    assert_eq!(client.propose("x=50", SLOW)["state"], "running");
    await_run(&place);
    let waited = client.call("wait", &json!({ "experiment": 1, "seconds": 2 }));
    assert_eq!((&waited["done"], &waited["state"]), (&json!(false), &json!("running")));
    assert!(waited["doing"].as_str().unwrap().starts_with("experiment 1, run 1"), "{waited}");
    let progress: Vec<&Value> = client
        .notices
        .iter()
        .filter(|notice| notice["method"] == "notifications/progress")
        .map(|notice| &notice["params"])
        .collect();
    assert!(!progress.is_empty());
    assert!(progress[0]["message"].as_str().unwrap().contains("experiment 1"), "{progress:?}");

    // A second proposal waits behind the first; others are served meanwhile.
    let patient = client.call_out(
        "tools/call",
        &json!({ "name": "wait", "arguments": { "experiment": 1, "seconds": 600 } }),
    );
    let second = client.propose("x=50", "x=45");
    assert_eq!((&second["state"], &second["experiment"]), (&json!("queued"), &Value::Null));
    // Nothing has to run to refuse what cannot be.
    let refused = client.propose("x=77", "x=1");
    assert_eq!((&refused["state"], &refused["proposal"]), (&json!("refused"), &Value::Null));
    // A cancelled call ends, and a waiting one goes on.
    let cancelled = client.call_out(
        "tools/call",
        &json!({ "name": "wait", "arguments": { "proposal": second["proposal"], "seconds": 600 } }),
    );
    client.say(&json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": cancelled } }));
    assert_eq!(client.call("status", &json!({}))["queued"], json!(["x=45 is better"]));
    hurry(&place);
    let told = client.answer(patient)["result"]["structuredContent"].clone();
    assert_eq!(told["experiment"]["metric"], 30.0, "{told}");
    // Its patch was of a line that the keep has changed.
    let waited = client.call("wait", &json!({ "proposal": second["proposal"], "seconds": 100 }));
    assert!(waited["refused"].as_str().unwrap().contains("does not apply"), "{waited}");
    assert!(client.error("wait", &json!({ "proposal": 999 })).contains("no proposal 999"));
}

#[test]
fn rubbish_is_survived_and_answered_where_it_can_be() {
    let place = toy();
    let mut client = Client::mute(&place);
    for rubbish in [&b"rubbish"[..], b"", b"\xff\xfe\x00", b"{\"jsonrpc\":", b"[[[[", b"null"] {
        client.raw(rubbish);
    }
    let hello = json!({ "protocolVersion": "2099-01-01", "capabilities": {}, "clientInfo": { "name": "", "version": "" } });
    assert!(client.ask("initialize", &hello)["result"]["protocolVersion"].is_string());
    client.say(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
    client.raw(&[&b"["[..], &b"[".repeat(100_000)].concat());
    client.raw(&vec![b'x'; 20 << 20]);
    let told = client.ask("tools/call", &json!({ "name": "rm", "arguments": {} }));
    assert_eq!(told["error"]["code"], -32602, "{told}");
    assert_eq!(client.ask("nothing/known", &json!({}))["error"]["code"], -32601);
    for (tool, arguments) in [
        ("diff", json!({ "experiment": -1 })),
        ("diff", json!({ "experiment": "one" })),
        ("diff", json!({ "number": 1 })),
        ("wait", json!({ "experiment": 1, "proposal": 1 })),
        ("propose", json!({})),
        ("start", json!({ "tag": "../../x" })),
        ("start", json!({ "tag": "" })),
        ("start", json!({ "iterations": 0 })),
    ] {
        let said = client.error(tool, &arguments);
        assert!(!said.contains("panicked") && !said.is_empty(), "{tool} {arguments}: {said}");
    }
    assert!(!place.root().join(".autoresearch").exists());
    client.call("start", &json!({ "tag": TAG }));
    let change = |files: Value| json!({ "hypothesis": "h", "files": files });
    let huge = change(json!([{ "path": "train.sh", "content": "#".repeat(5 << 20) }]));
    assert!(client.error("propose", &huge).contains("one small change"));
    let both = json!({ "hypothesis": "h", "patch": "x", "files": [] });
    assert!(client.error("propose", &both).contains("exactly one"));
    for hypothesis in ["", " \n", &"long ".repeat(1000)] {
        let arguments = json!({ "hypothesis": hypothesis, "patch": "x" });
        assert!(client.error("propose", &arguments).contains("one sentence"));
    }
    assert!(client.error("propose", &json!({ "hypothesis": "words" })).contains("patch"));
    for patch in
        ["", "rubbish", "--- a/../../etc/passwd\n+++ b/../../etc/passwd\n@@ -0,0 +1 @@\n+x\n"]
    {
        let told = client.call("propose", &json!({ "hypothesis": "h", "patch": patch }));
        assert_eq!(told["state"], "refused", "{told}");
    }
    assert_eq!(client.leave(), Some(0));
}

/// An agent that proposes ahead does not lose what the incumbent's move leaves whole.
#[test]
fn a_proposal_is_merged_with_a_keep_that_came_before_its_turn() {
    let place = toy();
    place.write("train.sh", "x=50\n#\ny=1\necho \"loss: $((x - y))\"\n");
    place.commit_all("two numbers");
    let mut client = Client::start(&place);
    client.call("start", &json!({ "tag": TAG, "iterations": 9 }));
    client.verdict(0);
    slow_down(&place);
    client.propose("x=50", SLOW);
    await_run(&place);
    assert_eq!(client.propose("y=1", "y=5")["state"], "queued");
    hurry(&place);
    assert_eq!(client.verdict(1)["metric"], 29.0);
    assert_eq!(client.verdict(2)["metric"], 25.0);
}

/// SPEC E2: an agent that drives is held to one idea at a time, as one that is driven.
#[test]
fn two_ideas_in_one_proposal_are_refused() {
    let config = "target = \"train.py\"\nbudget = \"60s\"\n[metric]\nname = \"loss\"\ndirection = \"minimize\"\n[run]\ncommand = \"sh run.sh\"\n";
    let text = |rate: u32, act: &str| {
        format!(
            "RATE = {rate}\n\ndef act(x):\n    return {act}(x)\n\nprint(RATE)\nprint(\"loss:\", act(9))\n"
        )
    };
    let place = place()
        .file("run.sh", "echo loss: 9\n")
        .file("train.py", text(1, "abs"))
        .file("autoresearch.toml", config)
        .repository();
    let mut client = Client::start(&place);
    client.call("start", &json!({ "tag": TAG, "iterations": 9 }));
    let baseline = client.verdict(0);
    assert_eq!(baseline["metric"], 9.0, "{baseline}");
    let both = json!({ "hypothesis": "both", "files": [{ "path": "train.py", "content": text(2, "float") }] });
    let told = client.call("propose", &both);
    assert_eq!((&told["state"], &told["proposal"]), (&json!("refused"), &Value::Null), "{told}");
    let why = told["refused"].as_str().unwrap();
    assert!(why.contains("`RATE`") && why.contains("`act`"), "{why}");
    let one = json!({ "hypothesis": "one", "files": [{ "path": "train.py", "content": text(2, "abs") }] });
    assert_eq!(client.call("propose", &one)["experiment"], 1);
    assert_eq!(client.verdict(1)["verdict"], "discard");
    assert!(client.text("brief", &json!({})).starts_with("Answer with the tool `propose`"));
}

/// What `run` refuses is refused, with its remedy.
#[test]
fn a_session_that_cannot_be_is_refused_with_the_remedy() {
    let place = place().file("train.sh", loss(50)).repository();
    let mut client = Client::start(&place);
    for tool in ["start", "context"] {
        let said = client.error(tool, &json!({}));
        assert!(said.contains("budget") && said.contains("remedy"), "{tool}: {said}");
    }
    place.write("autoresearch.toml", "budgte = \"5m\"\n");
    assert!(client.error("start", &json!({})).contains("budgte"));
    let good = "target = \"gone.sh\"\nbudget = \"60s\"\n[metric]\nname = \"loss\"\ndirection = \"minimize\"\n[run]\ncommand = \"sh train.sh\"\n";
    place.write("autoresearch.toml", good);
    assert!(client.error("start", &json!({})).contains("gone.sh"));
    assert!(!place.root().join(".autoresearch").exists());
}

/// The client goes away: as by Ctrl-C, nothing is lost.
#[test]
fn when_the_client_goes_away_the_session_rests_and_can_go_on() {
    let place = toy();
    let before = place.snapshot();
    let mut client = started(&place, 9);
    slow_down(&place);
    client.propose("x=50", SLOW);
    await_run(&place);
    assert_eq!(client.leave(), Some(0));
    place.assert_deserted();
    assert_eq!(crate::toy::status(&place)["stopped"], "requested");
    hurry(&place);
    let mut client = Client::start(&place);
    let resumed = client.call("start", &json!({}));
    assert!(resumed["actions"][0].as_str().unwrap().contains("go on with the session t"));
    assert_eq!(client.verdict(1)["metric"], 30.0);
    client.leave();
    assert_sound(&place, &before);
}

/// SPEC L5.
#[test]
fn a_killed_server_leaves_no_process_and_resume_goes_on() {
    let place = toy();
    let before = place.snapshot();
    let mut client = started(&place, 2);
    slow_down(&place);
    client.propose("x=50", SLOW);
    await_run(&place);
    client.kill();
    place.assert_deserted();
    hurry(&place);
    // Another server goes on; what was queued meanwhile is taken.
    let mut client = Client::start(&place);
    let queued = client.propose("x=50", "x=20");
    assert!(queued["next"].as_str().unwrap().contains("call `start`"), "{queued}");
    client.call("start", &json!({}));
    assert_eq!(client.verdict(1)["metric"], 30.0);
    let waited = client.call("wait", &json!({ "proposal": queued["proposal"], "seconds": 100 }));
    assert_eq!(waited["done"], true, "{waited}");
    client.leave();
    assert_sound(&place, &before);
}

/// Two clients and the command line at once: the lock decides who runs the
/// engine, and everybody may propose.
#[test]
fn a_session_of_another_process_can_be_driven_and_several_clients_do_no_harm() {
    let place = toy();
    let before = place.snapshot();
    let mut here = started(&place, 3);
    let mut there = Client::start(&place);
    let said = there.error("start", &json!({}));
    assert!(said.contains("runs in process") && said.contains("`propose`"), "{said}");
    assert!(here.error("start", &json!({})).contains("already"));
    assert_eq!(there.propose("x=50", "x=40")["experiment"], 1);
    assert_eq!(there.verdict(1)["verdict"], "keep");
    // Whoever runs it waits for everybody.
    there.await_state("waiting");
    assert_eq!(there.call("wait", &json!({}))["state"], "waiting");
    assert_eq!(here.verdict(1)["verdict"], "keep");
    assert_eq!(here.propose("x=40", "x=30")["experiment"], 2);
    assert_eq!(there.verdict(2)["verdict"], "keep");
    there.call("stop", &json!({ "now": true }));
    here.await_state("resting");
    assert_eq!(place.run(["stop"]).code, Some(2), "nobody runs it");
    assert_eq!(there.call("wait", &json!({}))["state"], "resting");
    // And one that the command line runs takes what waits for it.
    assert_eq!(there.propose("x=30", "x=20")["state"], "queued");
    place.run(["resume", "--json", "--tag", TAG]).expect(0);
    assert_eq!(here.verdict(3)["verdict"], "keep");
    here.leave();
    there.leave();
    assert_eq!(log(&place).len(), 4);
    assert_sound(&place, &before);
}

/// A session with the queue alone, of the command line: it waits, too.
#[test]
fn a_session_with_the_queue_alone_waits_as_long_as_it_is_told() {
    let place = toy();
    let before = place.snapshot();
    let waits = ["--set", "propose.wait=1h", "--proposer", "queue"];
    let engine = place.start(crate::toy::session("1", &waits));
    let mut client = Client::start(&place);
    until("the session", || place.root().join(".autoresearch/t/journal.db").exists().then_some(()));
    client.await_state("waiting");
    assert_eq!(client.propose("x=50", "x=40")["experiment"], 1);
    engine.wait().expect(0);
    client.leave();
    // One that is not told to wait ends at once; one that is, when nothing came.
    for wait in ["0s", "10ms"] {
        let place = toy();
        let set = format!("propose.wait={wait}");
        let ended = place.run(crate::toy::session("1", &["--set", &set, "--proposer", "queue"]));
        assert_eq!(
            ended.expect(0).json_lines().last().unwrap()["reason"],
            json!({ "exhausted": "the queue is empty" })
        );
    }
    assert_sound(&place, &before);
}
