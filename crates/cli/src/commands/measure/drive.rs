//! Requests and commands, one after another or several at once, in turns.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use super::aim::{Aim, Done};

/// Between two looks at signals and the server.
const TICK: Duration = Duration::from_millis(50);

/// When it is enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Until {
    /// After so many rounds, each of every aim once.
    Rounds(u64),
    /// After this time, and one round at least.
    Time(Duration),
}

/// How to measure.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    /// Rounds before what counts.
    pub(super) warm_up: u64,
    pub(super) until: Until,
    pub(super) concurrency: usize,
    /// With more, there is no use in going on.
    pub(super) max_errors: u64,
}

/// One request or command.
#[derive(Clone, Debug)]
pub(super) struct Shot {
    /// Which of the aims.
    pub(super) aim: usize,
    /// What it took, or why it failed.
    pub(super) done: Result<Done, String>,
}

/// All of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Shots {
    pub(super) shots: Vec<Shot>,
    /// From the first's start to the last's end.
    pub(super) elapsed: Duration,
}

impl Shots {
    /// How many failed.
    pub(super) fn errors(&self) -> u64 {
        self.shots.iter().filter(|shot| shot.done.is_err()).count() as u64
    }

    pub(super) fn first_error(&self) -> Option<&str> {
        self.shots.iter().find_map(|shot| shot.done.as_ref().err().map(String::as_str))
    }

    /// What those of one aim took, or of all, that did not fail.
    pub(super) fn times(&self, aim: Option<usize>) -> impl Iterator<Item = &Done> {
        let shots = self.shots.iter().filter(move |shot| aim.is_none_or(|aim| shot.aim == aim));
        shots.filter_map(|shot| shot.done.as_ref().ok())
    }
}

/// Warms up and measures; `check` is called a few times a second.
///
/// # Errors
/// What `check` says. What was begun may still be at work then.
pub(super) fn drive(
    plan: Plan,
    aims: Vec<Aim>,
    check: &mut dyn FnMut() -> anyhow::Result<()>,
) -> anyhow::Result<Shots> {
    let aims: Arc<[Aim]> = aims.into();
    if plan.warm_up > 0 {
        // What does not answer at all is found out below.
        phase(Plan { until: Until::Rounds(plan.warm_up), ..plan }, &aims, check)?;
    }
    phase(plan, &aims, check)
}

/// What the workers share.
struct Round {
    next: AtomicU64,
    errors: AtomicU64,
    is_over: AtomicBool,
}

fn phase(
    plan: Plan,
    aims: &Arc<[Aim]>,
    check: &mut dyn FnMut() -> anyhow::Result<()>,
) -> anyhow::Result<Shots> {
    check()?;
    let round = Arc::new(Round {
        next: AtomicU64::new(0),
        errors: AtomicU64::new(0),
        is_over: AtomicBool::new(false),
    });
    // Each keeps what it found to itself until its end: nothing else is at work
    // while it measures.
    let (send, receive) = mpsc::channel();
    let started = Instant::now();
    for _ in 0..plan.concurrency {
        let (aims, round, send) = (Arc::clone(aims), Arc::clone(&round), send.clone());
        std::thread::Builder::new()
            .spawn(move || drop(send.send((work(plan, &aims, &round, started), Instant::now()))))?;
    }
    drop(send);
    let mut shots = Shots::default();
    loop {
        match receive.recv_timeout(TICK) {
            Ok((more, ended)) => {
                shots.shots.extend(more);
                shots.elapsed = shots.elapsed.max(ended - started);
            }
            Err(RecvTimeoutError::Disconnected) => return Ok(shots),
            Err(RecvTimeoutError::Timeout) => {
                if let Err(error) = check() {
                    round.is_over.store(true, Ordering::Relaxed);
                    return Err(error);
                }
            }
        }
    }
}

fn work(plan: Plan, aims: &[Aim], round: &Round, started: Instant) -> Vec<Shot> {
    let mut shots = Vec::new();
    let mut clients: Vec<_> = aims.iter().map(Aim::client).collect();
    while !round.is_over.load(Ordering::Relaxed) {
        let number = round.next.fetch_add(1, Ordering::Relaxed);
        let all = aims.len() as u64;
        let is_enough = match plan.until {
            Until::Rounds(rounds) => number >= rounds.saturating_mul(all),
            Until::Time(time) => number >= all && started.elapsed() >= time,
        };
        if is_enough {
            break;
        }
        let aim = usize::try_from(number % all).unwrap_or_default();
        let done = clients[aim].shoot();
        let is_error = done.is_err();
        shots.push(Shot { aim, done });
        if is_error && round.errors.fetch_add(1, Ordering::Relaxed) >= plan.max_errors {
            round.is_over.store(true, Ordering::Relaxed);
        }
    }
    shots
}
