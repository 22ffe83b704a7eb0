//! Reading what a run left, which may take its time, without growing deaf to the
//! engine: a report may be as large as a candidate makes it.

use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use autoresearch_core::metric::Readings;
use autoresearch_core::units::human_duration;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, getppid};

use crate::RunError;
use crate::reading::Reader;

/// Longest that a report may take to be read; 64 MiB take seconds.
const LONGEST: Duration = Duration::from_mins(2);
/// Where we were told to end before.
const IN_A_HURRY: Duration = Duration::from_secs(1);
/// How often the engine is listened to meanwhile.
const TICK: Duration = Duration::from_millis(50);

/// What came of the reading.
pub(crate) enum Read {
    /// What the run said.
    All(Box<Readings>),
    /// Nobody waits for it any more: we are to end.
    Stopped,
    /// The engine is gone.
    Abandoned,
}

/// Reads, on a thread of its own, until it is done or the engine wants no more of it.
/// What still reads then ends with the process.
pub(crate) fn read(
    reader: Reader,
    parent: Option<Pid>,
    told_to_stop: &UnixStream,
    is_hurried: bool,
) -> Result<Read, RunError> {
    let (say, hear) = sync_channel(1);
    std::thread::Builder::new()
        .name("reader".to_owned())
        .spawn(move || say.send(reader.finish()))
        .map_err(|error| RunError::system("read what the run left", error))?;
    let until = Instant::now() + if is_hurried { IN_A_HURRY } else { LONGEST };
    loop {
        match hear.recv_timeout(TICK) {
            Ok(readings) => return Ok(Read::All(Box::new(readings))),
            Err(RecvTimeoutError::Disconnected) => {
                return Ok(troubled(
                    "what the run left cannot be read: please report that".to_owned(),
                ));
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
        if Instant::now() >= until {
            if is_hurried {
                return Ok(Read::Stopped);
            }
            let longest = human_duration(LONGEST);
            return Ok(troubled(format!("the report took longer than {longest} to read")));
        }
        // A copy of the life line's other end may live on in a fork of the engine's.
        if getppid() != parent {
            return Ok(Read::Abandoned);
        }
        if let Some(end) = asked_to_end(told_to_stop)? {
            return Ok(end);
        }
    }
}

fn troubled(why: String) -> Read {
    Read::All(Box::new(Readings { trouble: Some(why), ..Readings::default() }))
}

/// Whatever the engine says now, it says to end.
fn asked_to_end(told_to_stop: &UnixStream) -> Result<Option<Read>, RunError> {
    let life = rustix::stdio::stdin();
    let mut fds = [
        PollFd::from_borrowed_fd(life, PollFlags::IN),
        PollFd::from_borrowed_fd(told_to_stop.as_fd(), PollFlags::IN),
    ];
    match poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })) {
        Ok(0) | Err(Errno::INTR) => return Ok(None),
        Ok(_) => {}
        Err(error) => return Err(RunError::system("listen to the engine", error)),
    }
    let (is_life, is_told) = (!fds[0].revents().is_empty(), !fds[1].revents().is_empty());
    if is_life {
        return Ok(match rustix::io::read(life, &mut [0; 64]) {
            Ok(1..) => Some(Read::Stopped),
            Err(Errno::INTR | Errno::AGAIN) => None,
            Ok(_) | Err(_) => Some(Read::Abandoned),
        });
    }
    Ok(is_told.then_some(Read::Stopped))
}
