//! `kill -9` thousands of times, at random moments, of the engine, of the
//! supervisor, of the trial's processes and of several at once; whatever is
//! ended is taken up again. Every 500 kills and at the end: nothing is lost,
//! doubled or left.
//!
//! `cargo run --release --example soak -- 10000 [SEED]`, from the repository.
//! It ends with the figures, or with what does not hold.
#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "it is a test that runs for hours: what it cannot do is a failure"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use autoresearch_testkit::{Place, Running, Snapshot, kill, until};

use crate::sound::{TAG, assert_sound, log};

#[path = "../tests/it/sound.rs"]
mod sound;

/// Kills between two checks; after each a new session begins, so that a late
/// kill costs as much as an early one.
const ROUND: u64 = 500;

const CONFIG: &str = r#"target = "train.sh"
budget = "60s"

[metric]
name = "loss"
direction = "minimize"

[run]
command = "sh train.sh"
grace = "5s"

[propose]
proposer = "command"
command = "sh propose.sh"
patience = 1000
"#;

/// The brief begins with `{"number":7,`. Every proposal is another program:
/// many keep, some fail, some leave processes, some take a moment.
const PROPOSE: &str = r#"n=$(head -c 24 | sed 's/[^0-9]*\([0-9]*\).*/\1/')
{
    [ $((n % 3)) = 0 ] && echo 'setsid sleep 1000 &' && echo 'sleep 1000 &'
    [ $((n % 4)) = 0 ] && echo 'sleep 0.05'
    [ $((n % 7)) = 0 ] && echo 'exit 3'
    echo "echo loss: $((100000 - n + n % 5 * 3))"
} >train.sh
echo "HYPOTHESIS: proposal $n"
"#;

/// Numbers that follow from a seed (`SplitMix64`).
struct Lots(u64);

impl Lots {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % end
    }
}

#[derive(Default)]
struct Figures {
    engines: u64,
    supervisors: u64,
    trials: u64,
    /// Times that a killed engine was taken up.
    resumed: u64,
    experiments: u64,
    keeps: u64,
    crashes: u64,
    /// Trials that ran again since a kill had ended them.
    lost: u64,
}

impl Figures {
    fn kills(&self) -> u64 {
        self.engines + self.supervisors + self.trials
    }

    fn say(&self, what: &str, began: Instant) {
        println!(
            "{what}: {} kills ({} engines, {} supervisors, {} processes of trials), {} resumed; \
             {} experiments ({} kept, {} crashed), {} trials run again; {:.0} s",
            self.kills(),
            self.engines,
            self.supervisors,
            self.trials,
            self.resumed,
            self.experiments,
            self.keeps,
            self.crashes,
            self.lost,
            began.elapsed().as_secs_f64()
        );
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, default: u64| {
        arguments.get(at).map_or(default, |text| text.parse().expect("a number"))
    };
    let (kills, seed) = (number(0, 1000), number(1, 1));
    let program = build();
    let began = Instant::now();
    let mut lots = Lots(seed);
    let mut figures = Figures::default();
    println!("{kills} kills with seed {seed}");
    while figures.kills() < kills {
        let end = (figures.kills() + ROUND).min(kills);
        let round = Round::new(&program);
        round.kill_until(end, &mut lots, &mut figures);
        round.check(&mut figures);
        figures.say("so far", began);
    }
    figures.say("nothing was lost, nothing is left", began);
}

/// The program that belongs to this build: an example is built without it.
fn build() -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--quiet", "--package", "autoresearch-cli", "--bin", "autoresearch"]);
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    assert!(command.status().unwrap().success(), "the program cannot be built");
    let own = std::env::current_exe().unwrap();
    own.parent().and_then(Path::parent).unwrap().join("autoresearch")
}

/// One session that is killed again and again.
struct Round {
    place: Place,
    before: Snapshot,
    groups: BTreeSet<PathBuf>,
}

impl Round {
    fn new(program: &Path) -> Round {
        let place = Place::new(program);
        let temporary = place.base().join("tmp");
        std::fs::create_dir(&temporary).unwrap();
        let place = place
            .variable("TMPDIR", &temporary)
            .file("train.sh", "echo loss: 100000\n")
            .file("propose.sh", PROPOSE)
            .file("autoresearch.toml", CONFIG)
            .repository();
        Round { before: place.snapshot(), place, groups: control_groups() }
    }

    /// Goes on until there were `end` kills; then ends the session in peace.
    fn kill_until(&self, end: u64, lots: &mut Lots, figures: &mut Figures) {
        let mut engine = self.start(&mut 0);
        while figures.kills() < end {
            // The moment is what is tested; nothing is waited for.
            let longest = if lots.below(2) == 0 { 250_000 } else { 1_000_000 };
            std::thread::sleep(Duration::from_micros(lots.below(longest)));
            self.strike(&mut engine, lots, figures);
            if engine.has_ended() {
                let ended = engine.wait();
                if ended.stdout.contains("the engine died 3 times") && ended.code == Some(4) {
                    // The baseline was hit again and again: the session is over.
                    return;
                }
                assert_eq!(ended.signal, Some(9), "{ended:?}");
                engine = self.start(&mut figures.resumed);
            }
        }
        until("an engine that hears", || {
            // One that is being resumed takes a stop for its predecessor's.
            let _ = self.place.run(["stop", "--tag", TAG]);
            engine.has_ended().then_some(())
        });
        let ended = engine.wait();
        assert_eq!(ended.signal, None, "{}", ended.stderr);
    }

