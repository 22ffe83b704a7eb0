//! How large a brief is after 10, 100, 1,000 and 10,000 experiments: a real session on
//! `examples/char-lm`, judged by the real state machine, whose runs are drawn instead
//! of run.
//!
//! `cargo run -p autoresearch --example briefs`; figures in `docs/briefs.md`.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "an example has no one to hand errors to"
)]

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use autoresearch::core::experiment::{CommitId, Experiment, Verdict};
use autoresearch::core::proposal::{Category, FileEdit, Fingerprint};
use autoresearch::core::random::Random;
use autoresearch::core::session::{Action, Event, Proposed, Record, State, StopReason};
use autoresearch::core::trial::{Crash, CrashKind, Exit, Purpose, Trial, Usage};
use autoresearch::core::units::Timestamp;
use autoresearch::ledger::Journal;
use autoresearch::propose::Part;
use autoresearch::repo::Repo;
use autoresearch::{Direction, Stop, SystemExperiment, View};

/// What agents try, in the words that they use; so many sorts of things.
const WHAT: [(&str, f64); 16] = [
    ("raise LEARNING_RATE", 0.1),
    ("lower the learning rate of the embedding", 0.1),
    ("increase WEIGHT_DECAY", 0.1),
    ("replace relu with a gated unit in the MLP", 0.6),
    ("double the batch size and keep the rate", 0.4),
    ("longer warmdown", 0.2),
    ("deeper and narrower network at equal parameters", 0.8),
    ("add dropout before the head", 0.3),
    ("use a cosine schedule", 0.2),
    ("swap AdamW for Lion", 1.0),
    ("tie the embeddings", 0.5),
    ("clip gradients at a lower norm", 0.2),
    ("rotary base frequency", 0.1),
    ("label smoothing", 0.2),
    ("average the weights over the last quarter", 0.2),
    ("initialise projections with smaller weights", 0.2),
];
const WHY: [&str; 4] = [
    "the loss still falls when the budget ends, so there is room for larger steps",
    "this trades what the table says is cheap for what it says is scarce",
    "a near miss of before combined with what was kept since",
    "smaller models in this regime are usually limited by noise in the gradient",
];

fn main() {
    if let Some(code) = autoresearch::supervise_if_asked() {
        std::process::exit(code);
    }
    let place = tempfile::tempdir().unwrap();
    let changes = repository(place.path());
    println!(
        "| experiments | kept | page, bytes | page, tokens | of them targets, bytes | JSON, bytes | to write the page |"
    );
    println!("|---:|---:|---:|---:|---:|---:|---:|");
    let mut session = Session::open(place.path(), changes);
    for most in [10, 100, 1_000, 10_000] {
        session.play(most);
        let brief = View::open(place.path(), None).unwrap().brief().unwrap();
        let page = brief.to_markdown();
        let time = || {
            let began = Instant::now();
            drop(brief.to_markdown());
            began.elapsed()
        };
        let took = (0..20).map(|_| time()).min().unwrap();
        println!(
            "| {most} | {} | {} | {} | {} | {} | {:.1} ms |",
            session.state.counts().keep,
            page.len(),
            page.len() / 4,
            brief.page(&[Part::Targets]).len(),
            serde_json::to_vec(&brief).unwrap().len(),
            took.as_secs_f64() * 1e3,
        );
    }
}

