//! Many cells on several threads. The result does not depend on how many.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use crate::rules::Rule;
use crate::table::{Cell, Setting, Sums};

/// Between two calls of whoever watches, at most.
const TICK: Duration = Duration::from_millis(100);

/// One cell that shall be computed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Job {
    /// The sessions.
    pub setting: Setting,
    /// The rule.
    pub rule: Rule,
    /// Standard deviation of a run, in typical gains.
    pub nu: f64,
}

/// Computes the cells of `jobs`, in their order. `watch` hears several times a
/// second which share is done, and answers whether to go on.
///
/// Returns `None` when it was told to end.
pub fn cells(
    jobs: &[Job],
    threads: NonZeroUsize,
    mut watch: impl FnMut(f64) -> bool,
) -> Option<Vec<Cell>> {
    let prepared: Vec<_> = jobs.iter().map(|job| job.rule.prepared(job.nu)).collect();
    let parts: Vec<_> = jobs.iter().map(|job| job.setting.parts()).collect();
    // The first part of every job, then the second: what is done then tells how
    // long the rest takes, though some rules take a hundred times as long.
    let most = parts.iter().map(Vec::len).max().unwrap_or(0);
    let order: Vec<(usize, usize)> = (0..most)
        .flat_map(|part| (0..jobs.len()).map(move |job| (job, part)))
        .filter(|(job, part)| *part < parts[*job].len())
        .collect();
    let total = jobs.iter().map(|job| job.setting.sessions).sum::<u64>();
    let (next, done, is_over) = (AtomicUsize::new(0), AtomicU64::new(0), AtomicBool::new(false));
    let (sender, receiver) = mpsc::channel();
    let mut sums: Vec<Vec<Sums>> =
        parts.iter().map(|parts| vec![Sums::default(); parts.len()]).collect();
    std::thread::scope(|scope| {
        for _ in 0..threads.get().min(order.len()) {
            let sender = sender.clone();
            let (prepared, parts, order) = (&prepared, &parts, &order);
            let (next, done, is_over) = (&next, &done, &is_over);
            scope.spawn(move || {
                while let Some(&(job, part)) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let Job { setting, nu, .. } = &jobs[job];
                    let mut sums = Sums::default();
                    for number in parts[job][part].clone() {
                        if is_over.load(Ordering::Relaxed) {
                            return;
                        }
                        sums.add(&setting.play(&prepared[job], *nu, number));
                        done.fetch_add(1, Ordering::Relaxed);
                    }
                    // Nobody hears it once the other side has given up.
                    let _ = sender.send((job, part, sums));
                }
            });
        }
        drop(sender);
        loop {
            match receiver.recv_timeout(TICK) {
                Ok((job, part, of_part)) => sums[job][part] = of_part,
                Err(mpsc::RecvTimeoutError::Timeout) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
            }
            let share = done.load(Ordering::Relaxed) as f64 / total.max(1) as f64;
            if !is_over.load(Ordering::Relaxed) && !watch(share) {
                is_over.store(true, Ordering::Relaxed);
            }
        }
    });
    if is_over.into_inner() {
        return None;
    }
    let cell = |parts: &Vec<Sums>| {
        let mut all = Sums::default();
        for part in parts {
            all.join(part);
        }
        all.cell()
    };
    Some(sums.iter().map(cell).collect())
}
