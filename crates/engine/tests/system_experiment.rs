//! The library's public face with real git and real processes (SPEC A1 to A7,
//! A9). It has a `main` of its own, since trials are supervised by the program
//! that starts them: this one.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test with a main of its own")]

mod errands;
mod remembered;

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use autoresearch::core::conditions::Conditions;
use autoresearch::core::experiment::Verdict;
use autoresearch::core::platform::{Machine, Surroundings};
use autoresearch::core::proposal::{Category, Edit, FileEdit, Proposal};
use autoresearch::core::session::StopReason;
use autoresearch::core::spent::Spent;
use autoresearch::core::trial::CrashKind;
use autoresearch::core::units::Bytes;
use autoresearch::propose::{Brief, Desk, ProposeError, Proposer};
use autoresearch::run::{Executor, Job, Local, Report, RunError, Running};
use autoresearch::{
    Direction, Follower, News, Observer, Outcome, Silent, Stop, SystemExperiment, Urgency, View,
};

fn main() {
    if let Some(code) = autoresearch::supervise_if_asked() {
        std::process::exit(code);
    }
    let tests: [(&str, fn()); 18] = [
        ("a_better_change_is_kept_on_a_branch_of_its_own", a_better_change_is_kept),
        ("a_closure_computes_the_metric_from_what_the_run_left", a_closure_computes_the_metric),
        ("a_metric_function_that_fails_is_a_crash_with_its_words", a_metric_fn_that_fails),
        ("a_worse_change_is_reverted_unless_told_otherwise", a_worse_change_is_reverted),
        ("a_dry_run_says_what_it_would_do_and_touches_nothing", a_dry_run_touches_nothing),
        ("a_branch_made_alone_is_used_by_the_run_that_follows", a_branch_made_alone),
        ("a_confirmed_adjustment_is_a_commit_before_the_baseline", a_confirmed_adjustment),
        ("a_run_on_a_machine_unlike_the_incumbents_says_so", a_machine_unlike_the_incumbents),
        (
            "a_program_on_the_desk_is_answered_line_by_line_and_its_home_stays",
            errands::a_program_is_answered_line_by_line_and_its_home_stays,
        ),
        (
            "a_program_that_has_said_all_and_stays_is_ended_and_that_is_fine",
            errands::a_program_that_has_said_all_and_stays_is_ended_and_that_is_fine,
        ),
        ("a_proposer_that_panics_ends_the_session_with_a_reason", a_proposer_that_panics),
        ("a_desk_that_nobody_asked_for_is_no_edit", a_desk_that_nobody_asked_for),
        ("what_came_to_nothing_is_paid_all_the_same", what_came_to_nothing),
        ("who_has_nothing_left_is_asked_once", who_has_nothing_left),
        (
            "only_what_was_to_be_remembered_is_and_not_once_asked_to_stop",
            remembered::only_what_was_to_be_remembered_is_and_not_once_asked_to_stop,
        ),
        ("an_observer_that_panics_does_not_hang_the_session", an_observer_that_panics),
        ("what_is_still_written_at_a_stop_is_not_lost", a_stop_while_the_next_is_written),
        ("without_confirmation_nothing_is_adjusted_but_the_environment", no_confirmation),
    ];
    for (name, test) in tests {
        test();
        println!("test {name} ... ok");
    }
    println!("{} passed, 0 failed", tests.len());
}

/// A repository whose `train.py` is a shell script that prints a loss.
fn repository() -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    std::fs::write(place.path().join("train.py"), script(5)).unwrap();
    autoresearch::repo::create(place.path(), "start").unwrap();
    place
}

fn script(loss: u32) -> String {
    format!("echo loss: {loss}\necho {loss} > artefact\n")
}

fn experiment(folder: &Path) -> SystemExperiment {
    SystemExperiment::new(folder, "train.py")
        .command(["sh", "train.py"])
        .set("tag", "t")
        .set("run.grace", "1s")
}

fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git").arg("-C").arg(folder).args(arguments).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// SPEC A1, A2, A4, A6, A9.
fn a_better_change_is_kept() {
    let place = repository();
    let head = git(place.path(), &["rev-parse", "HEAD"]);
    let outcome = experiment(place.path())
        .metric("loss", Direction::Minimize)
        .change("a smaller loss", "train.py", &script(3))
        .run()
        .unwrap();
    assert_eq!((outcome.baseline(), outcome.best()), (Some(5.0), Some(3.0)));
    assert_eq!(outcome.reason(), &StopReason::Iterations);
    let results = outcome.results();
    assert_eq!(results[1].hypothesis, "a smaller loss");
    assert_eq!(results[1].verdict(), Some(Verdict::Keep));
    assert_eq!(git(place.path(), &["show", "autoresearch/t:train.py"]), script(3).trim());
    assert_eq!(git(place.path(), &["rev-parse", "HEAD"]), head);
    assert_eq!(git(place.path(), &["status", "--porcelain"]), "");
}