/// The example as a repository, with a session that has measured its baseline, and
/// some changes of its target as patches to choose from.
fn repository(folder: &Path) -> Vec<(CommitId, CommitId)> {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/char-lm");
    for name in ["README.md", "train.py", "prepare.py", "autoresearch.toml"] {
        std::fs::copy(example.join(name), folder.join(name)).unwrap();
    }
    let git = |args: &[&str]| {
        let output = Command::new("git").args(args).current_dir(folder).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    git(&["init", "-q"]);
    git(&["add", "-A"]);
    git(&["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "the example"]);
    SystemExperiment::new(folder, "train.py")
        .command(["sh", "-c", "echo val_bpb: 2.5"])
        .metric("val_bpb", Direction::Minimize)
        .set("read_only", "prepare.py")
        .set("tag", "briefs")
        .set("iterations", "1")
        .set("judge.verify", "0")
        .set("propose.proposer", "queue")
        .run_session(&mut autoresearch::Silent, &Stop::default())
        .unwrap();
    let repo = Repo::discover(folder).unwrap();
    let base = repo.head().unwrap().commit;
    let text = std::fs::read_to_string(folder.join("train.py")).unwrap();
    (0..20)
        .map(|n| {
            let old = "        nats = 0.0\n";
            let more: Vec<String> =
                (0..=n).map(|k| format!("        extra_{k} = lr * {k}\n")).collect();
            let more = more.concat();
            let content = text.replace(old, &format!("{old}{more}")).into_bytes();
            let edit = FileEdit { path: "train.py".into(), content: Some(content) };
            let reference = format!("refs/autoresearch/briefs/x{n}");
            (base.clone(), repo.commit(&base, &[edit], "exp", &reference, Timestamp(0)).unwrap())
        })
        .collect()
}

struct Session {
    journal: Journal,
    state: State,
    changes: Vec<(CommitId, CommitId)>,
    random: Random,
    /// The true value of the incumbent and of the experiment in flight.
    value: f64,
    next: f64,
}

impl Session {
    fn open(folder: &Path, changes: Vec<(CommitId, CommitId)>) -> Session {
        let journal = Journal::open(&folder.join(".autoresearch/briefs/journal.db")).unwrap();
        let mut state = State::default();
        journal.replay(|record| state.apply(&record)).unwrap();
        Session { journal, state, changes, random: Random::new(1, 0), value: 2.5, next: 2.5 }
    }

    fn note(&mut self, events: Vec<Event>) {
        let mut settled: Option<Experiment> = None;
        let mut records = Vec::new();
        for event in events {
            if matches!(event, Event::Settled { .. }) {
                settled = self.state.current().cloned();
            }
            let (seq, at) = (self.state.last_seq() + 1, Timestamp(self.state.last_at().0 + 1000));
            let record = Record { seq, at, event };
            self.state.apply(&record);
            records.push(record);
        }
        self.journal.append(&records, settled.as_ref()).unwrap();
    }

    /// Goes on until so many experiments are settled.
    fn play(&mut self, most: u64) {
        self.note(vec![Event::Resumed, Event::Extended { iterations: None }]);
        let mut events = Vec::new();
        while self.state.counts().total() < most {
            let Some(action) = self.state.next() else { break };
            match action {
                Action::Propose { number, .. } => events.push(self.proposed(number)),
                Action::Run { number, trial, seed } => events.extend(self.run(number, trial, seed)),
                Action::Again { number, trial, seed, purpose, .. } => {
                    events.push(Event::Started { number, trial, seed, purpose });
                    let trial = Box::new(self.trial(seed, self.value));
                    events.push(Event::Ended { number, trial, purpose });
                }
                Action::Judge { number, ruling } => events.push(Event::Judged { number, ruling }),
                Action::Settle { number } => {
                    let kept = self.state.current().and_then(Experiment::verdict);
                    if kept == Some(Verdict::Keep) {
                        self.value = self.next;
                    }
                    events.push(Event::Settled { number });
                }
                Action::Relieve { number } => {
                    let what = "no batch size was found".to_owned();
                    events.push(Event::Relieved { number, retry: None, what });
                }
                Action::Check { .. } | Action::Take { .. } | Action::Stop(_) => break,
            }
            let events = std::mem::take(&mut events);
            self.note(events);
        }
        self.note(vec![Event::Stopped { reason: StopReason::Requested }]);
    }

    fn proposed(&mut self, number: u64) -> Event {
        let (what, size) = WHAT[self.random.below(WHAT.len())];
        let why = WHY[self.random.below(WHY.len())];
        let gain = match self.random.below(10) {
            0 => -0.004 * size * self.random.unit(),
            1..=3 => 0.0,
            _ => 0.02 * size * self.random.unit(),
        };
        self.next = self.value + gain;
        let (parent, commit) = self.changes[self.random.below(self.changes.len())].clone();
        let hypothesis = format!("{what} to {:.4}: {why}", self.random.unit());
        Event::Proposed(Box::new(Proposed {
            number,
            parent,
            commit: Some(commit),
            category: Category::of(&hypothesis),
            hypothesis,
            expected: Some("val_bpb lower by 0.003 to 0.01".to_owned()),
            proposer: "claude".to_owned(),
            fingerprint: Fingerprint(u128::from(number) << 64),
            settings: None,
            files: vec!["train.py".to_owned()],
            code_lines: 110,
            queued: None,
            spent: autoresearch::core::spent::Spent::default(),
            draft: None,
        }))
    }

    fn run(&mut self, number: u64, trial: u64, seed: u64) -> [Event; 2] {
        let mut ended = self.trial(seed, self.next);
        if trial == 1 && self.random.below(12) == 0 {
            ended.metric = None;
            ended.exit = Exit::Code(1);
            ended.crash = Some(Crash {
                kind: if self.random.below(3) == 0 { CrashKind::Oom } else { CrashKind::Exit },
                reason: "RuntimeError: mat1 and mat2 shapes cannot be multiplied (2048x768 and 512x768) in forward, train.py line 118".to_owned(),
            });
        }
        let purpose = Purpose::Candidate;
        let started = Event::Started { number, trial, seed, purpose };
        [started, Event::Ended { number, trial: Box::new(ended), purpose }]
    }

    fn trial(&mut self, seed: u64, value: f64) -> Trial {
        let noise = self.random.normal();
        let usage = Usage { wall_seconds: 300.0, ..Usage::default() };
        Trial { metric: Some(value + 0.002 * noise), usage, ..Trial::ended(seed, Exit::Code(0)) }
    }
}
