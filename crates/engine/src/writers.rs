//! Who writes proposals: each proposer on a thread and a desk of its own, so
//! that the next proposal is written while a trial runs.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::Scope;
use std::time::{Duration, Instant};

use autoresearch_core::experiment::CommitId;
use autoresearch_core::proposal::{Edit, FileEdit, Proposal, Refusal};
use autoresearch_core::session::Queued;
use autoresearch_core::spent::{Allowance, Spent};
use autoresearch_propose::{Brief, ProposeError, Proposer};

use crate::desk::{Around, Room, Workplace};
use crate::error::EngineError;
use crate::guard::Targets;
use crate::stop::{Stop, Urgency};

/// Waits before somebody who is out of reach is asked again, doubled each time.
const FIRST_WAIT: Duration = Duration::from_secs(2);
const LONGEST_WAIT: Duration = Duration::from_mins(10);

/// All proposers of a session. Empty: only the queue.
pub(crate) struct Writers {
    room: Room,
    staff: Vec<Writer>,
    words: Receiver<Word>,
    mouth: Sender<Word>,
}

/// One proposer, as the conductor sees it.
struct Writer {
    name: String,
    /// Proposals that it writes ahead, unless the configuration says otherwise.
    lookahead: usize,
    tasks: Sender<Task>,
    stop: Stop,
    /// What it is at.
    busy: Option<Busy>,
    /// Why it is asked no more.
    out: Option<Out>,
    /// Failures in a row to reach it, and until when it is left alone.
    failures: u32,
    rests_until: Option<Instant>,
    /// Queued hypotheses that it cannot turn into an edit.
    cannot: BTreeSet<u64>,
}

#[derive(Debug)]
struct Busy {
    number: u64,
    queued: Option<u64>,
    doing: String,
    /// What it may cost.
    cap: Allowance,
}

/// Why a proposer is asked no more.
#[derive(Clone, Debug)]
pub(crate) struct Out {
    pub(crate) why: String,
    /// It may still answer what people ask, and have more to say of another
    /// incumbent.
    pub(crate) is_exhausted: bool,
}

/// What one proposal is to be written for.
#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) brief: Brief,
    pub(crate) queued: Option<Queued>,
    pub(crate) base: CommitId,
    pub(crate) targets: Arc<Targets>,
    /// What it may cost.
    pub(crate) cap: Allowance,
}

/// What a writer says.
enum Word {
    Doing { writer: usize, what: String },
    Done { writer: usize, answer: Box<Answer> },
}

/// What became of a task.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) proposer: String,
    pub(crate) queued: Option<Queued>,
    /// What it was written against.
    pub(crate) base: CommitId,
    pub(crate) targets: Arc<Targets>,
    pub(crate) written: Result<Written, ProposeError>,
    pub(crate) spent: Spent,
}

/// A proposal with the files that it changes.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) proposal: Proposal,
    pub(crate) edits: Result<Vec<FileEdit>, Refusal>,
}

impl Writers {
    pub(crate) fn new(room: Room) -> Writers {
        let (mouth, words) = channel();
        Writers { room, staff: Vec::new(), words, mouth }
    }

