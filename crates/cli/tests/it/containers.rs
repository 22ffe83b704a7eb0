//! Runs in containers (SPEC A13): what is told reaches inside, and however a
//! trial, a supervisor or the engine ends, no container is left.
//!
//! Each scenario runs with a stand-in for docker, whose containers are
//! processes of a daemon outside of ours, and with podman where it works.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use autoresearch_testkit::{Place, kill, until};
use serde_json::json;

use crate::toy::{assert_sound, loss, parts, place, session, show, toy, verdicts};

mod podman;

/// Far more than a container that only prints a number takes.
const BUDGET: &str = "budget=8s";

/// A tool that runs containers in a place, in which `shared` has the same path.
struct Lab {
    place: Place,
    shared: PathBuf,
    wrap: String,
    tool: Tool,
}

enum Tool {
    Docker(Child),
    Podman(Vec<String>),
}

/// What a lab is made with: the options of `run`, and the bodies of proposals,
/// given the shared folder.
type Scenario = fn(Lab);

fn with_every_tool(options: &str, proposals: fn(&str) -> Vec<String>, scenario: Scenario) {
    scenario(docker(options, proposals));
    match podman::podman(options, proposals) {
        Ok(lab) => scenario(lab),
        Err(why) => eprintln!("skipped with podman: {why}"),
    }
}

fn lab_in(place: Place, proposals: fn(&str) -> Vec<String>) -> (Place, PathBuf) {
    let shared = place.base().join("shared");
    std::fs::create_dir(&shared).unwrap();
    let proposals = proposals(shared.to_str().unwrap());
    (parts(place, &proposals).repository(), shared)
}

fn docker(options: &str, proposals: fn(&str) -> Vec<String>) -> Lab {
    let place = place();
    let bin = place.base().join("bin");
    std::fs::create_dir(&bin).unwrap();
    let script = concat!("#!/usr/bin/env python3\n", include_str!("docker.py"));
    let program = bin.join("docker");
    std::fs::write(&program, script).unwrap();
    Command::new("chmod").arg("+x").arg(&program).status().unwrap();
    let mut paths = vec![bin];
    paths.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap()));
    let home = place.base().join("docker");
    std::fs::create_dir(&home).unwrap();
    let mut daemon = Command::new(&program)
        .arg("daemon")
        .env("FAKE_DOCKER", &home)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let said = daemon.stdout.as_mut().unwrap();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(said), &mut line).unwrap();
    assert_eq!(line, "ready\n");
    let place =
        place.variable("PATH", std::env::join_paths(paths).unwrap()).variable("FAKE_DOCKER", &home);
    let (place, shared) = lab_in(place, proposals);
    let wrap = format!("docker run {options} -v .:/work -w /work image");
    Lab { place, shared, wrap, tool: Tool::Docker(daemon) }
}

impl Lab {
    fn start(&self, more: &[&str]) -> autoresearch_testkit::Running {
        self.place.start(self.session("1", more))
    }

    fn session(&self, n: &str, more: &[&str]) -> Vec<String> {
        let mut all: Vec<String> = session(n, more).into_iter().map(str::to_owned).collect();
        all.extend(["--set".to_owned(), format!("run.wrap={}", self.wrap)]);
        all
    }

    fn slow_down(&self) {
        std::fs::write(self.shared.join("slow"), "").unwrap();
    }

    fn hurry(&self) {
        std::fs::remove_file(self.shared.join("slow")).unwrap();
    }

    /// Waits until the program in the container runs.
    fn await_run(&self) {
        until("the run", || self.shared.join("runs").exists().then_some(()));
    }

