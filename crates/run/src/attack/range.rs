//! The other side of the attacks: canaries and listeners, a job for each
//! attempt, and what is found when it is over.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use autoresearch_core::trial::{Exit, Protection};

use super::attacker::{BYTES, DONE, IMPOSSIBLE, Order, PROCESSES, READY, VICTIM, VICTIM_SECRET};
use super::{Attempt, Fate, Finding, ORDER};
use crate::{Confinement, Executor, Job, Limits, LogLimit, Program, Report, RunError, Talk};

/// Attacks at a time: each is mostly waiting.
const AT_ONCE: usize = 4;
/// Far more than an attempt takes.
const DEADLINE: Duration = Duration::from_secs(30);
/// Begins every secret; what follows differs from attempt to attempt.
const TOKEN: &str = "canary";

/// Tries everything at one level of protection. `program`, under
/// [`ATTACK`](crate::ATTACK), must come to call [`attack`](super::attack);
/// `scratch` is an existing folder that is the caller's to remove.
///
/// # Errors
/// When the folder cannot be written.
pub fn try_all(
    executor: &dyn Executor,
    program: &Program,
    protection: Protection,
    scratch: &Path,
) -> io::Result<Vec<Finding>> {
    let scratch = scratch.canonicalize()?;
    let waiting = Mutex::new(Attempt::ALL.iter().enumerate());
    let found = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let next = waiting.lock().ok().and_then(|mut waiting| waiting.next());
                    let Some((number, attempt)) = next else { return };
                    let folder = scratch.join(format!("{protection}-{number}"));
                    let fate = Range::prepare(&folder, *attempt, program).and_then(|mut range| {
                        let report = range.run(executor, program, protection);
                        range.judge(report)
                    });
                    if let Ok(mut found) = found.lock() {
                        found.push((number, *attempt, fate));
                    }
                }
            });
        }
    });
    let mut found = found.into_inner().unwrap_or_default();
    found.sort_by_key(|(number, ..)| *number);
    found.into_iter().map(|(_, attempt, fate)| Ok(Finding { attempt, fate: fate? })).collect()
}

/// A place of its own for one attempt.
struct Range {
    attempt: Attempt,
    folder: PathBuf,
    /// What must not become known.
    token: String,
    before: Option<Vec<u64>>,
    tcp: TcpListener,
    udp: UdpSocket,
    unix: UnixListener,
    #[cfg(target_os = "linux")]
    by_name: UnixListener,
    name: String,
    victim: Child,
    /// Open while the job starts.
    inherited: Option<fs::File>,
}

impl Range {
    fn prepare(folder: &Path, attempt: Attempt, program: &Program) -> io::Result<Range> {
        let token = format!("{TOKEN}-{:016x}", random()?);
        for path in ["inside/harness", "inside/work", "outside"] {
            fs::create_dir_all(folder.join(path))?;
        }
        fs::write(folder.join("inside/harness/evaluate.py"), "def evaluate(): return 1\n")?;
        // Where a session leaves it: in the checkout, and not in the worktree.
        fs::write(folder.join("outside/held-out.txt"), &token)?;
        let secret = folder.join("outside/secret.txt");
        fs::write(&secret, &token)?;
        let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        tcp.set_nonblocking(true)?;
        let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        udp.set_nonblocking(true)?;
        let unix = UnixListener::bind(folder.join("outside/s"))?;
        unix.set_nonblocking(true)?;
        // The attacker knows it, so that it must not give the token away.
        let name = format!("autoresearch-{:016x}", random()?);
        let victim = program
            .command(crate::ATTACK)
            .arg(VICTIM)
            .env(VICTIM_SECRET, &token)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let inherited = if attempt == Attempt::ReadInherited {
            let file = fs::File::open(&secret)?;
            rustix::io::fcntl_setfd(&file, rustix::io::FdFlags::empty())?;
            Some(file)
        } else {
            None
        };
        let mut range = Range {
            attempt,
            folder: folder.to_owned(),
            token,
            before: None,
            tcp,
            udp,
            unix,
            #[cfg(target_os = "linux")]
            by_name: abstract_listener(&name)?,
            name,
            victim,
            inherited,
        };
        range.before = range.state();
        Ok(range)
    }

    fn evaluator(&self) -> PathBuf {
        self.folder.join("inside/harness/evaluate.py")
    }

    /// Whatever shows that the evaluator or its folder was touched.
    fn state(&self) -> Option<Vec<u64>> {
        let mut state = Vec::new();
        for path in [self.folder.join("inside/harness"), self.evaluator()] {
            let meta = path.symlink_metadata().ok()?;
            let changed = [meta.ctime(), meta.ctime_nsec()].map(i64::cast_unsigned);
            state.extend([meta.ino(), meta.dev(), u64::from(meta.mode()), meta.len()]);
            state.extend(changed);
        }
        Some(state)
    }

