//! The attempts, from inside. Each says what it got; what that means is judged
//! outside.
#![cfg_attr(
    target_os = "linux",
    expect(unsafe_code, reason = "fork, ptrace, unshare, mount and keyctl have no safe wrapper")
)]

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::{Attempt, ORDER};
use crate::program;

/// The first line of an attacker that came to run at all.
pub(super) const READY: &str = "attacker ready";
/// The word after the subcommand that makes a process that is attacked.
pub(super) const VICTIM: &str = "victim";
/// A variable of the victim's, with a secret.
pub(super) const VICTIM_SECRET: &str = "AUTORESEARCH_VICTIM_SECRET";
/// How an attempt ended: it had its way, it was refused, it cannot be made.
pub(super) const DONE: i32 = 0;
pub(super) const REFUSED: i32 = 1;
pub(super) const IMPOSSIBLE: i32 = 2;

/// How much more than allowed is taken.
pub(super) const PROCESSES: u64 = 40;
pub(super) const BYTES: u64 = 8 << 20;
const EXCESS: u64 = 8;

/// How long what is taken is held: limits may be looked after now and then.
const HOLD: Duration = Duration::from_secs(3);

/// What to try on what.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Order {
    pub(super) attempt: Attempt,
    pub(super) evaluator: PathBuf,
    pub(super) held_out: PathBuf,
    pub(super) secret: PathBuf,
    pub(super) outside: PathBuf,
    pub(super) lock: PathBuf,
    pub(super) scratch: PathBuf,
    pub(super) socket: PathBuf,
    pub(super) name: String,
    pub(super) tcp: u16,
    pub(super) udp: u16,
    pub(super) victim: i32,
}

/// The body of the hidden subcommand [`ATTACK`](crate::ATTACK); to be called
/// first thing in `main`, from its only thread. Returns the exit code.
pub fn attack() -> i32 {
    if program::hidden_arguments().next().as_deref() == Some(VICTIM) {
        // Until whoever started it lets go.
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        return DONE;
    }
    let Some(order) =
        std::env::var(ORDER).ok().and_then(|order| serde_json::from_str::<Order>(&order).ok())
    else {
        return IMPOSSIBLE;
    };
    say(READY);
    match attempt(&order) {
        Ok(()) => DONE,
        Err(error) if error.kind() == io::ErrorKind::Unsupported => IMPOSSIBLE,
        Err(error) => {
            say(&format!("refused: {error}"));
            REFUSED
        }
    }
}

fn say(text: &str) {
    let mut out = io::stdout().lock();
    // Whoever listens may have closed the log: nothing to do about it.
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

fn attempt(order: &Order) -> io::Result<()> {
    let Order { evaluator, scratch, victim, .. } = order;
    let forged = "def evaluate(): return 0\n";
    match order.attempt {
        Attempt::WriteEvaluator => fs::write(evaluator, forged),
        Attempt::TruncateEvaluator => {
            fs::OpenOptions::new().write(true).truncate(true).open(evaluator).map(drop)
        }
        Attempt::RemoveEvaluator => fs::remove_file(evaluator),
        Attempt::RenameOverEvaluator => {
            let other = scratch.join("other.py");
            fs::write(&other, forged)?;
            fs::rename(other, evaluator)
        }
        Attempt::LinkEvaluator => {
            let link = scratch.join("link.py");
            fs::hard_link(evaluator, &link)?;
            fs::write(link, forged)
        }
        Attempt::ChmodEvaluator => {
            fs::set_permissions(evaluator, fs::Permissions::from_mode(0o777))
        }
        Attempt::ReplaceFolder => {
            let folder = evaluator.parent().unwrap_or(evaluator);
            fs::rename(folder, folder.with_extension("old"))?;
            fs::create_dir(folder)?;
            fs::write(evaluator, forged)
        }
        Attempt::WriteAndRestore => {
            let before = fs::read(evaluator)?;
            fs::write(evaluator, forged)?;
            fs::write(evaluator, before)
        }
        Attempt::ReadHeldOut => show(&order.held_out),
        Attempt::ReadSecret => show(&order.secret),
        Attempt::ReadInherited => {
            for descriptor in 3..64 {
                let _ = show(Path::new(&format!("/proc/self/fd/{descriptor}")));
            }
            Ok(())
        }
        Attempt::ReadEnvironment => show(Path::new(&format!("/proc/{victim}/environ"))),
        Attempt::ReadMemory => show_stack(*victim),
        Attempt::Kill => system::kill(*victim),
        Attempt::WriteOutside => fs::write(&order.outside, "here\n"),
        Attempt::ConnectTcp => {
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, order.tcp));
            TcpStream::connect_timeout(&address, Duration::from_secs(2))?.write_all(b"here")
        }
        Attempt::SendUdp => {
            let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
            socket.send_to(b"here", (Ipv4Addr::LOCALHOST, order.udp)).map(drop)
        }
        Attempt::ConnectUnix => UnixStream::connect(&order.socket).map(drop),
        Attempt::ConnectAbstract => system::connect_abstract(&order.name),
        Attempt::MountOver => system::mount_over(evaluator.parent().unwrap_or(evaluator)),
        Attempt::Trace => system::trace(*victim),
        Attempt::Unshare => system::unshare_user(),
        Attempt::Keyring => system::add_key(),
        Attempt::GainRights => gain_rights(),
        Attempt::Daemon => leave_daemon(&order.lock),
        Attempt::Forks => {
            for _ in 0..PROCESSES * 2 {
                system::fork_and_wait()?;
            }
            std::thread::sleep(HOLD);
            Ok(())
        }
        Attempt::Memory => {
            let mut taken = vec![0_u8; usize::try_from(BYTES * EXCESS * 4).unwrap_or(1 << 28)];
            // Only pages that were written are taken.
            taken.iter_mut().step_by(1024).for_each(|byte| *byte = 1);
            std::thread::sleep(HOLD);
            std::hint::black_box(&taken);
            Ok(())
        }
        Attempt::Disk => {
            let piece = vec![7_u8; 1 << 20];
            let mut file = fs::File::create(scratch.join("bulk"))?;
            for _ in 0..(BYTES * EXCESS) >> 20 {
                file.write_all(&piece)?;
            }
            std::thread::sleep(HOLD);
            Ok(())
        }
        Attempt::Output => {
            let line = [b'x'; 1023];
            let mut out = io::stdout().lock();
            for _ in 0..(BYTES * EXCESS) >> 10 {
                out.write_all(&line)?;
                out.write_all(b"\n")?;
            }
            out.flush()?;
            drop(out);
            std::thread::sleep(HOLD);
            Ok(())
        }
    }
}