/// Edits after a while, or panics.
struct Slow {
    panics: bool,
    lookahead: usize,
}

impl Proposer for Slow {
    fn name(&self) -> &'static str {
        "slow"
    }

    fn lookahead(&self) -> usize {
        self.lookahead
    }

    fn propose(&mut self, brief: &Brief, desk: &mut dyn Desk) -> Result<Proposal, ProposeError> {
        desk.spend(Spent { dollars: 0.25, ..Spent::default() })?;
        assert!(!self.panics, "as it was asked to");
        while brief.number > 1 && !desk.is_stopped() {
            std::thread::sleep(Duration::from_millis(5));
        }
        let loss = u32::try_from(brief.number).unwrap() + 10;
        let edit = FileEdit { path: "train.py".into(), content: Some(script(loss).into_bytes()) };
        Ok(Proposal {
            hypothesis: format!("proposal {}", brief.number),
            category: Category::Other,
            edit: Edit::Files(vec![edit]),
            settings: None,
            expected: None,
        })
    }
}

fn a_proposer_that_panics() {
    let place = repository();
    let outcome = experiment(place.path())
        .metric("loss", Direction::Minimize)
        .proposer(Slow { panics: true, lookahead: 0 })
        .run_session(&mut Silent, &Stop::default())
        .unwrap();
    let StopReason::ProposerStuck(why) = outcome.reason() else { panic!("{:?}", outcome.reason()) };
    assert!(why.contains("panicked"), "{why}");
    assert_eq!(dollars(&outcome), "0.25");
}

/// What all proposals cost, by the books.
fn dollars(outcome: &Outcome) -> String {
    let view = View::open(outcome.view().repo().root(), None).unwrap();
    format!("{:.2}", Follower::new(view).unwrap().state().spent().dollars)
}

/// Spends a quarter of a dollar, and fails with one of these after another.
struct Fails(Vec<ProposeError>);

impl Proposer for Fails {
    fn name(&self) -> &'static str {
        "fails"
    }

    fn propose(&mut self, _brief: &Brief, desk: &mut dyn Desk) -> Result<Proposal, ProposeError> {
        desk.spend(Spent { dollars: 0.25, ..Spent::default() })?;
        Err(self.0.remove(0))
    }
}

/// Counts how often it is asked, and has nothing.
struct Done(Arc<AtomicU32>);

impl Proposer for Done {
    fn name(&self) -> &'static str {
        "done"
    }

    fn lookahead(&self) -> usize {
        4
    }

    fn propose(&mut self, _brief: &Brief, _desk: &mut dyn Desk) -> Result<Proposal, ProposeError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Err(ProposeError::Exhausted("all was tried".to_owned()))
    }
}

/// Puts something into an experiment's queue.
type How = fn(SystemExperiment) -> SystemExperiment;

/// Whatever else is queued, and is tried after it said so.
fn who_has_nothing_left() {
    let worse = |experiment: SystemExperiment| {
        experiment.change("worse", "train.py", &script(6)).change("worst", "train.py", &script(7))
    };
    let asked_for = |experiment: SystemExperiment| experiment.hypothesis("a smaller loss");
    let cases: [(How, u64); 3] =
        [(worse, 2), (asked_for, 0), (|experiment| experiment.hypothesis("a").hypothesis("b"), 0)];
    for (queue, experiments) in cases {
        let place = repository();
        let asked = Arc::new(AtomicU32::new(0));
        let experiment = experiment(place.path())
            .metric("loss", Direction::Minimize)
            .proposer(Done(asked.clone()));
        let outcome = queue(experiment).run_session(&mut Silent, &Stop::default()).unwrap();
        let StopReason::Exhausted(why) = outcome.reason() else { panic!("{:?}", outcome.reason()) };
        assert!(why.contains("all was tried"), "{why}");
        assert_eq!(outcome.view().status().unwrap().tally.total(), experiments);
        assert!(asked.load(Ordering::Relaxed) <= 2, "{asked:?}");
    }
}

