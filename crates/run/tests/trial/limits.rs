//! SPEC L7: a run that uses more than it may ends, and not the machine. Under
//! control groups, and where there are none: as root and as an ordinary user.

use std::fs;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use autoresearch_core::trial::Exit;
use autoresearch_run::{Limits, Local, LogLimit, Report, RunError};
use rustix::process::{Pid, Signal, kill_process};

use crate::lab::{CONFINED, Lab, until};

const MIB: u64 = 1 << 20;
const SUPERVISOR: &str = env!("CARGO_BIN_EXE_supervisor-for-tests");

/// How limits are held.
#[derive(Clone, Copy, Debug, PartialEq)]
enum How {
    /// As it comes: by control groups for root, else by looking again and again.
    Best,
    /// As root, and no control group can be made: where they are is nothing.
    Polled,
    /// An ordinary user, who may make no control groups.
    User,
}

const USER: u32 = 12_345;

/// One at a time: bombs would be measured against one another.
static ONE: Mutex<()> = Mutex::new(());

/// Runs it where limits are held in this way; none where this machine cannot.
fn run(how: How, lab: Lab) -> Option<(Lab, Report)> {
    let lab = prepare(how, lab)?;
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let report = lab.run();
    assert_no_group_is_left(&lab);
    Some((lab, report))
}

fn prepare(how: How, mut lab: Lab) -> Option<Lab> {
    if how != How::Best && !rustix::process::geteuid().is_root() {
        skipped(&format!("{how:?} needs root"));
        return None;
    }
    // Whoever runs says first where it is.
    let groups = lab.path("groups");
    lab.job.environment.insert("GROUPS_FILE".into(), groups.to_str().unwrap().into());
    let told = "cat /proc/self/cgroup > \"$GROUPS_FILE\"; exec \"$@\"";
    let before = ["sh", "-c", told, "sh"].map(str::to_owned);
    lab.job.command.splice(0..0, before);
    match how {
        How::Best => {}
        How::Polled => {
            let hide = "mount -t tmpfs none /sys/fs/cgroup && exec \"$0\" supervise";
            lab.local = Local::new("unshare", ["-m", "sh", "-c", hide, SUPERVISOR]);
        }
        How::User => {
            chown(lab.folder.path(), Some(USER), Some(USER)).unwrap();
            let user = USER.to_string();
            let ids = ["--reuid", &user, "--regid", &user, "--clear-groups"];
            lab.local = Local::new("setpriv", [&ids[..], &[SUPERVISOR, "supervise"]].concat());
        }
    }
    Some(lab)
}

#[expect(clippy::print_stderr, reason = "what a machine cannot test is said")]
fn skipped(why: &str) {
    eprintln!("not tested here: {why}");
}

/// The trial's own group that has this controller, in either version.
fn group(lab: &Lab, controller: &str) -> Option<PathBuf> {
    let groups = fs::read_to_string(lab.path("groups")).unwrap_or_default();
    groups.lines().find_map(|line| {
        let (names, path) = line.split_once(':')?.1.split_once(':')?;
        let is_it = names.is_empty() || names.split(',').any(|name| name == controller);
        let folder = if names.is_empty() { "" } else { controller };
        let found = Path::new("/sys/fs/cgroup").join(folder).join(path.trim_start_matches('/'));
        (is_it && path.contains("/autoresearch-")).then_some(found)
    })
}

fn assert_no_group_is_left(lab: &Lab) {
    for controller in ["memory", "pids"] {
        if let Some(group) = group(lab, controller) {
            assert!(!group.exists(), "{}", group.display());
        }
    }
}

fn limited(limits: Limits) -> impl FnOnce(&mut autoresearch_run::Job) {
    move |job| job.limits = limits
}

fn memory(mib: u64) -> Limits {
    Limits { memory: Some(mib * MIB), ..Limits::default() }
}

fn assert_out_of_memory(report: &Report) {
    let why = "it needed more than its 64MiB (run.memory)";
    assert_eq!(report.exit, Exit::Limit(why.into()));
    assert_eq!(report.out_of_memory.as_deref(), Some(why));
    assert!(report.usage.peak_memory.0 > 32 * MIB, "{:?}", report.usage);
}

/// Grows until somebody stops it, 2 GB at most.
const MEMORY_BOMB: &str = "\
import os, time
def bomb():
    blocks = [b'x' * 1_000_000 for _ in range(2000)]
    time.sleep(1000)
";

fn a_memory_bomb_ends(how: How) {
    let lab = Lab::python(&format!("{MEMORY_BOMB}bomb()")).with(limited(memory(64)));
    if let Some((_, report)) = run(how, lab) {
        assert_out_of_memory(&report);
    }
}

#[test]
fn a_memory_bomb_ends_as_out_of_memory() {
    a_memory_bomb_ends(How::Best);
}

#[test]
fn a_memory_bomb_ends_without_control_groups() {
    a_memory_bomb_ends(How::Polled);
}

#[test]
fn a_memory_bomb_of_an_ordinary_user_ends() {
    a_memory_bomb_ends(How::User);
}

