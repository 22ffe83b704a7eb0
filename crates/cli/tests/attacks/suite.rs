//! Which attacks run, at which levels, and what is said of them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::header::{Attack, LEVELS};
use crate::session;

/// Seconds after which the harness itself counts as hung.
const BOUND: &str = "100";

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
    let mut shows = false;
    let mut args = args.into_iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--level" => level = args.next(),
            "--show" => shows = true,
            // What `cargo test` hands to every test program.
            flag if flag.starts_with('-') => {}
            _ => names.push(arg),
        }
    }
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/attacks");
    let attacks = match attacks(&folder) {
        Ok(attacks) => attacks,
        Err(why) => {
            println!("{why}");
            return ExitCode::FAILURE;
        }
    };
    let chosen: Vec<(&Attack, &str)> = LEVELS
        .iter()
        .filter(|name| level.as_deref().is_none_or(|level| level == **name))
        .flat_map(|level| attacks.iter().map(move |attack| (attack, *level)))
        .filter(|(attack, _)| names.is_empty() || names.iter().any(|n| attack.name.contains(n)))
        .collect();
    let failed = run_all(&chosen, shows);
    println!("{} attacks, {} runs, {failed} otherwise than said", attacks.len(), chosen.len());
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Every attack, by name; what is wrong with the files.
fn attacks(folder: &Path) -> Result<Vec<Attack>, String> {
    let mut found = Vec::new();
    for kind in ["targets", "proposers"] {
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
fn run_all(chosen: &[(&Attack, &str)], shows: bool) -> usize {
    let own = std::env::current_exe().unwrap();
    let next = AtomicUsize::new(0);
    let failed = AtomicUsize::new(0);
    let missing = Mutex::new(BTreeSet::new());
    // They wait more than they compute.
    let workers = std::thread::available_parallelism().map_or(2, usize::from) + 1;
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some((attack, level)) = chosen.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if missing.lock().unwrap().contains(level) {
                        continue;
                    }
                    let output = Command::new("timeout")
                        .args(["--signal=KILL", BOUND])
                        .arg(&own)
                        .args(["--one", env!("CARGO_BIN_EXE_autoresearch")])
                        .arg(&attack.path)
                        .arg(level)
                        .output()
                        .unwrap();
                    let said = String::from_utf8_lossy(&output.stdout).into_owned()
                        + &String::from_utf8_lossy(&output.stderr);
                    match output.status.code().map(u8::try_from) {
                        Some(Ok(AS_EXPECTED)) if !shows => {
                            println!("{}", said.lines().next().unwrap_or_default());
                        }
                        Some(Ok(AS_EXPECTED)) => println!("{said}"),
                        Some(Ok(NOT_OFFERED)) => {
                            if missing.lock().unwrap().insert(level) {
                                eprintln!("this machine does not offer `{level}`: {said}");
                            }
                        }
                        _ => {
                            failed.fetch_add(1, Ordering::Relaxed);
                            println!("{} {level}: {}\n{said}", attack.name, output.status);
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
    let Some(seen) = session::run(program, &attack, level) else {
        return NOT_OFFERED;
    };
    let expected = attack.expected(level);
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
