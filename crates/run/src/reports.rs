//! The report of a tool: the files that a run wrote, by patterns, or its output.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Metadata};
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use autoresearch_core::metric::{Format, Part, Readings, read_report};
use flate2::Compression;
use flate2::read::GzEncoder;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use crate::RunError;

/// The number of a compressed artefact; compressing takes its time, so that it
/// is there only where it is the metric, or asked for.
const GZIP: &str = "gzip_bytes";
/// Largest file that is read, and most of an output that is looked at, in bytes.
const LARGEST: u64 = 64 << 20;
/// Most bytes of all files together.
const LARGEST_TOGETHER: u64 = 256 << 20;
/// Files and folders that are looked at for patterns.
const MOST_ENTRIES: usize = 200_000;

/// Device, inode, size and time of change: equal ones mean the same contents.
pub(crate) type Stamp = (u64, u64, u64, i64, i64);

/// Collects the report of one run.
pub(crate) struct Report {
    name: String,
    /// Numbers besides it that must not be missed.
    wanted: Vec<String>,
    format: Format,
    directory: PathBuf,
    patterns: Vec<String>,
    files: GlobSet,
    /// What was there before the run: left as it was, it says nothing of it. Or why
    /// that is not known.
    before: Result<BTreeMap<String, Stamp>, String>,
    output: Vec<u8>,
    is_too_long: bool,
}

impl Report {
    /// Of a run in `directory` that has not started yet.
    ///
    /// # Errors
    /// When a pattern cannot be used.
    pub(crate) fn new(
        name: &str,
        format: Format,
        patterns: &[String],
        wanted: &[String],
        directory: &Path,
    ) -> Result<Report, RunError> {
        let bad = |error: globset::Error| RunError::BadJob { why: error.to_string() };
        let mut files = GlobSetBuilder::new();
        for pattern in patterns {
            files.add(GlobBuilder::new(pattern).literal_separator(true).build().map_err(bad)?);
        }
        let mut report = Report {
            name: name.to_owned(),
            wanted: wanted.to_vec(),
            format,
            directory: directory.to_owned(),
            patterns: patterns.to_vec(),
            files: files.build().map_err(bad)?,
            before: Ok(BTreeMap::new()),
            output: Vec::new(),
            is_too_long: false,
        };
        // A build that had nothing to do leaves what it made as it was.
        if format != Format::Sizes {
            report.before = report.found().map(|found| found.into_iter().collect());
        }
        Ok(report)
    }

    /// Takes the next bytes of the output.
    pub(crate) fn feed(&mut self, chunk: &[u8]) {
        if !self.patterns.is_empty() || self.is_too_long {
            return;
        }
        if (self.output.len() + chunk.len()) as u64 > LARGEST {
            self.is_too_long = true;
            self.output = Vec::new();
        } else {
            self.output.extend_from_slice(chunk);
        }
    }

    /// What the report says, now that the run has ended.
    pub(crate) fn finish(self) -> Readings {
        let trouble = |why: String| Readings { trouble: Some(why), ..Readings::default() };
        if self.is_too_long {
            return trouble("the output is longer than 64 MiB, too long for a report".to_owned());
        }
        if self.patterns.is_empty() {
            let text = String::from_utf8_lossy(&self.output).into_owned();
            let part = Part { path: String::new(), bytes: self.output.len() as u64, text };
            return self.read(&[part]);
        }
        let (before, mut found) = match (&self.before, self.found()) {
            (Ok(before), Ok(found)) => (before, found),
            (Err(why), _) => return trouble(why.clone()),
            (_, Err(why)) => return trouble(why),
        };
        if let Some(why) = self.left_out(&found) {
            return trouble(why);
        }
        found.retain(|(path, stamp)| before.get(path) != Some(stamp));
        if found.is_empty() {
            let patterns = self.patterns.join("`, `");
            return trouble(format!(
                "the run wrote no report `{patterns}`: let the command write it there, or set `metric.report`"
            ));
        }
        self.read_files(found)
    }

    fn read_files(&self, found: Vec<(String, Stamp)>) -> Readings {
        let mut parts = Vec::new();
        let mut total = 0;
        for (path, stamp) in found {
            let text = if self.format == Format::Sizes {
                String::new()
            } else {
                total += stamp.2;
                let read = read_bounded(&self.directory.join(&path));
                let Some((text, _)) = read.filter(|_| total <= LARGEST_TOGETHER) else {
                    let why =
                        format!("the report `{path}` cannot be read, or is larger than 64 MiB");
                    return Readings { trouble: Some(why), ..Readings::default() };
                };
                text
            };
            parts.push(Part { path, bytes: stamp.2, text });
        }
        self.read(&parts)
    }

