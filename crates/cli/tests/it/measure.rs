//! `autoresearch measure` with real servers (SPEC A8), which are ended whatever
//! they do, and what a session measures by itself.

use autoresearch_testkit::{Place, until};
use serde_json::Value;

use crate::toy::{log, place, session, verdicts};

/// A session on `server.py` that is measured by its latency.
fn latency_of(metric: &str) -> String {
    format!(
        "target = \"server.py\"\n{metric}\
         [run]\ncommand = \"autoresearch measure latency --server '{} server.py {{port}}' \
         --url http://127.0.0.1:{{port}}/ --repetitions 5 --warm-up 1\"\n\
         [propose]\nproposer = \"command\"\ncommand = \"sh propose.sh\"\n",
        python()
    )
}

/// Answers after a while; `/slow` later than others, `/bad` with 500, and `/die` ends it.
const SERVER: &str = r#"import http.server, os, sys, time
WAIT = 0.001
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/die":
            print("no more", flush=True)
            os._exit(3)
        time.sleep(0.03 if self.path == "/slow" else WAIT)
        self.send_response(500 if self.path == "/bad" else 200)
        self.end_headers()
        self.wfile.write(b"ok")
    def log_message(self, *words):
        pass
print("METRIC p95_ms=0", flush=True)
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"#;

/// A `python3` found elsewhere may be a shim that a confined run cannot follow.
fn python() -> &'static str {
    let system = "/usr/bin/python3";
    if std::path::Path::new(system).exists() { system } else { "python3" }
}

fn with_server() -> Place {
    place().file("server.py", SERVER)
}

/// Arguments of a measurement of that server.
fn served<'a>(urls: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    let mut args = vec!["measure", "latency", "--json", "--server", "python3 server.py {port}"];
    args.extend(urls.iter().flat_map(|url| ["--url", *url]));
    args.extend(more);
    args
}

#[test]
fn the_quantiles_of_a_server_are_in_order_and_each_address_has_its_own() {
    let place = with_server();
    let urls = ["http://127.0.0.1:{port}/slow", "quick=http://127.0.0.1:{port}/"];
    let ended = place.run(served(&urls, &["--repetitions", "20"])).expect(0);
    let said = ended.json();
    let of = |name: &str| said[name].as_f64().unwrap_or_else(|| panic!("no {name}: {said}"));
    for prefix in ["", "slow.", "quick."] {
        let names = ["min_ms", "median_ms", "p90_ms", "p95_ms", "p99_ms"];
        let values = names.map(|name| of(&format!("{prefix}{name}")));
        assert!(values.is_sorted(), "{prefix}: {values:?}");
        let mean = of(&format!("{prefix}mean_ms"));
        assert!(values[0] <= mean && mean.is_finite(), "{prefix}: {mean}");
    }
    assert!(of("slow.min_ms") >= 30.0 && of("quick.min_ms") < 30.0, "{said}");
    assert_eq!(said["min_ms"], said["quick.min_ms"], "together it is the least of all");
    assert_eq!((of("requests"), of("slow.requests"), of("errors")), (40.0, 20.0, 0.0));
    assert!(ended.stderr.contains("server| METRIC p95_ms=0"), "{}", ended.stderr);
    place.assert_deserted();
}

#[test]
fn failed_requests_fail_the_run_unless_so_many_may() {
    let place = with_server();
    let bad = ["http://127.0.0.1:{port}/bad"];
    place.run(served(&bad, &[])).expect(1).says(&["/bad: it answered 500", "--max-errors"]);
    let urls = ["http://127.0.0.1:{port}/", bad[0]];
    let few = ["--repetitions", "4", "--max-errors", "4"];
    let said = place.run(served(&urls, &few)).expect(0).json();
    assert_eq!((said["errors"].as_f64(), said["requests"].as_f64()), (Some(4.0), Some(4.0)));
    place.assert_deserted();
}

#[test]
fn what_cannot_be_reached_or_started_says_why() {
    let place = place();
    let fails = |args: &[&str], parts: &[&str]| {
        let all = ["measure", "latency"].iter().chain(args).copied();
        place.run(all.collect::<Vec<_>>()).expect(1).says(parts);
    };
    let dead = ["--url", "http://127.0.0.1:1/", "--max-errors", "1000"];
    fails(&dead, &["nothing was measured; the first error: GET http://127.0.0.1:1/: "]);
    fails(&["--command", "PYTHONPATH=. python3 x.py"], &["env PYTHONPATH=… COMMAND"]);
}