    /// Puts proposers to work, until they are dismissed.
    pub(crate) fn hire<'scope, 'a: 'scope>(
        &mut self,
        scope: &'scope Scope<'scope, '_>,
        proposers: Vec<Box<dyn Proposer + 'a>>,
    ) {
        for (writer, mut proposer) in proposers.into_iter().enumerate() {
            let (tasks, inbox) = channel::<Task>();
            let stop = Stop::default();
            self.staff.push(Writer {
                name: proposer.name().to_owned(),
                lookahead: proposer.lookahead(),
                tasks,
                stop: stop.clone(),
                busy: None,
                out: None,
                failures: 0,
                rests_until: None,
                cannot: BTreeSet::new(),
            });
            let mouth = self.mouth.clone();
            let mut workplace = self.room.workplace(writer + 1);
            scope.spawn(move || {
                while let Ok(task) = inbox.recv() {
                    let mut say = |what: &str| {
                        let _ = mouth.send(Word::Doing { writer, what: what.to_owned() });
                    };
                    let answer = write(&mut *proposer, &mut workplace, task, &stop, &mut say);
                    let _ = mouth.send(Word::Done { writer, answer: Box::new(answer) });
                }
            });
        }
    }

    /// Nobody is asked any more, and who is at something is told to end.
    pub(crate) fn dismiss(&mut self) {
        self.stop(Urgency::Now);
        self.staff.clear();
    }

    /// Tells whoever is at something to end.
    pub(crate) fn stop(&self, urgency: Urgency) {
        self.staff.iter().for_each(|writer| writer.stop.request(urgency));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.staff.is_empty()
    }

    /// Whether anybody is at something.
    pub(crate) fn is_busy(&self) -> bool {
        self.staff.iter().any(|writer| writer.busy.is_some())
    }

    /// The queued hypotheses that are being answered, one for each task.
    pub(crate) fn writing(&self) -> Vec<Option<u64>> {
        self.staff.iter().filter_map(|writer| Some(writer.busy.as_ref()?.queued)).collect()
    }

    /// What each that is at something may use up.
    pub(crate) fn caps(&self) -> Vec<Allowance> {
        self.staff.iter().filter_map(|writer| Some(writer.busy.as_ref()?.cap)).collect()
    }

    /// Proposals that may wait or be under way while something runs.
    pub(crate) fn lookahead(&self, configured: Option<u64>) -> usize {
        let own = || self.staff.iter().map(|writer| writer.lookahead).max().unwrap_or(0);
        configured.map_or_else(own, |n| usize::try_from(n).unwrap_or(usize::MAX))
    }

    /// What they are at, in a line.
    pub(crate) fn doing(&self) -> Option<String> {
        let mut lines = self.staff.iter().filter_map(|writer| {
            let Busy { number, doing, .. } = writer.busy.as_ref()?;
            let doing = if doing.is_empty() { String::new() } else { format!(": {doing}") };
            Some(format!("{} writes #{number}{doing}", writer.name))
        });
        lines.next()
    }

    /// Who could be asked now, as places; perhaps only those who write ahead
    /// unless told otherwise.
    pub(crate) fn free(&self, queued: Option<u64>, only_ahead: bool) -> Vec<usize> {
        let now = Instant::now();
        let is_free = |writer: &Writer| {
            writer.busy.is_none()
                && writer.is_able(queued)
                && writer.rests_until.is_none_or(|until| until <= now)
                && (!only_ahead || writer.lookahead > 0)
        };
        let staff = self.staff.iter().enumerate();
        staff.filter_map(|(place, writer)| is_free(writer).then_some(place)).collect()
    }

    /// Whether anybody can answer this, now or later.
    pub(crate) fn anybody_able(&self, queued: Option<u64>) -> bool {
        self.staff.iter().any(|writer| writer.is_able(queued))
    }

    /// Why nobody is asked any more.
    pub(crate) fn outs(&self) -> impl Iterator<Item = (&str, &Out)> {
        self.staff.iter().filter_map(|writer| Some((writer.name.as_str(), writer.out.as_ref()?)))
    }

    pub(crate) fn name(&self, place: usize) -> &str {
        self.staff.get(place).map_or("", |writer| &writer.name)
    }

    /// Gives a task to the writer at a place.
    pub(crate) fn give(&mut self, place: usize, task: Task) {
        let Some(writer) = self.staff.get_mut(place) else { return };
        writer.busy = Some(Busy {
            number: task.brief.number,
            queued: task.queued.as_ref().map(|queued| queued.id),
            doing: String::new(),
            cap: task.cap,
        });
        // Its thread is there until it is dismissed: a panic is an answer, too.
        let _ = writer.tasks.send(task);
    }

    /// The next answer, if one comes within this time.
    pub(crate) fn hear(&mut self, within: Duration) -> Option<(usize, Answer)> {
        let until = Instant::now() + within;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.words.recv_timeout(left) {
                Ok(Word::Doing { writer, what }) => {
                    if let Some(busy) = self.staff.get_mut(writer).and_then(|w| w.busy.as_mut()) {
                        busy.doing = what;
                    }
                }
                Ok(Word::Done { writer, answer }) => {
                    if let Some(writer) = self.staff.get_mut(writer) {
                        writer.busy = None;
                    }
                    return Some((writer, *answer));
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return None,
            }
        }
    }

    /// It answered, so it is in reach.
    pub(crate) fn reached(&mut self, place: usize) {
        if let Some(writer) = self.staff.get_mut(place) {
            (writer.failures, writer.rests_until) = (0, None);
        }
    }

    /// It is out of reach: how long it is left alone.
    pub(crate) fn rest(&mut self, place: usize, asked: Option<Duration>) -> Duration {
        let Some(writer) = self.staff.get_mut(place) else { return FIRST_WAIT };
        let doubled = FIRST_WAIT.saturating_mul(1 << writer.failures.min(16));
        let wait = doubled.max(asked.unwrap_or_default()).min(LONGEST_WAIT);
        writer.failures += 1;
        writer.rests_until = Some(Instant::now() + wait);
        wait
    }

    pub(crate) fn put_out(&mut self, place: usize, out: Out) {
        if let Some(writer) = self.staff.get_mut(place) {
            writer.out = Some(out);
        }
    }

    pub(crate) fn cannot(&mut self, place: usize, queued: u64) {
        if let Some(writer) = self.staff.get_mut(place) {
            writer.cannot.insert(queued);
        }
    }

    /// There is another incumbent: who had nothing left to say may have more.
    pub(crate) fn refresh(&mut self) {
        for writer in &mut self.staff {
            writer.out.take_if(|out| out.is_exhausted);
        }
    }

    /// A program was tried: it is not to be proposed again.
    pub(crate) fn tell_tried(
        &self,
        fingerprint: autoresearch_core::proposal::Fingerprint,
        by: u64,
    ) {
        self.room.tried.insert(fingerprint, by);
    }
}

