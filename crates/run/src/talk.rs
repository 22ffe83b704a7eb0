//! A command's standard output apart from its standard error, for the engine to
//! hear while it comes, and what the engine says on its standard input.
//!
//! Two pipes run past the supervisor: it keeps what goes through the one, and
//! only hands the other over.

use std::io::{self, PipeReader, PipeWriter, Read as _, Write as _};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::ioctl_fionbio;

use crate::tail::Tail;
use crate::{Talk, program, sys};

/// What was heard and not yet taken: above it nothing more is heard.
const MOST_HEARD: usize = 1 << 20;
/// What a command may leave unread of what was said to it; one that reads
/// nothing at all is not spoken to any longer.
const MOST_UNSAID: usize = 64 << 20;
/// How long the engine may take to hear the next piece, at the end.
const PATIENCE: Duration = Duration::from_secs(30);
const PIECE: usize = 64 * 1024;

/// The engine's ends.
#[derive(Debug, Default)]
pub(crate) struct Ends {
    hear: Option<PipeReader>,
    say: Option<PipeWriter>,
    heard: Vec<u8>,
    unsaid: Vec<u8>,
    is_silent: bool,
}

/// The supervisor's ends, for as long as it takes to start it.
#[derive(Default)]
pub(crate) struct Others {
    pub(crate) heard: Option<PipeWriter>,
    pub(crate) said: Option<PipeReader>,
}

impl Others {
    /// Their numbers, which the supervisor gets as its arguments.
    pub(crate) fn numbers(&self) -> Vec<RawFd> {
        let heard = self.heard.as_ref().map(AsRawFd::as_raw_fd);
        heard.into_iter().chain(self.said.as_ref().map(AsRawFd::as_raw_fd)).collect()
    }
}

/// Both sides' ends.
pub(crate) fn ends_for(talk: Talk) -> io::Result<(Ends, Others)> {
    let (mut ours, mut theirs) = (Ends::default(), Others::default());
    if talk >= Talk::Hear {
        let (read, write) = io::pipe()?;
        ioctl_fionbio(&read, true)?;
        (ours.hear, theirs.heard) = (Some(read), Some(write));
    }
    if talk >= Talk::Converse {
        let (read, write) = io::pipe()?;
        ioctl_fionbio(&write, true)?;
        (ours.say, theirs.said) = (Some(write), Some(read));
    }
    Ok((ours, theirs))
}

impl Ends {
    /// What to wait for to hear or say more.
    pub(crate) fn awaited(&self) -> [Option<PollFd<'_>>; 2] {
        let hear = self.hear.as_ref().filter(|_| self.heard.len() < MOST_HEARD);
        let say = self.say.as_ref().filter(|_| !self.unsaid.is_empty());
        [
            hear.map(|end| PollFd::new(end, PollFlags::IN)),
            say.map(|end| PollFd::new(end, PollFlags::OUT)),
        ]
    }

    /// Hears and says what goes without waiting; whether anything was heard.
    pub(crate) fn attend(&mut self) -> bool {
        self.attend_up_to(MOST_HEARD)
    }

    /// Hears all that there is.
    pub(crate) fn attend_to_end(&mut self) {
        self.attend_up_to(usize::MAX);
    }

    fn attend_up_to(&mut self, at_most: usize) -> bool {
        self.speak();
        let before = self.heard.len();
        let mut piece = vec![0; PIECE];
        while self.heard.len() < at_most
            && let Some(end) = &mut self.hear
        {
            match end.read(&mut piece) {
                Ok(n) if n > 0 => self.heard.extend_from_slice(&piece[..n]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(_) | Err(_) => self.hear = None,
            }
        }
        self.heard.len() > before
    }

    pub(crate) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.heard)
    }

    pub(crate) fn say(&mut self, text: &[u8]) {
        if self.say.is_some() && !self.is_silent {
            self.unsaid.extend_from_slice(text);
            self.is_silent = self.unsaid.len() > MOST_UNSAID;
            self.speak();
        }
    }

    /// Nothing more will be said than what was said already.
    pub(crate) fn fall_silent(&mut self) {
        self.is_silent = true;
        self.speak();
    }

    fn speak(&mut self) {
        while !self.unsaid.is_empty()
            && let Some(end) = &mut self.say
        {
            match end.write(&self.unsaid) {
                Ok(n) => drop(self.unsaid.drain(..n)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // It has closed its input.
                Err(_) => self.unsaid.clear(),
            }
        }
        if self.is_silent {
            self.say = None;
        }
    }
}

/// What the supervisor was handed for a talk.
#[derive(Default)]
pub(crate) struct HandedOver {
    pub(crate) heard: Option<PipeWriter>,
    pub(crate) said: Option<OwnedFd>,
}

impl HandedOver {
    /// What the arguments after the subcommand name.
    pub(crate) fn by_arguments() -> HandedOver {
        let mut numbers = program::hidden_arguments().filter_map(|text| text.parse().ok());
        let mut file = || numbers.next().and_then(sys::take_over);
        HandedOver { heard: file().map(PipeWriter::from), said: file() }
    }
}

/// Standard output on its way through the supervisor.
pub(crate) struct Apart {
    from: PipeReader,
    /// None once nobody listens any more.
    to: Option<PipeWriter>,
    /// Read, and not passed on yet.
    pending: Vec<u8>,
    pub(crate) tail: Tail,
}

impl Apart {
    /// `from` must not block.
    pub(crate) fn new(from: PipeReader, to: PipeWriter) -> Apart {
        let to = ioctl_fionbio(&to, true).is_ok().then_some(to);
        Apart { from, to, pending: Vec::new(), tail: Tail::default() }
    }

    /// What to wait for: more of it, or that somebody takes what there is.
    pub(crate) fn awaited(&self) -> (BorrowedFd<'_>, PollFlags) {
        match &self.to {
            Some(to) if !self.pending.is_empty() => (to.as_fd(), PollFlags::OUT),
            _ => (self.from.as_fd(), PollFlags::IN),
        }
    }

    /// The next piece, once the one before was passed on.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] when either has to be waited for.
    pub(crate) fn read(&mut self, piece: &mut [u8]) -> io::Result<usize> {
        self.pass_on()?;
        let n = self.from.read(piece)?;
        self.tail.feed(&piece[..n]);
        if self.to.is_some() {
            self.pending.extend_from_slice(&piece[..n]);
        }
        match self.pass_on() {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
            _ => Ok(n),
        }
    }

    fn pass_on(&mut self) -> io::Result<()> {
        while !self.pending.is_empty()
            && let Some(to) = &mut self.to
        {
            match to.write(&self.pending) {
                Ok(n) => drop(self.pending.drain(..n)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Err(error),
                Err(_) => {
                    self.to = None;
                    self.pending.clear();
                }
            }
        }
        Ok(())
    }

    /// Waits until what was read is passed on, but not for ever.
    pub(crate) fn await_listener(&mut self) {
        let until = Instant::now() + PATIENCE;
        while self.pass_on().is_err()
            && let Some(to) = &self.to
        {
            let left = until.saturating_duration_since(Instant::now());
            let timeout = Timespec::try_from(left).ok();
            if left.is_zero() {
                self.to = None;
                self.pending.clear();
            } else {
                let _ = poll(&mut [PollFd::new(to, PollFlags::OUT)], timeout.as_ref());
            }
        }
    }
}
