//! The learning curve of a run, told as it goes.

use std::time::Duration;

use autoresearch_core::curve::Point;
use autoresearch_core::metric::Source;
use autoresearch_core::trial::Exit;
use autoresearch_run::{Report, Running};

use crate::lab::{BOUND, Lab, WAYS, until};

const LEARNING: &str = "for x in 9 8 7 6 5 4 3 2 1; do echo loss: $x, err: 0.$x; sleep 0.05; done";

fn printed(name: &str) -> Source {
    Source::Printed { name: name.into() }
}

fn values(report: &Report) -> Vec<f64> {
    report.curve.points().iter().map(|point| point.value).collect()
}

#[test]
fn a_report_holds_the_curve_of_the_metric_or_of_another_series() {
    for way in WAYS {
        let lab = Lab::sh(LEARNING).under(way);
        assert_eq!(values(&lab.run()), Vec::<f64>::new());
        let report = lab.with(|job| job.series = Some(printed("loss"))).run();
        assert_eq!(values(&report), [9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0]);
        let last = report.curve.last().unwrap().seconds;
        assert!((0.4..=report.usage.wall_seconds).contains(&last), "{last}");
    }
    let other = Lab::sh(LEARNING).with(|job| job.series = Some(printed("err"))).run();
    assert_eq!(values(&other)[..2], [0.9, 0.8]);
    assert_eq!(other.readings.metric, Some(1.0));
}

/// What was heard so far, once there is anything.
fn points(running: &mut dyn Running) -> Vec<Point> {
    until(|| {
        assert_eq!(running.wait(Duration::from_millis(20)), Ok(None));
        Some(running.points()).filter(|points| !points.is_empty())
    })
}

#[test]
fn points_are_heard_while_the_run_goes_on() {
    let script = "n=0; while :; do n=$((n+1)); echo loss: $n; sleep 0.01; done";
    let lab = Lab::sh(script).with(|job| job.series = Some(printed("loss")));
    let mut running = lab.start();
    let first = points(&mut *running);
    let second = points(&mut *running);
    assert!(second[0].value > first[0].value && second[0].seconds > first[0].seconds);
    running.interrupt();
    let report = running.wait(BOUND).unwrap().unwrap();
    assert_eq!(report.exit, Exit::Interrupted);
    // A few a second are told, all are in the report.
    assert!(report.curve.points().len() > first.len() + second.len());
    assert!(report.curve.last().unwrap().value >= second[0].value);
}
