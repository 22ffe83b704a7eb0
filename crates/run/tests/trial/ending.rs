//! How a command may end, or not start.

use std::time::Duration;

use autoresearch_core::trial::Exit;
use autoresearch_run::{Executor as _, Local, RunError};

use crate::lab::{Lab, WAYS};

#[test]
fn a_command_that_ends_well_is_exit_0_with_its_metric() {
    for way in WAYS {
        let lab = Lab::sh("echo loss: 0.25; echo to stderr >&2").under(way);
        let report = lab.run();
        assert_eq!(report.exit, Exit::Code(0));
        assert_eq!(report.readings.metric, Some(0.25));
        assert_eq!((report.strays, &report.out_of_memory), (0, &None));
        assert_eq!(report.tail, "loss: 0.25\nto stderr");
        assert_eq!(lab.log(), "loss: 0.25\nto stderr\n");
    }
}

#[test]
fn status_and_signal_are_told_apart() {
    for way in WAYS {
        assert_eq!(Lab::sh("exit 3").under(way).run().exit, Exit::Code(3));
        assert_eq!(Lab::sh("kill -SEGV $$").under(way).run().exit, Exit::Signal(11));
        assert_eq!(Lab::sh("kill -KILL $$").under(way).run().exit, Exit::Signal(9));
    }
}

#[test]
fn at_the_deadline_a_command_may_clean_up() {
    for way in WAYS {
        let lab =
            Lab::sh("trap 'echo loss: 2; exit 0' TERM; echo ready; while :; do sleep 0.01; done")
                .under(way)
                .with(|job| job.deadline_seconds = 0.3);
        let report = lab.run();
        assert_eq!(report.exit, Exit::Deadline);
        assert_eq!(report.readings.metric, Some(2.0));
    }
}

#[test]
fn a_command_that_ignores_term_is_killed_after_its_grace() {
    for way in WAYS {
        let lab = Lab::sh("trap '' TERM; echo loss: 3; while :; do sleep 0.01; done")
            .under(way)
            .with(|job| {
                job.deadline_seconds = 0.2;
                job.grace_seconds = 0.1;
            });
        let report = lab.run();
        assert_eq!(report.exit, Exit::Deadline);
        assert_eq!(report.readings.metric, Some(3.0));
        assert!(report.usage.wall_seconds >= 0.3);
    }
}

#[test]
fn an_interrupted_command_gets_term_and_its_grace() {
    for way in WAYS {
        let lab =
            Lab::sh("trap 'echo bye; exit 0' TERM; echo > ready; while :; do sleep 0.01; done")
                .under(way);
        let mut running = lab.start();
        lab.await_file("ready");
        assert_eq!(running.wait(Duration::ZERO), Ok(None));
        running.interrupt();
        let report = lab.finish(&mut *running).unwrap();
        assert_eq!(report.exit, Exit::Interrupted);
        // Some shells tell of their killed child as well.
        assert!(report.tail.ends_with("bye"), "{}", report.tail);
        assert_eq!(running.wait(Duration::ZERO), Ok(Some(report)), "asked again");
    }
}

#[test]
fn a_killed_command_gets_no_grace() {
    for way in WAYS {
        let lab = Lab::sh("trap '' TERM; echo > ready; while :; do sleep 0.01; done").under(way);
        let mut running = lab.start();
        lab.await_file("ready");
        running.interrupt();
        running.kill();
        assert_eq!(lab.finish(&mut *running).unwrap().exit, Exit::Interrupted);
    }
}

#[test]
fn an_order_given_at_once_is_not_lost() {
    for way in WAYS {
        let lab = Lab::command(&["sleep", "1000"]).under(way);
        let mut running = lab.start();
        running.interrupt();
        assert_eq!(lab.finish(&mut *running).unwrap().exit, Exit::Interrupted);
    }
}

#[test]
fn the_terminal_and_its_signals_do_not_reach_a_trial() {
    let report = Lab::python(
        "import os; print(os.getsid(0) == os.getpid() == os.getpgid(0), os.getpgid(os.getppid()) == os.getppid())",
    )
    .run();
    assert_eq!(report.tail, "True True");
}