fn show(path: &Path) -> io::Result<()> {
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(1 << 20).read_to_end(&mut bytes)?;
    say(&String::from_utf8_lossy(&bytes));
    Ok(())
}

/// The environment of a process lies at the end of its stack.
fn show_stack(victim: i32) -> io::Result<()> {
    use std::os::unix::fs::FileExt as _;
    let maps = fs::read_to_string(format!("/proc/{victim}/maps"))?;
    let line = maps.lines().find(|line| line.ends_with("[stack]"));
    let range = line.and_then(|line| line.split_whitespace().next()?.split_once('-'));
    let number = |text: &str| u64::from_str_radix(text, 16).map_err(io::Error::other);
    let (from, to) = range.ok_or_else(|| io::Error::other("no stack"))?;
    let (from, to) = (number(from)?, number(to)?);
    let size = usize::try_from(to.saturating_sub(from).min(1 << 20)).unwrap_or(0);
    let mut bytes = vec![0; size];
    fs::File::open(format!("/proc/{victim}/mem"))?.read_exact_at(&mut bytes, to - size as u64)?;
    let text = String::from_utf8_lossy(&bytes);
    let at = text.find(VICTIM_SECRET).ok_or_else(|| io::Error::other("not there"))?;
    say(&text[at..].chars().take(200).collect::<String>());
    Ok(())
}

/// Capabilities now, or by a program with the setuid bit.
fn gain_rights() -> io::Result<()> {
    let Ok(status) = fs::read_to_string("/proc/self/status") else {
        return Err(io::ErrorKind::Unsupported.into());
    };
    let value = |key: &str| status.lines().find_map(|line| line.strip_prefix(key)).map(str::trim);
    let has_none = value("CapEff:").is_some_and(|set| set.chars().all(|digit| digit == '0'));
    if has_none && value("NoNewPrivs:") == Some("1") {
        return Err(io::Error::other("no capabilities, and no way to get any"));
    }
    say("has capabilities, or may start programs that do");
    Ok(())
}

