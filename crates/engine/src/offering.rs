//! A change that somebody outside offers to a session, running or not: checked
//! at once as the conductor would check it now, left in the inbox, and followed
//! from there to its verdict. The conductor checks it again when its turn comes.

mod fates;

use std::fmt::Write as _;

use autoresearch_core::proposal::Refusal;
use autoresearch_core::session::{Event, Record, State};
use autoresearch_ledger::Message;
use autoresearch_repo::Tracked;

use self::fates::Fates;
use crate::conductor::read_targets;
use crate::error::EngineError;
use crate::experiment::patch_between;
use crate::guard::{self, Targets};
use crate::view::View;

/// A change to the incumbent, as it is easiest to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A patch in git's or `diff -u`'s form.
    Patch(String),
    /// New contents of files, by path.
    Files(Vec<(String, String)>),
    /// Passages that are replaced, one after another.
    Replace(Vec<Replacement>),
}

/// A passage of a file that is replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replacement {
    /// The file, from the root of the repository.
    pub path: String,
    /// What is there; must be there exactly once.
    pub old: String,
    /// What comes in its place.
    pub new: String,
}

/// What became of an offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It waits for its turn behind this many others.
    Queued {
        /// How many go before it.
        ahead: usize,
    },
    /// It is this experiment.
    Experiment(u64),
    /// The guard sent it back, for this reason.
    Refused(String),
    /// Nobody here turns its sentence into an edit; it waits for a resume with
    /// somebody who can.
    SetAside(String),
    /// Somebody took it out of the queue.
    Dropped,
}

impl View {
    /// Checks a change against the incumbent of this moment and leaves it for
    /// the engine. Returns the number by which [`Follower::fate`] knows it, or
    /// why it would be refused; then nothing is left.
    ///
    /// A sentence without a change is for a session with a proposer that writes
    /// edits. `by` says who proposes, as the ledger will.
    ///
    /// # Errors
    /// When the journal or git cannot be used.
    pub fn offer(
        &self,
        hypothesis: &str,
        change: Option<&Change>,
        by: &str,
    ) -> Result<Result<i64, Refusal>, EngineError> {
        let patch = match change {
            None => None,
            Some(change) => match self.checked(change, by)? {
                Ok(patch) => Some(patch),
                Err(refusal) => return Ok(Err(refusal)),
            },
        };
        let (hypothesis, by) = (hypothesis.trim().to_owned(), Some(by.to_owned()));
        self.post(&Message::Hypothesis { hypothesis, patch, by }).map(Ok)
    }

    /// The change as a patch, if it may enter now.
    fn checked(&self, change: &Change, by: &str) -> Result<Result<String, Refusal>, EngineError> {
        let mut state = State::default();
        self.replay_since(0, |record| state.apply(&record))?;
        let Some(tip) = state.tip() else { return Ok(Err(Refusal::Empty)) };
        let targets = read_targets(self.repo(), tip, &self.config().target)?;
        let texts = match change {
            Change::Patch(_) => Ok(Vec::new()),
            Change::Files(files) => Ok(files.clone()),
            Change::Replace(passages) => replaced(&targets, passages),
        };
        let patch = match (change, texts) {
            (_, Err(refusal)) => return Ok(Err(refusal)),
            (Change::Patch(patch), _) => patch.clone(),
            (_, Ok(texts)) => {
                let tracked = self.repo().tracked(tip)?;
                match patch_of(&targets, &tracked, &texts) {
                    Ok(patch) => patch,
                    Err(refusal) => return Ok(Err(refusal)),
                }
            }
        };
        let edits = match self.repo().apply_patch(tip, patch.as_bytes())? {
            Ok(edits) => edits,
            // What changes nothing is no patch to git.
            Err(_) if patch.trim().is_empty() => return Ok(Err(Refusal::Empty)),
            Err(why) => return Ok(Err(Refusal::DoesNotApply { why })),
        };
        let tried = |fingerprint| state.tried(fingerprint);
        let accepted = guard::check(&targets, self.config().scope, &edits, tried)
            .and_then(|accepted| guard::one_idea(self.config(), by, &targets, accepted));
        Ok(accepted.map(|_| patch))
    }
}

/// New texts of targets, by path.
type Texts = Vec<(String, String)>;

/// The targets with passages replaced.
fn replaced(targets: &Targets, passages: &[Replacement]) -> Result<Texts, Refusal> {
    let mut files = Texts::new();
    for Replacement { path, old, new } in passages {
        if !files.iter().any(|(known, _)| known == path) {
            files.push((path.clone(), text_of(targets, path)?.to_owned()));
        }
        let Some((_, text)) = files.iter_mut().find(|(known, _)| known == path) else { continue };
        let why = match text.matches(old.as_str()).count() {
            _ if old.is_empty() => format!("a passage to replace in `{path}` is empty"),
            1 => {
                *text = text.replacen(old.as_str(), new, 1);
                continue;
            }
            0 => format!("this is not in `{path}` as it is now: {}", excerpt(old)),
            n => format!("this is {n} times in `{path}`, take more lines of it: {}", excerpt(old)),
        };
        return Err(Refusal::DoesNotApply { why });
    }
    Ok(files)
}

