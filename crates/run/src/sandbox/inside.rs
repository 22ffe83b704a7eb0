//! The body of the hidden subcommand: the process that shuts the last doors
//! behind itself and starts the command. In a sandbox it is the first process
//! and stays to the end: it tells how the command ended, passes TERM on, and
//! leaves when nobody else is left. Without a sandbox it becomes the command.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use ::landlock::RulesetCreated;
use autoresearch_core::trial::Protection;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::process::{
    Pid, Resource, Rlimit, Signal, WaitOptions, kill_process_group, setrlimit, setsid, wait,
};
use rustix::thread::set_no_new_privs;
use seccompiler::BpfProgram;
use signal_hook::consts::SIGCHLD;

use super::plan::{Plan, Raw, Said, TERM};
use super::{landlock, probe, syscalls};
use crate::gate::inside::Gate;
use crate::protection::PROBE;
use crate::{program, sys};

/// Confines itself as a supervisor has planned, and starts the command; returns
/// the exit code for the process.
///
/// To be called first thing in `main`, from the only thread, when the program
/// was started with [`CONFINE`](crate::CONFINE): it takes over the files that
/// the supervisor hands it, signals and children.
pub fn confine() -> i32 {
    let Some((plan, mut control, gate)) = handed_over() else { return 1 };
    let refused = |control: &mut UnixStream, why: String| {
        say(control, &Said::NotConfined { why });
        1
    };
    let gate = match gate.map(|out| Gate::open(&plan.doors, out)).transpose() {
        Ok(gate) => gate,
        Err(why) => return refused(&mut control, why),
    };
    match prepared(&plan) {
        Err(why) => refused(&mut control, why),
        Ok(command) if plan.protection == Protection::Sandboxed => {
            first(command, control, gate.as_ref())
        }
        Ok(mut command) => {
            say(&mut control, &Said::Started);
            let error = command.exec();
            say(&mut control, &not_started(&error));
            1
        }
    }
}

/// What the supervisor gave us. None if it was none that started us.
fn handed_over() -> Option<(Plan, UnixStream, Option<OwnedFd>)> {
    sys::keep_files_to_self();
    let mut numbers = program::hidden_arguments().map(|text| text.parse().ok());
    let mut file = || sys::take_over(numbers.next()??);
    let (mut plan, control) = (File::from(file()?), UnixStream::from(file()?));
    let mut text = Vec::new();
    plan.rewind().ok()?;
    plan.read_to_end(&mut text).ok()?;
    let plan: Plan = serde_json::from_slice(&text).ok()?;
    let gate = if plan.doors.0.is_empty() { None } else { Some(file()?) };
    Some((plan, control, gate))
}

fn say(control: &mut UnixStream, said: &Said) {
    if let Ok(mut line) = serde_json::to_vec(said) {
        line.push(b'\n');
        // Without a listener everything is about to be killed.
        let _ = control.write_all(&line);
    }
}

fn not_started(error: &io::Error) -> Said {
    // Without a number: an argument with a nul in it.
    Said::NotStarted { errno: error.raw_os_error().unwrap_or(libc::EINVAL) }
}

/// The command, to be confined between its fork and its start.
fn prepared(plan: &Plan) -> Result<Command, String> {
    let mut rules = landlock::rules_of(plan)?;
    let filters = syscalls::filters_for(plan.protection, plan.network, sys::landlock_version())?;
    let (program, arguments) = plan.command.split_first().ok_or("there is no command")?;
    let mut command = Command::new(&program.0);
    command
        .args(arguments.iter().map(|Raw(argument)| argument))
        .current_dir(plan.directory.path())
        .env_clear()
        .envs(plan.environment.iter().map(|(Raw(name), Raw(value))| (name, value)));
    let is_first = plan.protection == Protection::Sandboxed;
    let shut = move || shut_doors(is_first, rules.take(), &filters);
    sys::before_exec(&mut command, shut);
    if program.0 == PROBE {
        let probe = probe::Probe::of(plan);
        sys::before_exec(&mut command, move || sys::end_at_once(probe.run()));
    }
    Ok(command)
}

/// What cannot be undone by whoever comes after.
fn shut_doors(
    is_forked: bool,
    rules: Option<RulesetCreated>,
    filters: &[BpfProgram],
) -> io::Result<()> {
    if is_forked {
        setsid()?;
    }
    set_no_new_privs(true)?;
    // A dump would be written by the kernel, outside of all rules.
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    sys::drop_capabilities()?;
    if let Some(rules) = rules {
        rules.restrict_self().map_err(io::Error::other)?;
    }
    for filter in filters {
        seccompiler::apply_filter(filter).map_err(io::Error::other)?;
    }
    Ok(())
}

/// The first process of a sandbox: with it everything in there ends.
fn first(mut command: Command, mut control: UnixStream, gate: Option<&Gate>) -> i32 {
    sys::hide();
    if let Err(error) = sys::drop_capabilities() {
        let why = format!("its rights cannot be given up: {error}");
        say(&mut control, &Said::NotConfined { why });
        return 1;
    }
    let Some(mut ended) = waker() else {
        say(&mut control, &Said::NotConfined { why: "signals cannot be handled".to_owned() });
        return 1;
    };
    let command = match command.spawn() {
        // Dropping the handle neither waits nor kills.
        Ok(child) => Pid::from_child(&child),
        Err(error) => {
            say(&mut control, &not_started(&error));
            return 1;
        }
    };
    say(&mut control, &Said::Started);
    while reap(command, &mut control) {
        let mut fds =
            vec![PollFd::new(&ended, PollFlags::IN), PollFd::new(&control, PollFlags::IN)];
        let doors = gate.into_iter().flat_map(Gate::awaited);
        fds.extend(doors.map(|door| PollFd::from_borrowed_fd(door, PollFlags::IN)));
        if poll(&mut fds, None).is_err() {
            continue;
        }
        let is_ready: Vec<bool> = fds.iter().map(|fd| !fd.revents().is_empty()).collect();
        if let Some(gate) = gate
            && is_ready[2..].contains(&true)
        {
            gate.attend();
        }
        if is_ready[0] {
            let _ = ended.read(&mut [0; 64]);
        }
        if is_ready[1] {
            let mut orders = [0; 64];
            match control.read(&mut orders) {
                // The supervisor is gone; everybody goes.
                Ok(0) => return 1,
                Ok(n) if orders[..n].contains(&TERM) => {
                    // Fails if it has ended since.
                    let _ = kill_process_group(command, Signal::TERM);
                }
                Ok(_) | Err(_) => {}
            }
        }
    }
    0
}

fn waker() -> Option<UnixStream> {
    let (read, write) = UnixStream::pair().ok()?;
    read.set_nonblocking(true).ok()?;
    write.set_nonblocking(true).ok()?;
    signal_hook::low_level::pipe::register(SIGCHLD, write).ok()?;
    Some(read)
}

/// Waits for all that have ended, and tells of the command; whether anybody is
/// left.
fn reap(command: Pid, control: &mut UnixStream) -> bool {
    loop {
        match wait(WaitOptions::NOHANG) {
            Ok(Some((pid, status))) if pid == command => {
                let said = match status.terminating_signal() {
                    Some(signal) => Said::Killed { signal },
                    None => Said::Exited { code: status.exit_status().unwrap_or_default() },
                };
                say(control, &said);
            }
            Ok(Some(_)) | Err(Errno::INTR) => {}
            Ok(None) => return true,
            Err(_) => return false,
        }
    }
}
