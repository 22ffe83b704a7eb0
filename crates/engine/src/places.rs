//! Where everything lies: `.autoresearch/<tag>/` in the user's checkout.

use std::path::{Path, PathBuf};

/// The folder in the checkout that holds all sessions.
pub const FOLDER: &str = ".autoresearch";

/// Stands for the checks of an experiment where its trials are numbered from 1.
pub const CHECKS: u64 = 0;

/// The paths of one session.
#[derive(Clone, Debug)]
pub struct Places {
    root: PathBuf,
    tag: String,
}

impl Places {
    /// Of the session `tag` in the checkout at `root`.
    pub fn new(root: &Path, tag: &str) -> Places {
        Places { root: root.to_owned(), tag: tag.to_owned() }
    }

    /// The session's tag.
    pub(crate) fn tag(&self) -> &str {
        &self.tag
    }

    /// The session's folder.
    pub fn folder(&self) -> PathBuf {
        self.root.join(FOLDER).join(&self.tag)
    }

    /// The journal, the truth.
    pub fn journal(&self) -> PathBuf {
        self.folder().join("journal.db")
    }

    /// The lock beside it.
    pub(crate) fn lock(&self) -> PathBuf {
        self.folder().join("lock")
    }

    /// The worktree where trials run.
    pub(crate) fn bench(&self) -> PathBuf {
        self.folder().join("bench-1")
    }

    /// The worktree where a second command measures.
    pub(crate) fn scales(&self) -> PathBuf {
        self.folder().join("measure-1")
    }

    /// The worktree where proposals are written.
    pub(crate) fn desk(&self, number: usize) -> PathBuf {
        self.folder().join(format!("desk-{number}"))
    }

    /// The worktree in which a merge is prepared.
    pub(crate) fn landing(&self) -> PathBuf {
        self.folder().join("landing")
    }

    /// Briefs and other short-lived files.
    pub(crate) fn scratch(&self) -> PathBuf {
        self.folder().join("scratch")
    }

    /// The private home of an agent.
    pub(crate) fn home_of(&self, agent: &str) -> PathBuf {
        self.folder().join(format!("home-{agent}"))
    }

    /// What the last trial ran on, beside its commit.
    pub(crate) fn environment(&self) -> PathBuf {
        self.folder().join("environment.tsv")
    }

    /// Output of a trial, or of the checks.
    pub fn log(&self, number: u64, trial: u64) -> PathBuf {
        self.folder().join("logs").join(name_of(number, trial) + ".log")
    }

    /// What became of single tests in a trial; beside its log.
    pub(crate) fn tests(&self, number: u64, trial: u64) -> PathBuf {
        self.log(number, trial).with_extension("tests.tsv")
    }

    /// What a trial, or the checks, may leave for the user (`AUTORESEARCH_OUT`).
    pub(crate) fn out(&self, number: u64, trial: u64) -> PathBuf {
        self.folder().join("out").join(name_of(number, trial))
    }

    /// The number of the last program that ran on a desk, as its log tells.
    pub(crate) fn last_errand(&self) -> u64 {
        let logs = std::fs::read_dir(self.folder().join("logs")).into_iter().flatten().flatten();
        let number = |name: &str| name.strip_prefix("desk-")?.split('.').next()?.parse().ok();
        logs.filter_map(|log| number(log.file_name().to_str()?)).max().unwrap_or(0)
    }

    /// The written summary.
    pub fn summary(&self) -> PathBuf {
        self.folder().join("autoresearch-summary.md")
    }

    /// The plot, as SVG or PNG.
    pub fn plot(&self, extension: &str) -> PathBuf {
        self.folder().join(format!("progress.{extension}"))
    }

    /// Makes the folders.
    pub(crate) fn create(&self) -> std::io::Result<()> {
        for folder in ["logs", "out", "scratch"] {
            std::fs::create_dir_all(self.folder().join(folder))?;
        }
        Ok(())
    }

    /// Removes the folders that runs of a dead engine had for themselves. One
    /// that cannot be removed is left to the next run in it.
    pub(crate) fn clear_scratch(&self) {
        for entry in std::fs::read_dir(self.scratch()).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                let _ = std::fs::remove_dir_all(entry.path());
            }
        }
    }

    /// The research branch of a tag, without `refs/heads/`.
    pub fn branch(tag: &str) -> String {
        format!("autoresearch/{tag}")
    }

    /// The full name of the research branch.
    pub(crate) fn branch_ref(&self) -> String {
        format!("refs/heads/{}", Places::branch(&self.tag))
    }

    /// The reference under which a candidate survives.
    pub(crate) fn candidate_ref(&self, number: u64) -> String {
        format!("refs/autoresearch/{}/{number}", self.tag)
    }

    /// The reference that a draft has while its patch is made of it.
    pub(crate) fn draft_ref(&self) -> String {
        format!("refs/autoresearch/{}/draft", self.tag)
    }

    /// The reference under which the platform's edits are kept.
    pub(crate) fn adjusted_ref(&self) -> String {
        format!("refs/autoresearch/{}/adjusted", self.tag)
    }

    /// The reference under which a merge is kept that could not be landed.
    pub(crate) fn landed_ref(&self) -> String {
        format!("refs/autoresearch/{}/landed", self.tag)
    }
}

/// As `0042-1`, and `0042-checks` for the checks.
fn name_of(number: u64, trial: u64) -> String {
    match trial {
        CHECKS => format!("{number:04}-checks"),
        trial => format!("{number:04}-{trial}"),
    }
}

/// Tags of the sessions in a checkout, the latest used last.
pub fn sessions(root: &Path) -> Vec<String> {
    let Ok(folders) = std::fs::read_dir(root.join(FOLDER)) else { return Vec::new() };
    let mut found: Vec<_> = folders
        .flatten()
        .filter_map(|folder| {
            let tag = folder.file_name().into_string().ok()?;
            let journal = Places::new(root, &tag).journal();
            // In WAL mode the newest bytes are beside the journal.
            let used = [journal.with_extension("db-wal"), journal]
                .iter()
                .filter_map(|path| path.metadata().ok()?.modified().ok())
                .max()?;
            Some((used, tag))
        })
        .collect();
    found.sort();
    found.into_iter().map(|(_, tag)| tag).collect()
}