#[test]
fn a_server_that_is_never_ready_or_ends_is_named_with_its_last_words() {
    let place = with_server();
    let run = |server: &str, more: &[&str]| {
        let args = ["measure", "latency", "--server", server];
        place.run(args.iter().chain(more).copied().collect::<Vec<_>>()).expect(1)
    };
    let url = "http://127.0.0.1:{port}/";
    let soon = ["--url", url, "--ready-timeout", "200ms"];
    run("sh -c 'echo loading; sleep 1000; exit 0'", &soon).says(&[
        "does not listen at 127.0.0.1:",
        "--ready-timeout",
        "it said: loading",
    ]);
    run("sh -c 'echo no database >&2; exit 7'", &["--url", url])
        .says(&["ended before it was ready: exit 7; it said: no database"]);
    run("no-such-server {port}", &["--url", url]).says(&["no-such-server"]);
    run("python3 server.py {port}", &["--url", "http://127.0.0.1:{port}/die"])
        .says(&["the server ended while it was measured: exit 3", "no more"]);
    run(
        "python3 server.py {port}",
        &["--url", url, "--ready-pattern", "never", "--ready-timeout", "200ms"],
    )
    .says(&["printed no line"]);
    place.assert_deserted();
}

/// TERM is asked for first, KILL ends what does not hear it, and what left the
/// group is found.
#[test]
fn a_server_that_ignores_term_and_what_it_left_behind_are_ended() {
    let stubborn = "trap '' TERM\nsetsid sleep 1000 &\necho at your service\n\
                    while :; do sleep 0.05; done\n";
    let place = place().file("server.sh", stubborn);
    let args = ["measure", "latency", "--server", "sh server.sh", "--ready-pattern", "service$"];
    let more = ["--repetitions", "3", "--warm-up", "0", "--", "true"];
    let said = place.run(args.into_iter().chain(more)).expect(0);
    assert!(said.stdout.contains("METRIC requests=3\n"), "{}", said.stdout);
    place.assert_deserted();
}

/// A database that writes to its disk after TERM loses nothing, however it ends.
#[test]
fn a_server_has_its_grace_after_ctrl_c_and_when_it_was_not_ready_in_time() {
    let slow = "trap 'sleep 0.3; echo saved > saved; exit 0' TERM\necho at your service\n\
                while :; do sleep 0.05; done\n";
    let place = place().file("server.sh", slow);
    let serve = |pattern, more: &[&str]| {
        let args = ["measure", "latency", "--server", "sh server.sh", "--ready-pattern", pattern];
        place.start(args.iter().chain(more).copied().collect::<Vec<_>>())
    };
    let saved = place.root().join("saved");
    let kept = |when: &str| {
        let text = std::fs::read_to_string(&saved).unwrap_or_default();
        assert_eq!(text, "saved\n", "{when}");
        std::fs::remove_file(&saved).unwrap();
        place.assert_deserted();
    };
    let running = serve("service$", &["--", "sleep", "1000"]);
    await_measured(&place, "sleep 1000");
    running.interrupt();
    running.wait().expect(130);
    kept("after Ctrl-C");
    let never = ["--ready-timeout", "2s", "--", "true"];
    serve("never", &never).wait().expect(1).says(&["printed no line", "at your service"]);
    kept("not ready in time");
}

/// Until a process runs that is not the one that measures.
fn await_measured(place: &Place, part: &str) {
    let is_it = |command: &str| command.contains(part) && !command.contains("latency");
    until(part, || place.processes().iter().any(|p| is_it(&p.command)).then_some(()));
}

#[test]
fn ctrl_c_ends_the_server_and_what_is_measured() {
    let place = with_server();
    let urls = ["http://127.0.0.1:{port}/"];
    let running = place.start(served(&urls, &["--for", "1h"]));
    await_measured(&place, "server.py");
    running.interrupt();
    running.wait().expect(130);
    place.assert_deserted();
    let running = place.start(["measure", "latency", "--", "sleep", "1000"]);
    await_measured(&place, "sleep 1000");
    running.interrupt();
    running.wait().expect(130);
    place.assert_deserted();
}