/// A worker is killed for memory, and the script goes on as if nothing were.
#[test]
fn a_worker_that_ran_out_of_memory_is_seen_behind_exit_0() {
    for how in [How::Best, How::Polled] {
        let script = format!(
            "{MEMORY_BOMB}\nif os.fork() == 0: bomb()\nos.wait()\nprint('loss: 1', flush=True)"
        );
        if let Some((_, report)) = run(how, Lab::python(&script).with(limited(memory(64)))) {
            assert_out_of_memory(&report);
        }
    }
}

#[test]
fn files_that_were_read_are_no_memory_of_the_trial() {
    let lab = Lab::sh("head -c 200M /dev/zero > big; cat big big > /dev/null; echo loss: 1")
        .with(limited(memory(64)));
    let (_, report) = run(How::Best, lab).unwrap();
    assert_eq!((report.exit, report.out_of_memory), (Exit::Code(0), None));
    assert!(report.usage.peak_memory.0 < 32 * MIB, "{:?}", report.usage);
}

/// As data loaders do with a data set.
#[test]
fn pages_that_processes_share_count_once_against_the_limit() {
    let script = "\
import os, time
data = b'x' * 40_000_000
for _ in range(6):
    if os.fork() == 0: time.sleep(0.4); os._exit(0)
for _ in range(6): os.wait()
print('loss: 1')";
    for how in [How::Best, How::Polled, How::User] {
        if let Some((_, report)) = run(how, Lab::python(script).with(limited(memory(128)))) {
            assert_eq!(
                (report.exit, report.readings.metric),
                (Exit::Code(0), Some(1.0)),
                "{how:?}"
            );
            let peak = report.usage.peak_memory.0;
            assert!(how == How::Best || peak > 128 * MIB, "{how:?}: {peak}");
        }
    }
}

/// The command stays; 128 processes in sessions of their own, each of which goes on as its own
/// child, so that none has its id for long.
const FORK_BOMB: &str = "\
import os
def fork():
    try: return os.fork()
    except OSError: return 1
if fork(): os.wait(); import time; time.sleep(1000)
for _ in range(7):
    if fork() == 0: os.setsid()
end = os.times().elapsed + 20
while os.times().elapsed < end:
    pid = fork()
    if pid > 1: os._exit(0)
";

fn a_fork_bomb_ends(how: How) {
    let limits = Limits { processes: Some(50), ..Limits::default() };
    if let Some((_, report)) = run(how, Lab::python(FORK_BOMB).with(limited(limits))) {
        assert_eq!(report.exit, Exit::Limit("it had more than 50 processes".into()));
    }
}

#[test]
fn a_fork_bomb_ends_the_trial_and_not_the_machine() {
    a_fork_bomb_ends(How::Best);
}

#[test]
fn a_fork_bomb_ends_without_control_groups() {
    a_fork_bomb_ends(How::Polled);
}

#[test]
fn a_fork_bomb_of_an_ordinary_user_ends() {
    a_fork_bomb_ends(How::User);
}

#[test]
fn hundreds_of_processes_that_keep_forking_leave_nothing_at_the_deadline() {
    for how in [How::Best, How::Polled, How::User] {
        let lab = Lab::python(FORK_BOMB).with(|job| {
            job.deadline_seconds = 1.0;
            job.grace_seconds = 0.01;
        });
        if let Some((_, report)) = run(how, lab) {
            assert_eq!(report.exit, Exit::Deadline, "{how:?}");
        }
    }
}

#[test]
fn bombs_end_in_every_way_to_be_confined() {
    for way in CONFINED {
        let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        let limits = Limits { processes: Some(50), ..memory(64) };
        let lab = Lab::python(FORK_BOMB).under(way).with(limited(limits));
        assert_eq!(lab.run().exit, Exit::Limit("it had more than 50 processes".into()), "{way}");
        let lab = Lab::python(&format!("{MEMORY_BOMB}bomb()")).under(way).with(limited(limits));
        assert_out_of_memory(&lab.run());
        let lab = Lab::sh("head -c 100M /dev/zero > big").under(way).with(limited(disk(10)));
        let why = Exit::Limit("it filled more than 10MiB of disk".into());
        assert_eq!(lab.run().exit, why, "{way}");
        // Without a limit, until the deadline.
        let lab = Lab::python(FORK_BOMB).under(way).with(|job| {
            job.deadline_seconds = 1.0;
            job.grace_seconds = 0.01;
        });
        assert_eq!(lab.run().exit, Exit::Deadline, "{way}");
    }
}

#[test]
fn threads_count_as_processes() {
    let script = "\
import threading, time
for _ in range(80): threading.Thread(target=time.sleep, args=(1000,)).start()";
    for how in [How::Best, How::Polled, How::User] {
        let limits = Limits { processes: Some(50), ..Limits::default() };
        if let Some((_, report)) = run(how, Lab::python(script).with(limited(limits))) {
            assert_eq!(report.exit, Exit::Limit("it had more than 50 processes".into()), "{how:?}");
        }
    }
}

