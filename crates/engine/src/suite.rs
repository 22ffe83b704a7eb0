//! The tests of trials, where the metric is about a suite of them: a small file
//! beside each log. Those of the baseline's first measured trial are what every
//! other trial is counted against.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use autoresearch_config::{Config, OnBudget};
use autoresearch_core::metric::Readings;
use autoresearch_core::suite::{
    Changes, Tests, changes, failing, from_tsv, last_running, recount, to_tsv,
};
use autoresearch_core::trial::{CrashKind, Trial};
use autoresearch_propose::Failing;
use autoresearch_run::Report;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

use crate::bench::{Bench, Order};
use crate::error::EngineError;
use crate::measure::trial_of;
use crate::places::Places;

/// A file that is longer, in bytes, is compressed.
const LONG: usize = 1 << 20;

/// Longest file that is read, in bytes.
const LONGEST: u64 = 1 << 30;

/// Failing tests that a brief names.
const TOLD: usize = 30;

/// What the tests of a trial are counted against.
pub(crate) struct Suite {
    /// None for the baseline's first measured trial: against themselves.
    baseline: Option<Tests>,
}

impl Suite {
    /// For a trial that has not run yet, if its metric is about a suite.
    pub(crate) fn of(
        config: &Config,
        places: &Places,
        order: &Order<'_>,
    ) -> Result<Option<Suite>, EngineError> {
        if !config.preset().is_some_and(|preset| preset.format.is_suite()) {
            return Ok(None);
        }
        // A first trial that an engine died in was not the first measured one.
        let is_first = (order.number, order.trial) == (0, 1);
        let baseline = if is_first { None } else { first_tests(places, 0) };
        if baseline.is_none() && order.number > 0 {
            return Err(EngineError::NoTests {
                path: places.tests(0, 1),
                tag: places.tag().to_owned(),
            });
        }
        Ok(Some(Suite { baseline }))
    }

    /// Counts what a run reported against the baseline.
    fn recount(&self, readings: &mut Readings, name: &str) {
        if let Some(baseline) = self.baseline.as_ref().filter(|_| !readings.tests.is_empty()) {
            recount(readings, name, baseline);
        }
    }
}

impl Bench<'_> {
    /// The trial that a finished run, or the measurement of one, makes, its tests
    /// counted and kept.
    pub(crate) fn trial_with_tests(
        &self,
        mut report: Report,
        suite: Option<&Suite>,
        folder: &Path,
        order: &Order<'_>,
        on_budget: OnBudget,
    ) -> Result<(Trial, Report), EngineError> {
        let name = &self.config.metric.name;
        let doubt = self.config.preset().and_then(|preset| {
            preset.format.doubt(name, &report.readings, &report.exit, &report.tail)
        });
        if let Some(why) = doubt {
            report.readings = Readings { trouble: Some(why), ..Readings::default() };
        }
        if let Some(suite) = suite {
            // Where it ran is nobody's concern, and differs from checkout to checkout.
            let folder = format!("{}/", folder.display());
            for test in report.readings.tests.values_mut() {
                test.message = test.message.replace(&folder, "");
            }
            suite.recount(&mut report.readings, name);
        }
        let mut trial = trial_of(&report, order.seed, name, &self.config.codes(), on_budget);
        if suite.is_some() {
            if let Some(crash) =
                trial.crash.as_mut().filter(|crash| crash.kind == CrashKind::Timeout)
                && let Some(test) = last_running(&report.tail)
            {
                crash.reason = format!("`{test}` was {}", crash.reason);
            }
            if trial.metric.is_some() {
                let path = self.places.tests(order.number, order.trial);
                write(&path, &report.readings.tests).map_err(EngineError::io("write", &path))?;
            }
        }
        Ok((trial, report))
    }
}

