//! The body of the hidden subcommand: one job, from its command's start to the
//! last of its processes.
//!
//! One thread, one `poll`: output, life line, ended children and signals wake
//! it; nothing is waited for by sleeping. It is the subreaper of everything
//! below, so that "no children left" is proof that nothing is left at all.

use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use autoresearch_core::conditions::Conditions;
use autoresearch_core::metric::Readings;
use autoresearch_core::trial::{Exit, Usage};
use autoresearch_core::units::Bytes;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, WaitIdStatus, getppid, kill_process_group, waitid,
};
use serde::{Deserialize, Serialize};
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGTERM};
use signal_hook::low_level::pipe;

use crate::conditions::ConditionsWatch;
use crate::contained::{Contained, Left};
use crate::gate::keeper::Keeper;
use crate::heard::Heard;
use crate::launch::{Launched, Running, launch};
use crate::limits::hierarchy::own_groups;
use crate::limits::{Bounds, Breach};
use crate::listening::{self, Read};
use crate::log::Log;
use crate::oom::{Counters, killed, signature};
use crate::plotting::Plotter;
use crate::quota::QuotaWatch;
use crate::reading::Reader;
use crate::sandbox::hint::hint_for;
use crate::tail::{Tail, excerpt};
use crate::talk::{Apart, HandedOver};
use crate::witness::Witness;
use crate::{Job, Report, RunError, Talk, sys};

mod sweeping;

/// On the life line: end the trial with TERM and its grace.
pub(crate) const INTERRUPT: u8 = b'i';
/// On the life line: end the trial at once.
pub(crate) const KILL: u8 = b'k';

/// Bytes that are read at once, and how often before anything else is looked at.
const PIECE: usize = 64 * 1024;
const PIECES: usize = 16;
/// What is left in a pipe when all its writers are dead fits into this.
const LAST_PIECES: usize = 1024;
const FIRST_SAMPLE: Duration = Duration::from_millis(5);
const RAREST_SAMPLE: Duration = Duration::from_millis(250);
/// Sampling takes at most this part of one core.
const SAMPLING_SHARE: u32 = 50;
/// And this part where CPU time is about to run out.
const LOOKING_SHARE: u32 = 10;

/// The most that a supervisor says, in bytes: a report with the names of its tests,
/// and a panic before it.
pub(crate) const MOST_SAID: usize = 64 << 20;

/// The line that a supervisor says at its end.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    Report(Box<Report>),
    Error(RunError),
}

/// Does the job that comes as a line of JSON on standard input and says on
/// standard output what came of it; returns the exit code for the process.
///
/// Standard input stays open as the life line: its end means that the engine
/// is gone, and everything is killed. To be called first thing in `main`, from
/// the only thread: it makes the process a subreaper and handles its signals.
pub fn supervise() -> i32 {
    sys::keep_files_to_self();
    let outcome = match supervised() {
        Ok(Some(report)) => Outcome::Report(Box::new(report)),
        // The engine is gone: nobody listens.
        Ok(None) => return 1,
        Err(error) => Outcome::Error(error),
    };
    let said = line_of(outcome).and_then(|line| io::stdout().write_all(&line));
    i32::from(said.is_err())
}

/// What is said; of a report that is longer than the engine listens to, why.
fn line_of(mut outcome: Outcome) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(&outcome)?;
    if line.len() > MOST_SAID - 1
        && let Outcome::Report(report) = &mut outcome
    {
        let why = format!("its {} tests are more than can be told of", report.readings.tests.len());
        report.readings = Readings { trouble: Some(why), ..Readings::default() };
        line = serde_json::to_vec(&outcome)?;
    }
    line.push(b'\n');
    Ok(line)
}