fn what_came_to_nothing() {
    let place = repository();
    let failures = vec![
        ProposeError::CannotAnswer("it writes no sentences".to_owned()),
        ProposeError::Interrupted,
        ProposeError::Unusable("it is out".to_owned()),
    ];
    let outcome = experiment(place.path())
        .metric("loss", Direction::Minimize)
        .hypothesis("a smaller loss")
        .proposer(Fails(failures))
        .run_session(&mut Silent, &Stop::default())
        .unwrap();
    assert!(matches!(outcome.reason(), StopReason::ProposerStuck(_)), "{:?}", outcome.reason());
    assert_eq!(dollars(&outcome), "0.75");
}

/// Looks at its desk once, and then says that it edited it.
struct Forgetful;

impl Proposer for Forgetful {
    fn name(&self) -> &'static str {
        "forgetful"
    }

    fn propose(&mut self, brief: &Brief, desk: &mut dyn Desk) -> Result<Proposal, ProposeError> {
        let edit = if brief.number == 1 {
            desk.folder()?;
            let content = Some(script(3).into_bytes());
            Edit::Files(vec![FileEdit { path: "train.py".into(), content }])
        } else {
            Edit::Desk
        };
        Ok(Proposal {
            hypothesis: format!("proposal {}", brief.number),
            category: Category::Other,
            edit,
            settings: None,
            expected: None,
        })
    }
}

/// The desk still holds the incumbent before the last: as an edit it would undo
/// what was kept.
fn a_desk_that_nobody_asked_for() {
    let place = repository();
    let outcome = experiment(place.path())
        .metric("loss", Direction::Minimize)
        .proposer(Forgetful)
        .run_session(&mut Silent, &Stop::default())
        .unwrap();
    let StopReason::ProposerStuck(why) = outcome.reason() else { panic!("{:?}", outcome.reason()) };
    assert!(why.contains("changes nothing"), "{why}");
    assert_eq!((outcome.best(), outcome.results().len()), (Some(3.0), 2));
}

/// As one that prints to a closed stderr.
struct Panics;

impl Observer for Panics {
    fn tell(&mut self, news: &News<'_>) {
        assert!(!matches!(news, News::Settled { .. }), "as it was asked to");
    }
}

fn an_observer_that_panics() {
    let place = repository();
    let experiment = experiment(place.path())
        .metric("loss", Direction::Minimize)
        .proposer(Slow { panics: false, lookahead: 1 });
    let (over, ends) = std::sync::mpsc::channel();
    let session = std::thread::spawn(move || {
        let run = || experiment.run_session(&mut Panics, &Stop::default()).map(drop);
        let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run));
        let _ = over.send(ended.is_err());
    });
    // Far more than it takes.
    assert_eq!(ends.recv_timeout(Duration::from_mins(2)), Ok(true));
    session.join().unwrap();
}

/// Asks for a stop when the first experiment is settled.
struct Enough(Stop);

impl Observer for Enough {
    fn tell(&mut self, news: &News<'_>) {
        if let News::Settled { experiment, .. } = news
            && experiment.number == 1
        {
            self.0.request(Urgency::AfterThis);
        }
    }
}

/// SPEC F2: the second proposal is being written when the stop comes; it is paid
/// for, so it is a draft, and no experiment.
fn a_stop_while_the_next_is_written() {
    let place = repository();
    let stop = Stop::default();
    let outcome = experiment(place.path())
        .metric("loss", Direction::Minimize)
        .command(["sh", "-c", "sleep 0.5; sh train.py"])
        .proposer(Slow { panics: false, lookahead: 1 })
        .run_session(&mut Enough(stop.clone()), &stop)
        .unwrap();
    assert_eq!(outcome.reason(), &StopReason::Requested);
    assert_eq!(outcome.results().len(), 2);
    let drafts = outcome.view().drafts().unwrap();
    assert_eq!(drafts.len(), 1, "{drafts:?}");
    assert_eq!((drafts[0].hypothesis.as_str(), drafts[0].spent.dollars), ("proposal 2", 0.25));
}

/// Runs jobs here, and reports another load of the machine for each experiment.
struct Loaded {
    local: Local,
    others: [f64; 3],
}

struct LoadedRun {
    running: Box<dyn Running>,
    others: f64,
}

