//! What proposers answered: drafts that wait, failures in a row, what it cost,
//! and who proposes well.

use std::collections::VecDeque;

use super::State;
use crate::experiment::{Experiment, Verdict};
use crate::portfolio::Portfolio;
use crate::session::event::{Draft, Event, Failing, Plan, Proposed, Queued, Record, StopReason};
use crate::spent::Spent;
use crate::units::Timestamp;

/// Reasons of refusals that a proposer is reminded of, and of all proposers.
const COMPLAINTS: usize = 3;
const REMEMBERED: usize = 30;

/// Where the session stands with its proposers.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Proposing {
    /// Written and not yet run, in the order of their writing.
    pub(super) drafts: VecDeque<Draft>,
    last_draft: u64,
    /// Refusals and failures since the last proposal.
    stuck: u32,
    /// Who was refused or failed since it last proposed, and why, oldest first.
    complaints: VecDeque<(String, String)>,
    /// Since when nobody is in reach, and what was said last.
    outage: Option<(Timestamp, String)>,
    /// Why nobody has anything left to propose.
    pub(super) exhausted: Option<String>,
    /// Why nobody ever will.
    hopeless: Option<String>,
    spent: Spent,
    portfolio: Portfolio,
}

impl State {
    /// Folds in what a proposer answered.
    pub(super) fn hear(&mut self, record: &Record) {
        match &record.event {
            Event::Refused { proposer, refusal, queued, draft, spent, .. } => {
                self.complain(proposer, refusal.to_string());
                self.unqueue(*queued);
                let draft = draft.and_then(|id| self.take_draft(id));
                self.pay(proposer, *spent, draft.as_ref());
                // What a person wants to know is asked for again.
                self.queue.extend(draft.and_then(|draft| draft.answers));
            }
            Event::ProposerFailed { proposer, reason, exhausted, failing, spent } => {
                self.pay(proposer, *spent, None);
                match failing {
                    _ if *exhausted => self.proposing.exhausted = Some(reason.clone()),
                    Failing::Usual => self.complain(proposer, reason.clone()),
                    Failing::Outage => {
                        let since = self.proposing.outage.take().map_or(record.at, |(at, _)| at);
                        self.proposing.outage = Some((since, reason.clone()));
                        return;
                    }
                    Failing::Interrupted | Failing::Aside => {}
                    Failing::ForGood => self.proposing.hopeless = Some(reason.clone()),
                }
                self.proposing.outage = None;
            }
            Event::Drafted(draft) => {
                self.accept(&draft.proposer);
                self.unqueue(draft.answers.as_ref().map(|queued| queued.id));
                self.pay(&draft.proposer, draft.spent, None);
                self.proposing.last_draft = self.proposing.last_draft.max(draft.id);
                self.proposing.drafts.push_back((**draft).clone());
            }
            Event::Proposed(proposed)
                if self.current.is_none() && proposed.number == self.next_number =>
            {
                self.begin(proposed, record.at);
            }
            _ => {}
        }
    }

    fn begin(&mut self, proposed: &Proposed, at: Timestamp) {
        self.accept(&proposed.proposer);
        self.next_number += 1;
        self.is_beside = false;
        let answers = |queued: &&Queued| Some(queued.id) == proposed.queued;
        let trusts = self.queue.iter().find(answers).and_then(|queued| queued.trusts);
        self.tried.entry(proposed.fingerprint).or_insert(proposed.number);
        self.unqueue(proposed.queued);
        let draft = proposed.draft.and_then(|id| self.take_draft(id));
        self.pay(&proposed.proposer, proposed.spent, draft.as_ref());
        self.current = Some(Experiment {
            number: proposed.number,
            parent: proposed.parent.clone(),
            commit: proposed.commit.clone(),
            hypothesis: proposed.hypothesis.clone(),
            category: proposed.category,
            proposer: proposed.proposer.clone(),
            fingerprint: proposed.fingerprint,
            settings: proposed.settings.clone(),
            files: proposed.files.clone(),
            code_lines: proposed.code_lines,
            trials: Vec::new(),
            reruns: Vec::new(),
            relief: None,
            checks: Vec::new(),
            trusts,
            ruling: None,
            proposed_at: at,
            settled_at: None,
            expected: proposed.expected.clone(),
            spent: draft.map_or(proposed.spent, |draft| draft.spent),
            proposers: Vec::new(),
            noise: None,
        });
    }

    /// Somebody proposed, or may again.
    pub(super) fn hopeful(&mut self) {
        let Proposing { stuck, outage, exhausted, hopeless, .. } = &mut self.proposing;
        (*stuck, *outage, *exhausted, *hopeless) = (0, None, None, None);
    }

    fn accept(&mut self, proposer: &str) {
        self.hopeful();
        self.proposing.complaints.retain(|(who, _)| who != proposer);
    }

    /// Why the last proposals of `proposer`, or of anybody, were refused or failed
    /// since it last proposed, oldest first; three at most.
    pub fn complaints(&self, proposer: Option<&str>) -> Vec<String> {
        let is_its = |who: &str| proposer.is_none_or(|proposer| proposer == who);
        let all = self.proposing.complaints.iter().rev();
        let its = all.filter(|(who, _)| is_its(who)).take(COMPLAINTS);
        let mut its: Vec<String> = its.map(|(_, why)| why.clone()).collect();
        its.reverse();
        its
    }

