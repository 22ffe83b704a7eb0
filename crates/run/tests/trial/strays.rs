//! Processes that try to outlive their trial.

use autoresearch_core::trial::Exit;

use crate::lab::{Lab, WAYS};

#[test]
fn a_double_forked_daemon_is_killed_after_a_normal_exit() {
    for way in WAYS {
        let report = Lab::python(
        "import os, time\n\
         if os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n        os.close(1); os.close(2)\n        time.sleep(1000)\n    os._exit(0)\n\
         os.wait(); print('loss: 1')",
    )
    .under(way)
    .run();
        assert_eq!((report.exit, report.strays), (Exit::Code(0), 1));
        assert_eq!(report.readings.metric, Some(1.0));
    }
}

#[test]
fn a_child_in_a_session_of_its_own_is_killed() {
    for way in WAYS {
        let report =
            Lab::sh("setsid sleep 1000 > /dev/null 2>&1 & echo > x; exit 5").under(way).run();
        assert_eq!((report.exit, report.strays), (Exit::Code(5), 1));
    }
}

#[test]
fn a_child_that_clears_its_environment_is_killed() {
    for way in WAYS {
        let lab =
            Lab::sh("env -i setsid sleep 1007 > /dev/null 2>&1 & exec env -i true").under(way);
        assert_eq!(lab.run().strays, 1);
    }
}

#[test]
fn a_child_that_holds_the_output_open_does_not_hold_the_trial() {
    for way in WAYS {
        let report = Lab::sh("sleep 1000 & echo loss: 7").under(way).run();
        assert_eq!((report.exit, report.strays), (Exit::Code(0), 1));
        assert_eq!(report.readings.metric, Some(7.0));
    }
}

#[test]
fn a_child_that_still_writes_when_the_command_ends_may_finish() {
    for way in WAYS {
        let report = Lab::sh("(sleep 0.05; echo loss: 8) & exit 0").under(way).run();
        assert_eq!((report.readings.metric, report.strays), (Some(8.0), 0));
    }
}

/// As torchrun: each rank in its own session, and the ranks ignore TERM.
const LAUNCHER: &str = "\
import os, signal, subprocess, sys, time
rank = 'import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(\"rank\", flush=True); time.sleep(1000)'
ranks = [subprocess.Popen([sys.executable, '-c', rank], start_new_session=True, stdout=subprocess.PIPE) for _ in range(3)]
for r in ranks: r.stdout.readline()
signal.signal(signal.SIGTERM, signal.SIG_IGN if len(sys.argv) > 1 else lambda *_: sys.exit(0))
open('ready', 'w').write('\\n')
time.sleep(1000)
";

#[test]
fn ranks_in_sessions_of_their_own_end_with_their_launcher() {
    for way in WAYS {
        let lab = Lab::python(LAUNCHER).under(way);
        let mut running = lab.start();
        lab.await_file("ready");
        running.interrupt();
        let report = lab.finish(&mut *running).unwrap();
        assert_eq!((report.exit, report.strays), (Exit::Interrupted, 3));
    }
}

#[test]
fn a_launcher_that_ignores_term_is_killed_with_its_ranks() {
    for way in WAYS {
        let lab = Lab::python(LAUNCHER).under(way).with(|job| {
            job.command.push("stubborn".into());
            job.grace_seconds = 0.05;
        });
        let mut running = lab.start();
        lab.await_file("ready");
        running.interrupt();
        assert_eq!(lab.finish(&mut *running).unwrap().exit, Exit::Interrupted);
    }
}

#[test]
fn processes_that_keep_forking_are_all_killed() {
    for way in WAYS {
        let report = Lab::python(
        "import os, time\n\
         def run():\n    end = time.time() + 30\n    while time.time() < end:\n        if os.fork(): os._exit(0)\n        os.setsid()\n\
         for _ in range(4):\n    if os.fork() == 0:\n        run(); os._exit(0)\n\
         print('loss: 1')",
    )
    .under(way)
    .run();
        assert_eq!((report.exit, report.readings.metric), (Exit::Code(0), Some(1.0)));
        assert!(report.strays >= 1);
    }
}

#[test]
fn a_trial_that_is_dropped_is_killed() {
    for way in WAYS {
        let lab =
            Lab::sh("setsid sleep 1000 & echo > ready; trap '' TERM; while :; do sleep 0.01; done")
                .under(way);
        let running = lab.start();
        lab.await_file("ready");
        drop(running);
        assert_eq!(lab.left(), Vec::<String>::new());
    }
}