impl Executor for Loaded {
    fn start(&self, job: &Job) -> Result<Box<dyn Running>, RunError> {
        // As `session/2-1`, for the first trial of experiment 2.
        let number = job.id.rsplit('/').next().and_then(|id| id.split('-').next());
        let others = self.others[number.unwrap().parse::<usize>().unwrap()];
        Ok(Box::new(LoadedRun { running: self.local.start(job)?, others }))
    }
}

impl Running for LoadedRun {
    fn wait(&mut self, at_most: Duration) -> Result<Option<Report>, RunError> {
        let report = self.running.wait(at_most)?;
        Ok(report.map(|report| Report {
            conditions: Some(Conditions {
                own: Some(1.0),
                others: Some(self.others),
                ..Conditions::default()
            }),
            ..report
        }))
    }

    fn interrupt(&mut self) {
        self.running.interrupt();
    }

    fn kill(&mut self) {
        self.running.kill();
    }
}

fn a_machine_unlike_the_incumbents() {
    let place = repository();
    // The baseline's, then the two changes'.
    let others = [0.0, 0.1, 1.4];
    let outcome = experiment(place.path())
        .metric("loss", Direction::Minimize)
        .executor(Loaded { local: Local::this_program().unwrap(), others })
        .change("like it", "train.py", &script(6))
        .change("unlike it", "train.py", &script(7))
        .run()
        .unwrap();
    let unlike: Vec<Option<String>> =
        outcome.results().iter().map(|result| result.trials[0].unlike.clone()).collect();
    let words = "other programs used 1.4 CPUs during it, 0.0 during the incumbent's";
    assert_eq!(unlike, [None, None, Some(words.to_owned())]);
}

/// SPEC A3.
fn a_closure_computes_the_metric() {
    let place = repository();
    let outcome = experiment(place.path())
        .set("metric.direction", "maximize")
        .metric_fn(|trial| {
            let text = std::fs::read_to_string(trial.folder.join("artefact"))?;
            Ok(-text.trim().parse::<f64>()?)
        })
        .change("a smaller artefact", "train.py", &script(2))
        .run()
        .unwrap();
    assert_eq!((outcome.baseline(), outcome.best()), (Some(-5.0), Some(-2.0)));
}

fn a_metric_fn_that_fails() {
    let place = repository();
    let outcome = experiment(place.path())
        .set("metric.direction", "maximize")
        .metric_fn(|trial| match trial.number {
            0 => Ok(1.0),
            _ => Err("the scale is broken".into()),
        })
        .change("anything", "train.py", &script(2))
        .run()
        .unwrap();
    let results = outcome.results();
    assert_eq!(results[1].verdict(), Some(Verdict::Crash));
    let crash = results[1].trials[0].crash.as_ref().unwrap();
    assert_eq!(crash.kind, CrashKind::NoMetric);
    assert_eq!(crash.reason, "the metric function failed: the scale is broken");
}

/// SPEC A5.
fn a_worse_change_is_reverted() {
    for (revert, expected) in [(true, script(5)), (false, script(9))] {
        let place = repository();
        let outcome = experiment(place.path())
            .metric("loss", Direction::Minimize)
            .revert_on_failure(revert)
            .change("a larger loss", "train.py", &script(9))
            .run()
            .unwrap();
        assert_eq!(outcome.results()[1].verdict(), Some(Verdict::Discard));
        assert_eq!(outcome.best(), Some(5.0));
        assert_eq!(git(place.path(), &["show", "autoresearch/t:train.py"]), expected.trim());
    }
}

/// SPEC A9.
fn a_dry_run_touches_nothing() {
    let place = repository();
    let before = git(place.path(), &["for-each-ref"]);
    let would = experiment(place.path()).metric("loss", Direction::Minimize).dry_run().unwrap();
    assert!(would.actions.iter().any(|action| action.contains("autoresearch/t")), "{would:?}");
    assert_eq!(git(place.path(), &["for-each-ref"]), before);
    assert!(!place.path().join(".autoresearch").exists());
}

/// SPEC A6, A9.
fn a_branch_made_alone() {
    let place = repository();
    let with_own = experiment(place.path()).metric("loss", Direction::Minimize).proposer(Forgetful);
    let actions = with_own.dry_run().unwrap().actions;
    assert!(actions.contains(&"take proposals from `forgetful`".to_owned()), "{actions:?}");
    let mut experiment = experiment(place.path()).metric("loss", Direction::Minimize).change(
        "a smaller loss",
        "train.py",
        &script(1),
    );
    assert_eq!(experiment.create_branch().unwrap(), "autoresearch/t");
    let head = git(place.path(), &["rev-parse", "HEAD"]);
    assert_eq!(git(place.path(), &["rev-parse", "autoresearch/t"]), head);
    assert_eq!(experiment.run().unwrap().best(), Some(1.0));
}

