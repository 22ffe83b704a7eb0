//! How busy a machine is while proposers take their time, under a virtual clock:
//! the real state machine says when the next proposal is to be written.

use autoresearch_core::judge::Mode;
use autoresearch_core::proposal::{Category, Refusal};
use autoresearch_core::random::Random;
use autoresearch_core::session::{Action, Draft, Event, Proposed, Purpose, Record, State};
use autoresearch_core::spent::Spent;
use autoresearch_core::trial::{Exit, Trial, Usage};
use autoresearch_core::units::Timestamp;

use crate::ours::{plan, proposed};

/// A machine and one proposer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pipeline {
    /// Seconds that a run takes; above zero.
    pub run: f64,
    /// Median of the seconds that a proposal takes; log-normal.
    pub proposal: f64,
    /// Standard deviation of the logarithm of that time.
    pub spread: f64,
    /// Share of proposals that are refused, in `[0, 1)`.
    pub refused: f64,
    /// Proposals that may wait or be under way during a run.
    pub lookahead: usize,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Busy {
    /// Experiments in an hour.
    pub an_hour: f64,
    /// Share of the time in which no run went on.
    pub idle: f64,
}

impl Pipeline {
    /// Plays `experiments` of them after the baseline.
    pub fn play(self, experiments: u64, seed: u64) -> Busy {
        let mut plan = plan(Mode::Greedy);
        plan.iterations = Some(experiments);
        let mut session = Play {
            pipeline: self,
            state: State::default(),
            now: 0.0,
            busy: 0.0,
            ready: None,
            random: Random::new(seed, 0),
        };
        session.note(Event::Opened(Box::new(plan)));
        while session.act() {}
        let Play { state, now, busy, .. } = session;
        let runs = state.counts().total() + 1;
        Busy { an_hour: runs as f64 / now * 3600.0, idle: 1.0 - busy / now }
    }
}

struct Play {
    pipeline: Pipeline,
    state: State,
    /// Seconds since the beginning, and those of them in which a run went on.
    now: f64,
    busy: f64,
    /// When the proposal that is being written will be ready.
    ready: Option<f64>,
    random: Random,
}

impl Play {
    fn note(&mut self, event: Event) {
        // No rule here asks for the time of day.
        let at = Timestamp::default();
        let record = Record { seq: self.state.last_seq() + 1, at, event };
        self.state.apply(&record);
    }

    fn act(&mut self) -> bool {
        match self.state.next() {
            Some(Action::Propose { number, .. }) => self.propose(number),
            Some(Action::Take { number, draft }) => {
                let event = Proposed { draft: Some(draft.id), ..proposed(number) };
                self.note(Event::Proposed(Box::new(event)));
            }
            Some(Action::Run { number, trial, seed }) => self.run(number, trial, seed),
            Some(Action::Judge { number, ruling }) => self.note(Event::Judged { number, ruling }),
            Some(Action::Settle { number }) => self.note(Event::Settled { number }),
            _ => return false,
        }
        true
    }

    /// Waits for the next proposal.
    fn propose(&mut self, number: u64) {
        if number > 0 {
            let ready = self.ready.take();
            self.now = ready.unwrap_or_else(|| self.now + self.takes());
            if self.is_refused() {
                return self.note(refused());
            }
        }
        self.note(Event::Proposed(Box::new(proposed(number))));
    }

    /// Runs, and has proposals written beside it, one after the other.
    fn run(&mut self, number: u64, trial: u64, seed: u64) {
        let purpose = Purpose::Candidate;
        self.note(Event::Started { number, trial, seed, purpose });
        let end = self.now + self.pipeline.run;
        let mut from = self.now;
        loop {
            let ready = match self.ready {
                Some(ready) => ready,
                None if self.state.ahead(self.pipeline.lookahead, &[]).is_some() => {
                    from + self.takes()
                }
                None => break,
            };
            self.ready = Some(ready).filter(|ready| *ready > end);
            if self.ready.is_some() {
                break;
            }
            (self.now, from) = (ready, ready);
            let event = if self.is_refused() { refused() } else { self.draft() };
            self.note(event);
        }
        (self.now, self.busy) = (end, self.busy + self.pipeline.run);
        let usage = Usage { wall_seconds: self.pipeline.run, ..Usage::default() };
        let metric = Some(self.random.unit());
        let ended = Trial { metric, usage, ..Trial::ended(seed, Exit::Code(0)) };
        self.note(Event::Ended { number, trial: Box::new(ended), purpose });
    }

    fn takes(&mut self) -> f64 {
        self.pipeline.proposal * (self.pipeline.spread * self.random.normal()).exp()
    }

    fn is_refused(&mut self) -> bool {
        self.random.chance(self.pipeline.refused)
    }

    fn draft(&self) -> Event {
        Event::Drafted(Box::new(Draft {
            id: self.state.next_draft(),
            proposer: String::new(),
            hypothesis: String::new(),
            category: Category::Other,
            expected: None,
            settings: None,
            patch: String::new(),
            answers: None,
            spent: Spent::default(),
        }))
    }
}

fn refused() -> Event {
    Event::Refused {
        proposer: String::new(),
        hypothesis: String::new(),
        refusal: Refusal::Empty,
        queued: None,
        draft: None,
        spent: Spent::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PIPELINE: Pipeline =
        Pipeline { run: 300.0, proposal: 90.0, spread: 0.0, refused: 0.0, lookahead: 0 };

    #[test]
    fn one_after_the_other_the_machine_waits_for_every_proposal() {
        let Busy { an_hour, idle } = PIPELINE.play(1000, 1);
        assert!((an_hour - 3600.0 / 390.0).abs() < 0.02, "{an_hour}");
        assert!((idle - 90.0 / 390.0).abs() < 0.001, "{idle}");
    }

    /// Issue 5: at least 11.8 an hour, idle below 1%.
    #[test]
    fn written_during_the_run_it_hardly_ever_waits() {
        let ahead = Pipeline { spread: 0.5, refused: 0.1, lookahead: 1, ..PIPELINE };
        let Busy { an_hour, idle } = ahead.play(1000, 1);
        assert!(an_hour > 11.8 && idle < 0.01, "{an_hour} {idle}");
    }

    #[test]
    fn a_proposer_slower_than_the_run_holds_it_up_by_the_difference() {
        let slow = Pipeline { proposal: 400.0, lookahead: 2, ..PIPELINE };
        let Busy { idle, .. } = slow.play(1000, 1);
        assert!((idle - 0.25).abs() < 0.002, "{idle}");
    }
}
