//! What the output says: `core`'s parser, fed while the command runs, and the
//! files that it may write.

use std::path::{Path, PathBuf};

use autoresearch_core::budget::Quota;
use autoresearch_core::metric::{Extractor, Readings, Source, Take, read_json};

use crate::reports::{Report, Stamp, read_bounded, stamp};
use crate::{Job, RunError};

/// Reads the metric of one run.
pub(crate) struct Reader {
    extractor: Option<Extractor>,
    series: Series,
    json: Option<JsonFile>,
    report: Option<Report>,
    /// Of the steps that a budget counts.
    steps: Option<Extractor>,
}

/// Where the learning curve is read.
enum Series {
    None,
    /// Where the metric is.
    Metric,
    Other(Box<Extractor>),
}

struct JsonFile {
    directory: PathBuf,
    file: PathBuf,
    key: String,
    wanted: Vec<String>,
    /// What was there before the run: left as it was, it says nothing of it.
    before: Option<Stamp>,
}

impl Reader {
    /// A reader for a job that has not started yet.
    ///
    /// # Errors
    /// When its source or the pattern of its steps cannot be used.
    pub(crate) fn of(job: &Job) -> Result<Reader, RunError> {
        let series = job.series.as_ref();
        let mut reader = Reader::new(job.source.as_ref(), &job.wanted, series, &job.directory)?;
        reader.extractor = reader.extractor.map(|extractor| extractor.taking(job.take));
        if let Some(Quota::Steps { pattern, .. }) = &job.quota {
            let source = Source::Pattern { name: "step".to_owned(), pattern: pattern.clone() };
            let steps = Extractor::new(&source)
                .map_err(|error| RunError::BadJob { why: error.to_string() })?;
            // A run may count again from the start, as for each epoch.
            reader.steps = Some(steps.taking(Take::Max));
        }
        Ok(reader)
    }

    /// A reader for a run in `directory` that has not started yet; `wanted` are
    /// names beside the metric that must not be missed.
    ///
    /// # Errors
    /// When the source cannot be used, such as a pattern that does not compile.
    pub(crate) fn new(
        source: Option<&Source>,
        wanted: &[String],
        series: Option<&Source>,
        directory: &Path,
    ) -> Result<Reader, RunError> {
        // Of a run that is measured elsewhere, only names are read.
        let names =
            || Source::Json { name: String::new(), file: String::new(), key: String::new() };
        let bad = |error: autoresearch_core::metric::BadPattern| RunError::BadJob {
            why: error.to_string(),
        };
        let series = match series {
            None | Some(Source::Json { .. } | Source::Report { .. }) => Series::None,
            Some(_) if series == source => Series::Metric,
            Some(other) => Series::Other(Box::new(Extractor::new(other).map_err(bad)?)),
        };
        let report = match source {
            Some(Source::Report { name, format, files }) => {
                Some(Report::new(name, *format, files, wanted, directory)?)
            }
            _ => None,
        };
        let extractor = source
            .filter(|_| report.is_none())
            .cloned()
            .or_else(|| (!wanted.is_empty()).then(names))
            .map(|source| Extractor::wanting(&source, wanted))
            .transpose()
            .map_err(bad)?;
        let json = match source {
            Some(Source::Json { file, key, .. }) => {
                let (directory, file) = (directory.to_owned(), directory.join(file));
                let before = file.metadata().ok().as_ref().map(stamp);
                Some(JsonFile {
                    directory,
                    file,
                    key: key.clone(),
                    wanted: wanted.to_vec(),
                    before,
                })
            }
            _ => None,
        };
        Ok(Reader { extractor, series, json, report, steps: None })
    }

    /// Takes the next bytes of the output.
    pub(crate) fn feed(&mut self, chunk: &[u8]) {
        for extractor in self.extractor.iter_mut().chain(&mut self.steps) {
            extractor.feed(chunk);
        }
        if let Series::Other(extractor) = &mut self.series {
            extractor.feed(chunk);
        }
        if let Some(report) = &mut self.report {
            report.feed(chunk);
        }
    }