#[test]
fn a_log_bomb_ends_the_trial_and_fills_no_disk() {
    let limits = Limits { output: Some(10 * MIB), ..Limits::default() };
    let lab = Lab::sh("setsid yes & exec cat /dev/urandom").with(|job| {
        job.limits = limits;
        job.log_limit = LogLimit { head: 1000, tail: 1000, whole: MIB };
    });
    let (lab, report) = run(How::Best, lab).unwrap();
    assert_eq!(report.exit, Exit::Limit("it printed more than 10MiB".into()));
    assert!((10 * MIB..11 * MIB).contains(&report.output_bytes), "{}", report.output_bytes);
    let size = |name| fs::metadata(lab.path(name)).unwrap().len();
    assert!(size("log") < 3000 && size("log.gz") < 2 * MIB);
}

fn disk(mib: u64) -> Limits {
    Limits { disk: Some(mib * MIB), ..Limits::default() }
}

#[test]
fn a_file_that_is_too_large_ends_the_trial() {
    for script in ["exec head -c 100M /dev/zero > big", "head -c 100M /dev/zero > big"] {
        let (lab, report) = run(How::Best, Lab::sh(script).with(limited(disk(10)))).unwrap();
        assert_eq!(report.exit, Exit::Limit("it filled more than 10MiB of disk".into()));
        assert!(fs::metadata(lab.path("big")).unwrap().len() <= 10 * MIB);
    }
}

/// 2 GB at most.
const DISK_BOMB: &str = "\
mkdir -p deep/er
for i in $(seq 500); do head -c 4M /dev/zero > deep/er/$i || sleep 0.01; done
sleep 1000";

#[test]
fn many_files_end_the_trial_when_they_fill_too_much() {
    for how in [How::Best, How::User] {
        if let Some((_, report)) = run(how, Lab::sh(DISK_BOMB).with(limited(disk(32)))) {
            let why = Exit::Limit("it filled more than 32MiB of disk".into());
            assert_eq!(report.exit, why, "{how:?}");
        }
    }
}

/// A small disk, until it is dropped.
struct Mount(PathBuf);

impl Mount {
    fn new(at: PathBuf) -> Option<Mount> {
        fs::create_dir(&at).unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=64m,mode=777", "none"])
            .arg(&at)
            .output()
            .is_ok_and(|output| output.status.success());
        mounted.then_some(Mount(at))
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_ends_the_trial() {
    let lab = Lab::sh(DISK_BOMB).with(limited(disk(1024)));
    let Some(mount) = Mount::new(lab.path("disk")) else {
        return skipped("a disk that is full (no rights to mount one)");
    };
    let lab = lab.with(|job| {
        job.directory.clone_from(&mount.0);
        job.confinement.writable = vec![mount.0.clone()];
    });
    let (_, report) = run(How::Best, lab).unwrap();
    let Exit::Limit(why) = &report.exit else { panic!("{:?}", report.exit) };
    assert!(why.starts_with("the disk is nearly full ("), "{why}");
}

#[test]
fn a_trial_within_its_limits_notices_nothing() {
    let limits = Limits {
        memory: Some(512 * MIB),
        processes: Some(50),
        output: Some(MIB),
        disk: Some(64 * MIB),
    };
    for how in [How::Best, How::Polled, How::User] {
        let lab = Lab::sh("ulimit -Hn; ulimit -Hc; head -c 1M /dev/zero > f; echo loss: 2");
        if let Some((lab, report)) = run(how, lab.with(limited(limits))) {
            assert_eq!(
                (report.exit, report.readings.metric),
                (Exit::Code(0), Some(2.0)),
                "{how:?}"
            );
            let log = lab.log();
            let mut said = log.lines();
            let files: u64 = said.next().unwrap().parse().unwrap();
            assert!(files <= 65_536 && said.next() == Some("0"), "{log}");
            let has_group = group(&lab, "memory").is_some() || group(&lab, "pids").is_some();
            assert!(how == How::Best || !has_group);
            if how == How::Best && !has_group {
                skipped("control groups (none can be made)");
            }
        }
    }
}

#[test]
fn the_group_of_a_killed_supervisor_is_removed_by_the_next() {
    let script = "env -i setsid sleep 0.5 & echo > ready; exec sleep 1000";
    let lab = prepare(How::Best, Lab::sh(script)).unwrap();
    let mut running = lab.start();
    lab.await_file("ready");
    let groups: Vec<PathBuf> = ["memory", "pids"].iter().filter_map(|c| group(&lab, c)).collect();
    let Some(group) = groups.first() else {
        return skipped("control groups (none can be made)");
    };
    let name = group.file_name().unwrap().to_str().unwrap();
    let supervisor = Pid::from_raw(name.rsplit_once('-').unwrap().1.parse().unwrap()).unwrap();
    kill_process(supervisor, Signal::KILL).unwrap();
    let error = lab.finish(&mut *running).unwrap_err();
    assert!(matches!(error, RunError::SupervisorDied { .. }), "{error}");
    // Whoever has cleared its environment is found by nobody, and ends by itself.
    until(|| {
        Lab::sh("true").run();
        groups.iter().all(|group| !group.exists()).then_some(())
    });
}