/// A process in a session of its own, orphaned, that holds a lock.
fn leave_daemon(lock: &Path) -> io::Result<()> {
    system::orphan(lock)?;
    let ready = lock.with_extension("ready");
    let deadline = Instant::now() + HOLD;
    while !ready.exists() {
        if Instant::now() > deadline {
            return Err(io::Error::other("it did not begin"));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

/// What only the system's own calls can do.
#[cfg(target_os = "linux")]
mod system {
    use std::ffi::CString;
    use std::fs;
    use std::io;
    use std::os::linux::net::SocketAddrExt as _;
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::net::{SocketAddr, UnixStream};
    use std::path::Path;

    fn checked(result: i64) -> io::Result<()> {
        if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    pub(super) fn kill(victim: i32) -> io::Result<()> {
        let victim = rustix::process::Pid::from_raw(victim)
            .ok_or_else(|| io::Error::from(io::ErrorKind::Unsupported))?;
        Ok(rustix::process::kill_process(victim, rustix::process::Signal::KILL)?)
    }

    pub(super) fn connect_abstract(name: &str) -> io::Result<()> {
        UnixStream::connect_addr(&SocketAddr::from_abstract_name(name)?).map(drop)
    }

    pub(super) fn mount_over(folder: &Path) -> io::Result<()> {
        let to = CString::new(folder.as_os_str().as_bytes())?;
        // SAFETY: all strings are live and end in a zero; there is no data.
        checked(i64::from(unsafe {
            libc::mount(c"none".as_ptr(), to.as_ptr(), c"tmpfs".as_ptr(), 0, std::ptr::null())
        }))?;
        super::say("mounted");
        // SAFETY: as above. It is undone, since nobody else would.
        checked(i64::from(unsafe { libc::umount2(to.as_ptr(), libc::MNT_DETACH) }))
    }

    pub(super) fn trace(victim: i32) -> io::Result<()> {
        let none = std::ptr::null_mut::<libc::c_void>();
        // SAFETY: attaching takes no addresses.
        checked(unsafe { libc::ptrace(libc::PTRACE_ATTACH, victim, none, none) })?;
        // SAFETY: the status is not asked for; then as above.
        unsafe {
            libc::waitpid(victim, std::ptr::null_mut(), 0);
            libc::ptrace(libc::PTRACE_DETACH, victim, none, none);
        }
        Ok(())
    }

    pub(super) fn unshare_user() -> io::Result<()> {
        // SAFETY: takes a number; this process has one thread and ends soon.
        checked(i64::from(unsafe { libc::unshare(libc::CLONE_NEWUSER) }))
    }

    pub(super) fn add_key() -> io::Result<()> {
        const USER_KEYRING: i32 = -4;
        const REVOKE: i32 = 3;
        let payload = b"here";
        // SAFETY: the strings end in zeros, the payload is as long as said.
        let key = unsafe {
            libc::syscall(
                libc::SYS_add_key,
                c"user".as_ptr(),
                c"autoresearch-attack".as_ptr(),
                payload.as_ptr(),
                payload.len(),
                USER_KEYRING,
            )
        };
        checked(key)?;
        super::say("added a key");
        // SAFETY: takes numbers.
        checked(unsafe { libc::syscall(libc::SYS_keyctl, REVOKE, key) })
    }

    /// One more process, which does nothing until it is ended.
    pub(super) fn fork_and_wait() -> io::Result<()> {
        // SAFETY: the process has one thread.
        let child = unsafe { libc::fork() };
        if child == 0 {
            // It gives up after a minute if nobody ends it.
            // SAFETY: takes a number.
            unsafe { libc::alarm(60) };
            loop {
                // SAFETY: waits for a signal.
                unsafe { libc::pause() };
            }
        }
        checked(i64::from(child))
    }

    /// Forks twice, with a session of its own between; the last one holds a
    /// lock until it is ended, a minute at most.
    pub(super) fn orphan(lock: &Path) -> io::Result<()> {
        // SAFETY: the process has one thread, so that the child may do anything.
        let child = unsafe { libc::fork() };
        checked(i64::from(child))?;
        if child > 0 {
            // SAFETY: the status is not asked for.
            unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) };
            return Ok(());
        }
        // SAFETY: as above; `_exit` runs nothing of the parent's.
        unsafe {
            libc::setsid();
            if libc::fork() != 0 {
                libc::_exit(0);
            }
            libc::alarm(60);
            for descriptor in 0..3 {
                libc::close(descriptor);
            }
        }
        if let Ok(file) = fs::File::create(lock)
            && file.lock().is_ok()
        {
            let _ = fs::write(lock.with_extension("ready"), "");
            loop {
                // SAFETY: waits for a signal.
                unsafe { libc::pause() };
            }
        }
        // SAFETY: as above.
        unsafe { libc::_exit(1) }
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::io;
    use std::path::Path;

    pub(super) fn kill(victim: i32) -> io::Result<()> {
        let victim = rustix::process::Pid::from_raw(victim)
            .ok_or_else(|| io::Error::from(io::ErrorKind::Unsupported))?;
        Ok(rustix::process::kill_process(victim, rustix::process::Signal::KILL)?)
    }

    pub(super) fn connect_abstract(_name: &str) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(super) fn mount_over(_folder: &Path) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(super) fn trace(_victim: i32) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(super) fn unshare_user() -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(super) fn add_key() -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(super) fn fork_and_wait() -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(super) fn orphan(_lock: &Path) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}
