//! How a session is told to stop, from a signal handler or another thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

/// How urgent a stop is. Later ones are more urgent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// Nobody asked.
    #[default]
    None,
    /// Once the running experiment is settled.
    AfterThis,
    /// Now: the running trial is asked to end and recorded as interrupted.
    Now,
    /// At once: the running trial is killed.
    AtOnce,
}

/// The maximum of experiments that a resumed session shall have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Limit {
    /// As it was.
    #[default]
    Same,
    /// None any more.
    Unlimited,
    /// This many in all.
    At(u64),
}

/// A shared request to stop; it only ever grows more urgent.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    level: Arc<AtomicU8>,
}

impl Stop {
    /// Asks for a stop of at least this urgency. Safe in a signal handler.
    pub fn request(&self, urgency: Urgency) {
        self.level.fetch_max(urgency as u8, Ordering::SeqCst);
    }

    /// Asks more urgently than before: first now, then at once.
    pub fn escalate(&self) {
        let next = if self.urgency() >= Urgency::Now { Urgency::AtOnce } else { Urgency::Now };
        self.request(next);
    }

    /// The most urgent request so far.
    pub fn urgency(&self) -> Urgency {
        match self.level.load(Ordering::SeqCst) {
            0 => Urgency::None,
            1 => Urgency::AfterThis,
            2 => Urgency::Now,
            _ => Urgency::AtOnce,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_interrupt_asks_and_the_second_insists() {
        let stop = Stop::default();
        stop.request(Urgency::AfterThis);
        stop.escalate();
        assert_eq!(stop.urgency(), Urgency::Now);
        stop.request(Urgency::AfterThis);
        stop.escalate();
        assert_eq!(stop.urgency(), Urgency::AtOnce);
    }
}
