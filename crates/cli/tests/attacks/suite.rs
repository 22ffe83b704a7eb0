//! Which attacks run, at which levels, and what is said of them.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::header::{Attack, LEVELS};
use crate::session;

/// Seconds after which the harness itself counts as hung.
const BOUND: &str = "100";

/// Folders with attacks.
const KINDS: [&str; 2] = ["targets", "proposers"];

/// An ordinary user, whom the machine need not know.
const USER: &str = "12345";

/// Groups of attacks that depend on who runs them.
const BY_IDENTITY: [&str; 4] = ["evaluator", "held_out", "host", "kernel"];

/// Exit codes of one attack.
const AS_EXPECTED: u8 = 0;
const OTHERWISE: u8 = 1;
const NOT_OFFERED: u8 = 77;

pub(crate) fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let [one, program, file, level] = &args[..]
        && one == "--one"
    {
        return ExitCode::from(run_one(program, Path::new(file), level));
    }
    let mut level = None;
    let mut names = Vec::new();
    let (mut shows, mut is_only_user) = (false, false);
    let mut args = args.into_iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--level" => level = args.next(),
            "--show" => shows = true,
            "--as-user" => is_only_user = true,
            // What `cargo test` hands to every test program.
            flag if flag.starts_with('-') => {}
            _ => names.push(arg),
        }
    }
    let attacks = match attacks(&folder()) {
        Ok(attacks) => attacks,
        Err(why) => {
            println!("{why}");
            return ExitCode::FAILURE;
        }
    };
    let root = Starter::own();
    let user = rustix::process::geteuid().is_root().then(Starter::for_user);
    let mut chosen = Vec::new();
    for name in LEVELS {
        if level.as_deref().is_some_and(|level| level != name) {
            continue;
        }
        for attack in &attacks {
            if !names.is_empty() && !names.iter().any(|part| attack.name.contains(part)) {
                continue;
            }
            if !is_only_user {
                chosen.push(Run { attack, level: name, starter: &root });
            }
            // Without protection a user's attacks are root's, and weaker.
            let matters = is_only_user || BY_IDENTITY.contains(&attack.group.as_str());
            if let Some(user) = user.as_ref().filter(|_| matters && name != "unprotected") {
                chosen.push(Run { attack, level: name, starter: user });
            }
        }
    }
    let failed = run_all(&chosen, shows);
    println!("{} attacks, {} runs, {failed} otherwise than said", attacks.len(), chosen.len());
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// One attack at one level, as somebody.
struct Run<'a> {
    attack: &'a Attack,
    level: &'static str,
    starter: &'a Starter,
}

/// How this program is started for one attack: as who it is, or, by root, as an
/// ordinary user.
struct Starter {
    words: Vec<String>,
    program: PathBuf,
    attacks: PathBuf,
    /// Copies of all that the user must be able to read.
    copies: Option<tempfile::TempDir>,
}

impl Starter {
    fn own() -> Starter {
        let own = std::env::current_exe().unwrap().display().to_string();
        Starter {
            words: vec![own],
            program: env!("CARGO_BIN_EXE_autoresearch").into(),
            attacks: folder(),
            copies: None,
        }
    }

    fn for_user() -> Starter {
        let copies = tempfile::tempdir().unwrap();
        fs::set_permissions(copies.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let at = |name: &str| copies.path().join(name);
        fs::copy(env!("CARGO_BIN_EXE_autoresearch"), at("autoresearch")).unwrap();
        fs::copy(std::env::current_exe().unwrap(), at("attacks-suite")).unwrap();
        for kind in KINDS {
            fs::create_dir_all(at("attacks").join(kind)).unwrap();
            for entry in fs::read_dir(folder().join(kind)).unwrap().flatten() {
                fs::copy(entry.path(), at("attacks").join(kind).join(entry.file_name())).unwrap();
            }
        }
        let words = ["setpriv", "--reuid", USER, "--regid", USER, "--clear-groups"];
        let suite = at("attacks-suite").display().to_string();
        Starter {
            words: words.map(str::to_owned).into_iter().chain([suite]).collect(),
            program: at("autoresearch"),
            attacks: at("attacks"),
            copies: Some(copies),
        }
    }

    fn is_user(&self) -> bool {
        self.copies.is_some()
    }
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/attacks")
}

/// Every attack, by name; what is wrong with the files.
fn attacks(folder: &Path) -> Result<Vec<Attack>, String> {
    let mut found = Vec::new();
    for kind in KINDS {
        for entry in fs::read_dir(folder.join(kind)).map_err(|e| e.to_string())?.flatten() {
            let path = entry.path();
            found.push(Attack::read(&path).map_err(|why| format!("{}: {why}", path.display()))?);
        }
    }
    found.sort_by(|a, b| b.name.cmp(&a.name));
    found.reverse();
    Ok(found)
}

/// How many came out otherwise than their headers say.
fn run_all(chosen: &[Run<'_>], shows: bool) -> usize {
    let next = AtomicUsize::new(0);
    let failed = AtomicUsize::new(0);
    let missing = Mutex::new(BTreeSet::new());
    // They wait more than they compute.
    let workers = std::thread::available_parallelism().map_or(2, usize::from) + 1;
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(run) = chosen.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let Run { attack, level, starter } = run;
                    let who = if starter.is_user() { " as a user" } else { "" };
                    if missing.lock().unwrap().contains(&(*level, who)) {
                        continue;
                    }
                    let output = Command::new("timeout")
                        .args(["--signal=KILL", BOUND])
                        .args(&starter.words)
                        .arg("--one")
                        .arg(&starter.program)
                        .arg(starter.attacks.join(&attack.name).with_extension("py"))
                        .arg(level)
                        .output()
                        .unwrap();
                    let said = String::from_utf8_lossy(&output.stdout).into_owned()
                        + &String::from_utf8_lossy(&output.stderr);
                    match output.status.code().map(u8::try_from) {
                        Some(Ok(AS_EXPECTED)) if !shows => {
                            println!("{}{who}", said.lines().next().unwrap_or_default());
                        }
                        Some(Ok(AS_EXPECTED)) => println!("{said}"),
                        Some(Ok(NOT_OFFERED)) => {
                            if missing.lock().unwrap().insert((*level, who)) {
                                eprintln!("this machine does not offer `{level}`{who}: {said}");
                            }
                        }
                        _ => {
                            failed.fetch_add(1, Ordering::Relaxed);
                            println!("{} {level}{who}: {}\n{said}", attack.name, output.status);
                        }
                    }
                }
            });
        }
    });
    failed.into_inner()
}

/// Runs one attack in this process, which is a child of the suite's.
fn run_one(program: &str, file: &Path, level: &str) -> u8 {
    let attack = Attack::read(file).unwrap();
    let Some(mut seen) = session::run(program, &attack, level) else {
        return NOT_OFFERED;
    };
    let expected = attack.expected(level);
    // Without protection some attacks are a race that they may lose; what is
    // promised of the other levels has to hold at once.
    for _ in 0..2 {
        if level == "unprotected"
            && seen.outcome != *expected
            && let Some(again) = session::run(program, &attack, level)
        {
            seen = again;
        }
    }
    let is_expected = seen.outcome == *expected;
    println!("{:11} {}: {}", level, attack.name, seen.outcome);
    if !is_expected {
        println!("    but its header says: {expected}");
    }
    for detail in seen.details {
        println!("    {}", detail.replace('\n', "\n    "));
    }
    if is_expected { AS_EXPECTED } else { OTHERWISE }
}