    /// The newest value of the series, and how many there have been.
    pub(crate) fn newest(&self) -> Option<(u64, f64)> {
        match &self.series {
            Series::None => None,
            Series::Metric => self.extractor.as_ref()?.newest(),
            Series::Other(extractor) => extractor.newest(),
        }
    }

    /// The highest step that the run has told of, where a budget counts them.
    pub(crate) fn steps(&self) -> Option<u64> {
        let steps = self.steps.as_ref()?.so_far()?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
        Some(steps as u64)
    }

    /// What the run said, now that it has ended.
    pub(crate) fn finish(self) -> Readings {
        let printed = self.extractor.map(Extractor::finish).unwrap_or_default();
        let mut readings = match (self.report, self.json) {
            (Some(report), _) => report.finish(),
            (None, Some(json)) => json
                .text()
                .map(|text| read_json(&text, &json.key, &json.wanted))
                .unwrap_or_default(),
            (None, None) => return printed,
        };
        for (name, value) in printed.secondary {
            readings.secondary.entry(name).or_insert(value);
        }
        readings
    }
}

impl JsonFile {
    /// The file's text, if the run wrote a plain file of sane size that lies in
    /// its directory, symbolic links followed.
    fn text(&self) -> Option<String> {
        let path = self.file.canonicalize().ok()?;
        if !path.starts_with(self.directory.canonicalize().ok()?) {
            return None;
        }
        let (text, now) = read_bounded(&path)?;
        (self.before != Some(now)).then_some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(file: &str) -> Source {
        Source::Json { name: "loss".into(), file: file.into(), key: "loss".into() }
    }

    #[test]
    fn a_json_file_counts_only_if_this_run_wrote_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("m.json");
        std::fs::write(&file, r#"{"loss": 1}"#).unwrap();
        let reader = Reader::new(Some(&source("m.json")), &[], None, folder.path()).unwrap();
        assert_eq!(reader.finish().metric, None);

        let mut reader = Reader::new(Some(&source("m.json")), &[], None, folder.path()).unwrap();
        std::fs::write(&file, r#"{"loss": 0.25}"#).unwrap();
        reader.feed(b"accuracy: 0.5\n");
        let readings = reader.finish();
        assert_eq!(readings.metric, Some(0.25));
        assert_eq!(readings.secondary.get("accuracy"), Some(&0.5));
    }

    #[test]
    fn wanted_names_are_read_of_a_run_that_is_measured_elsewhere() {
        let wanted = ["mem".to_owned()];
        let mut reader = Reader::new(None, &wanted, None, Path::new(".")).unwrap();
        reader.feed(b"mem: 7\n");
        let readings = reader.finish();
        assert_eq!((readings.metric, readings.secondary.get("mem")), (None, Some(&7.0)));
        let mut reader = Reader::new(None, &[], None, Path::new(".")).unwrap();
        reader.feed(b"mem: 7\n");
        assert_eq!(reader.finish(), Readings::default());
    }

    #[test]
    fn a_json_file_outside_the_directory_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("in");
        std::fs::create_dir(&inside).unwrap();
        let reader = |file| Reader::new(Some(&source(file)), &[], None, &inside).unwrap();
        let (link, dots) = (reader("link.json"), reader("../out.json"));
        std::fs::write(folder.path().join("out.json"), r#"{"loss": 1}"#).unwrap();
        std::os::unix::fs::symlink("../out.json", inside.join("link.json")).unwrap();
        assert_eq!(link.finish().metric, None);
        assert_eq!(dots.finish().metric, None);
    }

    #[test]
    fn a_named_pipe_in_place_of_the_json_file_does_not_hang() {
        let folder = tempfile::tempdir().unwrap();
        let reader = Reader::new(Some(&source("pipe")), &[], None, folder.path()).unwrap();
        autoresearch_testkit::pipe(&folder.path().join("pipe"));
        assert_eq!(reader.finish().metric, None);
    }

    #[test]
    fn a_pattern_that_does_not_compile_is_said_before_the_run() {
        let source = Source::Pattern { name: "x".into(), pattern: "(".into() };
        assert!(matches!(
            Reader::new(Some(&source), &[], None, Path::new(".")),
            Err(RunError::BadJob { .. })
        ));
    }
}
