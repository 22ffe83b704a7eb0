//! Asking for proposals, beside a run or between two, and what becomes of the
//! answers: a committed candidate, a draft that waits for its turn, or a refusal
//! with its reason.

use std::sync::Arc;
use std::time::{Duration, Instant};

use autoresearch_core::proposal::{Category, Edit, Proposal, Refusal};
use autoresearch_core::random::Random;
use autoresearch_core::session::{Draft, Event, Failing, Proposed, Queued};
use autoresearch_core::spent::Spent;
use autoresearch_core::units::human_duration;
use autoresearch_propose::ProposeError;
use autoresearch_report::Stage;

use super::aside::heed;
use super::{Office, activity};
use crate::clock;
use crate::error::EngineError;
use crate::guard::{self, Accepted};
use crate::news::News;
use crate::places::Places;
use crate::proposers;
use crate::stop::Urgency;
use crate::writers::{Answer, Out, Task, Written};

/// Between two looks at requests to stop.
const TICK: Duration = Duration::from_millis(100);

/// Why a hypothesis in words waits.
const UNABLE: &str = "nobody here turns a sentence into an edit; give a patch, or another proposer";

impl Office<'_> {
    /// The unmodified target is experiment 0.
    pub(super) fn propose_baseline(&mut self) -> Result<(), EngineError> {
        let Some(base) = self.state.tip().cloned() else { return Ok(()) };
        self.repo.ensure_ref(&self.places.candidate_ref(0), &base, None)?;
        let fingerprint = guard::fingerprint(&self.targets);
        self.writers.tell_tried(fingerprint, 0);
        self.note(Event::Proposed(Box::new(Proposed {
            number: 0,
            parent: base.clone(),
            commit: Some(base),
            hypothesis: "Baseline — no modifications".to_owned(),
            category: Category::Other,
            proposer: "baseline".to_owned(),
            fingerprint,
            settings: None,
            files: Vec::new(),
            code_lines: guard::code_lines(&self.targets),
            queued: None,
            expected: None,
            spent: Spent::default(),
            draft: None,
        })));
        Ok(())
    }

    /// The next proposal: a person's patch as it is, or what a proposer writes.
    /// Waits for it; who was asked ahead is waited for first.
    pub(super) fn propose(
        &mut self,
        number: u64,
        queued: Option<&Queued>,
    ) -> Result<(), EngineError> {
        if let Some(Queued { hypothesis, patch: Some(patch), .. }) = queued {
            return self.propose_patch(hypothesis, patch, queued);
        }
        if self.writers.is_empty() {
            if queued.is_none() && self.wait_for_hypothesis()? {
                return Ok(());
            }
            return self.leave_to_the_queue(queued);
        }
        if !self.writers.is_busy() && !self.ask(number, queued, false)? {
            return Ok(());
        }
        let limit = self.config.propose.timeout;
        let hypothesis = queued.map(|queued| queued.hypothesis.clone());
        let mut activity = activity(number, Stage::Proposing, limit, hypothesis);
        let began = Instant::now();
        loop {
            if let Some((place, answer)) = self.writers.hear(TICK) {
                return self.receive(place, answer, true);
            }
            heed(&self.journal, &self.stop);
            // Between proposals any stop is a stop: nothing is lost by it.
            if self.stop.urgency() == Urgency::AfterThis {
                self.stop.request(Urgency::Now);
            }
            if !self.writers.is_busy() {
                // Everybody rests; what there is to hear is heard by the wheel.
                return Ok(());
            }
            self.writers.stop(self.stop.urgency());
            activity.elapsed = began.elapsed();
            activity.doing = self.writers.doing();
            self.observer.tell(&News::Working { activity: &activity, progress: &self.progress });
        }
    }

    /// Has the next proposals written while something runs.
    pub(super) fn look_ahead(&mut self) -> Result<(), EngineError> {
        self.collect()?;
        let lookahead = self.writers.lookahead(self.config.propose.lookahead);
        if lookahead == 0 || self.stop.urgency() != Urgency::None {
            return Ok(());
        }
        let writing = self.writers.writing();
        if let Some(queued) = self.state.ahead(lookahead, &writing) {
            let queued = queued.cloned();
            let before = (writing.len() + self.state.drafts().count()) as u64;
            self.ask(self.state.next_number() + before, queued.as_ref(), true)?;
        }
        Ok(())
    }

    /// Takes in whatever was answered meanwhile.
    pub(super) fn collect(&mut self) -> Result<(), EngineError> {
        while let Some((place, answer)) = self.writers.hear(Duration::ZERO) {
            self.receive(place, answer, false)?;
        }
        Ok(())
    }

    /// Has everybody end, and takes in what they have: it is paid for.
    pub(super) fn wind_up(&mut self) -> Result<(), EngineError> {
        while self.writers.is_busy() {
            self.writers.stop(self.stop.urgency().max(Urgency::Now));
            if let Some((place, answer)) = self.writers.hear(TICK) {
                self.receive(place, answer, false)?;
            }
            heed(&self.journal, &self.stop);
        }
        Ok(())
    }

    /// Asks whoever is best asked; whether anybody could be.
    fn ask(
        &mut self,
        number: u64,
        queued: Option<&Queued>,
        is_ahead: bool,
    ) -> Result<bool, EngineError> {
        let id = queued.map(|queued| queued.id);
        if !self.writers.anybody_able(id) {
            match queued {
                Some(queued) => self.set_aside(queued, UNABLE.to_owned())?,
                // Whoever proposed since, it was none of them.
                None => self.nobody_is_left(None, Spent::default())?,
            }
            return Ok(false);
        }
        let only_ahead = is_ahead && self.config.propose.lookahead.is_none();
        let free = self.writers.free(id, only_ahead);
        let names: Vec<&str> = free.iter().map(|place| self.writers.name(*place)).collect();
        let seed = self.state.plan().map_or(0, |plan| plan.seed);
        let position = number.wrapping_mul(1 << 20).wrapping_add(u64::from(self.state.stuck()));
        let lots = Random::new(seed, position).bits();
        let chosen = self.state.portfolio().choose(&names, self.config.propose.hour, lots);
        let Some(place) = chosen.and_then(|chosen| free.get(chosen).copied()) else {
            if !is_ahead {
                // Everybody is out of reach for the moment.
                std::thread::sleep(TICK);
            }
            return Ok(false);
        };
        let Some(base) = self.state.tip().cloned() else { return Ok(false) };
        let session = self.state.plan().map(|plan| plan.allowance).unwrap_or_default();
        let (spent, each) = (self.state.spent(), proposers::allowance_each(&self.config));
        let Some(cap) = session.one_more(&spent, &self.writers.caps(), &each) else {
            return Ok(false);
        };
        let task = Task {
            brief: self.brief(number, queued, self.writers.name(place)),
            queued: queued.cloned(),
            base,
            targets: Arc::clone(&self.targets),
            cap,
        };
        self.writers.give(place, task);
        Ok(true)
    }

    /// What becomes of an answer; only one that is waited for is a candidate at
    /// once.
    fn receive(
        &mut self,
        place: usize,
        answer: Answer,
        is_awaited: bool,
    ) -> Result<(), EngineError> {
        let Answer { proposer, queued, base, targets, written, spent } = answer;
        let Written { proposal, edits } = match written {
            Ok(written) => written,
            Err(error) => return self.unanswered(place, &proposer, queued.as_ref(), &error, spent),
        };
        self.writers.reached(place);
        let id = queued.as_ref().map(|queued| queued.id);
        let tried = |fingerprint| self.state.tried(fingerprint);
        let checked = edits
            .and_then(|edits| guard::check(&targets, self.config.scope, &edits, tried))
            .and_then(|accepted| guard::one_idea(&self.config, &proposer, &targets, accepted));
        let accepted = match checked {
            Ok(accepted) => accepted,
            Err(refusal) => {
                return self.refuse(&proposal.hypothesis, proposer, refusal, id, None, spent);
            }
        };
        if is_awaited && self.state.tip() == Some(&base) {
            let source = Source { proposer, queued: id, draft: None, spent };
            return self.commit(&proposal, accepted, source);
        }
        let at = clock::now();
        let reference = self.places.draft_ref();
        let message = format!("draft: {}\n", one_line(&proposal.hypothesis));
        let commit = self.repo.commit(&base, &accepted.changed, &message, &reference, at)?;
        let patch = self.repo.patch(&base, &commit)?;
        self.repo.delete_ref(&reference)?;
        self.intend(Event::Drafted(Box::new(Draft {
            id: self.state.next_draft(),
            proposer,
            hypothesis: one_line(&proposal.hypothesis),
            category: proposal.category,
            expected: proposal.expected.as_deref().map(one_line),
            settings: proposal.settings,
            patch,
            answers: queued,
            spent,
        })))
    }

    /// A draft becomes a candidate on top of the incumbent of today.
    pub(super) fn take(&mut self, draft: Draft) -> Result<(), EngineError> {
        let Some(tip) = self.state.tip() else { return Ok(()) };
        let merged = self.repo.apply_patch(tip, draft.patch.as_bytes())?;
        let tried = |fingerprint| self.state.tried(fingerprint);
        let checked = merged
            .map_err(|why| Refusal::DoesNotApply { why })
            .and_then(|edits| guard::check(&self.targets, self.config.scope, &edits, tried));
        let (spent, queued) = (draft.spent, draft.answers.as_ref().map(|queued| queued.id));
        match checked {
            Ok(accepted) => {
                let proposal = Proposal {
                    hypothesis: draft.hypothesis,
                    category: draft.category,
                    edit: Edit::Files(Vec::new()),
                    settings: draft.settings,
                    expected: draft.expected,
                };
                let source =
                    Source { proposer: draft.proposer, queued, draft: Some(draft.id), spent };
                self.commit(&proposal, accepted, source)
            }
            Err(refusal) => {
                let Draft { id, hypothesis, proposer, .. } = draft;
                self.refuse(&hypothesis, proposer, refusal, None, Some(id), spent)
            }
        }
    }

    fn propose_patch(
        &mut self,
        hypothesis: &str,
        patch: &str,
        queued: Option<&Queued>,
    ) -> Result<(), EngineError> {
        let Some(tip) = self.state.tip().cloned() else { return Ok(()) };
        let hypothesis = if hypothesis.trim().is_empty() { "a queued patch" } else { hypothesis };
        // What a person trusts runs again.
        let trusts = queued.and_then(|queued| queued.trusts);
        let tried = |fingerprint| self.state.tried(fingerprint).filter(|_| trusts.is_none());
        let by = queued.and_then(|queued| queued.by.clone());
        let proposer = by.unwrap_or_else(|| "queue".to_owned());
        let (config, targets) = (&self.config, &self.targets);
        let checked = self
            .repo
            .apply_patch(&tip, patch.as_bytes())?
            .map_err(|why| Refusal::DoesNotApply { why })
            .and_then(|edits| guard::check(targets, config.scope, &edits, tried))
            .and_then(|accepted| guard::one_idea(config, &proposer, targets, accepted));
        let queued = queued.map(|queued| queued.id);
        match checked {
            Ok(accepted) => {
                let proposal = Proposal {
                    hypothesis: hypothesis.to_owned(),
                    category: Category::of(hypothesis),
                    edit: Edit::Patch(String::new()),
                    settings: None,
                    expected: None,
                };
                let source = Source { proposer, queued, draft: None, spent: Spent::default() };
                self.commit(&proposal, accepted, source)
            }
            Err(refusal) => {
                self.refuse(hypothesis, proposer, refusal, queued, None, Spent::default())
            }
        }
    }

    /// Commits a candidate on top of the incumbent.
    fn commit(
        &mut self,
        proposal: &Proposal,
        accepted: Accepted,
        source: Source,
    ) -> Result<(), EngineError> {
        let Some(parent) = self.state.tip().cloned() else { return Ok(()) };
        let number = self.state.next_number();
        let Source { proposer, queued, draft, spent } = source;
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
        self.writers.tell_tried(accepted.fingerprint, number);
        self.note(Event::Proposed(Box::new(Proposed {
            number,
            parent,
            commit: Some(commit),
            hypothesis,
            category: proposal.category,
            proposer,
            fingerprint: accepted.fingerprint,
            settings: proposal.settings.clone(),
            files: accepted.changed.iter().map(|edit| edit.path.clone()).collect(),
            code_lines: accepted.code_lines,
            queued,
            expected: proposal.expected.as_deref().map(one_line),
            // A draft's cost is on the books.
            spent: if draft.is_none() { spent } else { Spent::default() },
            draft,
        })));
        self.candidate = Some(accepted.after);
        Ok(())
    }

    /// There is nobody but people.
    fn leave_to_the_queue(&mut self, queued: Option<&Queued>) -> Result<(), EngineError> {
        if let Some(queued) = queued {
            return self.set_aside(queued, UNABLE.to_owned());
        }
        self.note(Event::ProposerFailed {
            proposer: "queue".to_owned(),
            reason: "the queue is empty".to_owned(),
            exhausted: true,
            failing: Failing::Usual,
            spent: Spent::default(),
        });
        Ok(())
    }

    /// A proposer gave no proposal: what that means for it and for the session.
    fn unanswered(
        &mut self,
        place: usize,
        proposer: &str,
        queued: Option<&Queued>,
        error: &ProposeError,
        spent: Spent,
    ) -> Result<(), EngineError> {
        if !matches!(error, ProposeError::Unavailable { .. }) {
            self.writers.reached(place);
        }
        let reason = error.to_string();
        match error {
            // What was spent is spent all the same.
            ProposeError::Interrupted if spent.is_free() => Ok(()),
            ProposeError::Interrupted => self.fail(proposer, reason, Failing::Interrupted, spent),
            ProposeError::CannotAnswer(_) => match queued {
                Some(queued) => {
                    self.writers.cannot(place, queued.id);
                    if !spent.is_free() {
                        self.book(proposer, reason.clone(), false, Failing::Aside, spent)?;
                    }
                    if self.writers.anybody_able(Some(queued.id)) {
                        return Ok(());
                    }
                    self.set_aside(queued, reason)
                }
                None => self.fail(proposer, reason, Failing::Usual, spent),
            },
            ProposeError::Failed(_) | ProposeError::OverBudget(_) => {
                self.fail(proposer, reason, Failing::Usual, spent)
            }
            ProposeError::Unavailable { retry_after, .. } => {
                let wait = self.writers.rest(place, *retry_after);
                let reason = format!("{reason}; asked again in {}", human_duration(wait));
                self.fail(proposer, reason, Failing::Outage, spent)
            }
            ProposeError::Exhausted(_) => {
                // One that has nothing left has nothing for this one, either.
                if let Some(queued) = queued {
                    self.writers.cannot(place, queued.id);
                }
                self.lose(place, proposer, reason.clone(), true, spent)?;
                match queued {
                    Some(queued) if !self.writers.anybody_able(Some(queued.id)) => {
                        self.set_aside(queued, reason)
                    }
                    _ => Ok(()),
                }
            }
            ProposeError::Unusable(_) => self.lose(place, proposer, reason, false, spent),
        }
    }

    /// A proposer is asked no more; without any the session has nobody.
    fn lose(
        &mut self,
        place: usize,
        proposer: &str,
        why: String,
        is_exhausted: bool,
        spent: Spent,
    ) -> Result<(), EngineError> {
        self.writers.put_out(place, Out { why: why.clone(), is_exhausted });
        if self.writers.anybody_able(None) {
            self.observer.tell(&News::Note(format!("{proposer} proposes no more: {why}")));
            return self.book(proposer, why, false, Failing::Aside, spent);
        }
        self.observer.tell(&News::Note(format!("{proposer}: {why}")));
        self.nobody_is_left(Some(proposer), spent)
    }

    /// Writes down why all are out; `last` is who was the last.
    fn nobody_is_left(&mut self, last: Option<&str>, spent: Spent) -> Result<(), EngineError> {
        let outs = || self.writers.outs();
        let reason = |(name, out): (&str, &Out)| match last {
            Some(last) if last == name => out.why.clone(),
            _ => format!("{name}: {}", out.why),
        };
        let reasons = outs().map(reason).collect::<Vec<_>>().join("; ");
        let is_for_good = outs().any(|(_, out)| !out.is_exhausted);
        let last = last.or_else(|| outs().last().map(|(name, _)| name));
        let last = last.unwrap_or_default().to_owned();
        let failing = if is_for_good { Failing::ForGood } else { Failing::Usual };
        self.book(&last, reasons, !is_for_good, failing, spent)
    }

    fn fail(
        &mut self,
        proposer: &str,
        reason: String,
        failing: Failing,
        spent: Spent,
    ) -> Result<(), EngineError> {
        self.observer.tell(&News::Note(format!("{proposer}: {reason}")));
        self.book(proposer, reason, false, failing, spent)
    }

    fn book(
        &mut self,
        proposer: &str,
        reason: String,
        exhausted: bool,
        failing: Failing,
        spent: Spent,
    ) -> Result<(), EngineError> {
        let proposer = proposer.to_owned();
        let failed = Event::ProposerFailed { proposer, reason, exhausted, failing, spent };
        // Money that was spent is not to be forgotten.
        if !spent.is_free() {
            return self.intend(failed);
        }
        self.note(failed);
        Ok(())
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
        hypothesis: &str,
        proposer: String,
        refusal: Refusal,
        queued: Option<u64>,
        draft: Option<u64>,
        spent: Spent,
    ) -> Result<(), EngineError> {
        let hypothesis = one_line(hypothesis);
        let reason = refusal.to_string();
        self.observer.tell(&News::Refused { hypothesis: &hypothesis, reason });
        // A draft's cost is on the books.
        let spent = if draft.is_none() { spent } else { Spent::default() };
        self.intend(Event::Refused { proposer, hypothesis, refusal, queued, draft, spent })
    }
}

/// Where a candidate comes from.
struct Source {
    proposer: String,
    queued: Option<u64>,
    draft: Option<u64>,
    spent: Spent,
}

/// The first line, bounded: it becomes the subject of a commit and a row.
fn one_line(text: &str) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("an edit");
    let clean: String = line.chars().filter(|c| !c.is_control()).take(200).collect();
    clean.split_whitespace().collect::<Vec<_>>().join(" ")
}
