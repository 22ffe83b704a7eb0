//! What becomes of offers, as far as the queue does not say it: a fold of events.

use std::collections::HashMap;

use autoresearch_core::session::Event;

use super::Fate;

/// Fates by the messages that offers came by.
#[derive(Debug, Default)]
pub(super) struct Fates {
    /// Numbers in the queue, and the messages that they came by.
    messages: HashMap<u64, i64>,
    known: HashMap<i64, Fate>,
    /// Drafts that answer a hypothesis, and the messages that it came by.
    drafts: HashMap<u64, i64>,
}

impl Fates {
    /// Folds in what happened.
    pub(super) fn note(&mut self, event: &Event) {
        let (queued, fate) = match event {
            Event::Queued(queued) => {
                // The same message twice: an engine died over it.
                if let Some(message) = queued.message
                    && !self.messages.values().any(|known| *known == message)
                {
                    self.messages.insert(queued.id, message);
                }
                return;
            }
            Event::Resumed => {
                // Perhaps with somebody who can: they are in the queue again.
                self.known.retain(|_, fate| !matches!(fate, Fate::SetAside(_)));
                return;
            }
            Event::Proposed(proposed) => (proposed.queued, Fate::Experiment(proposed.number)),
            Event::Drafted(draft) => {
                // Its turn comes.
                if let Some(message) =
                    draft.answers.as_ref().and_then(|queued| self.messages.get(&queued.id))
                {
                    self.drafts.insert(draft.id, *message);
                    self.known.insert(*message, Fate::Queued { ahead: 0 });
                }
                return;
            }
            Event::Refused { refusal, queued, draft, .. } => {
                // It is in the queue again: another draft is asked for.
                if let Some(message) = draft.and_then(|draft| self.drafts.remove(&draft)) {
                    self.known.remove(&message);
                    return;
                }
                (*queued, Fate::Refused(refusal.to_string()))
            }
            Event::SetAside { id, reason } => (Some(*id), Fate::SetAside(reason.clone())),
            Event::Dropped { id } => (Some(*id), Fate::Dropped),
            _ => return,
        };
        if let Some(message) = queued.and_then(|id| self.messages.get(&id)) {
            self.known.insert(*message, fate);
        }
    }

    /// What became of what came by a message; `None` while it waits in the queue,
    /// or when there was none.
    pub(super) fn of(&self, message: i64) -> Option<&Fate> {
        self.known.get(&message)
    }
}

#[cfg(test)]
mod tests {
    use autoresearch_core::proposal::{Category, Refusal};
    use autoresearch_core::session::{Draft, Queued};
    use autoresearch_core::spent::Spent;

    use super::*;

    const MESSAGE: i64 = 7;

    fn queued() -> Queued {
        Queued {
            id: 1,
            hypothesis: "a larger batch".to_owned(),
            patch: None,
            message: Some(MESSAGE),
            by: None,
            trusts: None,
        }
    }

    fn drafted(id: u64) -> Event {
        Event::Drafted(Box::new(Draft {
            id,
            proposer: "agent".to_owned(),
            hypothesis: "a larger batch".to_owned(),
            category: Category::Other,
            expected: None,
            settings: None,
            patch: String::new(),
            answers: Some(queued()),
            spent: Spent::default(),
        }))
    }

    fn refused(queued: Option<u64>, draft: Option<u64>) -> Event {
        Event::Refused {
            proposer: "agent".to_owned(),
            hypothesis: "a larger batch".to_owned(),
            refusal: Refusal::Empty,
            queued,
            draft,
            spent: Spent::default(),
        }
    }

    fn fold(events: &[Event]) -> Option<Fate> {
        let mut fates = Fates::default();
        for event in events {
            fates.note(event);
        }
        fates.of(MESSAGE).cloned()
    }

    #[test]
    fn a_refused_draft_of_a_persons_hypothesis_is_asked_for_again() {
        let begun = [Event::Queued(queued()), drafted(1)];
        assert_eq!(fold(&begun), Some(Fate::Queued { ahead: 0 }));
        let [asked, draft] = begun;
        assert_eq!(fold(&[asked.clone(), draft.clone(), refused(None, Some(1))]), None);
        let again = [asked.clone(), draft, refused(None, Some(1)), drafted(2)];
        assert_eq!(fold(&again), Some(Fate::Queued { ahead: 0 }));
        let at_once = fold(&[asked, refused(Some(1), None)]);
        assert_eq!(at_once, Some(Fate::Refused(Refusal::Empty.to_string())));
    }

    #[test]
    fn what_was_set_aside_waits_again_after_a_resume() {
        let aside = Event::SetAside { id: 1, reason: "nobody can".to_owned() };
        let events = [Event::Queued(queued()), aside];
        assert_eq!(fold(&events), Some(Fate::SetAside("nobody can".to_owned())));
        let [asked, aside] = events;
        assert_eq!(fold(&[asked, aside, Event::Resumed]), None);
    }
}