fn excerpt(text: &str) -> String {
    let start: String = text.chars().take(120).collect();
    format!("{start:?}")
}

fn text_of<'a>(targets: &'a Targets, path: &str) -> Result<&'a str, Refusal> {
    let bytes = targets.get(path).ok_or_else(|| guard::no_target(targets, path))?;
    str::from_utf8(bytes)
        .map_err(|_| Refusal::DoesNotApply { why: format!("`{path}` is not UTF-8; give a patch") })
}

/// One patch to these texts, which names the blobs that it is of: where the
/// incumbent moves before its turn, git can merge it.
fn patch_of(targets: &Targets, tracked: &[Tracked], texts: &Texts) -> Result<String, Refusal> {
    let mut patch = String::new();
    for (path, text) in texts {
        let changes = patch_between(path, text_of(targets, path)?, text);
        if changes.is_empty() {
            continue;
        }
        if let Some(blob) = tracked.iter().find(|file| file.path == *path).map(|file| &file.blob) {
            let unknown = "0".repeat(blob.len());
            let _ = writeln!(patch, "diff --git a/{path} b/{path}\nindex {blob}..{unknown}");
        }
        patch.push_str(&changes);
    }
    Ok(patch)
}

/// Reads a session along while an engine runs it.
pub struct Follower {
    view: View,
    state: State,
    fates: Fates,
    /// The trial or the checks that run.
    doing: Option<Record>,
    /// Messages with hypotheses that no engine had heard.
    unheard: Vec<i64>,
}

impl Follower {
    /// Reads the whole session.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn new(view: View) -> Result<Follower, EngineError> {
        let (state, fates, doing, unheard) = Default::default();
        let mut follower = Follower { view, state, fates, doing, unheard };
        follower.catch_up()?;
        Ok(follower)
    }

    /// Reads what happened since, and returns it.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn catch_up(&mut self) -> Result<Vec<Record>, EngineError> {
        // Before the journal: what is heard in between is there, or here.
        self.unheard = self.view.unheard_hypotheses()?;
        let mut news = Vec::new();
        self.view.replay_since(self.state.last_seq(), |record| news.push(record))?;
        for record in &news {
            self.state.apply(record);
            self.note(record);
        }
        Ok(news)
    }

    fn note(&mut self, record: &Record) {
        match &record.event {
            Event::Started { .. } | Event::Checking { .. } => self.doing = Some(record.clone()),
            Event::Ended { .. }
            | Event::Checked { .. }
            | Event::Resumed
            | Event::Stopped { .. } => self.doing = None,
            _ => {}
        }
        self.fates.note(&record.event);
    }

    /// What had become of the offer with this number when the session was read
    /// last; `None` when there was none.
    pub fn fate(&self, message: i64) -> Option<Fate> {
        let heard = || self.state.queue().position(|queued| queued.message == Some(message));
        let unheard = || {
            let place = self.unheard.iter().position(|number| *number == message)?;
            Some(self.state.queue().count() + place)
        };
        let fate = self.fates.of(message).cloned();
        fate.or_else(|| heard().or_else(unheard).map(|ahead| Fate::Queued { ahead }))
    }

    /// The beginning of the trial or of the checks that run, if any do.
    pub fn doing(&self) -> Option<&Record> {
        self.doing.as_ref()
    }

    /// The session, as far as it was read.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The session's parts that need no replay.
    pub fn view(&self) -> &View {
        &self.view
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn targets() -> Targets {
        [("a.py".to_owned(), b"LR = 1\nLR2 = 1\n".to_vec())].into()
    }

    fn replace(path: &str, old: &str, new: &str) -> Result<String, String> {
        let passage =
            Replacement { path: path.to_owned(), old: old.to_owned(), new: new.to_owned() };
        let texts = replaced(&targets(), &[passage]).map_err(|refusal| refusal.to_string())?;
        Ok(texts[0].1.clone())
    }

    #[test]
    fn a_passage_must_be_there_exactly_once() {
        assert_eq!(replace("a.py", "LR = 1\n", "LR = 2\n").unwrap(), "LR = 2\nLR2 = 1\n");
        assert!(replace("a.py", "LR = 3", "x").unwrap_err().contains("is not in `a.py`"));
        assert!(replace("a.py", " = 1", "x").unwrap_err().contains("2 times"));
        assert!(replace("a.py", "", "x").unwrap_err().contains("empty"));
        assert!(replace("b.py", "x", "y").unwrap_err().contains("not a target"));
    }

    #[test]
    fn passages_of_one_file_are_replaced_one_after_another() {
        let passage = |old: &str, new: &str| Replacement {
            path: "a.py".to_owned(),
            old: old.to_owned(),
            new: new.to_owned(),
        };
        let passages = [passage("LR = 1", "LR = 5"), passage("LR = 5", "LR = 6")];
        let texts = replaced(&targets(), &passages).unwrap();
        let patch = patch_of(&targets(), &[], &texts).unwrap();
        assert!(patch.contains("+LR = 6\n") && !patch.contains("LR = 5"), "{patch}");
        assert_eq!(patch.matches("--- a/a.py").count(), 1);
    }
}