    /// Ids of all containers, stopped ones included.
    fn containers(&self) -> String {
        let mut command = match &self.tool {
            Tool::Docker(_) => self.place.other(self.place.base().join("bin/docker")),
            Tool::Podman(words) => {
                let mut command = Command::new(&words[0]);
                command.args(&words[1..]);
                command
            }
        };
        let output = command.args(["ps", "--all", "--quiet"]).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn assert_nothing_left(&self) {
        assert_eq!(self.containers(), "");
        if let Tool::Docker(_) = self.tool {
            for pid in self.docker_file("pids").lines() {
                let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
                assert!(!stat.is_ok_and(|stat| !stat.contains(") Z")), "{pid} is left");
            }
        }
        self.place.assert_deserted();
    }

    /// A file of the daemon's.
    fn docker_file(&self, name: &str) -> String {
        std::fs::read_to_string(self.place.base().join("docker").join(name)).unwrap()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        match &mut self.tool {
            Tool::Docker(daemon) => {
                let _ = daemon.kill();
                let _ = daemon.wait();
            }
            Tool::Podman(words) => podman::remove_all(words),
        }
    }
}

/// A run that goes on while it is told to, with `on_term` for TERM.
fn patient(shared: &str, on_term: &str) -> String {
    format!(
        "trap '{on_term}' TERM\necho 'loss: 45'\n: > {shared}/runs\n\
         while [ -e {shared}/slow ]; do sleep 0.02; done\necho 'loss: 40'\n"
    )
}

fn polite(shared: &str) -> Vec<String> {
    vec![patient(shared, "echo \"loss: 30\"; exit 0")]
}

fn stubborn(shared: &str) -> Vec<String> {
    vec![patient(shared, "")]
}

fn name_in(lab: &Lab, number: u64, trial: usize) -> String {
    show(&lab.place, number)["trials"][trial]["container"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_trial_in_a_container_is_told_what_it_must_know_and_its_name_is_recorded() {
    let proposals = |_: &str| {
        vec!["echo \"loss: $AUTORESEARCH_EXPERIMENT$EXTRA\"\n[ -z \"$HIDDEN\" ]\n".to_owned()]
    };
    with_every_tool("--rm", proposals, |lab| {
        let before = lab.place.snapshot();
        let arguments = lab.session("1", &["--set", "run.env.EXTRA=.25"]);
        let mut command = lab.place.command(&arguments);
        command.env("HIDDEN", "of the engine");
        let ended = autoresearch_testkit::Running::start(command).wait().expect(0);
        assert!(ended.stdout.contains("outside of the sandbox"), "{}", ended.stdout);
        lab.assert_nothing_left();
        let trial = &show(&lab.place, 1)["trials"][0];
        assert_eq!((&trial["metric"], &trial["protection"]), (&json!(1.25), &json!("unprotected")));
        let name = name_in(&lab, 1, 0);
        assert!(name.starts_with("autoresearch-") && name.ends_with("-1-1"), "{name}");
        let shown = lab.place.run(["show", "1"]).expect(0).stdout;
        assert!(shown.contains(&name), "{shown}");
        assert_sound(&lab.place, &before);
    });
}

#[test]
fn at_the_deadline_the_program_inside_is_asked_and_its_last_metric_counts() {
    with_every_tool("--rm", polite, |lab| {
        lab.slow_down();
        lab.place.run(lab.session("1", &["--set", BUDGET])).expect(0);
        let trial = &show(&lab.place, 1)["trials"][0];
        assert_eq!((&trial["exit"], &trial["metric"]), (&json!("deadline"), &json!(30.0)));
        lab.assert_nothing_left();
    });
}

#[test]
fn what_ignores_the_deadline_inside_is_killed_there() {
    // Without `--rm` nobody but us removes it.
    with_every_tool("-i", stubborn, |lab| {
        lab.slow_down();
        lab.place.run(lab.session("1", &["--set", BUDGET, "--set", "run.grace=500ms"])).expect(0);
        let trial = &show(&lab.place, 1)["trials"][0];
        assert_eq!((&trial["exit"], &trial["metric"]), (&json!("deadline"), &json!(45.0)));
        lab.assert_nothing_left();
    });
}

#[test]
fn an_interrupt_ends_the_container() {
    with_every_tool("--rm", polite, |lab| {
        lab.slow_down();
        let engine = lab.start(&[]);
        lab.await_run();
        engine.interrupt();
        engine.wait().expect(130);
        lab.assert_nothing_left();
        lab.hurry();
        lab.place.run(["resume"]).expect(0);
        assert_eq!(verdicts(&lab.place), ["keep", "keep"]);
        assert_ne!(name_in(&lab, 1, 0), name_in(&lab, 1, 1));
        lab.assert_nothing_left();
    });
}

#[test]
fn a_killed_engine_leaves_no_container() {
    with_every_tool("--rm", stubborn, |lab| {
        lab.slow_down();
        let engine = lab.start(&[]);
        lab.await_run();
        engine.kill();
        engine.wait();
        until("the end of the container", || lab.containers().is_empty().then_some(()));
        lab.assert_nothing_left();
        lab.hurry();
        lab.place.run(["resume"]).expect(0);
        assert_eq!(verdicts(&lab.place), ["keep", "keep"]);
        lab.assert_nothing_left();
    });
}

#[test]
fn a_killed_supervisor_leaves_no_container_and_the_engine_goes_on() {
    with_every_tool("--rm", stubborn, |lab| {
        lab.slow_down();
        let engine = lab.start(&[]);
        lab.await_run();
        kill(lab.place.await_process("__supervise").pid);
        lab.hurry();
        engine.wait().expect(0);
        assert_eq!(verdicts(&lab.place), ["keep", "keep"]);
        assert_eq!(show(&lab.place, 1)["trials"][0]["exit"], "lost");
        lab.assert_nothing_left();
    });
}

#[test]
fn engine_and_supervisor_killed_leave_a_container_that_resume_removes() {
    with_every_tool("--rm", stubborn, |lab| {
        let before = lab.place.snapshot();
        lab.slow_down();
        let engine = lab.start(&[]);
        lab.await_run();
        let supervisor = lab.place.await_process("__supervise").pid;
        // So that it does not hear of the end of its engine.
        let stop = Command::new("kill").args(["-STOP", &supervisor.to_string()]).status();
        assert!(stop.unwrap().success());
        engine.kill();
        kill(supervisor);
        engine.wait();
        let orphan = lab.containers();
        assert_ne!(orphan, "");
        let resumed = lab.place.start(["resume"]);
        until("the end of the orphan", || (lab.containers() != orphan).then_some(()));
        lab.hurry();
        let said = resumed.wait().expect(0);
        let all = said.stdout.clone() + &said.stderr;
        assert!(all.contains("removed 1 container"), "{all}");
        assert_eq!(verdicts(&lab.place), ["keep", "keep"]);
        lab.assert_nothing_left();
        assert_sound(&lab.place, &before);
    });
}

/// Compose has no limits of its own; docker's reach inside when the user gave
/// them.
#[test]
fn what_the_client_is_called_with_is_what_the_trial_needs() {
    let lab = docker("--rm", |_| vec![loss(40)]);
    let limits = ["--set", "run.memory=64MiB", "--set", "run.processes=77"];
    lab.place.run(lab.session("1", &limits)).expect(0);
    let name = name_in(&lab, 1, 0);
    let calls = lab.docker_file("calls");
    let run = calls.lines().find(|call| call.contains(&format!("--name {name} "))).unwrap();
    for part in [
        "run --name ",
        " --label autoresearch.session=",
        " -e AUTORESEARCH_SEED -e AUTORESEARCH_SLOT ",
        " --memory 67108864 --pids-limit 77 --rm -v .:/work -w /work image sh train.sh",
    ] {
        assert!(run.contains(part), "no `{part}` in {run}");
    }
}

#[test]
fn compose_runs_and_its_container_is_ended_at_the_deadline() {
    let mut lab = docker("", polite);
    lab.wrap = "docker compose -f run.yml run --rm train".to_owned();
    lab.slow_down();
    lab.place.run(lab.session("1", &["--set", BUDGET])).expect(0);
    assert_eq!(show(&lab.place, 1)["trials"][0]["metric"], 30.0);
    assert!(lab.docker_file("calls").contains("compose -f run.yml run --name"));
    lab.assert_nothing_left();
}

#[test]
fn a_container_that_was_killed_for_memory_is_out_of_memory() {
    // The stand-in says so of whatever ended with 137.
    let lab = docker("-i", |_| vec!["exit 137\n".to_owned()]);
    lab.place.run(lab.session("1", &[])).expect(0);
    let crash = &show(&lab.place, 1)["trials"][0]["crash"];
    assert_eq!(crash["kind"], "oom", "{crash}");
    lab.assert_nothing_left();
}

#[test]
fn a_wrapper_that_cannot_hold_is_refused_before_anything_is_made() {
    for (wrap, protection, says) in [
        ("docker run --rm --name box image", "best", "leave it out"),
        ("docker run -d image", "best", "nobody waits"),
        ("podman exec box", "best", "starts no container"),
        ("docker run image", "sandboxed", "outside of the sandbox"),
        ("apptainer exec image.sif", "restricted", "outside of the sandbox"),
    ] {
        let place = toy(&[]);
        let before = place.everything();
        let wrap = format!("run.wrap={wrap}");
        let protection = format!("run.protection={protection}");
        let arguments = session("1", &["--set", &wrap, "--set", &protection]);
        place.run(arguments).expect(2).says(&[says]);
        before.assert_same(&place.everything());
    }
}

/// Anything else before the command is a part of it.
#[test]
fn a_wrapper_that_is_no_container_is_run_as_it_is() {
    let place = toy(&["echo \"loss: $X\"\n".to_owned()]);
    place.run(session("1", &["--set", "run.wrap=env X=7"])).expect(0);
    let trial = &show(&place, 1)["trials"][0];
    assert_eq!((&trial["metric"], &trial["container"]), (&json!(7.0), &json!(null)));
}

#[test]
fn a_daemon_that_does_not_answer_ends_the_session_with_its_own_words() {
    let mut lab = docker("--rm", |_| Vec::new());
    let Tool::Docker(daemon) = &mut lab.tool else { unreachable!() };
    daemon.kill().unwrap();
    daemon.wait().unwrap();
    let ended = lab.place.run(lab.session("1", &[]));
    assert_ne!(ended.code, Some(0));
    ended.says(&["end the container `autoresearch-", "Connection refused", "then resume"]);
    lab.place.assert_deserted();
}