fn why_not(lab: &Lab) -> String {
    match lab.run().exit {
        Exit::NotStarted(why) => why,
        exit => panic!("{exit:?}"),
    }
}

#[test]
fn a_command_that_cannot_start_says_what_to_do() {
    for way in WAYS {
        let why = why_not(&Lab::command(&["no-such-program"]).under(way));
        assert_eq!(why, "`no-such-program` was not found on PATH; install it, or write its path");
        assert!(why_not(&Lab::command(&["./nothing"]).under(way)).contains("was not found in"));
        assert!(why_not(&Lab::command(&[]).under(way)).contains("empty"));
        assert!(why_not(&Lab::command(&["a\0b"]).under(way)).contains("nul"));

        let lab = Lab::command(&["true"]).under(way).with(|job| job.directory = "/no/where".into());
        assert_eq!(why_not(&lab), "its directory `/no/where` does not exist");

        let lab = Lab::command(&["./script"]).under(way);
        std::fs::write(lab.path("script"), "#!/no/shell\r\n").unwrap();
        assert!(why_not(&lab).contains("chmod +x"));
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(lab.path("script"), mode).unwrap();
        assert!(why_not(&lab).contains("interpreter"));

        let lab =
            Lab::command(&["cat"]).under(way).with(|job| job.stdin = Some("/no/input".into()));
        assert!(why_not(&lab).contains("`/no/input`"));
    }
}

#[test]
fn a_program_is_found_without_a_path_in_the_environment() {
    for way in WAYS {
        let lab = Lab::command(&["env", "-u", "PATH", "sh", "-c", "echo found"]).under(way);
        assert_eq!(lab.run().tail, "found");
        let folder = Lab::command(&["mine"]).under(way);
        let script = folder.path("mine");
        std::fs::write(&script, "#!/bin/sh\necho mine $1\n").unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&script, mode).unwrap();
        let path = folder.folder.path().to_str().unwrap().to_owned();
        let lab = folder.with(|job| {
            job.environment.insert("PATH".into(), path);
        });
        assert_eq!(lab.run().tail, "mine");
    }
}

#[test]
fn a_supervisor_that_does_not_exist_is_named() {
    let lab = Lab::sh("true");
    let error = Local::new("/no/supervisor", ["x"]).start(&lab.job).err().unwrap();
    assert!(
        matches!(error, RunError::Spawn { .. }) && error.to_string().contains("/no/supervisor")
    );
}

#[test]
fn a_program_that_is_no_supervisor_is_noticed() {
    let lab = Lab::sh("true");
    let other = Local::new("/bin/sh", ["-c", "cat > /dev/null & echo rubbish; exit 4"]);
    let mut running = other.start(&lab.job).unwrap();
    let error = lab.finish(&mut *running).unwrap_err();
    let RunError::SupervisorDied { how, .. } = error else { panic!("{error:?}") };
    assert_eq!(how, "ended with exit 4, saying `rubbish`");
}

#[test]
fn a_job_that_makes_no_sense_is_refused_with_the_reason() {
    let lab = Lab::sh("true").with(|job| job.deadline_seconds = -1.0);
    let error = lab.finish(&mut *lab.start()).unwrap_err();
    assert!(error.to_string().contains("deadline_seconds is -1"), "{error}");
}

#[test]
fn open_files_of_the_engine_do_not_reach_a_trial() {
    for way in WAYS {
        let leaky = Local::new(
            "/bin/sh",
            [
                "-c",
                "exec 9< /dev/zero; exec \"$0\" supervise",
                env!("CARGO_BIN_EXE_supervisor-for-tests"),
            ],
        );
        let lab = Lab::python(
        "import os; print([fd for fd in range(3, 99) if os.path.exists(f'/proc/self/fd/{fd}')])",
    ).under(way);
        let report = lab.finish(&mut *leaky.start(&lab.job).unwrap()).unwrap();
        assert_eq!(report.tail, "[]");
    }
}