/// The report, or none if the engine went away.
fn supervised() -> Result<Option<Report>, RunError> {
    let parent = getppid();
    let wakers = Wakers::new()?;
    let talk = HandedOver::by_arguments();
    let Some((job, commands)) = read_job()? else {
        return Ok(None);
    };
    let job = &job;
    sys::adopt_orphans();
    let own = own_groups();
    let counters = Counters::now(&own);
    let (deadline, grace) = (job.deadline()?, job.grace()?);
    let quota = QuotaWatch::of(job)?;
    let reader = Reader::of(job)?;
    let log = Log::create(&job.log, job.log_limit)?;
    let mut bounds = Bounds::new(job, &own);
    let witness = Witness::of(&job.confinement);
    let conditions = ConditionsWatch::begin(&job.cpus);
    let started = Instant::now();
    let report = match launch(job, talk.said, &mut bounds)? {
        Launched::Failed(why) => {
            log.finish()?;
            Report {
                exit: Exit::NotStarted(why),
                usage: Usage::default(),
                conditions: None,
                readings: Readings::default(),
                curve: autoresearch_core::curve::Curve::default(),
                output_bytes: 0,
                strays: 0,
                tail: String::new(),
                out_of_memory: None,
                protection: job.confinement.protection,
                tampered: None,
                hint: None,
            }
        }
        Launched::Running(running) => {
            let Running { child, output, apart, confined, gate } = *running;
            let mut trial = Trial {
                job,
                child,
                contained: Contained::of(job),
                asking: None,
                confined: confined.map(Heard::new),
                gate,
                witness,
                parent,
                started,
                deadline: started + deadline,
                quota,
                conditions,
                grace,
                output: Some(output),
                apart: apart.zip(talk.heard).map(|(from, to)| Apart::new(from, to)),
                is_apart_open: job.talk >= Talk::Hear,
                has_life: true,
                wakers,
                log,
                reader,
                plotter: Plotter::since(started),
                tail: Tail::default(),
                ending: None,
                failure: None,
                is_abandoned: false,
                bounds,
                breach: None,
                peak: 0,
                sample_at: started + FIRST_SAMPLE,
                interval: FIRST_SAMPLE,
                piece: vec![0; PIECE],
            };
            trial.obey(&commands);
            match trial.run(&counters, job.source.is_some())? {
                Some(report) => report,
                None => return Ok(None),
            }
        }
    };
    write_result(job, &report)?;
    Ok(Some(report))
}

/// The job, and the commands that came with it. None if the engine went away.
fn read_job() -> Result<Option<(Job, Vec<u8>)>, RunError> {
    let mut line = Vec::new();
    let mut piece = [0; 16 * 1024];
    loop {
        if let Some(end) = line.iter().position(|byte| *byte == b'\n') {
            let commands = line.split_off(end);
            let job = serde_json::from_slice(&line)
                .map_err(|error| RunError::BadJob { why: error.to_string() })?;
            return Ok(Some((job, commands)));
        }
        match rustix::io::read(rustix::stdio::stdin(), &mut piece) {
            Ok(0) => return Ok(None),
            Ok(n) => line.extend_from_slice(&piece[..n]),
            Err(Errno::INTR) => {}
            Err(error) => return Err(RunError::system("read the job", error)),
        }
    }
}

/// Complete or not there: written beside, then renamed. Not synced: a machine
/// that crashes took the trial with it.
fn write_result(job: &Job, report: &Report) -> Result<(), RunError> {
    let mut beside = job.result.clone().into_os_string();
    beside.push(".tmp");
    serde_json::to_vec(report)
        .map_err(io::Error::from)
        .and_then(|json| std::fs::write(&beside, json))
        .and_then(|()| std::fs::rename(&beside, &job.result))
        .map_err(|error| RunError::write(&job.result, error))
}

/// Sockets by which signals wake a `poll`.
struct Wakers {
    child_ended: UnixStream,
    told_to_stop: UnixStream,
}

