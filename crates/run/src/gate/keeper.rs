//! The outer side: takes who comes to a door, connects them to the host that
//! the door leads to, and copies both ways.

use std::io::{self, IoSliceMut, Read as _, Write as _};
use std::mem::MaybeUninit;
use std::net::{Shutdown, TcpStream, ToSocketAddrs as _};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg, sockopt::set_socket_linger,
};

use super::proxy::Proxies;
use super::{Layout, Target};

/// Connections at a time; further ones are turned away.
const MOST: usize = 128;
/// How long a host may take to answer at one of its addresses.
const PATIENCE: Duration = Duration::from_secs(20);
/// A command that is started later shall not inherit what comes. Elsewhere there
/// is no gate.
#[cfg(target_os = "linux")]
const FLAGS: RecvFlags = RecvFlags::CMSG_CLOEXEC;
#[cfg(not(target_os = "linux"))]
const FLAGS: RecvFlags = RecvFlags::empty();
const PIECE: usize = 64 * 1024;
/// Bytes of stack of a thread that copies: its piece lies on the heap.
const STACK: usize = 128 * 1024;

/// A gate that is kept, and what it could not reach.
#[derive(Clone, Debug, Default)]
pub(crate) struct Keeper {
    failure: Arc<Mutex<Option<String>>>,
}

struct Gate {
    doors: Vec<Target>,
    proxies: Proxies,
    open: AtomicUsize,
    keeper: Keeper,
}

impl Keeper {
    /// Keeps a gate until its inner side is gone, on threads of its own. To be
    /// called when no more processes will be started.
    ///
    /// # Errors
    /// When there can be no more threads.
    pub(crate) fn start(layout: Layout, inner: OwnedFd, proxies: Proxies) -> io::Result<Keeper> {
        let keeper = Keeper::default();
        let doors = layout.doors.into_iter().map(|(_, target)| target).collect();
        let gate = Gate { doors, proxies, open: AtomicUsize::new(0), keeper: keeper.clone() };
        spawn(move || Arc::new(gate).keep(&inner))?;
        Ok(keeper)
    }

    /// The last host that could not be reached, and why.
    pub(crate) fn failure(&self) -> Option<String> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn spawn(work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    std::thread::Builder::new().stack_size(STACK).spawn(work).map(drop)
}

impl Gate {
    fn keep(self: Arc<Gate>, inner: &OwnedFd) {
        while let Some((number, caller)) = next(inner) {
            let Some(target) = self.doors.get(usize::from(number)).cloned() else { continue };
            if self.open.fetch_add(1, Ordering::Relaxed) >= MOST {
                self.open.fetch_sub(1, Ordering::Relaxed);
                turn_away(&caller);
                continue;
            }
            let gate = Arc::clone(&self);
            let serve = move || {
                gate.serve(&target, caller);
                gate.open.fetch_sub(1, Ordering::Relaxed);
            };
            if spawn(serve).is_err() {
                self.open.fetch_sub(1, Ordering::Relaxed);
            }
        }
    }

    fn serve(&self, target: &Target, caller: TcpStream) {
        match self.connect(target) {
            Ok(host) => copy_both_ways(caller, host),
            Err(error) => {
                turn_away(&caller);
                let said =
                    format!("`{}:{}` could not be reached: {error}", target.host, target.port);
                *self.keeper.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(said);
            }
        }
    }

    fn connect(&self, target: &Target) -> io::Result<TcpStream> {
        let Some(proxy) = self.proxies.way_to(target) else {
            return connect(&target.host, target.port);
        };
        let mut stream = connect(&proxy.host, proxy.port)?;
        proxy.tunnel(&mut stream, target, PATIENCE)?;
        Ok(stream)
    }
}

fn connect(host: &str, port: u16) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "it has no address");
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(stream) => {
                // What is copied is written as it came.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Whoever is turned away shall not wait for an answer.
fn turn_away(caller: &TcpStream) {
    let _ = set_socket_linger(caller, Some(Duration::ZERO));
}

/// Until both have said all.
fn copy_both_ways(caller: TcpStream, host: TcpStream) {
    let _ = caller.set_nonblocking(false);
    let _ = caller.set_nodelay(true);
    let (Ok(from), Ok(to)) = (caller.try_clone(), host.try_clone()) else { return };
    if spawn(move || copy(from, to)).is_ok() {
        copy(host, caller);
    }
}

/// Until one has said all; then the other is told so. If the other listens no
/// longer, the first need not go on.
fn copy(mut from: TcpStream, mut to: TcpStream) {
    let mut piece = vec![0; PIECE];
    loop {
        match from.read(&mut piece) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Ok(n) if n > 0 => {
                if to.write_all(&piece[..n]).is_err() {
                    let _ = from.shutdown(Shutdown::Read);
                    return;
                }
            }
            Ok(_) => {
                let _ = to.shutdown(Shutdown::Write);
                return;
            }
            Err(_) => {
                let _ = to.shutdown(Shutdown::Both);
                return;
            }
        }
    }
}

/// Who comes next, and to which door. None at the end.
fn next(inner: &OwnedFd) -> Option<(u16, TcpStream)> {
    loop {
        let mut number = [0; 2];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let received = recvmsg(inner, &mut [IoSliceMut::new(&mut number)], &mut control, FLAGS);
        let file = control.drain().find_map(|message| match message {
            RecvAncillaryMessage::ScmRights(mut files) => files.next(),
            _ => None,
        });
        match (received, file) {
            (Err(rustix::io::Errno::INTR), _) => {}
            (Ok(message), Some(file)) if message.bytes == number.len() => {
                return Some((u16::from_le_bytes(number), file.into()));
            }
            (Ok(message), _) if message.bytes > 0 => {}
            _ => return None,
        }
    }
}
