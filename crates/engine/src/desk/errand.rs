//! A program on the desk, heard line by line while it runs and spoken with: the
//! engine's half of an errand, whatever the desk around it is.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use autoresearch_core::spent::Spent;
use autoresearch_propose::{Errand, Heard, Input, Listener, ProposeError};
use autoresearch_run::{Executor, Job, Report, RunError, Running, Talk};

use crate::stop::Urgency;

/// Between two looks at requests to stop.
const TICK: Duration = Duration::from_millis(200);
/// Longer lines are passed over.
const LONGEST_LINE: usize = 8 << 20;
/// How long a program that has nothing more to say may take to end by itself.
const LEAVING: Duration = Duration::from_secs(2);

/// Who has sent the program.
pub(crate) trait Keeper {
    /// Books what was spent; refuses when that is too much.
    fn book(&mut self, spent: Spent) -> Result<(), ProposeError>;
    /// What the program does now.
    fn say(&mut self, doing: &str);
    /// Called now and then; whether the program has to stop.
    fn look(&mut self) -> Urgency;
}

/// How an errand ended.
pub(crate) struct Ended {
    pub(crate) report: Report,
    /// The listener had heard enough: however it ended, all is well.
    pub(crate) is_done: bool,
}

/// How much of an errand's files the engine holds.
pub(crate) fn talk_of(errand: &Errand<'_>) -> Talk {
    match errand.input {
        Input::Lines(_) => Talk::Converse,
        Input::Nothing | Input::File(_) => Talk::Hear,
    }
}

/// Starts an errand's job.
///
/// # Errors
/// When there is nobody to supervise it.
pub(crate) fn start(executor: &dyn Executor, job: &Job) -> Result<Box<dyn Running>, ProposeError> {
    executor.start(job).map_err(failed)
}

/// Waits for the end of a job that was started for `errand`, while `listener`
/// hears it. One that is to end is told so, by whoever knows its protocol,
/// before it is ended: also `LEAVING` before its `deadline` is over.
///
/// # Errors
/// What the keeper refused with, once the job has ended; or why there is no
/// report.
pub(crate) fn hear_out(
    running: &mut dyn Running,
    deadline: Duration,
    errand: &Errand<'_>,
    listener: &mut dyn Listener,
    keeper: &mut dyn Keeper,
) -> Result<Ended, ProposeError> {
    if let Input::Lines(first) = &errand.input {
        speak(running, first);
    }
    let mut talk = Conversation {
        listener,
        keeper,
        lines: Lines::default(),
        done: None,
        refused: None,
        farewell: None,
    };
    let mut asked = Urgency::None;
    let started = Instant::now();
    let mut looked = started;
    loop {
        let left = TICK.saturating_sub(looked.elapsed());
        let ended = running.wait(left).map_err(failed)?;
        talk.hear(running);
        if let Some(report) = ended {
            talk.hear_the_last();
            return match talk.refused {
                Some(refused) => Err(refused),
                None => Ok(Ended { report, is_done: talk.done.is_some() }),
            };
        }
        let mut wanted = asked;
        if looked.elapsed() >= TICK {
            wanted = talk.keeper.look();
            looked = Instant::now();
        }
        if talk.refused.is_some() {
            wanted = wanted.max(Urgency::Now);
        }
        let is_late = started.elapsed() + LEAVING >= deadline;
        if (is_late || wanted == Urgency::Now) && talk.has_time_for_farewell(running) {
            continue;
        }
        if talk.done.is_some_and(|at| at.elapsed() >= LEAVING) {
            wanted = wanted.max(Urgency::Now);
        }
        if wanted > asked {
            match wanted {
                Urgency::AtOnce => running.kill(),
                Urgency::Now => running.interrupt(),
                Urgency::AfterThis | Urgency::None => {}
            }
            asked = wanted;
        }
    }
}

fn failed(error: RunError) -> ProposeError {
    match error {
        RunError::SupervisorDied { .. } => {
            ProposeError::Failed("its supervisor was killed".to_owned())
        }
        error => ProposeError::Failed(format!("failed to {error}")),
    }
}

fn speak(running: &mut dyn Running, lines: &[String]) {
    for line in lines {
        running.say(format!("{line}\n").as_bytes());
    }
}