/// Prints its batch as the loss, and what it was told of its device.
const FOR_CUDA: &str = "\
import os
if False:
    import torch
DEVICE_BATCH_SIZE = 128
device = \"cuda\"
print(\"loss:\", DEVICE_BATCH_SIZE)
print(\"on_cpu:\", int(os.environ[\"AUTORESEARCH_DEVICE\"] == \"cpu\"))
print(\"no_compile:\", os.environ.get(\"TORCHDYNAMO_DISABLE\", \"0\"))
";

/// A target that is written for CUDA, on a machine without.
fn for_cuda(place: &Path) -> SystemExperiment {
    std::fs::write(place.join("train.py"), FOR_CUDA).unwrap();
    autoresearch::repo::create(place, "start").unwrap();
    let machine = Machine {
        system: "Linux".to_owned(),
        cores: 8,
        memory: Some(Bytes(64 << 30)),
        ..Machine::default()
    };
    experiment(place)
        .command(["python3", "train.py"])
        .metric("loss", Direction::Minimize)
        .surroundings(Surroundings { machine, python: None })
}

/// SPEC C2, C3.
fn a_confirmed_adjustment() {
    let place = tempfile::tempdir().unwrap();
    let mut experiment = for_cuda(place.path()).set("run.adjust", "true");
    let would = experiment.dry_run().unwrap();
    assert_eq!(would.actions[0], "commit `adjust: DEVICE_BATCH_SIZE 128 -> 32 for CPU`");
    assert_eq!(would.offered_edits, Vec::<String>::new());
    let head = git(place.path(), &["rev-parse", "HEAD"]);
    // A branch that was made before is taken along.
    experiment.create_branch().unwrap();
    let better = FOR_CUDA.replace("128", "16");
    let outcome = experiment.change("a smaller batch", "train.py", &better).run().unwrap();
    assert_eq!(outcome.baseline(), Some(32.0));
    let baseline = &outcome.results()[0].trials[0];
    assert_eq!((baseline.secondary["on_cpu"], baseline.secondary["no_compile"]), (1.0, 1.0));

    let plan = outcome.view().plan().clone();
    assert_eq!(plan.adjusted.edits, ["DEVICE_BATCH_SIZE 128 -> 32"]);
    assert!(plan.adjusted.facts.iter().any(|fact| fact.contains("128 -> 32")));
    let base = plan.base.0.as_str();
    let subject = git(place.path(), &["log", "-1", "--format=%s", base]);
    assert_eq!(subject, "adjust: DEVICE_BATCH_SIZE 128 -> 32 for CPU");
    assert_eq!(git(place.path(), &["rev-parse", &format!("{base}^")]), head);
    let branch = git(place.path(), &["rev-list", "autoresearch/t"]);
    assert!(branch.contains(base), "{branch}");
    assert_eq!(git(place.path(), &["rev-parse", "HEAD"]), head);
    assert_eq!(git(place.path(), &["status", "--porcelain"]), "");
    assert_eq!(std::fs::read_to_string(place.path().join("train.py")).unwrap(), FOR_CUDA);
}

/// SPEC C3.
fn no_confirmation() {
    let place = tempfile::tempdir().unwrap();
    let experiment = for_cuda(place.path()).set("run.env.TORCHDYNAMO_DISABLE", "0");
    let would = experiment.dry_run().unwrap();
    assert_eq!(would.offered_edits, ["DEVICE_BATCH_SIZE 128 -> 32"]);
    assert!(would.notes.iter().any(|note| note.contains("run.adjust=true")), "{:?}", would.notes);
    let outcome = experiment
        .change("a smaller batch", "train.py", &FOR_CUDA.replace("128", "16"))
        .run()
        .unwrap();
    assert_eq!((outcome.baseline(), outcome.best()), (Some(128.0), Some(16.0)));
    let baseline = &outcome.results()[0].trials[0];
    // What the user has set stands.
    assert_eq!((baseline.secondary["on_cpu"], baseline.secondary["no_compile"]), (1.0, 0.0));
    let head = git(place.path(), &["rev-parse", "HEAD"]);
    assert_eq!(outcome.view().plan().base.0, head);
}