impl Wakers {
    fn new() -> Result<Wakers, RunError> {
        let waker = |signals: &[i32]| -> io::Result<UnixStream> {
            let (read, write) = UnixStream::pair()?;
            read.set_nonblocking(true)?;
            for signal in signals {
                pipe::register(*signal, write.try_clone()?)?;
            }
            Ok(read)
        };
        let both = || {
            Ok(Wakers {
                child_ended: waker(&[SIGCHLD])?,
                told_to_stop: waker(&[SIGTERM, SIGINT, SIGHUP])?,
            })
        };
        both().map_err(|error: io::Error| RunError::system("handle signals", error))
    }
}

/// A trial that is being ended by us.
struct Ending {
    exit: Exit,
    kill_at: Instant,
}

struct Trial<'job> {
    job: &'job Job,
    /// The command, or what stands between us and it.
    child: Pid,
    contained: Option<Contained>,
    /// Asks the program in the container to end.
    asking: Option<Pid>,
    confined: Option<Heard>,
    gate: Option<Keeper>,
    witness: Option<Witness>,
    /// Who started us; another one means that the engine is gone.
    parent: Option<Pid>,
    started: Instant,
    deadline: Instant,
    quota: QuotaWatch,
    conditions: ConditionsWatch,
    grace: Duration,
    /// Until its end was read.
    output: Option<io::PipeReader>,
    /// Standard output, where it is not in `output`.
    apart: Option<Apart>,
    is_apart_open: bool,
    has_life: bool,
    wakers: Wakers,
    log: Log,
    reader: Reader,
    plotter: Plotter,
    tail: Tail,
    ending: Option<Ending>,
    /// The log could not be written.
    failure: Option<RunError>,
    /// The engine is gone.
    is_abandoned: bool,
    bounds: Bounds,
    /// The limit that ended it.
    breach: Option<Breach>,
    peak: u64,
    sample_at: Instant,
    interval: Duration,
    piece: Vec<u8>,
}

