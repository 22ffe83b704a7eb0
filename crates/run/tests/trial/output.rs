//! What becomes of what a command prints.

use std::fs::File;
use std::io::Read as _;

use autoresearch_core::metric::Source;
use autoresearch_core::trial::Exit;
use autoresearch_run::{LogLimit, RunError};

use crate::lab::Lab;

#[test]
fn arguments_with_spaces_and_quotes_arrive_as_they_are() {
    let odd = "a 'b' \"c\" $HOME *\n\\ é";
    let lab = Lab::command(&["printf", "%s|", odd, "", "--x=1"]);
    lab.run();
    assert_eq!(lab.log(), format!("{odd}||--x=1|"));
}

#[test]
fn output_that_is_not_utf8_is_kept_byte_for_byte() {
    let lab = Lab::sh(r"printf 'a\377\000b\nloss: 0.5\n\303'");
    let report = lab.run();
    assert_eq!(std::fs::read(&lab.job.log).unwrap(), b"a\xff\0b\nloss: 0.5\n\xc3");
    assert_eq!(report.readings.metric, Some(0.5));
    assert_eq!(report.tail, "a\u{fffd}b\nloss: 0.5\n\u{fffd}");
}

#[test]
fn a_last_line_without_an_end_counts() {
    let report = Lab::sh("printf 'loss: 0.125'").run();
    assert_eq!((report.readings.metric, report.output_bytes), (Some(0.125), 11));
}

#[test]
fn a_command_that_closes_its_output_goes_on() {
    let lab = Lab::sh("echo loss: 1; exec >&- 2>&-; sleep 0.05; echo > done; exit 6");
    assert_eq!(lab.run().exit, Exit::Code(6));
    assert!(lab.path("done").exists());
}

#[test]
fn both_streams_are_in_order_of_arrival() {
    let lab = Lab::sh("for i in 1 2 3; do echo o$i; echo e$i >&2; done");
    lab.run();
    assert_eq!(lab.log(), "o1\ne1\no2\ne2\no3\ne3\n");
}

#[test]
fn input_is_a_file_or_nothing() {
    let lab = Lab::command(&["cat"]);
    assert_eq!(lab.run().output_bytes, 0);
    std::fs::write(lab.path("input"), "loss: 4\n").unwrap();
    let input = lab.path("input");
    assert_eq!(lab.with(|job| job.stdin = Some(input)).run().readings.metric, Some(4.0));
}

#[test]
fn the_environment_is_set_on_top_of_what_is_inherited() {
    let lab = Lab::sh("echo $NEW ${PATH:+path} $AUTORESEARCH_TRIAL").with(|job| {
        job.environment.insert("NEW".into(), "a b".into());
    });
    assert_eq!(lab.run().tail, format!("a b path {}", lab.job.id));
}

#[test]
fn a_flood_of_output_costs_constant_memory() {
    const BYTES: u64 = 80_000_000;
    let lab = Lab::sh(&format!(
        "yes 'step 1 | something: 2' | head -c {BYTES}; echo; echo loss: 9; grep VmHWM /proc/$PPID/status"
    ))
    .with(|job| job.log_limit = LogLimit { head: 1000, tail: 1000, whole: 1_000_000 });
    let report = lab.run();
    assert_eq!(report.readings.metric, Some(9.0));
    assert!(report.output_bytes > BYTES);
    let peak = report.tail.lines().last().unwrap();
    let kib: u64 = peak.split_whitespace().nth(1).unwrap().parse().unwrap();
    assert!(kib < 64 * 1024, "{peak}");

    let log = lab.log();
    assert!(log.len() < 2200 && log.contains("bytes left out here; the first 1000000 bytes"));
    let mut whole = Vec::new();
    let gz = File::open(lab.path("log.gz")).unwrap();
    flate2::read::GzDecoder::new(gz).read_to_end(&mut whole).unwrap();
    assert_eq!(whole.len(), 1_000_000);
}

#[test]
fn a_log_that_cannot_be_written_is_an_error_that_names_it() {
    let lab = Lab::sh("true").with(|job| job.log = "/no/where/log".into());
    let error = lab.finish(&mut *lab.start()).unwrap_err();
    assert!(error.to_string().contains("`/no/where/log`"), "{error}");

    let lab = Lab::sh("true").with(|job| job.result = "/no/where/result".into());
    let error = lab.finish(&mut *lab.start()).unwrap_err();
    assert!(error.to_string().contains("`/no/where/result`"), "{error}");
}

#[test]
fn a_full_disk_ends_the_trial_with_an_error() {
    let lab = Lab::sh("setsid sleep 1000 & while :; do echo loss: 1; done")
        .with(|job| job.log = "/dev/full".into());
    let error = lab.finish(&mut *lab.start()).unwrap_err();
    assert!(matches!(&error, RunError::Write { path, .. } if path.ends_with("full")), "{error}");
}

#[test]
fn a_metric_in_a_json_file_is_read_when_the_command_has_ended() {
    let source =
        Source::Json { name: "loss".into(), file: "out/m.json".into(), key: "val.loss".into() };
    let lab = Lab::sh(r#"mkdir out; echo '{"val": {"loss": 0.75}}' > out/m.json"#)
        .with(|job| job.source = Some(source));
    assert_eq!(lab.run().readings.metric, Some(0.75));
}
