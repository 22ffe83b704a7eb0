//! One attack at one level: a real session, then an honest experiment in the
//! same session, and a look at what is left of both.

use std::time::{Duration, Instant};

use autoresearch_testkit::{Ended, kill};
use serde_json::Value;

use crate::effects::{Effects, clean};
use crate::header::{Attack, Outcome};
use crate::scene::Scene;

/// Beyond the time of its runs, an engine counts as hung after this; none
/// takes a tenth of it.
const BOUND: Duration = Duration::from_secs(20);

/// What was seen.
pub(crate) struct Seen {
    pub(crate) outcome: Outcome,
    /// For a person who wonders.
    pub(crate) details: Vec<String>,
}

/// Runs it; nothing if the machine does not offer the level.
pub(crate) fn run(program: &str, attack: &Attack, level: &str) -> Option<Seen> {
    // Whoever is orphaned becomes a child of this process, whatever it did to
    // its name, its session or its environment.
    rustix::process::set_child_subreaper(Some(rustix::process::getpid())).unwrap();
    let scene = Scene::new(program, attack, level);
    let mut effects = Effects::default();

    let protection = format!("run.protection={level}");
    let mut args = vec!["run", "--yes", "--json", "--tag", "t", "-n", "1", "--set", &protection];
    // The engine's own notes, apart from the home that nobody may touch.
    let vault = format!("memory.path={}", scene.place.base().join("vault").display());
    for setting in attack.settings.iter().chain([&vault]) {
        args.extend(["--set", setting]);
    }
    let first_patch = scene.first_patch(attack);
    if !attack.is_proposer {
        args.extend(["--hypothesis", "the attack", "--patch", &first_patch]);
    }
    let first = engine(&scene, &args, &mut effects);
    if first.code == Some(2) && first.stderr.contains("run.protection") {
        return None;
    }
    if effects.names() == ["hang"] {
        return Some(Seen {
            outcome: Outcome::Works(effects.names().to_vec()),
            details: effects.details,
        });
    }
    // A refused proposal ends a session whose patience is one.
    if !matches!(first.code, Some(0 | 5)) {
        effects.add("engine", format!("it ended with {:?}, {:?}", first.code, first.signal));
    }
    let second_patch = scene.second_patch(attack);
    engine(&scene, &["hypothesis", "add", "the second", "--patch", &second_patch], &mut effects);
    let second = engine(&scene, &["resume", "--json", "-n", "+1"], &mut effects);
    if second.code != Some(0) {
        effects.add("engine", format!("it resumes with {:?}", second.code));
    }

    let log = scene.place.run(["log", "--json"]);
    let settled: Vec<Value> =
        log.stdout.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    effects.look(&scene, &[&first, &second, &log]);
    let kind = judge(&scene, attack, level, first.code == Some(5), &settled, &mut effects);
    clean(&scene);

    let outcome = match (effects.names(), kind) {
        ([], None) => Outcome::Stopped,
        ([], Some(kind)) => Outcome::Detected(kind),
        (names, _) => Outcome::Works(names.to_vec()),
    };
    let mut details = effects.details;
    for ended in [&first, &second] {
        details.push(format!("stdout: {}\nstderr: {}", ended.stdout, ended.stderr));
    }
    details.push(scene.logs());
    Some(Seen { outcome, details })
}

/// What the ledger says of the attack and of the experiment after it; how the
/// attack was found out, if it was.
fn judge(
    scene: &Scene,
    attack: &Attack,
    level: &str,
    is_refused: bool,
    settled: &[Value],
    effects: &mut Effects,
) -> Option<String> {
    let (attacked, second) = match settled {
        [_, second] if attack.is_proposer => (None, Some(second)),
        [_, attacked, second] => (Some(attacked), Some(second)),
        _ => {
            effects.add("engine", format!("{} experiments are settled", settled.len()));
            (settled.get(1), None)
        }
    };
    if let Some(it) = attacked.filter(|it| it["verdict"] == "keep") {
        effects.add("cheat", it.to_string());
    }
    if let Some(it) = second.filter(|it| !attack.comes_again && it["metric"] != 40.0) {
        effects.add("poison", format!("the honest experiment after it: {it}"));
    }
    let Some(attacked) = attacked else {
        return is_refused.then(|| "refused".to_owned());
    };
    let number = attacked["number"].to_string();
    let shown = scene.place.run(["show", &number, "--json"]);
    let shown: Value = serde_json::from_str(&shown.stdout).unwrap_or_default();
    let trial = &shown["trials"][0];
    if trial["protection"].is_string() {
        assert_eq!(trial["protection"], level, "the session ran at its level");
    }
    effects.look_at_candidate(scene, &number);
    trial["crash"]["kind"].as_str().map(|kind| kind.replace('_', " "))
}

/// A command of the program to its end, or to the bound.
fn engine(scene: &Scene, args: &[&str], effects: &mut Effects) -> Ended {
    let bound = BOUND + scene.budget * 2;
    let mut running = scene.place.start(args);
    let started = Instant::now();
    while !running.has_ended() {
        if started.elapsed() > bound {
            effects.add("hang", format!("`{}` does not end", args[0]));
            for process in scene.place.processes() {
                kill(process.pid);
            }
            running.kill();
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    running.wait()
}