struct Conversation<'a> {
    listener: &'a mut dyn Listener,
    keeper: &'a mut dyn Keeper,
    lines: Lines,
    /// When the listener had heard enough.
    done: Option<Instant>,
    refused: Option<ProposeError>,
    /// When it was told to end, if it can be.
    farewell: Option<Instant>,
}

impl Conversation<'_> {
    /// Takes what was heard, and answers it.
    fn hear(&mut self, running: &mut dyn Running) {
        self.lines.feed(&running.heard());
        while let Some(line) = self.lines.next() {
            let answer = self.hear_line(&line);
            if self.done.is_none() {
                speak(running, &answer.answer);
            }
            if answer.done && self.done.is_none() {
                self.done = Some(Instant::now());
                running.fall_silent();
            }
        }
    }

    /// Tells the program to end, if there are words for it; whether it still has
    /// time to do so by itself.
    fn has_time_for_farewell(&mut self, running: &mut dyn Running) -> bool {
        if self.done.is_some() {
            return false;
        }
        if self.farewell.is_none() {
            let words = self.listener.farewell();
            // Without words there is nothing to wait for.
            let now = Instant::now();
            self.farewell = if words.is_empty() { now.checked_sub(LEAVING) } else { Some(now) };
            speak(running, &words);
        }
        self.farewell.is_some_and(|at| at.elapsed() < LEAVING)
    }

    /// A last line need not have an end.
    fn hear_the_last(&mut self) {
        if let Some(line) = self.lines.rest() {
            let heard = self.hear_line(&line);
            self.done = self.done.or_else(|| heard.done.then(Instant::now));
        }
    }

    fn hear_line(&mut self, line: &str) -> Heard {
        let heard = self.listener.hear(line);
        if let Some(doing) = &heard.doing {
            self.keeper.say(doing);
        }
        if !heard.spent.is_zero()
            && let Err(refused) = self.keeper.book(heard.spent)
        {
            self.refused.get_or_insert(refused);
        }
        heard
    }
}

/// Cuts a stream into lines.
#[derive(Default)]
struct Lines {
    whole: VecDeque<String>,
    partial: Vec<u8>,
    /// The line that is coming is too long.
    is_passed_over: bool,
}

impl Lines {
    fn feed(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (text, is_whole) = match piece.strip_suffix(b"\n") {
                Some(text) => (text, true),
                None => (piece, false),
            };
            if self.partial.len() + text.len() > LONGEST_LINE {
                self.is_passed_over = true;
                self.partial = Vec::new();
            }
            if !self.is_passed_over {
                self.partial.extend_from_slice(text);
            }
            if is_whole {
                if !std::mem::take(&mut self.is_passed_over) {
                    self.whole.push_back(line_of(&self.partial));
                }
                self.partial.clear();
            }
        }
    }

    fn next(&mut self) -> Option<String> {
        self.whole.pop_front()
    }

    fn rest(&mut self) -> Option<String> {
        let rest = std::mem::take(&mut self.partial);
        (!rest.is_empty()).then(|| line_of(&rest))
    }
}

fn line_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes.strip_suffix(b"\r").unwrap_or(bytes)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(pieces: &[&[u8]]) -> Vec<String> {
        let mut lines = Lines::default();
        for piece in pieces {
            lines.feed(piece);
        }
        let mut all: Vec<String> = std::iter::from_fn(|| lines.next()).collect();
        all.extend(lines.rest());
        all
    }

    #[test]
    fn a_line_that_is_too_long_is_passed_over_and_the_next_is_heard() {
        let long = vec![b'x'; LONGEST_LINE + 1];
        assert_eq!(cut(&[b"a\r\n", &long, &long, b"\nb\nc"]), ["a", "b", "c"]);
        let longest = vec![b'x'; LONGEST_LINE];
        assert_eq!(cut(&[&longest, b"\n"])[0].len(), LONGEST_LINE);
    }

    #[test]
    fn however_a_stream_is_cut_the_lines_are_the_same() {
        let text = "one\n\ntwo\r\nthree";
        for at in 0..=text.len() {
            let (one, two) = text.as_bytes().split_at(at);
            assert_eq!(cut(&[one, two]), ["one", "", "two", "three"], "cut at {at}");
        }
    }
}
