//! The system calls that have no safe wrapper, and what differs by system.
#![expect(unsafe_code, reason = "pre_exec, getrusage and close_range have no safe wrapper")]

use std::io::{self, PipeWriter};
use std::os::fd::{FromRawFd as _, OwnedFd, RawFd};
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use rustix::process::{Resource, Rlimit, setrlimit};

/// CPU time and memory of children that were waited for, with theirs.
pub(crate) struct Waited {
    /// User and system, in seconds.
    pub(crate) cpu_seconds: f64,
    /// Largest resident set of any one process, in bytes.
    pub(crate) largest: u64,
}

/// What all children used that this process has waited for.
pub(crate) fn waited() -> Waited {
    // SAFETY: `rusage` is plain numbers, for which zero is valid.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is to a live `rusage`; on failure it stays zero.
    unsafe { libc::getrusage(libc::RUSAGE_CHILDREN, &raw mut usage) };
    let seconds = |t: libc::timeval| t.tv_sec as f64 + t.tv_usec as f64 / 1e6;
    let unit = if cfg!(target_os = "macos") { 1 } else { 1024 };
    Waited {
        cpu_seconds: seconds(usage.ru_utime) + seconds(usage.ru_stime),
        largest: u64::try_from(usage.ru_maxrss).unwrap_or(0) * unit,
    }
}

/// CPU time of this process itself, user and system, in seconds.
pub(crate) fn own_cpu_seconds() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Keeps every file that this process was born with to itself, standard ones
/// apart: an inherited one could carry held-out data into a trial, or hold a
/// pipe of the engine's open.
pub(crate) fn keep_files_to_self() {
    #[cfg(target_os = "linux")]
    // SAFETY: only sets the close-on-exec flag; no file is closed.
    let failed = unsafe {
        libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC) != 0
    };
    #[cfg(not(target_os = "linux"))]
    let failed = true;
    // A kernel before 5.11; another system.
    if failed && let Ok(files) = std::fs::read_dir("/dev/fd") {
        let numbers = files.flatten().filter_map(|file| file.file_name().to_str()?.parse().ok());
        for number in numbers.filter(|number: &RawFd| *number > 2) {
            // SAFETY: only sets the close-on-exec flag.
            unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) };
        }
    }
}

/// Lets no process of the same user look into this one, where the system can: it
/// could be told what to say, through `/proc/PID/fd` too.
pub(crate) fn hide() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        // Cannot fail.
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}

/// Lets `command` inherit files under the numbers that they have here.
pub(crate) fn pass_on(command: &mut Command, files: Vec<RawFd>) {
    let prepare = move || -> io::Result<()> {
        for file in &files {
            // SAFETY: only clears the close-on-exec flag.
            if unsafe { libc::fcntl(*file, libc::F_SETFD, 0) } != 0 {
                return Err(io::Error::last_os_error());
            }
        }
        Ok(())
    };
    // SAFETY: between fork and exec only system calls are made; the engine,
    // which does this too, has threads.
    unsafe { command.pre_exec(prepare) };
}

/// Makes a file ours that whoever started this process handed over. None if it
/// is not there.
pub(crate) fn take_over(number: RawFd) -> Option<OwnedFd> {
    // SAFETY: only sets a flag.
    let is_open =
        number > 2 && unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) } == 0;
    // SAFETY: it is open, and nobody else in this process knows of it: it was
    // opened before the process began, and is taken over once.
    is_open.then(|| unsafe { OwnedFd::from_raw_fd(number) })
}

/// Lets the new process do something before it becomes the command. It must be
/// started from a process with a single thread: what `prepare` does may
/// allocate.
pub(crate) fn before_exec(
    command: &mut Command,
    prepare: impl FnMut() -> io::Result<()> + Send + Sync + 'static,
) {
    // SAFETY: supervisor and confining process have one thread, so that no lock
    // is held at the fork.
    unsafe { command.pre_exec(prepare) };
}

/// Ends this process without any ceremony, as befits one after a fork.
#[cfg(target_os = "linux")]
pub(crate) fn end_at_once(code: i32) -> ! {
    // SAFETY: always sound; nothing of ours runs afterwards.
    unsafe { libc::_exit(code) }
}

/// The version of Landlock's interface that the kernel has; 0 without.
#[cfg(target_os = "linux")]
pub(crate) fn landlock_version() -> i32 {
    const VERSION: libc::c_uint = 1;
    // SAFETY: with this flag it takes no attributes and only tells.
    let version = unsafe {
        libc::syscall(libc::SYS_landlock_create_ruleset, std::ptr::null::<u8>(), 0, VERSION)
    };
    i32::try_from(version).unwrap_or(0).max(0)
}

/// Whether this process may make a user namespace, in which it would be root;
/// it does, if so.
#[cfg(target_os = "linux")]
pub(crate) fn makes_user_namespace() -> bool {
    // SAFETY: changes nothing that safe code relies on.
    unsafe { libc::unshare(libc::CLONE_NEWUSER) == 0 }
}

