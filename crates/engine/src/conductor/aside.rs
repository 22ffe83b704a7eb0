//! What goes on beside the bench while it is busy: stops are heard, whoever
//! watches is told, and the next proposals are written.

use std::time::Instant;

use autoresearch_ledger::{Journal, Message};
use autoresearch_report::Activity;

use super::Office;
use crate::error::EngineError;
use crate::news::News;
use crate::stop::{Stop, Urgency};

/// A stop must reach whatever runs; everything else that others ask can wait.
pub(super) fn heed(journal: &Journal, stop: &Stop) {
    for (_, message) in journal.inbox().unwrap_or_default() {
        match message {
            Some(Message::Stop { now: true }) => stop.request(Urgency::Now),
            Some(Message::Stop { now: false }) => stop.request(Urgency::AfterThis),
            _ => {}
        }
    }
}

/// The office while the bench is busy with one thing.
pub(super) struct Aside<'o, 'a> {
    office: &'o mut Office<'a>,
    activity: Activity,
    began: Instant,
    trouble: Result<(), EngineError>,
}

impl<'o, 'a> Aside<'o, 'a> {
    /// From now on the bench does this.
    pub(super) fn new(office: &'o mut Office<'a>, activity: Activity) -> Aside<'o, 'a> {
        Aside { office, activity, began: Instant::now(), trouble: Ok(()) }
    }

    /// A few times a second.
    pub(super) fn tick(&mut self) {
        let Aside { office, activity, began, trouble } = self;
        heed(&office.journal, &office.stop);
        if trouble.is_ok() {
            *trouble = office.look_ahead();
            if trouble.is_err() {
                // What runs is not worth finishing if nothing can be recorded.
                office.stop.request(Urgency::Now);
            }
        }
        activity.elapsed = began.elapsed();
        activity.doing = office.writers.doing();
        office.observer.tell(&News::Working { activity, progress: &office.progress });
    }

    /// It is done; what went wrong beside it.
    pub(super) fn end(self) -> Result<(), EngineError> {
        self.trouble
    }
}
