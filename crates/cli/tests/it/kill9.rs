//! `kill -9` at random instants, of the engine, of the supervisor and of both
//! (SPEC L5). `ITERATIONS=100 SEED=7 cargo test kill9` for more of it.

use std::time::{Duration, Instant};

use autoresearch_testkit::{Place, kill, until};

use crate::toy::{TAG, assert_sound, log, loss, session, status, toy};

/// Numbers that follow from a seed (`SplitMix64`).
struct Lots(u64);

impl Lots {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

fn from_environment(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |text| text.parse().expect(name))
}

/// A run that leaves a daemon and takes a moment.
fn slow(value: u32) -> String {
    format!("setsid sleep 1000 &\nsleep 1000 &\nsleep 0.05\n{}", loss(value))
}

fn place() -> Place {
    toy(&[slow(60), slow(40), "exit 3\n".to_owned(), slow(30)])
}

fn outcomes(place: &Place) -> Vec<String> {
    let short = |point: &serde_json::Value| {
        format!(
            "{} {} {} {}",
            point["number"], point["hypothesis"], point["verdict"], point["metric"]
        )
    };
    log(place).iter().map(short).collect()
}

fn expected() -> Vec<String> {
    let place = place();
    place.run(session("4", &[])).expect(0);
    outcomes(&place)
}

enum Victim {
    Engine,
    Supervisor,
    Both,
}

/// Lets it run until a random instant, kills, and goes on.
fn kill_at(instant: Duration, victim: &Victim, expected: &[String]) {
    let place = place();
    let before = place.snapshot();
    let began = Instant::now();
    let mut engine = place.start(session("4", &[]));
    // The instant is what is tested; nothing is waited for.
    while began.elapsed() < instant && !engine.has_ended() {
        std::thread::sleep(Duration::from_micros(500));
    }
    let supervisors = || {
        let own = engine.pid();
        let all = place.processes();
        all.into_iter().filter(move |p| p.pid != own && p.command.contains("supervise"))
    };
    match victim {
        Victim::Engine => engine.kill(),
        Victim::Supervisor => supervisors().for_each(|process| kill(process.pid)),
        Victim::Both => {
            let supervisors: Vec<_> = supervisors().collect();
            engine.kill();
            for process in &supervisors {
                kill(process.pid);
            }
        }
    }
    let ended = engine.wait();
    match victim {
        // The engine runs the lost trial again.
        Victim::Supervisor => assert_eq!(ended.code, Some(0), "{}", ended.stderr),
        Victim::Engine => place.assert_deserted(),
        // Orphans with nobody to end them, until somebody resumes.
        Victim::Both => {}
    }
    if ended.signal == Some(9) {
        let resumed = place.run(["resume", "--json"]);
        if resumed.code != Some(0) {
            // Killed before anything was opened.
            assert!(resumed.stderr.contains("no session"), "{}", resumed.stderr);
            place.run(session("4", &[])).expect(0);
        }
    }
    assert_eq!(outcomes(&place), expected);
    assert_sound(&place, &before);
}

fn at_random_instants(victim: &Victim, default: u64) {
    let expected = expected();
    let seed = from_environment("SEED", 1);
    let mut lots = Lots(seed);
    for n in 0..from_environment("ITERATIONS", default) {
        let instant = Duration::from_micros(lots.next() % 1_500_000);
        println!("kill {n} of seed {seed}: at {instant:?}");
        kill_at(instant, victim, &expected);
    }
}

#[test]
fn an_engine_killed_at_any_instant_loses_nothing() {
    at_random_instants(&Victim::Engine, 15);
}

#[test]
fn a_killed_supervisor_costs_one_trial_and_leaves_no_process() {
    at_random_instants(&Victim::Supervisor, 5);
}

#[test]
fn engine_and_supervisor_killed_together_are_cleaned_up_by_resume() {
    at_random_instants(&Victim::Both, 8);
}

/// What an engine is about to start has its lock for a moment after its death.
#[cfg(target_os = "linux")]
#[test]
fn the_lock_of_a_dead_engine_is_waited_for() {
    let place = toy(&[loss(40)]);
    let place = place.file("train.sh", "echo loss: 50; exec sleep 1000\n");
    place.commit_all("it takes its time");
    let engine = place.start(session("1", &[]));
    place.await_process("sleep 1000");
    engine.kill();
    engine.wait();
    let lock = place.root().join(format!(".autoresearch/{TAG}/lock"));
    let held = std::fs::File::options().write(true).open(&lock).unwrap();
    held.lock().unwrap();
    let resumed = place.start(["resume"]);
    let files = std::path::PathBuf::from(format!("/proc/{}/fd", resumed.pid()));
    until("an engine that asks for the lock", || {
        let files = std::fs::read_dir(&files).ok()?.flatten();
        files.filter_map(|file| file.path().read_link().ok()).find(|file| *file == lock)
    });
    drop(held);
    until("the session to be its own", || {
        (status(&place)["engine"]["pid"] == resumed.pid()).then_some(())
    });
    resumed.kill();
    resumed.wait();
}