/// Leaves the network that this process is in for an empty one, where it is
/// alone on the loopback device. It must have one thread.
#[cfg(target_os = "linux")]
pub(crate) fn leave_network() -> io::Result<()> {
    // SAFETY: changes nothing that safe code relies on.
    if unsafe { libc::unshare(libc::CLONE_NEWNET) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let up = libc::c_short::try_from(libc::IFF_UP | libc::IFF_RUNNING).unwrap_or_default();
    set_interface("lo", libc::SIOCSIFFLAGS, libc::__c_anonymous_ifr_ifru { ifru_flags: up })
}

/// Gives the loopback device another address, the `number`th.
#[cfg(target_os = "linux")]
pub(crate) fn adopt_address(number: usize, address: std::net::Ipv4Addr) -> io::Result<()> {
    let place = libc::sockaddr_in {
        sin_family: libc::sa_family_t::try_from(libc::AF_INET).unwrap_or_default(),
        sin_port: 0,
        sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes(address.octets()) },
        sin_zero: [0; 8],
    };
    // SAFETY: both are plain bytes of the same size, made for this.
    let ifru_addr = unsafe { std::mem::transmute::<libc::sockaddr_in, libc::sockaddr>(place) };
    let what = libc::__c_anonymous_ifr_ifru { ifru_addr };
    set_interface(&format!("lo:{number}"), libc::SIOCSIFADDR, what)
}

#[cfg(target_os = "linux")]
fn set_interface(
    name: &str,
    request: libc::c_ulong,
    what: libc::__c_anonymous_ifr_ifru,
) -> io::Result<()> {
    use std::os::fd::AsRawFd as _;
    let mut order = libc::ifreq { ifr_name: [0; libc::IFNAMSIZ], ifr_ifru: what };
    // Its last byte stays a zero.
    for (to, from) in order.ifr_name[..libc::IFNAMSIZ - 1].iter_mut().zip(name.bytes()) {
        *to = from.cast_signed();
    }
    let socket = std::net::UdpSocket::bind(("0.0.0.0", 0))?;
    #[expect(clippy::useless_conversion, reason = "its type differs by C library")]
    let request = request.try_into().map_err(io::Error::other)?;
    // SAFETY: the pointer is to a live `ifreq` that is filled as the request
    // demands.
    if unsafe { libc::ioctl(socket.as_raw_fd(), request, &raw const order) } == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// There are none.
#[cfg(not(target_os = "linux"))]
pub(crate) fn makes_user_namespace() -> bool {
    false
}

/// Gives up all rights beyond those of the user, for good.
#[cfg(target_os = "linux")]
pub(crate) fn drop_capabilities() -> io::Result<()> {
    use rustix::thread::{CapabilitySet, CapabilitySets, capabilities, set_capabilities};
    let now = capabilities(None)?;
    let none = CapabilitySet::empty();
    if now.permitted == none && now.inheritable == none {
        return Ok(());
    }
    // A program of root's has them all again, but for those that are not in
    // the bounding set.
    for number in 0..63 {
        // SAFETY: only takes rights away; unknown numbers are an error.
        if unsafe { libc::prctl(libc::PR_CAPBSET_DROP, number, 0, 0, 0) } != 0 {
            break;
        }
    }
    set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })?;
    Ok(())
}

/// Makes what becomes orphaned among the descendants a child of this process,
/// where the system can.
pub(crate) fn adopt_orphans() {
    #[cfg(target_os = "linux")]
    // Cannot fail on Linux 3.4 and later.
    let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
}

/// Lets `command` start in a session of its own, so that neither the
/// terminal's signals reach it nor it the terminal, and die with this thread.
pub(crate) fn set_apart(command: &mut Command) {
    let parent = rustix::process::getpid();
    let prepare = move || -> io::Result<()> {
        rustix::process::setsid()?;
        #[cfg(target_os = "linux")]
        rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
        // The parent may have died before the line above.
        if rustix::process::getppid() == Some(parent) {
            Ok(())
        } else {
            Err(io::ErrorKind::BrokenPipe.into())
        }
    };
    before_exec(command, prepare);
}

/// Lets `command` start in control groups, entered by writing into `entrances`,
/// and with limits. The number of each group that cannot be entered goes into
/// `refused`, a byte each.
pub(crate) fn bound(
    command: &mut Command,
    limits: Vec<(Resource, Rlimit)>,
    entrances: Vec<OwnedFd>,
    refused: PipeWriter,
) {
    let prepare = move || -> io::Result<()> {
        for (number, entrance) in (0_u8..).zip(&entrances) {
            if rustix::io::write(entrance, b"0").is_err() {
                let _ = rustix::io::write(&refused, &[number]);
            }
        }
        for (resource, limit) in &limits {
            setrlimit(*resource, *limit)?;
        }
        Ok(())
    };
    // SAFETY: between fork and exec only system calls are made; nothing is
    // allocated (a limit is two numbers) and no lock is taken.
    unsafe { command.pre_exec(prepare) };
}