    fn read(&self, parts: &[Part]) -> Readings {
        let mut readings = read_report(self.format, &self.name, parts);
        // A report may tell of a kind of finding only where it is asked for it.
        for name in self.wanted.iter().filter(|name| **name != self.name) {
            if !readings.secondary.contains_key(name) {
                let asked = read_report(self.format, name, parts).metric;
                readings.secondary.extend(asked.map(|value| (name.clone(), value)));
            }
        }
        let is_asked = self.name == GZIP || self.wanted.iter().any(|name| name == GZIP);
        if self.format == Format::Sizes && is_asked {
            let bytes = parts.iter().map(|part| gzipped(&self.directory.join(&part.path))).sum();
            match bytes {
                Some(bytes) if self.name == GZIP => readings.metric = Some(bytes),
                Some(bytes) => drop(readings.secondary.insert(GZIP.to_owned(), bytes)),
                None => readings.trouble = Some("an artefact cannot be read".to_owned()),
            }
        }
        readings
    }

    /// Why the artefacts `found` are not all whose size counts: what is not built, or
    /// is a link, would take up no room.
    fn left_out(&self, found: &[(String, Stamp)]) -> Option<String> {
        if self.format != Format::Sizes {
            return None;
        }
        let mut patterns: BTreeSet<usize> = (0..self.patterns.len()).collect();
        for (path, _) in found {
            for at in self.files.matches(path) {
                patterns.remove(&at);
            }
        }
        if let Some(pattern) = patterns.first().and_then(|at| self.patterns.get(*at)) {
            return Some(format!(
                "the run built no `{pattern}`; where it is one of several that may be there, name them in one pattern, as `dist/*.{{js,css}}`"
            ));
        }
        let whole = |path: &str| self.directory.join(path).canonicalize().ok();
        let mut counted: Option<BTreeSet<_>> = None;
        let links = match self.matching(fs::FileType::is_symlink, MOST_ENTRIES) {
            Ok(links) => links,
            Err(why) => return Some(why),
        };
        let link = links.into_iter().find(|(link, _)| {
            // It may be another name for what counts.
            let counted = counted
                .get_or_insert_with(|| found.iter().filter_map(|(path, _)| whole(path)).collect());
            !whole(link).is_some_and(|file| counted.contains(&file))
        });
        link.map(|(link, _)| {
            format!(
                "the artefact `{link}` is a symbolic link: let the command copy what it leads to"
            )
        })
    }

    /// The plain files that the patterns mean, in order, symbolic links not followed.
    ///
    /// # Errors
    /// That there are too many to look at: half of a report would be another one.
    fn found(&self) -> Result<Vec<(String, Stamp)>, String> {
        self.matching(fs::FileType::is_file, MOST_ENTRIES)
    }

    /// What the patterns mean, of one type.
    fn matching(
        &self,
        is_type: fn(&fs::FileType) -> bool,
        most: usize,
    ) -> Result<Vec<(String, Stamp)>, String> {
        let mut found = Vec::new();
        let mut entries = most;
        let roots = self.patterns.iter().map(|pattern| literal_folder(pattern));
        let mut roots: Vec<&str> = roots.collect();
        roots.sort_unstable();
        roots.dedup();
        let mut folders: Vec<String> = roots.iter().map(|root| (*root).to_owned()).collect();
        while let Some(folder) = folders.pop() {
            let Ok(listing) = fs::read_dir(self.directory.join(&folder)) else { continue };
            for entry in listing.flatten() {
                entries = entries.checked_sub(1).ok_or_else(|| {
                    let patterns = self.patterns.join("`, `");
                    format!(
                        "more than {most} files would have to be looked at for `{patterns}`: name a folder in `metric.report`"
                    )
                })?;
                let Ok(name) = entry.file_name().into_string() else { continue };
                let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
                let Ok(metadata) = entry.metadata() else { continue };
                if metadata.is_dir() && path != ".git" {
                    folders.push(path);
                } else if is_type(&metadata.file_type()) && self.files.is_match(&path) {
                    found.push((path, stamp(&metadata)));
                }
            }
        }
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }
}

