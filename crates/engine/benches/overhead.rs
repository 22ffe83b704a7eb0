//! What the engine itself costs an experiment, against a plain shell loop of
//! Karpathy's rules, in one run; the same after 1,000 and 100,000 experiments;
//! and what status and report cost there.
//!
//! `cargo bench -p autoresearch --bench overhead`; figures in
//! `docs/performance.md`. Ratios within one run count, not milliseconds.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench has no one to hand errors to"
)]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use autoresearch::core::experiment::{CommitId, Experiment};
use autoresearch::core::judge::{Rule, Ruling};
use autoresearch::core::proposal::{Category, Edit, FileEdit, Fingerprint, Proposal};
use autoresearch::core::session::{Event, Proposed, Record, State, StopReason};
use autoresearch::core::trial::{Exit, Purpose, Trial, Usage};
use autoresearch::core::units::{Bytes, Timestamp};
use autoresearch::ledger::Journal;
use autoresearch::propose::{Brief, Desk, ProposeError, Proposer};
use autoresearch::{Direction, Limit, News, Observer, Stop, SystemExperiment, View};

/// Experiments timed for each row.
const TIMED: u64 = 60;

fn main() {
    if let Some(code) = autoresearch::supervise_if_asked() {
        std::process::exit(code);
    }
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    println!("| loop | experiments before | a cycle, median | a cycle, 90% |");
    println!("|---|---:|---:|---:|");
    let bare = row("the command alone", 0, &bare());
    let shell = row("shell loop (commit, run, grep, reset)", 0, &shell());
    let mut ours = Vec::new();
    // As the shell loop runs them, and as they run unless told otherwise.
    for (protection, before) in
        [("unprotected", 0), ("best", 0), ("best", 1_000), ("best", 100_000)]
    {
        let place = tempfile::tempdir().unwrap();
        let name = format!("AutoResearch, {protection}");
        ours.push(row(&name, before, &engine(place.path(), before, protection)));
        if before == 100_000 {
            reading(place.path());
        }
    }
    let own = |cycle: Duration| (cycle.as_secs_f64() - bare.as_secs_f64()) * 1000.0;
    println!("\nper experiment beyond the command itself (a cycle less the command):");
    println!(
        "shell loop {:.1} ms, AutoResearch unprotected {:.1} ms: {:.2} times the shell loop",
        own(shell),
        own(ours[0]),
        own(ours[0]) / own(shell)
    );
    println!("the best protection here: {:.1} ms more", own(ours[1]) - own(ours[0]));
    println!(
        "100,000 experiments later: {:.2} times as at the beginning",
        own(ours[3]) / own(ours[1])
    );
}

fn row(name: &str, before: u64, times: &[Duration]) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort();
    let at = |share: usize| sorted[(sorted.len() * share / 100).min(sorted.len() - 1)];
    let ms = |time: Duration| time.as_secs_f64() * 1000.0;
    println!("| {name} | {before} | {:.1} ms | {:.1} ms |", ms(at(50)), ms(at(90)));
    at(50)
}

/// A repository of 300 files whose run command prints a constant of its target.
fn repository(folder: &Path) {
    for n in 0..300 {
        let folder = folder.join(format!("part{}", n % 20));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("file{n}.py")), format!("x = {n}\n")).unwrap();
    }
    fs::write(folder.join("train.py"), "LOSS = 100\n").unwrap();
    fs::write(folder.join("run.sh"), "echo \"loss: $(tail -c 8 train.py | tr -cd 0-9)\"\n")
        .unwrap();
    fs::write(folder.join(".gitignore"), "run.log\nresults.tsv\n").unwrap();
    autoresearch::repo::create(folder, "start").unwrap();
}

fn bare() -> Vec<Duration> {
    let place = tempfile::tempdir().unwrap();
    repository(place.path());
    (0..TIMED)
        .map(|_| {
            let began = Instant::now();
            Command::new("sh").arg("run.sh").current_dir(place.path()).output().unwrap();
            began.elapsed()
        })
        .collect()
}

/// Karpathy's program.md as a script: commit, run, grep, keep or reset, log.
fn shell() -> Vec<Duration> {
    let place = tempfile::tempdir().unwrap();
    repository(place.path());
    let script = r#"
        git config user.name a; git config user.email a@b
        best=9999999
        for n in $(seq "$1"); do
            if [ $((n % 7)) = 6 ]; then loss=$((1000000 - n)); else loss=$((2000000 + n)); fi
            echo "LOSS = $loss" > train.py
            git commit -qam "exp: $n"
            sh run.sh > run.log 2>&1
            loss=$(grep '^loss:' run.log | cut -d' ' -f2)
            if [ "$loss" -lt "$best" ]; then
                best=$loss; status=keep
            else
                git reset -q --hard HEAD~1; status=discard
            fi
            printf '%s\t%s\t0.0\t%s\texp %s\n' "$(git rev-parse --short HEAD)" "$loss" $status $n >> results.tsv
            date +%s%N
        done"#;
    let count = (TIMED + 1).to_string();
    let output = Command::new("bash")
        .args(["-c", script, "loop", &count])
        .current_dir(place.path())
        .output()
        .unwrap();
    let stamps: Vec<u64> = String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| line.parse().ok())
        .collect();
    stamps.windows(2).map(|pair| Duration::from_nanos(pair[1] - pair[0])).collect()
}

/// Proposes at once: what is measured is the engine.
struct Instantly;

