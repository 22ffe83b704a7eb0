//! A candidate: a commit made from a parent and changed files, with no
//! checkout and no index.
//!
//! One `git fast-import` writes trees, commit and reference. It asks nothing
//! of the size of the repository: only the folders on the way to a changed
//! file are read. Its objects are loose (`fastimport.unpackLimit`); a pack for
//! every experiment would slow all of git down.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use autoresearch_core::experiment::CommitId;
use autoresearch_core::proposal::FileEdit;
use autoresearch_core::units::Timestamp;

use crate::error::RepoError;
use crate::objects::EntryKind;
use crate::path::{checked, quoted};
use crate::repo::{Repo, id};

const PURPOSE: &str = "commit a candidate";

impl Repo {
    /// Commits `files` on top of `parent` and keeps the commit under
    /// `reference` (`refs/autoresearch/<tag>/<number>`). A file keeps its
    /// executable bit; a new one has none. The same arguments give the same
    /// commit; `reference` is ours and moves, so that it may be done again after
    /// a crash.
    ///
    /// # Errors
    /// [`RepoError::BadPath`] for what is no file, and when git fails.
    pub fn commit(
        &self,
        parent: &CommitId,
        files: &[FileEdit],
        message: &str,
        reference: &str,
        at: Timestamp,
    ) -> Result<CommitId, RepoError> {
        let parent = id(parent)?;
        if !reference.starts_with("refs/")
            || reference.contains(|c: char| c.is_whitespace() || c.is_control())
        {
            return Err(RepoError::BadPath {
                path: reference.to_owned(),
                why: "it is no name of a reference; choose a tag of letters, digits and dashes",
            });
        }
        for file in files {
            checked(&file.path)?;
        }
        let child = self
            .call(PURPOSE)
            .set("fastimport.unpackLimit=1000000")
            // Git would sync the pack that it takes apart at once, and by
            // default does not sync what comes out of it.
            .set("core.fsync=none")
            .args(["fast-import", "--quiet", "--force", "--done", "--date-format=raw"])
            .start(Stdio::piped())?;
        let mut import = Import::new(child)?;
        let told = import.modes(parent, files).and_then(|modes| {
            let Some(modes) = modes else { return Ok(None) };
            for (file, kind) in files.iter().zip(&modes) {
                if let Some(why) = obstacle(*kind) {
                    return Ok(Some(Err(RepoError::BadPath { path: file.path.clone(), why })));
                }
            }
            import.say(&self.stream(parent, files, &modes, message, reference, at))?;
            import.line().map(|line| line.map(Ok))
        });
        match told {
            Ok(Some(Err(bad))) => {
                import.abandon();
                Err(bad)
            }
            Ok(Some(Ok(commit))) => match import.end() {
                None => Ok(CommitId(commit)),
                Some(stderr) => Err(failure(stderr)),
            },
            // It ended early or the pipe broke: it has said why.
            Ok(None) | Err(_) => {
                let report =
                    self.git_dir().join(format!("fast_import_crash_{}", import.child.id()));
                let stderr = import.end().unwrap_or_default();
                // What git leaves for its own developers.
                let _ = fs::remove_file(report);
                Err(failure(stderr))
            }
        }
    }

    fn stream(
        &self,
        parent: &str,
        files: &[FileEdit],
        modes: &[EntryKind],
        message: &str,
        reference: &str,
        at: Timestamp,
    ) -> Vec<u8> {
        let (name, email) = self.identity();
        let seconds = at.0.div_euclid(1000).max(0);
        let who = format!("{name} <{email}> {seconds} +0000");
        let message = format!("{}\n", message.trim_end().replace('\0', " "));
        let mut stream = format!(
            "commit {reference}\nmark :1\nauthor {who}\ncommitter {who}\ndata {}\n{message}\nfrom {parent}\n",
            message.len()
        )
        .into_bytes();
        for (file, kind) in files.iter().zip(modes) {
            let path = quoted(&file.path);
            let Some(content) = &file.content else {
                stream.extend(format!("D {path}\n").into_bytes());
                continue;
            };
            let is_executable = *kind == (EntryKind::File { executable: true });
            let mode = if is_executable { "100755" } else { "100644" };
            let head = format!("M {mode} inline {path}\ndata {}\n", content.len());
            stream.extend(head.into_bytes());
            stream.extend(content);
            stream.push(b'\n');
        }
        stream.extend(b"\nget-mark :1\ndone\n");
        stream
    }
}

/// Why a path of this kind cannot be changed.
fn obstacle(kind: EntryKind) -> Option<&'static str> {
    match kind {
        EntryKind::Missing | EntryKind::File { .. } => None,
        EntryKind::Symlink => Some("it is a symbolic link; change the file that it leads to"),
        EntryKind::Directory => Some("it is a folder; name the files in it"),
        EntryKind::Submodule => Some("it is a submodule; its files belong to another repository"),
    }
}

fn failure(stderr: String) -> RepoError {
    RepoError::Git {
        purpose: PURPOSE,
        stderr,
        remedy: "check that the parent exists, that there is space left and that you may write to `.git`",
    }
}

/// A conversation with `git fast-import`.
struct Import {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Import {
    fn new(mut child: Child) -> Result<Import, RepoError> {
        let stdin = child.stdin.take();
        let Some(stdout) = child.stdout.take() else {
            return Err(failure("no output".to_owned()));
        };
        Ok(Import { child, stdin, stdout: BufReader::new(stdout) })
    }

    fn say(&mut self, text: &[u8]) -> std::io::Result<()> {
        match &mut self.stdin {
            Some(stdin) => stdin.write_all(text),
            None => Ok(()),
        }
    }

    /// The next line; `None` when there is no more.
    fn line(&mut self) -> std::io::Result<Option<String>> {
        let mut line = Vec::new();
        self.stdout.read_until(b'\n', &mut line)?;
        let text = String::from_utf8_lossy(&line);
        Ok(text.strip_suffix('\n').map(str::to_owned))
    }

    /// What the files are in the parent; `None` when git ended instead.
    fn modes(
        &mut self,
        parent: &str,
        files: &[FileEdit],
    ) -> std::io::Result<Option<Vec<EntryKind>>> {
        let mut modes = Vec::new();
        for file in files {
            self.say(format!("ls {parent} {}\n", quoted(&file.path)).as_bytes())?;
            let Some(answer) = self.line()? else {
                return Ok(None);
            };
            modes.push(match answer.split_once(' ') {
                Some(("missing", _)) | None => EntryKind::Missing,
                Some((mode, _)) => EntryKind::of(mode),
            });
        }
        Ok(Some(modes))
    }

    /// Waits for the end; the words of git when it failed.
    fn end(mut self) -> Option<String> {
        drop(self.stdin.take());
        let mut stderr = Vec::new();
        if let Some(mut pipe) = self.child.stderr.take() {
            let _ = pipe.read_to_end(&mut stderr);
        }
        match self.child.wait() {
            Ok(status) if status.success() => None,
            Ok(status) => {
                let text = String::from_utf8_lossy(&stderr);
                let text: Vec<&str> =
                    text.lines().filter(|l| !l.contains("dumping crash report")).collect();
                Some(if text.is_empty() { status.to_string() } else { text.join("\n") })
            }
            Err(error) => Some(error.to_string()),
        }
    }

    /// Ends it with nothing written.
    fn abandon(mut self) {
        let _ = self.say(b"done\n");
        let _ = self.end();
    }
}