#[test]
fn a_taken_port_and_other_nonsense_are_refused_before_anything_starts() {
    let place = place();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", taken.local_addr().unwrap());
    let refused = |args: &[&str], parts: &[&str]| {
        place
            .run(["measure"].iter().chain(args).copied().collect::<Vec<_>>())
            .expect(2)
            .says(parts);
    };
    refused(
        &["latency", "--server", "sleep 9", "--url", &url],
        &["something else listens", "{port}"],
    );
    refused(&["latency"], &["nothing to measure", "--url"]);
    refused(&["latency", "--url", "127.0.0.1:80"], &["no address"]);
    refused(&["latency", "--server", "sleep 9", "--", "true"], &["--ready-pattern"]);
    refused(&["latency", "--header", "x", "--url", "http://127.0.0.1:1/"], &["no header"]);
    refused(&["latency", "--method", "G T", "--url", "http://127.0.0.1:1/"], &["`G T`", "POST"]);
    refused(&["latency", "--server", "PORT={port} x", "--", "true"], &["PORT=", "env PORT=…"]);
    refused(&["latency", "--", "A_B=1", "true"], &["`A_B=1` is no command", "env A_B=…"]);
    refused(&["throughput", "--items-pattern", "[0-9]+", "--", "true"], &["parentheses"]);
    refused(&[], &["--preset NAME"]);

    refused(
        &["--preset", "pylint", "--metric", "scor", "a"],
        &["no number `scor`", "it has score"],
    );
    refused(&["--preset", "peak-memory"], &["let a session run it"]);
}

#[test]
fn throughput_counts_what_a_command_does() {
    let place = place();
    let args = ["measure", "throughput", "--json", "--repetitions", "4", "--warm-up", "0"];
    let run = |more: &[&str]| {
        place.run(args.iter().chain(more).copied().collect::<Vec<_>>()).expect(0).json()
    };
    let fixed = run(&["--items", "50", "--", "true"]);
    assert_eq!(fixed["items"], 200.0);
    let ratio = fixed["items"].as_f64().unwrap() / fixed["seconds"].as_f64().unwrap();
    assert!((fixed["per_second"].as_f64().unwrap() / ratio - 1.0).abs() < 1e-9, "{fixed}");
    let said = run(&[
        "--items-pattern",
        "did ([0-9]+)",
        "--concurrency",
        "2",
        "--",
        "sh",
        "-c",
        "echo did 7",
    ]);
    assert_eq!(said["items"], 28.0);
}

#[test]
fn a_preset_is_tried_on_a_report_without_a_session() {
    let lines = "{\"query\": 1, \"relevant\": [\"a\"], \"returned\": [\"b\", \"a\"]}\n";
    let place = place().file("results.jsonl", lines).file("dist/app.js", "x".repeat(3000));
    let before = place.everything();
    let said = place.run(["measure", "--preset", "retrieval", "--json"]).expect(0).json();
    assert_eq!(said["metric"]["name"], "recall@5");
    assert_eq!((&said["metric"]["value"], &said["secondary"]["mrr"]), (&1.0.into(), &0.5.into()));
    let text = place
        .run(["measure", "--preset", "retrieval", "--metric", "mrr", "results.jsonl"])
        .expect(0);
    assert!(
        text.stdout.starts_with("mrr ") && text.stdout.contains("higher is better"),
        "{text:?}"
    );
    let sizes =
        place.run(["measure", "--preset", "artifact-size", "--json", "dist/**"]).expect(0).json();
    assert_eq!(sizes["metric"]["value"], 3000.0);
    assert!(
        sizes["secondary"]["gzip_bytes"].as_f64().is_some_and(|bytes| bytes < 300.0),
        "{sizes}"
    );
    place.run(["measure", "--preset", "clippy", "results.jsonl"]).expect(1).says(&["did not say"]);
    before.assert_same(&place.everything());
}

#[test]
fn all_presets_are_listed_with_their_numbers() {
    let place = place();
    let said = place.run(["measure", "--list"]).expect(0).stdout;
    for part in ["ruff check", "p95_ms", "higher", "needs metric.report", "target/criterion"] {
        assert!(said.contains(part), "no `{part}` in:\n{said}");
    }
    let json = place.run(["measure", "--list", "--json"]).expect(0).json();
    let presets = json.as_array().unwrap();
    assert!(presets.iter().any(|preset| preset["name"] == "latency"));
    assert!(presets.iter().all(|preset| preset["about"].as_str().is_some_and(|a| !a.is_empty())));
}

/// In the sandbox there is a loopback, and this program though no path leads to it.
#[test]
fn a_session_measures_the_latency_of_a_server_in_its_sandbox() {
    let fast = SERVER.replace("WAIT = 0.001", "WAIT = 0.002");
    let place = place()
        .file("server.py", SERVER.replace("WAIT = 0.001", "WAIT = 0.05"))
        .file("proposals/1", fast)
        .file("propose.sh", "cp proposals/1 server.py && echo 'HYPOTHESIS: wait less'\n")
        .file(
            "autoresearch.toml",
            latency_of("[metric]\npreset = \"latency\"\nname = \"median_ms\"\n"),
        )
        .repository();
    place.run(session("1", &[])).expect(0);
    let log = log(&place);
    assert_eq!(verdicts(&place), ["keep", "keep"], "{log:?}");
    let metric = |row: &Value| row["metric"].as_f64().unwrap();
    assert!(metric(&log[0]) >= 50.0 && metric(&log[1]) < metric(&log[0]), "{log:?}");
    place.assert_deserted();
}