impl Proposer for Instantly {
    fn name(&self) -> &'static str {
        "instantly"
    }

    fn propose(&mut self, brief: &Brief, _: &mut dyn Desk) -> Result<Proposal, ProposeError> {
        let n = brief.number;
        // One in seven is better than all before it.
        let loss = if n % 7 == 6 { 1_000_000 - n } else { 2_000_000 + n };
        let content = format!("LOSS = {loss}\n").into_bytes();
        Ok(Proposal {
            hypothesis: format!("set LOSS for the {n}th time"),
            category: Category::Other,
            edit: Edit::Files(vec![FileEdit { path: "train.py".into(), content: Some(content) }]),
            settings: None,
            expected: None,
        })
    }
}

/// Notes when each experiment is settled.
struct Clock(Vec<Instant>);

impl Observer for Clock {
    fn tell(&mut self, news: &News<'_>) {
        if let News::Settled { .. } = news {
            self.0.push(Instant::now());
        }
    }
}

fn experiment(folder: &Path, iterations: u64, protection: &str) -> SystemExperiment {
    SystemExperiment::new(folder, "train.py")
        .command(["sh", "run.sh"])
        .metric("loss", Direction::Minimize)
        .set("iterations", &iterations.to_string())
        .set("tag", "bench")
        .set("run.protection", protection)
        .proposer(Instantly)
}

fn engine(folder: &Path, before: u64, protection: &str) -> Vec<Duration> {
    repository(folder);
    let mut clock = Clock(Vec::new());
    if before == 0 {
        experiment(folder, TIMED, protection).run_session(&mut clock, &Stop::default()).unwrap();
    } else {
        experiment(folder, 1, protection)
            .run_session(&mut autoresearch::Silent, &Stop::default())
            .unwrap();
        fill(folder, before);
        // What filling wrote must not be written back while something is timed.
        Command::new("sync").status().unwrap();
        let began = Instant::now();
        experiment(folder, before, protection)
            .resume_with(Limit::At(before + TIMED), &mut clock, &Stop::default())
            .unwrap();
        let resumed = clock.0.first().map(|first| *first - began);
        println!(
            "| (resume to the first experiment) | {before} | {:.0} ms | |",
            resumed.unwrap_or_default().as_secs_f64() * 1000.0
        );
    }
    clock.0.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

/// Fills a rested session's journal as that many experiments would have.
fn fill(folder: &Path, count: u64) {
    let path = folder.join(".autoresearch/bench/journal.db");
    let mut journal = Journal::open(&path).unwrap();
    let mut state = State::default();
    journal.replay(|record| state.apply(&record)).unwrap();
    let base = state.tip().cloned().unwrap();
    let mut refs = String::from("# pack-refs with: peeled fully-peeled sorted \n");
    let mut names = Vec::new();
    let mut append = |state: &mut State, events: Vec<Event>| {
        let mut records = Vec::new();
        let mut settled: Option<Experiment> = None;
        for event in events {
            if matches!(event, Event::Settled { .. }) {
                settled = state.current().cloned();
            }
            let seq = state.last_seq() + 1;
            let record = Record { seq, at: Timestamp(state.last_at().0 + 1000), event };
            state.apply(&record);
            records.push(record);
        }
        journal.append(&records, settled.as_ref()).unwrap();
    };
    append(&mut state, vec![Event::Resumed, Event::Extended { iterations: None }]);
    for number in 2..=count {
        append(&mut state, settled(number, &base));
        names.push(format!("refs/autoresearch/bench/{number}"));
    }
    append(&mut state, vec![Event::Stopped { reason: StopReason::Requested }]);
    names.sort();
    for name in names {
        let _ = writeln!(refs, "{base} {name}");
    }
    fs::write(folder.join(".git/packed-refs"), refs).unwrap();
}

fn settled(number: u64, base: &CommitId) -> Vec<Event> {
    let trial = Trial {
        usage: Usage { wall_seconds: 300.0, cpu_seconds: 299.0, peak_memory: Bytes(1 << 30) },
        metric: Some(3e6 + number as f64),
        secondary: [("steps".to_owned(), 953.0)].into(),
        ..Trial::ended(0, Exit::Code(0))
    };
    let ruling = Ruling {
        verdict: autoresearch::core::experiment::Verdict::Discard,
        rule: Rule::Worse,
        reason: "worse by 0.0123".into(),
        gain: Some(-0.0123),
        weighed: None,
        crash: None,
    };
    vec![
        Event::Proposed(Box::new(Proposed {
            number,
            parent: base.clone(),
            hypothesis: format!("raise LEARNING_RATE from 0.003 to 0.00{number}"),
            category: Category::Optimizer,
            proposer: "search".into(),
            fingerprint: Fingerprint(u128::from(number) << 64),
            settings: None,
            commit: Some(base.clone()),
            files: Vec::new(),
            code_lines: 1,
            queued: None,
            expected: None,
            spent: autoresearch::core::spent::Spent::default(),
            draft: None,
        })),
        Event::Started { number, trial: 1, seed: 0, purpose: Purpose::Candidate },
        Event::Ended { number, trial: Box::new(trial), purpose: Purpose::Candidate },
        Event::Judged { number, ruling },
        Event::Settled { number },
    ]
}

/// Status and report of a session of 100,000 experiments.
fn reading(folder: &Path) {
    let time = |name: &str, act: &dyn Fn()| {
        let began = Instant::now();
        act();
        println!("| {name} | 100000 | {:.0} ms | |", began.elapsed().as_secs_f64() * 1000.0);
    };
    time("status", &|| drop(View::open(folder, None).unwrap().status().unwrap()));
    time("report (summary, SVG, PNG)", &|| {
        drop(View::open(folder, None).unwrap().write_report().unwrap());
    });
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("VmHWM: unknown");
    println!(
        "| peak memory of all of the above | 100000 | {} | |",
        peak.trim_start_matches("VmHWM:").trim()
    );
}
