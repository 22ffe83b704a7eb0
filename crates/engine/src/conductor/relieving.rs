//! A candidate that ran out of memory is made to need less: a commit of its
//! own on top of the candidate's, under the same reference (SPEC E8).

use autoresearch_core::experiment::CommitId;
use autoresearch_core::session::{Event, Retry};
use autoresearch_propose::Text;
use autoresearch_propose::relief::{relieve, settings_after};

use super::{Office, read_targets, texts};
use crate::clock;
use crate::error::EngineError;
use crate::guard::{self, Accepted};
use crate::news::News;
use crate::places::Places;

/// A change that the guard let in, and its words.
struct Lighter {
    accepted: Accepted,
    change: String,
    accumulation: String,
}

impl Office<'_> {
    /// Committed before it is journalled, as a proposal is: who dies in between
    /// leaves a commit that nobody knows, and the retry is made again.
    pub(super) fn relieve(&mut self, number: u64) -> Result<(), EngineError> {
        let Some(experiment) = self.state.current().cloned() else { return Ok(()) };
        let Some(candidate) = &experiment.commit else { return Ok(()) };
        let (retry, what) = match self.lighter(candidate)? {
            Err(why) => (None, format!("nothing could be done about it: {why}")),
            Ok(Lighter { accepted, change, accumulation }) => {
                let message = format!(
                    "exp: {} (out of memory: {change})\n\nRetry of experiment {number} of {}. {}.\n",
                    experiment.hypothesis,
                    Places::branch(&self.tag()),
                    sentence(&accumulation),
                );
                let reference = self.places.candidate_ref(number);
                let (changed, at) = (&accepted.changed, clock::now());
                let commit = self.repo.commit(candidate, changed, &message, &reference, at)?;
                let ranges = &self.config.search;
                let settings = experiment
                    .settings
                    .as_ref()
                    .and_then(|settings| settings_after(settings, &texts(&accepted.after), ranges));
                let retry = Retry {
                    commit,
                    fingerprint: accepted.fingerprint,
                    files: accepted.changed.iter().map(|edit| edit.path.clone()).collect(),
                    code_lines: accepted.code_lines,
                    settings,
                };
                self.writers.tell_tried(accepted.fingerprint, number);
                self.candidate = Some(accepted.after);
                (Some(retry), format!("{change}; {accumulation}"))
            }
        };
        self.observer.tell(&News::Note(format!("#{number} ran out of memory: {what}")));
        self.note(Event::Relieved { number, retry, what });
        Ok(())
    }

    /// The candidate with less need of memory, or why there is none.
    fn lighter(&self, candidate: &CommitId) -> Result<Result<Lighter, String>, EngineError> {
        let targets = read_targets(&self.repo, candidate, &self.config.target)?;
        // Replaced bytes must not be written back.
        let texts: Vec<Text> = texts(&targets)
            .into_iter()
            .filter(|text| targets.get(&text.path).map(Vec::as_slice) == Some(text.text.as_bytes()))
            .collect();
        let device = self.state.plan().map(|plan| plan.adjusted.device).unwrap_or_default();
        let relief = match relieve(&texts, self.config.run.batch.as_deref(), device) {
            Ok(relief) => relief,
            Err(why) => return Ok(Err(why)),
        };
        let tried = |fingerprint| self.state.tried(fingerprint);
        let checked = guard::check(&targets, self.config.scope, &relief.edits, tried);
        Ok(match checked {
            Ok(accepted) => {
                Ok(Lighter { accepted, change: relief.change, accumulation: relief.accumulation })
            }
            Err(refusal) => Err(format!("{}: {refusal}", relief.change)),
        })
    }
}

fn sentence(fragment: &str) -> String {
    let mut chars = fragment.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
