//! `autoresearch show N`: everything about one experiment.

use autoresearch::core::experiment::Experiment;
use autoresearch::core::metric::significant;
use autoresearch::core::trial::Purpose;
use autoresearch::core::units::human_duration;
use autoresearch::report::{Style, experiment_line, spent_words, weighed_words};
use autoresearch::{CHECKS, Places, TestChanges, View};

use crate::args::{Global, ShowArgs};
use crate::exit::Exit;
use crate::output::{foreign, json, line};

/// Tests of each sort that are named.
const TESTS: usize = 20;

pub(crate) fn run(global: &Global, args: &ShowArgs) -> anyhow::Result<Exit> {
    let view = View::open(&global.directory, args.session.tag.as_deref())?;
    let experiment = view.experiment(args.number)?;
    if global.json {
        as_json(&view, &experiment)?;
        return Ok(Exit::Success);
    }
    let entry = view.entries(args.number)?.into_iter().next();
    if let Some(entry) = &entry {
        line(&experiment_line(&view.point(entry), view.plan().direction, Style::Colour))?;
    }
    let mut facts = vec![
        ("commit", experiment.commit.as_ref().map_or("none", |c| c.0.as_str()).to_owned()),
        ("parent", experiment.parent.0.clone()),
        ("proposed by", experiment.proposer.clone()),
        ("category", experiment.category.to_string()),
        ("lines of code", experiment.code_lines.to_string()),
    ];
    facts.extend(spent_words(&experiment.spent).map(|spent| ("cost", spent)));
    if let Some(expected) = &experiment.expected {
        let gain = experiment.ruling.as_ref().and_then(|ruling| ruling.gain);
        let came = gain.map_or_else(String::new, |gain| {
            format!("; what came is a gain of {}", significant(gain, 4))
        });
        facts.push(("expected", format!("{expected}{came}")));
    }
    if let Some(relief) = &experiment.relief {
        facts.push(("out of memory", relief.what.clone()));
    }
    if let Some(ruling) = &experiment.ruling {
        facts.push(("verdict", format!("{}: {}", ruling.verdict, ruling.reason)));
        facts.extend(ruling.weighed.as_ref().map(|weighed| ("evidence", weighed_words(weighed))));
    }
    let trials = experiment.trials.iter().zip(1_u64..).map(|(trial, n)| ("trial", n, trial));
    let reruns = experiment.reruns.iter().map(|rerun| {
        let label = match rerun.purpose {
            Purpose::Candidate | Purpose::Incumbent => "again",
            Purpose::Verification => "verification",
        };
        (label, rerun.number, &rerun.trial)
    });
    for (label, n, trial) in trials.chain(reruns) {
        let usage = trial.usage;
        let value =
            trial.metric.map_or_else(String::new, |m| format!(", {} {m}", view.plan().metric));
        facts.push((
            label,
            format!(
                "{n}: {}{value}, {} wall, {} CPU, {} peak memory, seed {}",
                trial.exit,
                human_duration(seconds(usage.wall_seconds)),
                human_duration(seconds(usage.cpu_seconds)),
                usage.peak_memory,
                trial.seed
            ),
        ));
        let machine = trial.conditions.as_ref().map(ToString::to_string);
        if let Some(machine) = machine.filter(|machine| !machine.is_empty()) {
            facts.push(("machine", machine));
        }
        if let Some(unlike) = &trial.unlike {
            facts.push(("unlike", format!("{unlike}; that alone may explain a difference")));
        }
        if let Some(seeded) = &trial.seeded {
            facts.push(("seed", seeded.to_string()));
        }
        if let Some(container) = &trial.container {
            facts.push(("container", container.clone()));
        }
        facts.extend(trial.remark.clone().map(|remark| ("remark", remark)));
        for (name, value) in &trial.secondary {
            facts.push(("", format!("{name} {value}")));
        }
        facts.extend(log(view.places(), experiment.number, n));
    }
    facts.extend(view.test_changes(args.number)?.map_or_else(Vec::new, test_facts));
    for check in &experiment.checks {
        facts.push(("checks", check.to_string()));
    }
    if !experiment.checks.is_empty() {
        facts.extend(log(view.places(), experiment.number, CHECKS));
    }
    for (label, value) in facts {
        line(&format!("  {label:13}  {value}"))?;
    }
    let diff = view.diff(args.number, None)?;
    if !diff.is_empty() {
        line("")?;
        foreign(diff.trim_end())?;
    }
    Ok(Exit::Success)
}

fn as_json(view: &View, experiment: &Experiment) -> anyhow::Result<()> {
    #[derive(serde::Serialize)]
    struct Shown<'a> {
        #[serde(flatten)]
        experiment: &'a Experiment,
        #[serde(skip_serializing_if = "Option::is_none")]
        tests: Option<serde_json::Value>,
    }
    let tests = view.test_changes(experiment.number)?.map(|TestChanges { against, changes }| {
        serde_json::json!({
            "against": against, "fixed": changes.fixed, "broken": changes.broken,
        })
    });
    json(&Shown { experiment, tests })?;
    Ok(())
}

/// Which tests pass and fail since, a bounded number of them.
fn test_facts(tests: TestChanges) -> Vec<(&'static str, String)> {
    let TestChanges { against, changes } = tests;
    let mut facts = vec![(
        "tests",
        format!(
            "{} newly pass and {} newly fail against #{against}",
            changes.fixed.len(),
            changes.broken.len()
        ),
    )];
    for (what, ids) in [("passes", &changes.fixed), ("fails", &changes.broken)] {
        facts.extend(ids.iter().take(TESTS).map(|id| ("", format!("{what}: {id}"))));
        if ids.len() > TESTS {
            facts.push(("", format!("and {} more, which `--json` has", ids.len() - TESTS)));
        }
    }
    facts
}

fn log(places: &Places, number: u64, trial: u64) -> Option<(&'static str, String)> {
    let log = places.log(number, trial);
    log.exists().then(|| ("log", log.display().to_string()))
}

fn seconds(seconds: f64) -> std::time::Duration {
    std::time::Duration::try_from_secs_f64(seconds).unwrap_or_default()
}