/// The folder that everything a pattern means lies below.
fn literal_folder(pattern: &str) -> &str {
    let literal = pattern.find(['*', '?', '[', '{', '\\']).unwrap_or(pattern.len());
    pattern[..literal].rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// What reports say that are there already, whoever wrote them: files, or
/// patterns of such, from `directory`. `name` is the number that is the metric.
///
/// # Errors
/// When a pattern cannot be used.
pub fn report_there(
    name: &str,
    format: Format,
    files: &[String],
    directory: &Path,
) -> Result<Readings, RunError> {
    let mut found = Vec::new();
    let mut patterns = Vec::new();
    for file in files {
        match directory.join(file).metadata() {
            Ok(metadata) if metadata.is_file() => found.push((file.clone(), stamp(&metadata))),
            _ => patterns.push(file.clone()),
        }
    }
    let mut report = Report::new(name, format, &patterns, &[], directory)?;
    let why = match report.found() {
        Ok(mut more) => {
            found.append(&mut more);
            let none = || format!("there is no `{}`", files.join("`, `"));
            if found.is_empty() { Some(none()) } else { report.left_out(&found) }
        }
        Err(why) => Some(why),
    };
    if let Some(why) = why {
        return Ok(Readings { trouble: Some(why), ..Readings::default() });
    }
    if format == Format::Sizes {
        // Compressing is worth its time: nobody waits but who asked.
        report.wanted = vec![GZIP.to_owned()];
    }
    Ok(report.read_files(found))
}

/// The text of a plain file of sane size, and its stamp.
pub(crate) fn read_bounded(path: &Path) -> Option<(String, Stamp)> {
    let (file, metadata) = autoresearch_plain::open(path).ok()?;
    if metadata.len() > LARGEST {
        return None;
    }
    let mut bytes = Vec::new();
    file.take(LARGEST).read_to_end(&mut bytes).ok()?;
    Some((String::from_utf8_lossy(&bytes).into_owned(), stamp(&metadata)))
}

/// How many bytes gzip makes of a file, at its best and without a name or a date.
fn gzipped(path: &Path) -> Option<f64> {
    let (file, _) = autoresearch_plain::open(path).ok()?;
    let bytes = std::io::copy(&mut GzEncoder::new(file, Compression::best()), &mut std::io::sink());
    Some(bytes.ok()? as f64)
}

pub(crate) fn stamp(metadata: &Metadata) -> Stamp {
    (metadata.dev(), metadata.ino(), metadata.len(), metadata.ctime(), metadata.ctime_nsec())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(folder: &Path, patterns: &[&str]) -> Report {
        let patterns: Vec<String> = patterns.iter().map(|p| (*p).to_owned()).collect();
        Report::new("score", Format::Pylint, &patterns, &[], folder).unwrap()
    }

    const RATED: &str = "Your code has been rated at 8.52/10\n";

    #[test]
    fn a_report_in_the_output_is_read_whole() {
        let folder = tempfile::tempdir().unwrap();
        let mut report = report(folder.path(), &[]);
        report.feed(b"Your code has been");
        report.feed(b" rated at 8.52/10\n");
        assert_eq!(report.finish().metric, Some(8.52));
    }

    #[test]
    fn a_report_counts_only_if_this_run_wrote_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("out/lint/a.txt");
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, RATED).unwrap();
        let stale = report(folder.path(), &["out/*/*.txt"]).finish();
        assert!(stale.trouble.unwrap().contains("out/*/*.txt"));
        let fresh = report(folder.path(), &["out/*/*.txt"]);
        std::fs::write(&file, RATED.replace("8.52", "9.1")).unwrap();
        assert_eq!(fresh.finish().metric, Some(9.1));
    }

    #[test]
    fn half_of_a_report_is_none() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.txt", "b.txt", "c"] {
            std::fs::write(folder.path().join(name), RATED).unwrap();
        }
        let report = report(folder.path(), &["*.txt"]);
        assert_eq!(report.matching(fs::FileType::is_file, 3).unwrap().len(), 2);
        let why = report.matching(fs::FileType::is_file, 2).unwrap_err();
        assert!(why.contains("`*.txt`: name a folder"), "{why}");
    }

    #[test]
    fn pipes_links_and_other_folders_are_no_reports() {
        let folder = tempfile::tempdir().unwrap();
        let pattern = report(folder.path(), &["*.txt"]);
        autoresearch_testkit::pipe(&folder.path().join("pipe.txt"));
        std::os::unix::fs::symlink("/etc/hostname", folder.path().join("link.txt")).unwrap();
        std::fs::create_dir(folder.path().join("deep")).unwrap();
        std::fs::write(folder.path().join("deep/a.txt"), RATED).unwrap();
        assert!(pattern.finish().trouble.is_some());
    }

    #[test]
    fn an_artefact_counts_though_the_run_left_it_as_it_was_and_is_not_text() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("dist")).unwrap();
        std::fs::write(folder.path().join("dist/app.bin"), vec![0xff; 5000]).unwrap();
        let wanted = ["gzip_bytes".to_owned()];
        let patterns = ["dist/**".to_owned()];
        let read = |name| {
            let sizes = Format::Sizes;
            Report::new(name, sizes, &patterns, &wanted, folder.path()).unwrap().finish()
        };
        let readings = read("bytes");
        assert_eq!(readings.metric, Some(5000.0));
        let small = readings.secondary["gzip_bytes"];
        assert!((10.0..200.0).contains(&small), "{small}");
        assert_eq!(read("gzip_bytes").metric, Some(small));
    }

    #[test]
    fn an_artefact_that_is_not_built_or_is_a_link_is_no_gain() {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str| fs::write(folder.path().join(path), "12345").unwrap();
        let link = |to: &str, path: &str| {
            std::os::unix::fs::symlink(to, folder.path().join(path)).unwrap();
        };
        let patterns = ["app.js".to_owned(), "*.css".to_owned()];
        let read = || {
            let report = Report::new("bytes", Format::Sizes, &patterns, &[], folder.path());
            report.unwrap().finish()
        };
        write("app.js");
        let why = read().trouble.unwrap();
        assert!(why.starts_with("the run built no `*.css`; "), "{why}");
        let there = report_there("bytes", Format::Sizes, &patterns, folder.path()).unwrap();
        assert_eq!(there.trouble, Some(why));
        write("app.css");
        assert_eq!(read().metric, Some(10.0));
        // Another name for what counts.
        link("app.css", "main.css");
        assert_eq!(read().metric, Some(10.0));
        write("elsewhere.txt");
        link("elsewhere.txt", "z.css");
        let why = read().trouble.unwrap();
        assert!(why.contains("`z.css` is a symbolic link"), "{why}");
    }

    #[test]
    fn only_files_are_compressed_and_not_what_a_linter_says() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("mypy.txt"), "Success: no issues found in 1 source file\n")
            .unwrap();
        let there = |format, name: &str| {
            report_there(name, format, &["mypy.txt".to_owned()], folder.path()).unwrap()
        };
        assert_eq!(there(Format::Mypy, "errors").secondary.get(GZIP), None);
        assert!(there(Format::Sizes, "bytes").secondary.contains_key(GZIP));
    }

    #[test]
    fn a_wanted_number_that_a_report_tells_only_when_asked_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let wanted = ["E711".to_owned(), "nonsense".to_owned()];
        let mut report =
            Report::new("violations", Format::Ruff, &[], &wanted, folder.path()).unwrap();
        report.feed(b"[]");
        let readings = report.finish();
        assert_eq!(readings.metric, Some(0.0));
        assert_eq!(readings.secondary.get("E711"), Some(&0.0));
        assert_eq!(readings.secondary.get("nonsense"), None);
    }

    #[test]
    fn files_that_are_there_are_read_whoever_wrote_them() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("lint [1].txt");
        std::fs::write(&file, RATED).unwrap();
        let read = |pattern: &str| {
            let patterns = [pattern.to_owned()];
            report_there("score", Format::Pylint, &patterns, folder.path()).unwrap()
        };
        assert_eq!(read("*.txt").metric, Some(8.52));
        assert_eq!(read("lint [1].txt").metric, Some(8.52));
        assert_eq!(read(file.to_str().unwrap()).metric, Some(8.52));
        assert!(read("*.xml").trouble.is_some());
    }

    #[test]
    fn only_what_lies_below_the_literal_part_is_looked_at() {
        assert_eq!(literal_folder("report.xml"), "");
        assert_eq!(literal_folder("target/criterion/**/new/sample.json"), "target/criterion");
        assert_eq!(literal_folder("**/*.xml"), "");
    }
}