impl Writer {
    fn is_able(&self, queued: Option<u64>) -> bool {
        let is_in = self.out.as_ref().is_none_or(|out| out.is_exhausted && queued.is_some());
        is_in && queued.is_none_or(|id| !self.cannot.contains(&id))
    }
}

/// Has one proposal written, and reads what it changes.
fn write(
    proposer: &mut dyn Proposer,
    workplace: &mut Workplace,
    task: Task,
    stop: &Stop,
    say: &mut dyn FnMut(&str),
) -> Answer {
    let Task { brief, queued, base, targets, cap } = task;
    let began = Instant::now();
    let mut desk = workplace.desk(Around { base: &base, targets: &targets, stop, say, cap, began });
    let proposal = unless_it_panics(|| proposer.propose(&brief, &mut desk));
    // Whatever became of it, this is spent.
    let mut spent = desk.spent();
    let is_laid = desk.is_laid();
    spent.seconds = began.elapsed().as_secs_f64();
    let failed = |error: EngineError| ProposeError::Failed(error.to_string());
    let read = |proposal: Proposal| {
        let edits = match &proposal.edit {
            Edit::Files(files) => Ok(files.clone()),
            Edit::Desk if !is_laid => Err(Refusal::Empty),
            Edit::Desk => workplace.edits(&base).map_err(failed)?,
            Edit::Patch(patch) => workplace
                .repo()
                .apply_patch(&base, patch.as_bytes())
                .map_err(|error| failed(error.into()))?
                .map_err(|why| Refusal::DoesNotApply { why }),
        };
        Ok(Written { proposal, edits })
    };
    let written = proposal.and_then(|proposal| unless_it_panics(|| read(proposal)));
    Answer { proposer: proposer.name().to_owned(), queued, base, targets, written, spent }
}

/// Nobody would ever hear of a thread that is gone, and wait for it.
fn unless_it_panics<T>(work: impl FnOnce() -> Result<T, ProposeError>) -> Result<T, ProposeError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        let why = "it panicked; that is a bug, please report it".to_owned();
        Err(ProposeError::Unusable(why))
    })
}