    /// Begins the session, or takes it up where there is one.
    fn start(&self, resumed: &mut u64) -> Running {
        let journal = self.place.root().join(format!(".autoresearch/{TAG}/journal.db"));
        let status = journal.exists().then(|| self.place.run(["status", "--json"]));
        if let Some(status) = status.as_ref().filter(|status| status.code != Some(0)) {
            println!("begun anew, since status says: {}", status.stderr.trim());
        }
        if status.is_some_and(|status| status.code == Some(0)) {
            *resumed += 1;
            self.place.start(["resume", "--json"])
        } else {
            self.place.start(["run", "--yes", "--json", "--tag", TAG])
        }
    }

    fn strike(&self, engine: &mut Running, lots: &mut Lots, figures: &mut Figures) {
        let all = self.place.processes();
        let (supervisors, others): (Vec<_>, Vec<_>) = all
            .into_iter()
            .filter(|process| process.pid != engine.pid())
            .partition(|process| process.command.contains("__supervise"));
        let (has_engine, has_supervisor, is_process) = match lots.below(8) {
            0..=2 => (true, false, false),
            3 => (false, true, false),
            4 => (false, false, true),
            5 => (true, true, false),
            6 => (false, true, true),
            _ => (true, true, true),
        };
        if has_engine {
            engine.kill();
            figures.engines += 1;
        }
        if has_supervisor {
            for process in &supervisors {
                kill(process.pid);
                figures.supervisors += 1;
            }
        }
        let marked: Vec<u32> =
            others.iter().map(|process| process.pid).filter(|pid| is_of_a_job(*pid)).collect();
        if is_process && !marked.is_empty() {
            let victim = usize::try_from(lots.below(marked.len() as u64)).unwrap();
            kill(marked[victim]);
            figures.trials += 1;
        }
        if has_engine {
            // Its end takes a moment that nobody else may run in; its main
            // thread is dead before the others are.
            until("the end of the engine", || engine.has_ended().then_some(()));
        }
    }

    fn check(self, figures: &mut Figures) {
        assert_sound(&self.place, &self.before);
        let log = log(&self.place);
        let count = |verdict: &str| log.iter().filter(|p| p["verdict"] == verdict).count() as u64;
        figures.experiments += log.len() as u64;
        figures.keeps += count("keep");
        figures.crashes += count("crash");
        for point in &log {
            let shown = self.place.run(["show", &point["number"].to_string(), "--json"]).expect(0);
            let trials = shown.json()["trials"].as_array().map_or(0, Vec::len) as u64;
            figures.lost += trials.saturating_sub(1);
        }
        let folder = self.place.root().join(format!(".autoresearch/{TAG}"));
        let known =
            ["desk-1", "desk-1.git", "bench-1", "bench-1.git", "landing", "logs", "out", "scratch"];
        for entry in std::fs::read_dir(&folder).unwrap().flatten() {
            let name = entry.file_name().into_string().unwrap();
            assert!(!entry.path().is_dir() || known.contains(&name.as_str()), "{name} is left");
        }
        for entry in std::fs::read_dir(folder.join("scratch")).unwrap().flatten() {
            assert!(!entry.path().is_dir(), "{} is left", entry.path().display());
        }
        let base = self.place.base().display().to_string();
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
        let left: Vec<&str> = mounts.lines().filter(|line| line.contains(&base)).collect();
        assert!(left.is_empty(), "mounts are left: {left:#?}");
        // Those of others on this machine come and go.
        let mut groups: Vec<_> = control_groups().difference(&self.groups).cloned().collect();
        until("the end of every control group", || {
            groups.retain(|group| group.exists() && is_in_use(group, &base));
            groups.is_empty().then_some(())
        });
        let files: Vec<_> =
            std::fs::read_dir(self.place.base().join("tmp")).unwrap().flatten().collect();
        assert!(files.is_empty(), "temporary files are left: {files:#?}");
    }
}

/// Whether it belongs to a trial or to the proposer; the engine's git does not.
fn is_of_a_job(pid: u32) -> bool {
    let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    environment.split(|byte| *byte == 0).any(|all| all.starts_with(b"AUTORESEARCH_TRIAL="))
}

/// Whether a process that has to do with `base` is in a group or made it: an empty
/// one whose supervisor is gone is removed by the next, and those of others on
/// this machine are theirs.
fn is_in_use(group: &Path, base: &str) -> bool {
    let name = group.file_name().unwrap_or_default().to_string_lossy();
    let owner = name.rsplit('-').next().unwrap_or_default();
    let members = std::fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
    members.lines().chain([owner]).any(|pid| {
        ["environ", "cmdline"].iter().any(|file| {
            let text = std::fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
            String::from_utf8_lossy(&text).contains(base)
        })
    })
}

/// Control groups of ours, wherever they are.
fn control_groups() -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut folders = vec![PathBuf::from("/sys/fs/cgroup")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                if entry.file_name().to_string_lossy().contains("autoresearch") {
                    found.insert(entry.path());
                }
                folders.push(entry.path());
            }
        }
    }
    found
}
