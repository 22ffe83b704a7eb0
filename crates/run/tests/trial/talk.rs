//! What a command prints is heard while it runs, and it can be answered.

use std::time::Duration;

use autoresearch_core::trial::Exit;
use autoresearch_run::{LogLimit, Report, Running, Talk};

use crate::lab::{Lab, WAYS, until};

/// Runs a job to its end, showing everything heard so far to `answer` as it
/// comes.
fn hear_out(
    running: &mut dyn Running,
    mut answer: impl FnMut(&mut dyn Running, &[u8]),
) -> (Report, Vec<u8>) {
    let mut heard = Vec::new();
    let report = until(|| {
        let report = running.wait(Duration::from_secs(1)).unwrap();
        let more = running.heard();
        if !more.is_empty() {
            heard.extend(more);
            answer(running, &heard);
        }
        report
    });
    (report, heard)
}

#[test]
fn a_command_is_spoken_with_however_it_is_confined() {
    for way in WAYS {
        let script = "echo ready; read word; echo got $word; read more || echo end; exit 4";
        let lab = Lab::sh(script).under(way).with(|job| job.talk = Talk::Converse);
        let mut running = lab.start();
        let (report, heard) = hear_out(&mut *running, |running, heard| {
            if heard == b"ready\n" {
                running.say(b"hello\n");
            } else if heard.ends_with(b"got hello\n") {
                running.fall_silent();
            }
        });
        assert_eq!(String::from_utf8(heard).unwrap(), "ready\ngot hello\nend\n", "{way}");
        assert_eq!(report.exit, Exit::Code(4));
    }
}

#[test]
fn standard_error_is_no_part_of_what_is_heard_but_of_the_log_and_the_end() {
    let lab = Lab::sh("for i in 1 2 3; do echo o$i; echo e$i >&2; done")
        .with(|job| job.talk = Talk::Hear);
    let (report, heard) = hear_out(&mut *lab.start(), |_, _| {});
    assert_eq!(heard, b"o1\no2\no3\n");
    assert_eq!(report.tail, "o1\no2\no3\ne1\ne2\ne3");
    assert_eq!((report.output_bytes, lab.log().len()), (18, 18));
}

#[test]
fn all_of_a_flood_is_heard_even_if_the_listener_is_slow_and_the_log_keeps_little() {
    const BYTES: usize = 30_000_000;
    let lab = Lab::sh(&format!("yes abcdefg | head -c {BYTES}")).with(|job| {
        job.talk = Talk::Hear;
        job.log_limit = LogLimit { head: 1000, tail: 1000, whole: 1000 };
    });
    let mut running = lab.start();
    // It waits for a listener that takes nothing.
    for _ in 0..100 {
        assert!(running.wait(Duration::from_millis(1)).unwrap().is_none());
    }
    let (report, heard) = hear_out(&mut *running, |_, _| {});
    assert_eq!((report.exit, heard.len()), (Exit::Code(0), BYTES));
    assert!(heard.chunks(8).all(|line| line == b"abcdefg\n"));
}

#[test]
fn one_that_does_not_listen_holds_nobody_up() {
    let lab = Lab::sh("echo ready; exec sleep 1000").with(|job| job.talk = Talk::Converse);
    let mut running = lab.start();
    let megabyte = vec![b'x'; 1 << 20];
    let (report, _) = hear_out(&mut *running, |running, _| {
        for _ in 0..100 {
            running.say(&megabyte);
        }
        running.interrupt();
    });
    assert_eq!(report.exit, Exit::Interrupted);
}

#[test]
fn one_that_is_let_go_in_the_midst_of_a_talk_leaves_nothing() {
    let lab = Lab::sh("sleep 1000 & yes").with(|job| job.talk = Talk::Converse);
    let mut running = lab.start();
    until(|| {
        running.wait(Duration::from_secs(1)).unwrap();
        (!running.heard().is_empty()).then_some(())
    });
    drop(running);
    until(|| lab.left().is_empty().then_some(()));
}