    fn complain(&mut self, proposer: &str, what: String) {
        self.proposing.stuck += 1;
        let complaints = &mut self.proposing.complaints;
        complaints.push_back((proposer.to_owned(), what));
        if complaints.len() > REMEMBERED {
            complaints.pop_front();
        }
        self.proposing.outage = None;
    }

    fn unqueue(&mut self, id: Option<u64>) {
        if let Some(id) = id {
            self.queue.retain(|queued| queued.id != id);
        }
    }

    fn take_draft(&mut self, id: u64) -> Option<Draft> {
        let drafts = &mut self.proposing.drafts;
        let place = drafts.iter().position(|draft| draft.id == id)?;
        drafts.remove(place)
    }

    /// Books what an answer cost; that of a draft is booked already.
    fn pay(&mut self, proposer: &str, spent: Spent, draft: Option<&Draft>) {
        if draft.is_none() {
            self.proposing.spent += spent;
            self.proposing.portfolio.pay(proposer, spent);
        }
    }

    /// Who proposed what is settled gets the credit for it.
    pub(super) fn credit(&mut self, experiment: &Experiment) {
        if experiment.is_baseline() {
            return;
        }
        let seconds = experiment.trials.iter().map(|trial| trial.usage.wall_seconds).sum();
        let is_kept = experiment.verdict() == Some(Verdict::Keep);
        let gain = experiment.ruling.as_ref().and_then(|ruling| ruling.gain);
        let gain = gain.filter(|_| is_kept).map(|gain| gain.max(0.0));
        self.proposing.portfolio.settle(&experiment.proposer, seconds, gain);
    }

    pub(super) fn why_nothing_is_proposed(&self, plan: &Plan) -> Option<StopReason> {
        let is_written = !self.proposing.drafts.is_empty()
            || self.queue.iter().any(|queued| queued.patch.is_some());
        if is_written { None } else { self.why_nobody_is_asked(plan) }
    }

    fn why_nobody_is_asked(&self, plan: &Plan) -> Option<StopReason> {
        let Proposing { stuck, complaints, outage, exhausted, hopeless, spent, .. } =
            &self.proposing;
        if let Some(what) = plan.allowance.exceeded(spent) {
            return Some(StopReason::Spent(what));
        }
        if self.queue.is_empty()
            && let Some(why) = exhausted
        {
            return Some(StopReason::Exhausted(why.clone()));
        }
        if let Some(why) = hopeless {
            return Some(StopReason::ProposerStuck(why.clone()));
        }
        if let Some((since, why)) = outage
            && self.last_at.since(*since).as_secs_f64() >= plan.outage_seconds
        {
            let why = format!("nobody was in reach any more: {why}");
            return Some(StopReason::ProposerStuck(why));
        }
        (*stuck >= plan.patience).then(|| {
            let last = complaints.back().map_or("", |(_, why)| why);
            StopReason::ProposerStuck(format!(
                "{stuck} refusals or failures in a row, the last: {last}"
            ))
        })
    }

    /// Whether another proposal shall be written now, while something runs, and
    /// which queued hypothesis it answers. `lookahead` proposals may wait or be
    /// under way; `writing` are under way, with the hypotheses that they answer.
    pub fn ahead(&self, lookahead: usize, writing: &[Option<u64>]) -> Option<Option<&Queued>> {
        let plan = self.plan.as_ref()?;
        let current = self.current.as_ref()?;
        // Until the target is known to run, money is not spent on it.
        let is_unproven = current.is_baseline() && current.trials.is_empty();
        let patches = self.queue.iter().filter(|queued| queued.patch.is_some()).count();
        let coming = self.proposing.drafts.len() + patches + writing.len();
        let planned = self.counts.total() + u64::from(!current.is_baseline()) + coming as u64;
        let is_enough = plan.iterations.is_some_and(|most| planned >= most);
        let is_over = || self.reason_to_stop(plan).or_else(|| self.why_nobody_is_asked(plan));
        if is_unproven || coming >= lookahead || is_enough || is_over().is_some() {
            return None;
        }
        let is_free =
            |queued: &&Queued| queued.patch.is_none() && !writing.contains(&Some(queued.id));
        let queued = self.queue.iter().find(is_free);
        // Nobody is asked for what nobody can.
        (queued.is_some() || self.proposing.exhausted.is_none()).then_some(queued)
    }

    /// Number that the next draft gets.
    pub fn next_draft(&self) -> u64 {
        self.proposing.last_draft + 1
    }

    /// Drafts that wait, first to last.
    pub fn drafts(&self) -> impl Iterator<Item = &Draft> {
        self.proposing.drafts.iter()
    }

    /// Refusals and failures of proposers since one last succeeded. Part of
    /// the search's seed, so that it does not repeat a refused proposal.
    pub fn stuck(&self) -> u32 {
        self.proposing.stuck
    }

    /// What all proposals cost so far.
    pub fn spent(&self) -> Spent {
        self.proposing.spent
    }

    /// Who proposed what, and what came of it.
    pub fn portfolio(&self) -> &Portfolio {
        &self.proposing.portfolio
    }
}