impl Trial<'_> {
    fn run(mut self, counters: &Counters, wants_metric: bool) -> Result<Option<Report>, RunError> {
        let watched = self.watch();
        let wall = self.started.elapsed();
        // What happens from here on no longer changes how the command ended.
        let ended_by_us = self.ending.as_ref().map(|ending| ending.exit.clone());
        // Whatever went wrong: first of all, nothing is left. A client that has
        // to be killed could start its container until then.
        let has_ended = self.has_ended().unwrap_or(true);
        let mut gone = if has_ended { self.end_container() } else { Ok(Left::default()) };
        let swept = self.sweep();
        if !has_ended {
            gone = self.end_container();
        }
        self.drain_to_end();
        let (status, strays) = swept?;
        watched?;
        let in_container = gone?.out_of_memory.filter(|_| ended_by_us.is_none());

        let natural = natural_exit(status.as_ref());
        let mut exit = match (ended_by_us, &self.confined) {
            (Some(exit), _) => exit,
            (None, Some(heard)) if !self.is_abandoned => {
                let exit = heard.exit(self.job, natural, &excerpt(&self.tail.lines()))?;
                self.exit_within_limits(exit)
            }
            (None, _) => self.exit_within_limits(natural),
        };
        let was_killed = matches!(exit, Exit::Signal(9) | Exit::Code(137));
        let logged = self.log.finish();
        if self.is_abandoned {
            return Ok(None);
        }
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        let steps = self.reader.steps();
        // Whenever that was said.
        let is_hurried = self.ending.is_some_and(|ending| ending.exit == Exit::Interrupted);
        let told = &self.wakers.told_to_stop;
        let readings = match listening::read(self.reader, self.parent, told, is_hurried)? {
            Read::All(readings) => *readings,
            Read::Stopped => {
                exit = Exit::Interrupted;
                Readings::default()
            }
            Read::Abandoned => return Ok(None),
        };
        let spoken = self.apart.as_mut().map(|apart| apart.tail.lines()).unwrap_or_default();
        let lines = self.tail.lines();
        let has_failed = exit != Exit::Code(0) || (wants_metric && readings.metric.is_none());
        let used = sys::waited();
        let out_of_memory = match &self.breach {
            Some(breach @ Breach::Memory(_)) => Some(breach.to_string()),
            _ => self.bounds.kills().map(|kills| killed(kills.count, &kills.file)),
        };
        let ends = [excerpt(&spoken), excerpt(&lines)];
        let tail = ends.join("\n").trim_matches('\n').to_owned();
        let hint = self
            .confined
            .as_ref()
            .filter(|_| matches!(exit, Exit::Code(1..)))
            .and_then(|heard| hint_for(&tail, &heard.confined.view))
            .or_else(|| self.gate.as_ref().filter(|_| exit != Exit::Code(0))?.failure());
        let conditions = self.conditions.end(used.cpu_seconds);
        Ok(Some(Report {
            conditions: Some(Conditions { steps, ..conditions }),
            usage: Usage {
                wall_seconds: wall.as_secs_f64(),
                cpu_seconds: used.cpu_seconds,
                peak_memory: Bytes(self.peak.max(used.largest)),
            },
            output_bytes: logged?,
            strays,
            tail,
            out_of_memory: out_of_memory
                .or_else(|| counters.evidence(was_killed))
                .or_else(|| in_container.filter(|_| was_killed))
                .or_else(|| has_failed.then(|| signature(&lines)).flatten()),
            readings,
            curve: self.plotter.finish(),
            exit,
            protection: self.job.confinement.protection,
            tampered: self.witness.and_then(|witness| witness.tampering()),
            hint,
        }))
    }

    /// Until the command has ended or has to be killed.
    fn watch(&mut self) -> Result<(), RunError> {
        while !self.has_ended()? {
            let now = Instant::now();
            if now >= self.sample_at {
                self.sample(now);
            }
            if self.ending.is_none() && now >= self.deadline {
                self.end(self.quota.exit(), self.grace);
            }
            let until = self.ending.as_ref().map_or(self.deadline, |ending| ending.kill_at);
            if self.ending.is_some() && now >= until {
                return Ok(());
            }
            self.wait(until.min(self.sample_at).saturating_duration_since(now))?;
        }
        Ok(())
    }

    /// Asks the command's group to end; the first reason stands.
    fn end(&mut self, exit: Exit, grace: Duration) {
        let kill_at = Instant::now() + grace;
        match &mut self.ending {
            Some(ending) => ending.kill_at = ending.kill_at.min(kill_at),
            None => self.ending = Some(Ending { exit, kill_at }),
        }
        if grace > Duration::ZERO {
            self.asking = self.contained.as_ref().and_then(Contained::ask);
            if self.asking.is_none() {
                self.term();
            }
        }
    }

    /// Ends everything at once: the trial used more than it may.
    fn end_at(&mut self, breach: Breach) {
        if self.ending.is_none() {
            let exit = Exit::Limit(breach.to_string());
            self.breach = Some(breach);
            self.end(exit, Duration::ZERO);
        }
    }

    /// A command that ended by itself may have reached a limit before.
    fn exit_within_limits(&mut self, exit: Exit) -> Exit {
        self.breach = self.bounds.breach_at_end(&exit);
        self.breach.as_ref().map_or(exit, |breach| Exit::Limit(breach.to_string()))
    }

    fn term(&mut self) {
        match &mut self.confined {
            Some(heard) if heard.confined.control.is_sandbox() => {
                heard.confined.control.send_term();
            }
            _ => {
                // Fails if it has ended since.
                let _ = kill_process_group(self.child, Signal::TERM);
            }
        }
    }

    fn end_container(&self) -> Result<Left, RunError> {
        self.contained.as_ref().map_or_else(|| Ok(Left::default()), Contained::end)
    }

    /// Waits for anything to happen, and deals with it.
    fn wait(&mut self, at_most: Duration) -> Result<(), RunError> {
        let stdin = rustix::stdio::stdin();
        let mut fds = vec![
            PollFd::new(&self.wakers.child_ended, PollFlags::IN),
            PollFd::new(&self.wakers.told_to_stop, PollFlags::IN),
        ];
        let life_at = self.has_life.then(|| push(&mut fds, stdin));
        let output_at = self.output.as_ref().map(|output| push(&mut fds, output.as_fd()));
        let heard = self.confined.as_ref().filter(|heard| heard.is_open());
        let said_at = heard.map(|heard| push(&mut fds, heard.confined.control.as_fd()));
        let apart = self.apart.as_ref().filter(|_| self.is_apart_open);
        let apart_at = apart.map(|apart| {
            let (fd, what) = apart.awaited();
            fds.push(PollFd::from_borrowed_fd(fd, what));
            fds.len() - 1
        });
        let timeout = Timespec::try_from(at_most).ok();
        match poll(&mut fds, timeout.as_ref()) {
            Ok(0) | Err(Errno::INTR) => return Ok(()),
            Ok(_) => {}
            Err(error) => return Err(RunError::system("wait for the trial", error)),
        }
        let is_ready = |at: Option<usize>| at.is_some_and(|at| !fds[at].revents().is_empty());
        let (ended, stop, life, output) =
            (is_ready(Some(0)), is_ready(Some(1)), is_ready(life_at), is_ready(output_at));
        let said = is_ready(said_at);
        if output || is_ready(apart_at) {
            self.drain(PIECES);
            let reached = self.quota.is_reached_by(self.reader.steps());
            self.allow_no_more_than(reached);
        }
        if said && let Some(heard) = &mut self.confined {
            heard.listen();
        }
        if life {
            self.listen();
        }
        if stop && has_bytes(&mut self.wakers.told_to_stop) {
            self.end(Exit::Interrupted, self.grace);
        }
        if ended && has_bytes(&mut self.wakers.child_ended) {
            self.reap_orphans();
        }
        Ok(())
    }

    /// Brings the deadline forward to what is left once the quota is used.
    fn allow_no_more_than(&mut self, allowance: Option<Duration>) {
        if let Some(allowance) = allowance {
            self.deadline = self.deadline.min(Instant::now() + allowance);
        }
    }

    fn listen(&mut self) {
        let mut commands = [0; 64];
        match rustix::io::read(rustix::stdio::stdin(), &mut commands) {
            Err(Errno::INTR | Errno::AGAIN) => {}
            Ok(n) if n > 0 => self.obey(&commands[..n]),
            Ok(_) | Err(_) => self.abandon(),
        }
    }

    fn abandon(&mut self) {
        self.has_life = false;
        self.is_abandoned = true;
        self.end(Exit::Interrupted, Duration::ZERO);
    }

    fn obey(&mut self, commands: &[u8]) {
        for command in commands {
            match *command {
                INTERRUPT => self.end(Exit::Interrupted, self.grace),
                KILL => self.end(Exit::Interrupted, Duration::ZERO),
                _ => {}
            }
        }
    }

    /// Takes output that is there, `pieces` at most of each stream.
    fn drain(&mut self, pieces: usize) {
        let mut piece = std::mem::take(&mut self.piece);
        for _ in 0..pieces {
            let Some(output) = &mut self.output else { break };
            match output.read(&mut piece) {
                Ok(n) if n > 0 => {
                    self.tail.feed(&piece[..n]);
                    self.keep(&piece[..n]);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(_) | Err(_) => self.output = None,
            }
        }
        for _ in 0..pieces {
            let Some(apart) = self.apart.as_mut().filter(|_| self.is_apart_open) else { break };
            match apart.read(&mut piece) {
                Ok(n) if n > 0 => self.keep(&piece[..n]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(_) | Err(_) => self.is_apart_open = false,
            }
        }
        self.piece = piece;
    }

    /// Takes all that is left when nobody is there to write more.
    fn drain_to_end(&mut self) {
        for _ in 0..LAST_PIECES / PIECES {
            self.drain(PIECES);
            match &mut self.apart {
                Some(apart) if self.is_apart_open && !self.is_abandoned => apart.await_listener(),
                _ => return self.drain(LAST_PIECES),
            }
        }
    }

    /// Takes a piece of output into the log and whatever reads it.
    fn keep(&mut self, chunk: &[u8]) {
        self.reader.feed(chunk);
        self.plotter.plot(self.reader.newest());
        if self.failure.is_none()
            && let Err(error) = self.log.feed(chunk)
        {
            self.failure = Some(error);
            self.end(Exit::Interrupted, Duration::ZERO);
        }
        if let Some(breach) = self.bounds.breach_of_output(self.log.total()) {
            self.end_at(breach);
            // Nobody needs the rest.
            self.output = None;
            self.is_apart_open = false;
        }
    }

    fn sample(&mut self, now: Instant) {
        let look = self.bounds.look();
        self.peak = self.peak.max(look.memory);
        if let Some(breach) = look.breach {
            self.end_at(breach);
        }
        let next_look = self.quota.counts_cpu().then(|| {
            let used = self.bounds.cpu_seconds();
            let reached = self.quota.is_reached_by_cpu(used);
            self.allow_no_more_than(reached);
            self.quota.next_look(used)
        });
        self.conditions.look();
        // A copy of the life line's other end may live on in a fork of the
        // engine's; then only this shows that the engine is gone.
        if getppid() != self.parent {
            self.abandon();
        }
        let cost = now.elapsed();
        self.interval = (self.interval * 5 / 4).min(RAREST_SAMPLE).max(cost * SAMPLING_SHARE);
        if let Some(rarest) = self.bounds.rarest_look(cost) {
            self.interval = self.interval.min(rarest);
        }
        // A budget is worth more looks than all the rest.
        let next_look = next_look.map(|next| next.max(cost * LOOKING_SHARE));
        self.sample_at = now + next_look.map_or(self.interval, |next| next.min(self.interval));
    }

    /// Whether the command has ended; our child keeps its id until it is reaped.
    fn has_ended(&mut self) -> Result<bool, RunError> {
        let has_ended = self.has_child_ended()?;
        let Some(heard) = &mut self.confined else { return Ok(has_ended) };
        if has_ended {
            // Its last words were said before.
            heard.listen();
        }
        Ok(has_ended || heard.has_ended())
    }

    fn has_child_ended(&self) -> Result<bool, RunError> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        waitid(WaitId::Pid(self.child), options)
            .map(|status| status.is_some())
            .map_err(|error| RunError::system("wait for the command", error))
    }

    fn reap_orphans(&mut self) {
        for (child, status) in self.reap() {
            if self.asking == Some(child) {
                self.asking = None;
                if status.exit_status() != Some(0) {
                    // There is no container yet: its client can be asked.
                    self.term();
                }
            }
        }
    }
}

fn push<'fd>(fds: &mut Vec<PollFd<'fd>>, fd: BorrowedFd<'fd>) -> usize {
    fds.push(PollFd::from_borrowed_fd(fd, PollFlags::IN));
    fds.len() - 1
}

/// Whether there was anything to read; it is gone now.
fn has_bytes(from: &mut UnixStream) -> bool {
    let mut any = false;
    while from.read(&mut [0; 64]).is_ok_and(|n| n > 0) {
        any = true;
    }
    any
}

fn natural_exit(status: Option<&WaitIdStatus>) -> Exit {
    let Some(status) = status else {
        return Exit::Interrupted;
    };
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => Exit::Code(code),
        (_, Some(signal)) => Exit::Signal(signal),
        _ => Exit::Interrupted,
    }
}
