//! SPEC L5: whoever is killed with -9, no process is left.

use std::process::{Command, Stdio};

use autoresearch_core::metric::{Format, Source};
use autoresearch_core::trial::{Exit, Protection};
use autoresearch_run::{RunError, sweep};
use rustix::process::{Pid, Signal, kill_process};

use crate::lab::{Lab, WAYS, until};

/// Starts one child in its own session.
const SCRIPT: &str = "setsid sleep 1000 & echo > ready; trap '' TERM; while :; do sleep 0.01; done";

fn signal(pid: &str, signal: Signal) {
    kill_process(Pid::from_raw(pid.trim().parse().unwrap()).unwrap(), signal).unwrap();
}

fn engine(lab: &Lab) -> std::process::Child {
    let job = lab.path("job.json");
    std::fs::write(&job, serde_json::to_vec(&lab.job).unwrap()).unwrap();
    Command::new(env!("CARGO_BIN_EXE_supervisor-for-tests"))
        .arg("engine")
        .arg(job)
        .stdin(Stdio::null())
        .spawn()
        .unwrap()
}

/// Kills the engine of a job that is ready, and sees that nothing is left of it.
fn lose_the_engine(lab: &Lab) {
    let mut engine = engine(lab);
    lab.await_file("ready");
    engine.kill().unwrap();
    engine.wait().unwrap();
    until(|| lab.left().is_empty().then_some(()));
    assert!(!lab.job.result.exists());
}

#[test]
fn a_killed_engine_leaves_no_process() {
    for way in WAYS {
        lose_the_engine(&Lab::sh(SCRIPT).under(way));
    }
}

/// A run that leaves what takes hours to be read.
fn endless(way: Protection) -> Lab {
    Lab::sh("truncate -s 1T artefact && echo > ready").under(way).with(|job| {
        job.source = Some(Source::Report {
            name: "gzip_bytes".to_owned(),
            format: Format::Sizes,
            files: vec!["artefact".to_owned()],
        });
    })
}

#[test]
fn what_takes_for_ever_to_be_read_is_given_up_when_it_is_to_end() {
    for way in WAYS {
        let lab = endless(way);
        let mut running = lab.start();
        lab.await_file("ready");
        running.interrupt();
        assert_eq!(lab.finish(&mut *running).unwrap().exit, Exit::Interrupted);

        lose_the_engine(&endless(way));
    }
}

#[test]
fn a_killed_supervisor_takes_the_command_along_and_the_engine_sweeps_the_rest() {
    for way in WAYS {
        let lab = Lab::sh(SCRIPT).under(way);
        let mut running = lab.start();
        lab.await_file("ready");
        signal(&lab.supervisor(), Signal::KILL);
        let error = lab.finish(&mut *running).unwrap_err();
        let RunError::SupervisorDied { how, swept } = error else { panic!("{error:?}") };
        assert_eq!(how, "was ended by signal 9");
        // A sandbox falls with its supervisor.
        assert!(swept >= 1 || way == Protection::Sandboxed);
    }
}

#[test]
fn the_command_dies_with_its_supervisor_even_if_nobody_sweeps() {
    for way in WAYS {
        let lab = Lab::sh("echo > ready; exec sleep 1000").under(way);
        let mut engine = engine(&lab);
        lab.await_file("ready");
        let supervisor = lab.supervisor();
        signal(&engine.id().to_string(), Signal::STOP);
        signal(&supervisor, Signal::KILL);
        until(|| lab.left().is_empty().then_some(()));
        engine.kill().unwrap();
        engine.wait().unwrap();
    }
}

#[test]
fn sweep_kills_the_supervisor_and_everything_below_it() {
    for way in WAYS {
        let lab =
            Lab::sh("env -i setsid sleep 1003 & setsid sleep 1000 & echo > ready; wait").under(way);
        let mut engine = engine(&lab);
        lab.await_file("ready");
        // The supervisor cannot help: it is stopped.
        let swept = sweep(&lab.job.id).unwrap();
        assert!(swept >= 4, "{swept}");
        assert_eq!(lab.left(), Vec::<String>::new());
        assert_eq!(sweep(&lab.job.id), Ok(0));
        engine.wait().unwrap();
    }
}

#[test]
fn a_sweep_spares_other_sessions() {
    let (one, other) = (Lab::sh("echo > ready; sleep 1000"), Lab::sh("echo > ready; sleep 1000"));
    let (mut running, _gone) = (one.start(), other.start());
    one.await_file("ready");
    other.await_file("ready");
    assert!(sweep(&other.job.id).unwrap() >= 2);
    running.kill();
    assert_eq!(one.finish(&mut *running).unwrap().exit, Exit::Interrupted);
}

#[test]
fn a_supervisor_that_is_told_to_stop_ends_the_trial_in_order() {
    for way in WAYS {
        let lab =
            Lab::sh("trap 'exit 0' TERM; echo > ready; while :; do sleep 0.01; done").under(way);
        let mut running = lab.start();
        lab.await_file("ready");
        signal(&lab.supervisor(), Signal::TERM);
        assert_eq!(lab.finish(&mut *running).unwrap().exit, Exit::Interrupted);
    }
}

/// A fork of the engine's (Python's `multiprocessing`) holds the life line open.
#[test]
fn a_killed_engine_is_noticed_even_if_a_fork_of_it_lives_on() {
    for way in WAYS {
        const ENGINE: &str = "\
import os, subprocess, sys, time
read, write = os.pipe()
subprocess.Popen([sys.argv[1], 'supervise'], stdin=read)
os.write(write, open(sys.argv[2], 'rb').read() + b'\\n')
fork = os.fork()
if fork: open(sys.argv[3], 'w').write(f'{fork}\\n')
time.sleep(1000)
";
        let lab = Lab::sh(SCRIPT).under(way);
        let job = lab.path("job.json");
        std::fs::write(&job, serde_json::to_vec(&lab.job).unwrap()).unwrap();
        let mut engine = Command::new("python3")
            .args(["-c", ENGINE, env!("CARGO_BIN_EXE_supervisor-for-tests")])
            .args([&job, &lab.path("fork")])
            .spawn()
            .unwrap();
        lab.await_file("ready");
        let fork = lab.await_file("fork");
        engine.kill().unwrap();
        engine.wait().unwrap();
        until(|| lab.left().is_empty().then_some(()));
        signal(&fork, Signal::KILL);
    }
}
