//! The report of a tool: the files that a run wrote, by patterns, or its output.

use std::collections::BTreeMap;
use std::fs::{File, Metadata};
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use autoresearch_core::metric::{Format, Part, Readings, read_report};
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use rustix::fs::{Mode, OFlags};

use crate::RunError;

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
    format: Format,
    directory: PathBuf,
    patterns: Vec<String>,
    files: GlobSet,
    /// What was there before the run: left as it was, it says nothing of it.
    before: BTreeMap<String, Stamp>,
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
        directory: &Path,
    ) -> Result<Report, RunError> {
        let bad = |error: globset::Error| RunError::BadJob { why: error.to_string() };
        let mut files = GlobSetBuilder::new();
        for pattern in patterns {
            files.add(GlobBuilder::new(pattern).literal_separator(true).build().map_err(bad)?);
        }
        let mut report = Report {
            name: name.to_owned(),
            format,
            directory: directory.to_owned(),
            patterns: patterns.to_vec(),
            files: files.build().map_err(bad)?,
            before: BTreeMap::new(),
            output: Vec::new(),
            is_too_long: false,
        };
        report.before = report.found().into_iter().collect();
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
            return read_report(self.format, &self.name, &[part]);
        }
        let patterns = self.patterns.join("`, `");
        let mut parts = Vec::new();
        let mut total = 0;
        for (path, stamp) in self.found() {
            if self.before.get(&path) == Some(&stamp) {
                continue;
            }
            total += stamp.2;
            let read = read_bounded(&self.directory.join(&path));
            let Some((text, _)) = read.filter(|_| total <= LARGEST_TOGETHER) else {
                return trouble(format!("the report `{path}` cannot be read, or is too large"));
            };
            parts.push(Part { path, bytes: stamp.2, text });
        }
        if parts.is_empty() {
            return trouble(format!(
                "the run wrote no report `{patterns}`: let the command write it there, or set `metric.report`"
            ));
        }
        read_report(self.format, &self.name, &parts)
    }

    /// The plain files that the patterns mean, in order, symbolic links not followed.
    fn found(&self) -> Vec<(String, Stamp)> {
        let mut found = Vec::new();
        let mut entries = MOST_ENTRIES;
        let roots = self.patterns.iter().map(|pattern| literal_folder(pattern));
        let mut roots: Vec<&str> = roots.collect();
        roots.sort_unstable();
        roots.dedup();
        let mut folders: Vec<String> = roots.iter().map(|root| (*root).to_owned()).collect();
        while let Some(folder) = folders.pop() {
            let Ok(listing) = std::fs::read_dir(self.directory.join(&folder)) else { continue };
            for entry in listing.flatten() {
                entries = match entries.checked_sub(1) {
                    Some(left) => left,
                    None => return found,
                };
                let Ok(name) = entry.file_name().into_string() else { continue };
                let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
                let Ok(metadata) = entry.metadata() else { continue };
                if metadata.is_dir() && path != ".git" {
                    folders.push(path);
                } else if metadata.is_file() && self.files.is_match(&path) {
                    found.push((path, stamp(&metadata)));
                }
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// The folder that everything a pattern means lies below.
fn literal_folder(pattern: &str) -> &str {
    let literal = pattern.find(['*', '?', '[', '{', '\\']).unwrap_or(pattern.len());
    pattern[..literal].rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The text of a plain file of sane size, and its stamp.
pub(crate) fn read_bounded(path: &Path) -> Option<(String, Stamp)> {
    // Without `NONBLOCK`, a named pipe would hold the supervisor for ever.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty()).ok()?);
    let metadata = file.metadata().ok()?;
    if !metadata.is_file() || metadata.len() > LARGEST {
        return None;
    }
    let mut bytes = Vec::new();
    file.take(LARGEST).read_to_end(&mut bytes).ok()?;
    Some((String::from_utf8_lossy(&bytes).into_owned(), stamp(&metadata)))
}

pub(crate) fn stamp(metadata: &Metadata) -> Stamp {
    (metadata.dev(), metadata.ino(), metadata.len(), metadata.ctime(), metadata.ctime_nsec())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(folder: &Path, patterns: &[&str]) -> Report {
        let patterns: Vec<String> = patterns.iter().map(|p| (*p).to_owned()).collect();
        Report::new("score", Format::Pylint, &patterns, folder).unwrap()
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
    fn pipes_links_and_other_folders_are_no_reports() {
        let folder = tempfile::tempdir().unwrap();
        let pattern = report(folder.path(), &["*.txt"]);
        rustix::fs::mknodat(
            rustix::fs::CWD,
            folder.path().join("pipe.txt"),
            rustix::fs::FileType::Fifo,
            Mode::from_raw_mode(0o600),
            0,
        )
        .unwrap();
        std::os::unix::fs::symlink("/etc/hostname", folder.path().join("link.txt")).unwrap();
        std::fs::create_dir(folder.path().join("deep")).unwrap();
        std::fs::write(folder.path().join("deep/a.txt"), RATED).unwrap();
        assert!(pattern.finish().trouble.is_some());
    }

    #[test]
    fn only_what_lies_below_the_literal_part_is_looked_at() {
        assert_eq!(literal_folder("report.xml"), "");
        assert_eq!(literal_folder("target/criterion/**/new/sample.json"), "target/criterion");
        assert_eq!(literal_folder("**/*.xml"), "");
    }
}
