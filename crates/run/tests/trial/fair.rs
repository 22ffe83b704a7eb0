//! What makes trials comparable: CPUs of their own, budgets that do not depend
//! on what else runs, and a record of what the machine was like.

use std::process::{Child, Command};
use std::time::Duration;

use autoresearch_core::budget::Quota;
use autoresearch_core::metric::Take;
use autoresearch_core::trial::Exit;
use autoresearch_run::cpus::{allowed, of_slot};

use crate::lab::{Lab, WAYS};

#[test]
fn a_trial_is_held_to_its_cpus_however_it_is_confined() {
    let cpu = *allowed().last().unwrap();
    for way in WAYS {
        let lab = Lab::python("import os\nprint('loss:', *os.sched_getaffinity(0))")
            .under(way)
            .with(|job| job.cpus = vec![cpu]);
        assert_eq!(lab.run().readings.metric, Some(cpu as f64), "{way}");
    }
    let lab = Lab::python("import os\nprint('loss:', len(os.sched_getaffinity(0)))");
    assert_eq!(lab.run().readings.metric, Some(allowed().len() as f64));
}

#[test]
fn a_cpu_that_is_not_there_is_said() {
    let lab = Lab::sh("true").with(|job| job.cpus = vec![1023]);
    let error = lab.finish(&mut *lab.start()).unwrap_err().to_string();
    assert!(error.contains("[1023]") && error.contains("run.threads"), "{error}");
}

/// Half of it is used by a child that has ended, half by the parent and another
/// child.
const BURN: &str = "import os, time\n\
    def burn(seconds):\n\
    \x20   end = time.process_time() + seconds\n\
    \x20   while time.process_time() < end: pass\n\
    print('loss: 1')\n\
    if os.fork() == 0:\n\
    \x20   burn(0.15)\n\
    \x20   os._exit(0)\n\
    os.wait()\n\
    os.fork()\n\
    burn(1000)";

#[test]
fn a_trial_ends_when_its_processes_have_used_their_cpu_time() {
    for way in WAYS {
        let lab = Lab::python(BURN)
            .under(way)
            .with(|job| job.quota = Some(Quota::Cpu(Duration::from_millis(300))));
        let report = lab.run();
        assert_eq!(report.exit, Exit::Budget("300ms of CPU time".into()), "{way}");
        assert_eq!(report.readings.metric, Some(1.0));
        assert!(report.usage.cpu_seconds >= 0.3, "{way}: {:?}", report.usage);
        // Far from what it would have used.
        assert!(report.usage.cpu_seconds < 30.0, "{way}: {:?}", report.usage);
    }
}

#[test]
fn a_trial_that_sleeps_reaches_its_deadline_and_not_its_cpu_time() {
    let lab = Lab::sh("sleep 1000").with(|job| {
        job.quota = Some(Quota::Cpu(Duration::from_mins(10)));
        job.deadline_seconds = 0.2;
    });
    assert_eq!(lab.run().exit, Exit::Deadline);
}

fn steps(lab: Lab, steps: u64) -> Lab {
    lab.with(|job| job.quota = Some(Quota::Steps { steps, pattern: r"step[: ]+(\d+)".into() }))
}

#[test]
fn a_trial_ends_at_its_last_step_with_what_it_has_reported() {
    let endless = "i=0; while true; do i=$((i+1)); echo \"step $i loss: 0.$i\"; done";
    let report = steps(Lab::sh(endless), 7).run();
    assert_eq!(report.exit, Exit::Budget("7 steps".into()));
    assert_eq!(report.exit.to_string(), "ended at its budget of 7 steps");
    assert!(report.readings.metric.is_some());
    assert!(report.conditions.unwrap().steps >= Some(7));
    // Too few, and it ended by itself: nothing was reached.
    let report = steps(Lab::sh("echo step 6; echo loss: 1"), 7).run();
    assert_eq!((report.exit, report.conditions.unwrap().steps), (Exit::Code(0), Some(6)));
}

#[test]
fn a_trial_that_is_allowed_more_time_evaluates_after_its_last_step() {
    let lab = steps(Lab::sh("echo step 3; sleep 0.3; echo loss: 2"), 3)
        .with(|job| job.allowance_seconds = 60.0);
    let report = lab.run();
    assert_eq!((report.exit, report.readings.metric), (Exit::Code(0), Some(2.0)));
}

#[test]
fn a_pattern_of_steps_that_does_not_compile_is_said_before_the_run() {
    let lab = Lab::sh("touch ran")
        .with(|job| job.quota = Some(Quota::Steps { steps: 1, pattern: "(".into() }));
    let error = lab.finish(&mut *lab.start()).unwrap_err().to_string();
    assert!(error.contains("no regular expression") && !lab.path("ran").exists(), "{error}");
}

#[test]
fn a_benchmark_counts_with_its_least_value() {
    let lab = Lab::sh("for ms in 9 2 4; do echo loss: $ms; done").with(|job| job.take = Take::Min);
    assert_eq!(lab.run().readings.metric, Some(2.0));
}

/// Keeps a CPU busy until it is dropped.
struct Busy(Child);

impl Busy {
    fn on(cpu: usize) -> Busy {
        let burn = format!("import os\nos.sched_setaffinity(0, [{cpu}])\nwhile True: pass");
        Busy(Command::new("python3").args(["-c", &burn]).spawn().unwrap())
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn what_other_programs_use_of_a_trials_cpus_is_recorded() {
    let cpus = of_slot(0, 1).unwrap();
    let _busy = Busy::on(cpus[0]);
    let lab = Lab::python("import time\nwhile time.process_time() < 0.6: pass")
        .with(|job| job.cpus.clone_from(&cpus));
    let report = lab.run();
    let conditions = report.conditions.unwrap();
    let (own, others) = (conditions.own.unwrap(), conditions.others.unwrap());
    assert!(own > 0.0 && others > 0.1, "{conditions:?}");
    // There is one CPU, and little that the counters get wrong.
    assert!(own + others < 1.2, "{conditions:?}");
}