/// Complete, or not there at all.
fn write(path: &Path, tests: &Tests) -> io::Result<()> {
    let text = to_tsv(tests);
    let compressed = compressed(path);
    let (to, other, bytes) = if text.len() > LONG {
        let mut gz = GzEncoder::new(Vec::new(), Compression::fast());
        gz.write_all(text.as_bytes())?;
        (compressed, path.to_owned(), gz.finish()?)
    } else {
        (path.to_owned(), compressed, text.into_bytes())
    };
    let draft = path.with_extension("new");
    let mut file = fs::File::create(&draft)?;
    file.write_all(&bytes)?;
    // The baseline's is needed for as long as the session lasts.
    file.sync_all()?;
    fs::rename(&draft, &to)?;
    match fs::remove_file(&other) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn compressed(path: &Path) -> PathBuf {
    path.with_extension("tsv.gz")
}

/// The tests of a trial, if it was measured and its file is whole.
fn tests(places: &Places, number: u64, trial: u64) -> Option<Tests> {
    let path = places.tests(number, trial);
    let mut text = String::new();
    if let Ok(file) = fs::File::open(&path) {
        file.take(LONGEST).read_to_string(&mut text).ok()?;
    } else {
        let file = fs::File::open(compressed(&path)).ok()?;
        GzDecoder::new(file).take(LONGEST).read_to_string(&mut text).ok()?;
    }
    from_tsv(&text)
}

/// The tests of the first measured trial of an experiment.
fn first_tests(places: &Places, number: u64) -> Option<Tests> {
    // Mostly it is the first.
    if let Some(tests) = tests(places, number, 1) {
        return Some(tests);
    }
    let folder = places.tests(number, 1).parent()?.to_owned();
    let beginning = places.tests(number, 1).file_name()?.to_str()?.split_once('-')?.0.to_owned();
    let trial_of = |name: &str| -> Option<u64> {
        let (experiment, rest) = name.split_once('-')?;
        let (trial, end) = rest.split_once('.')?;
        let is_tests = experiment == beginning && end.starts_with("tests.tsv");
        trial.parse().ok().filter(|_| is_tests)
    };
    let names = fs::read_dir(folder)
        .ok()?
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok());
    let mut trials: Vec<u64> = names.filter_map(|name| trial_of(&name)).collect();
    trials.sort_unstable();
    trials.into_iter().find_map(|trial| tests(places, number, trial))
}

/// What a proposer is told of tests that do not pass at experiment `number`: some of
/// them, and how many more there are. Nothing where they are held out.
pub(crate) fn failing_at(config: &Config, places: &Places, number: u64) -> (Vec<Failing>, usize) {
    let is_suite = config.preset().is_some_and(|preset| preset.format.is_suite());
    if !is_suite || !config.metric.held_out.is_empty() {
        return (Vec::new(), 0);
    }
    let Some((baseline, tests)) = first_tests(places, 0).zip(first_tests(places, number)) else {
        return (Vec::new(), 0);
    };
    let failing = failing(&baseline, &tests);
    let more = failing.len().saturating_sub(TOLD);
    let told = failing.into_iter().take(TOLD);
    let told =
        told.map(|(test, message)| Failing { test: test.to_owned(), message: message.to_owned() });
    (told.collect(), more)
}

/// What an experiment did to single tests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestChanges {
    /// Number of the experiment that it started from.
    pub against: u64,
    /// Which tests of the baseline pass or fail since.
    pub changes: Changes,
}

/// What experiment `number` has changed against `parent`, where both were measured.
pub(crate) fn changes_between(places: &Places, parent: u64, number: u64) -> Option<TestChanges> {
    let after = first_tests(places, number)?;
    let (baseline, before) = (first_tests(places, 0)?, first_tests(places, parent)?);
    Some(TestChanges { against: parent, changes: changes(&baseline, &before, &after) })
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    fn suite(count: usize) -> Tests {
        let mut text = "outcome\ttest\tmessage\n".to_owned();
        for n in 0..count {
            let _ = writeln!(text, "failed\ttests.test_module::test_number[{n}]\tassert {n} == 0");
        }
        from_tsv(&text).unwrap()
    }

    fn places() -> (tempfile::TempDir, Places) {
        let root = tempfile::tempdir().unwrap();
        let places = Places::new(root.path(), "t");
        places.create().unwrap();
        (root, places)
    }

    #[test]
    fn a_long_file_is_compressed_and_one_of_a_run_before_goes() {
        let (_root, places) = places();
        let path = places.tests(3, 2);
        for (count, is_compressed) in [(3, false), (40_000, true), (3, false)] {
            write(&path, &suite(count)).unwrap();
            assert_eq!(
                (path.exists(), compressed(&path).exists()),
                (!is_compressed, is_compressed)
            );
            assert_eq!(super::tests(&places, 3, 2).unwrap().len(), count);
        }
    }

    #[test]
    fn the_first_measured_trial_tells_what_there_is() {
        let (_root, places) = places();
        assert_eq!(first_tests(&places, 0), None);
        write(&places.tests(0, 10), &suite(10)).unwrap();
        write(&places.tests(0, 9), &suite(9)).unwrap();
        write(&places.tests(11, 2), &suite(1)).unwrap();
        assert_eq!(first_tests(&places, 0).unwrap().len(), 9);
        write(&places.tests(0, 1), &suite(40_000)).unwrap();
        assert_eq!(first_tests(&places, 0).unwrap().len(), 40_000);
        // One that somebody cut is as good as lost.
        fs::write(compressed(&places.tests(0, 1)), "no gzip").unwrap();
        assert_eq!(first_tests(&places, 0).unwrap().len(), 9);
    }
}