#[test]
fn our_own_lines_are_whole_and_the_last_however_loud_a_server_is() {
    let loud = "setsid yes METRIC requests=7 &\ntrap 'printf bye; exit 0' TERM\n\
                echo at your service\nwhile :; do sleep 0.05; done\n";
    let place = place().file("server.sh", loud);
    let path = place.base().join("both");
    let both = std::fs::File::create(&path).unwrap();
    let args = ["measure", "latency", "--server", "sh server.sh", "--ready-pattern", "service$"];
    let more = ["--repetitions", "3", "--warm-up", "0", "--", "true"];
    let mut command = place.command(args.into_iter().chain(more));
    command.stdout(both.try_clone().unwrap()).stderr(both);
    assert!(command.status().unwrap().success());
    let said = std::fs::read_to_string(&path).unwrap();
    let (theirs, ours): (Vec<&str>, Vec<&str>) =
        said.lines().partition(|line| line.starts_with("server| "));
    assert_eq!(ours.len(), 8, "{ours:?}");
    assert!(ours.iter().all(|line| line.starts_with("METRIC ")), "{ours:?}");
    assert!(said.ends_with(&format!("\n{}\n", ours.join("\n"))), "{ours:?}");
    assert!(theirs.contains(&"server| METRIC requests=7"));
    place.assert_deserted();
}

/// Says the metric itself by every way that there is: in its own words and those of
/// a child that stays, without end; at its end, without one; and to whatever it
/// finds open, with itself and with who started it.
const FORGER: &str = r#"import os, signal, subprocess, sys
FORGED = b"METRIC median_ms=0.0001\n"
def bye(*_):
    os.write(1, FORGED * 2000 + b"x\r" + FORGED + b"bye")
    os._exit(0)
signal.signal(signal.SIGTERM, bye)
LOUD = "import os, sys\nwhile True: os.write(1, sys.argv[1].encode() * 100)"
subprocess.Popen([sys.executable, "-c", LOUD, FORGED.decode()], start_new_session=True)
ways = [f"/proc/self/fd/{n}" for n in range(3, 64)]
ways += [f"/proc/{pid}/fd/{n}" for pid in (os.getppid(), 1) for n in (1, 2)]
for way in ways:
    try:
        os.write(os.open(way, os.O_WRONLY), b"\n" + FORGED)
    except OSError:
        pass
"#;

#[test]
fn a_server_that_prints_the_metric_itself_gains_nothing() {
    let slow = SERVER.replace("WAIT = 0.001", "WAIT = 0.05");
    let place = place()
        .file("server.py", &slow)
        .file("proposals/1", format!("{FORGER}{slow}"))
        .file("propose.sh", "cp proposals/1 server.py && echo 'HYPOTHESIS: speak'\n")
        .file(
            "autoresearch.toml",
            latency_of(
                "budget = \"1m\"\n[metric]\nname = \"median_ms\"\ndirection = \"minimize\"\n\
                 take = \"min\"\n",
            ),
        )
        .repository();
    place.run(session("1", &[])).expect(0);
    let log = log(&place);
    assert_eq!(verdicts(&place), ["keep", "discard"], "{log:?}");
    assert!(log[1]["metric"].as_f64().is_some_and(|metric| metric >= 50.0), "{log:?}");
    place.assert_deserted();
}

/// Nothing that a run prints changes what it used.
#[test]
fn peak_memory_is_what_the_run_used_and_not_what_it_says() {
    let hungry = "import time\nblock = bytearray(300 << 20)\nprint('METRIC peak_mem_gb=0.001')\n\
                  print('peak_mem_gb: 0.001', flush=True)\ntime.sleep(0.5)\n";
    let place = place()
        .file("train.py", hungry)
        .file("proposals/1", hungry.replace("300 <<", "60 <<"))
        .file("propose.sh", "cp proposals/1 train.py && echo 'HYPOTHESIS: eat less'\n")
        .file(
            "autoresearch.toml",
            format!(
                "target = \"train.py\"\n[metric]\npreset = \"peak-memory\"\n\
             [run]\ncommand = \"{} train.py\"\n\
             [propose]\nproposer = \"command\"\ncommand = \"sh propose.sh\"\n",
                python()
            ),
        )
        .repository();
    place.run(session("1", &[])).expect(0);
    let log = log(&place);
    let metrics: Vec<f64> = log.iter().map(|row| row["metric"].as_f64().unwrap()).collect();
    assert!((0.28..0.6).contains(&metrics[0]) && (0.04..0.2).contains(&metrics[1]), "{metrics:?}");
}
