//! Asking for a proposal: what the proposer is told, and what becomes of its
//! answer: a committed candidate, or a refusal with its reason.

use autoresearch_config::Bundles;
use autoresearch_core::proposal::{Category, Edit, FileEdit, Proposal, Refusal};
use autoresearch_core::session::{Event, Proposed, Queued};
use autoresearch_propose::ProposeError;
use autoresearch_report::Stage;

use super::{Conductor, activity};
use crate::clock;
use crate::desk::Around;
use crate::error::EngineError;
use crate::guard;
use crate::news::News;
use crate::places::Places;

impl Conductor<'_> {
    /// The unmodified target is experiment 0.
    pub(super) fn propose_baseline(&mut self) -> Result<(), EngineError> {
        let Some(base) = self.state.tip().cloned() else { return Ok(()) };
        self.repo.ensure_ref(&self.places.candidate_ref(0), &base, None)?;
        self.note(Event::Proposed(Box::new(Proposed {
            number: 0,
            parent: base.clone(),
            commit: Some(base),
            hypothesis: "Baseline — no modifications".to_owned(),
            category: Category::Other,
            expected: None,
            proposer: "baseline".to_owned(),
            fingerprint: guard::fingerprint(&self.targets),
            settings: None,
            files: Vec::new(),
            code_lines: guard::code_lines(&self.targets),
            queued: None,
        })));
        Ok(())
    }

    pub(super) fn propose(
        &mut self,
        number: u64,
        queued: Option<&Queued>,
    ) -> Result<(), EngineError> {
        let id = queued.map(|q| q.id);
        let (proposal, proposer) = match self.ask(number, queued)? {
            Asked::Answer(proposal, proposer) => (proposal, proposer),
            Asked::Nothing => return Ok(()),
        };
        let edits = match self.edits_of(&proposal.edit)? {
            Ok(edits) => edits,
            Err(refusal) => return self.refuse(&proposal, proposer, refusal, id),
        };
        // What a person trusts runs again.
        let trusts = queued.and_then(|queued| queued.trusts);
        let checked = guard::check(&self.targets, self.config.scope, &edits, |fingerprint| {
            self.state.tried(fingerprint).filter(|_| trusts.is_none())
        });
        let accepted = match checked {
            Ok(accepted) => accepted,
            Err(refusal) => return self.refuse(&proposal, proposer, refusal, id),
        };
        if self.config.propose.bundles == Bundles::Refuse
            && guard::must_be_one_change(&proposer)
            && let Err(refusal) = guard::one_change(&self.targets, &accepted)
        {
            return self.refuse(&proposal, proposer, refusal, id);
        }
        let Some(parent) = self.state.tip().cloned() else { return Ok(()) };
        let hypothesis = one_line(&proposal.hypothesis);
        // Committed before it is journalled: who dies in between leaves a
        // commit that nobody knows, and the number is proposed again.
        let message = format!(
            "exp: {hypothesis}\n\nExperiment {number} of {}, proposed by {proposer}.\n",
            Places::branch(&self.tag())
        );
        let reference = self.places.candidate_ref(number);
        let (changed, at) = (&accepted.changed, clock::now());
        let commit = self.repo.commit(&parent, changed, &message, &reference, at)?;
        self.note(Event::Proposed(Box::new(Proposed {
            number,
            parent,
            commit: Some(commit),
            hypothesis,
            category: proposal.category,
            expected: proposal.expected.as_deref().map(one_line),
            proposer,
            fingerprint: accepted.fingerprint,
            settings: proposal.settings,
            files: accepted.changed.iter().map(|edit| edit.path.clone()).collect(),
            code_lines: accepted.code_lines,
            queued: id,
        })));
        self.candidate = Some(accepted.after);
        Ok(())
    }

    /// Asks whoever is next for a proposal.
    fn ask(&mut self, number: u64, queued: Option<&Queued>) -> Result<Asked, EngineError> {
        if let Some(Queued { hypothesis, patch: Some(patch), .. }) = queued {
            let hypothesis = if hypothesis.trim().is_empty() {
                "a queued patch".to_owned()
            } else {
                hypothesis.clone()
            };
            let category = Category::of(&hypothesis);
            let edit = Edit::Patch(patch.clone());
            let proposal = Proposal { hypothesis, category, edit, settings: None, expected: None };
            return Ok(Asked::Answer(proposal, "queue".to_owned()));
        }
        let brief = self.brief(number, queued);
        let Some(proposer) = &mut self.proposer else {
            match queued {
                Some(queued) => {
                    let reason = "nobody here turns a sentence into an edit; give a patch, or another proposer";
                    self.set_aside(queued, reason.to_owned())?;
                }
                None => self.note(Event::ProposerFailed {
                    proposer: "queue".to_owned(),
                    reason: "the queue is empty".to_owned(),
                    exhausted: true,
                }),
            }
            return Ok(Asked::Nothing);
        };
        let name = proposer.name().to_owned();
        let limit = self.config.propose.timeout;
        let hypothesis = queued.map(|q| q.hypothesis.clone());
        let activity = activity(number, Stage::Proposing, limit, hypothesis);
        let tip = self.state.tip().cloned();
        let answer = {
            let mut desk = self.workplace.desk(Around {
                repo: &self.repo,
                tip,
                targets: &self.targets,
                state: &self.state,
                journal: &self.journal,
                stop: &self.stop,
                observer: self.observer,
                progress: &self.progress,
                activity,
            });
            proposer.propose(&brief, &mut desk)
        };
        match answer {
            Ok(proposal) => return Ok(Asked::Answer(proposal, name)),
            Err(ProposeError::Interrupted) => {}
            Err(ProposeError::CannotAnswer(reason)) => match queued {
                Some(queued) => self.set_aside(queued, reason)?,
                None => self.fail(name, reason, false),
            },
            Err(
                ProposeError::Failed(reason)
                | ProposeError::OverBudget(reason)
                | ProposeError::Unavailable { reason, .. },
            ) => self.fail(name, reason, false),
            Err(ProposeError::Exhausted(reason) | ProposeError::Unusable(reason)) => {
                self.fail(name, reason, true);
            }
        }
        Ok(Asked::Nothing)
    }

    fn fail(&mut self, proposer: String, reason: String, exhausted: bool) {
        self.observer.tell(&News::Note(format!("{proposer}: {reason}")));
        self.note(Event::ProposerFailed { proposer, reason, exhausted });
    }

    fn set_aside(&mut self, queued: &Queued, reason: String) -> Result<(), EngineError> {
        self.observer.tell(&News::Note(format!(
            "hypothesis {} (“{}”) waits: {reason}",
            queued.id, queued.hypothesis
        )));
        self.intend(Event::SetAside { id: queued.id, reason })
    }

    fn refuse(
        &mut self,
        proposal: &Proposal,
        proposer: String,
        refusal: Refusal,
        queued: Option<u64>,
    ) -> Result<(), EngineError> {
        let hypothesis = one_line(&proposal.hypothesis);
        let reason = refusal.to_string();
        self.observer.tell(&News::Refused { hypothesis: &hypothesis, reason });
        self.intend(Event::Refused { proposer, hypothesis, refusal, queued })
    }

    /// The changed files of an edit, whole.
    fn edits_of(&mut self, edit: &Edit) -> Result<Result<Vec<FileEdit>, Refusal>, EngineError> {
        match edit {
            Edit::Files(files) => Ok(Ok(files.clone())),
            Edit::Desk => self.workplace.edits(&self.repo, self.state.tip()),
            Edit::Patch(patch) => {
                let Some(tip) = self.state.tip() else { return Ok(Err(Refusal::Empty)) };
                let files = self.repo.apply_patch(tip, patch.as_bytes())?;
                Ok(files.map_err(|why| Refusal::DoesNotApply { why }))
            }
        }
    }
}

enum Asked {
    Answer(Proposal, String),
    Nothing,
}

/// The first line, bounded: it becomes the subject of a commit and a row.
fn one_line(text: &str) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("an edit");
    let clean: String = line.chars().filter(|c| !c.is_control()).take(200).collect();
    clean.split_whitespace().collect::<Vec<_>>().join(" ")
}