    fn run(
        &mut self,
        executor: &dyn Executor,
        program: &Program,
        protection: Protection,
    ) -> Result<Report, RunError> {
        let inside = self.folder.join("inside");
        let port = |address: io::Result<std::net::SocketAddr>| address.map_or(0, |a| a.port());
        let order = Order {
            attempt: self.attempt,
            evaluator: self.evaluator(),
            held_out: self.folder.join("outside/held-out.txt"),
            secret: self.folder.join("outside/secret.txt"),
            outside: self.folder.join("outside/written"),
            lock: inside.join("work/lock"),
            scratch: inside.join("work"),
            socket: self.folder.join("outside/s"),
            name: self.name.clone(),
            tcp: port(self.tcp.local_addr()),
            udp: port(self.udp.local_addr()),
            victim: i32::try_from(self.victim.id()).unwrap_or(0),
        };
        let order = serde_json::to_string(&order)
            .map_err(|error| RunError::BadJob { why: error.to_string() })?;
        let limited = |attempt: Attempt, most: u64| (self.attempt == attempt).then_some(most);
        let job = Job {
            id: format!("attack/{}", self.name),
            command: program.line(crate::ATTACK),
            directory: inside.clone(),
            environment: [(ORDER.to_owned(), order)].into_iter().collect(),
            stdin: None,
            talk: Talk::None,
            deadline_seconds: DEADLINE.as_secs_f64(),
            grace_seconds: 0.0,
            quota: None,
            allowance_seconds: 0.0,
            cpus: Vec::new(),
            take: autoresearch_core::metric::Take::Last,
            log: self.folder.join("log"),
            log_limit: LogLimit::default(),
            limits: Limits {
                memory: limited(Attempt::Memory, BYTES * 4),
                processes: limited(Attempt::Forks, PROCESSES),
                output: limited(Attempt::Output, BYTES),
                disk: limited(Attempt::Disk, BYTES),
            },
            confinement: Confinement {
                protection,
                writable: vec![inside.clone()],
                readable: program.readable.clone(),
                protected: vec![self.evaluator()],
                private: Some(self.folder.join("private")),
                ..Confinement::default()
            },
            container: None,
            source: None,
            series: None,
            wanted: Vec::new(),
            result: self.folder.join("result.json"),
        };
        let mut running = executor.start(&job)?;
        self.inherited = None;
        match running.wait(DEADLINE * 2)? {
            Some(report) => Ok(report),
            None => Err(RunError::BadJob { why: "it does not end".to_owned() }),
        }
    }

    fn judge(&mut self, report: Result<Report, RunError>) -> io::Result<Fate> {
        let report = match report {
            Ok(report) => report,
            Err(error) => return Ok(Fate::Untried(error.to_string())),
        };
        let log = String::from_utf8_lossy(&fs::read(self.folder.join("log"))?).into_owned();
        if !log.contains(READY) {
            let why = format!("the attacker did not come to run: {}", report.exit);
            return Ok(Fate::Untried(why));
        }
        if report.exit == Exit::Code(IMPOSSIBLE) {
            return Ok(Fate::Untried("this system has no such thing".to_owned()));
        }
        let had_its_way = match self.attempt {
            Attempt::WriteEvaluator
            | Attempt::TruncateEvaluator
            | Attempt::RemoveEvaluator
            | Attempt::RenameOverEvaluator
            | Attempt::LinkEvaluator
            | Attempt::ChmodEvaluator
            | Attempt::ReplaceFolder
            | Attempt::WriteAndRestore => self.state() != self.before,
            Attempt::ReadHeldOut
            | Attempt::ReadSecret
            | Attempt::ReadInherited
            | Attempt::ReadEnvironment
            | Attempt::ReadMemory => log.contains(&self.token),
            // Told to end, it ends well, unless it was killed before.
            Attempt::Kill => {
                drop(self.victim.stdin.take());
                !self.victim.wait()?.success()
            }
            Attempt::WriteOutside => self.folder.join("outside/written").exists(),
            Attempt::ConnectTcp => self.tcp.accept().is_ok(),
            Attempt::SendUdp => self.udp.recv(&mut [0; 16]).is_ok(),
            Attempt::ConnectUnix => self.unix.accept().is_ok(),
            Attempt::ConnectAbstract => self.is_called_by_name(),
            Attempt::Daemon => {
                let lock = self.folder.join("inside/work/lock");
                fs::File::open(lock).is_ok_and(|file| file.try_lock().is_err())
            }
            Attempt::MountOver
            | Attempt::Trace
            | Attempt::Unshare
            | Attempt::GainRights
            | Attempt::Keyring
            | Attempt::Forks
            | Attempt::Memory
            | Attempt::Disk
            | Attempt::Output => report.exit == Exit::Code(DONE),
        };
        // The engine compares protected files after every run.
        let is_changed = || {
            fs::read_to_string(self.evaluator()).ok().as_deref()
                != Some("def evaluate(): return 1\n")
        };
        Ok(match had_its_way {
            false => Fate::Stopped,
            true if report.tampered.is_some() || is_changed() => Fate::Detected,
            true => Fate::NotStopped,
        })
    }

    #[cfg(target_os = "linux")]
    fn is_called_by_name(&self) -> bool {
        self.by_name.accept().is_ok()
    }

    #[cfg(not(target_os = "linux"))]
    fn is_called_by_name(&self) -> bool {
        false
    }
}

impl Drop for Range {
    fn drop(&mut self) {
        let _ = self.victim.kill();
        let _ = self.victim.wait();
    }
}

#[cfg(target_os = "linux")]
fn abstract_listener(name: &str) -> io::Result<UnixListener> {
    use std::os::linux::net::SocketAddrExt as _;
    use std::os::unix::net::SocketAddr;
    let listener = UnixListener::bind_addr(&SocketAddr::from_abstract_name(name)?)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// So that nothing can be guessed or be left from an earlier attempt.
fn random() -> io::Result<u64> {
    use std::io::Read as _;
    let mut bytes = [0; 8];
    fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(u64::from_ne_bytes(bytes))
}
