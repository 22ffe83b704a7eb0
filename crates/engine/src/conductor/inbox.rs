//! What other processes ask of a running session.

use autoresearch_core::experiment::Verdict;
use autoresearch_core::judge::Rule;
use autoresearch_core::session::{Event, Queued};
use autoresearch_ledger::Message;

use super::Office;
use crate::error::EngineError;
use crate::news::News;
use crate::stop::Urgency;

impl Office<'_> {
    /// What other processes asked for becomes events.
    pub(super) fn read_inbox(&mut self) -> Result<(), EngineError> {
        for (number, message) in self.journal.inbox()? {
            match message {
                Some(Message::Stop { now }) => {
                    self.stop.request(if now { Urgency::Now } else { Urgency::AfterThis });
                }
                Some(Message::Hypothesis { hypothesis, patch, by }) => {
                    let id = self.state.next_queued();
                    let queued =
                        Queued { id, hypothesis, patch, trusts: None, by, message: Some(number) };
                    self.intend(Event::Queued(queued))?;
                }
                Some(Message::Drop { id }) => self.intend(Event::Dropped { id })?,
                Some(Message::Trust { number: held }) => self.trust(held)?,
                Some(Message::Report) => self.observer.tell(&News::Progress(&self.progress)),
                None => self.observer.tell(&News::Note("a message was not understood".to_owned())),
            }
            self.journal.discard(number)?;
        }
        Ok(())
    }

    /// The change of a held experiment runs again, on the incumbent of today.
    /// A message may come twice, if an engine died over it.
    fn trust(&mut self, number: u64) -> Result<(), EngineError> {
        let held = self
            .journal
            .entry(number)?
            .filter(|entry| entry.rule == Rule::Suspect && entry.verdict == Verdict::Discard);
        let is_under_way = self.state.queue().any(|queued| queued.trusts == Some(number))
            || self.state.current().is_some_and(|current| current.trusts == Some(number));
        let experiment = match held {
            Some(_) if !is_under_way => self.journal.experiment(number)?,
            _ => None,
        };
        let Some((experiment, commit)) = experiment.and_then(|e| e.commit.clone().map(|c| (e, c)))
        else {
            let why = if is_under_way { "it is queued already" } else { "it is not held" };
            self.observer.tell(&News::Note(format!("#{number} is not trusted anew: {why}")));
            return Ok(());
        };
        let patch = self.repo.patch(&experiment.parent, &commit)?;
        let queued = Queued {
            id: self.state.next_queued(),
            hypothesis: experiment.hypothesis,
            patch: Some(patch),
            trusts: Some(number),
            by: None,
            message: None,
        };
        self.intend(Event::Trusted { number, queued })
    }
}
