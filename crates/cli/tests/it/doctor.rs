//! `doctor` tells the truth, wherever it is asked.

use std::os::unix::fs::{MetadataExt as _, symlink};

use autoresearch_testkit::Place;
use serde_json::Value;

use crate::toy::{CONFIG, loss, place, toy};

/// A `PATH` with nothing but these programs.
fn only(place: Place, programs: &[&str]) -> Place {
    let folder = place.base().join("bin");
    std::fs::create_dir(&folder).unwrap();
    let path = std::env::var_os("PATH").unwrap_or_default();
    for program in programs {
        let found = std::env::split_paths(&path).map(|dir| dir.join(program));
        let real = found.into_iter().find(|file| file.is_file()).unwrap();
        symlink(real, folder.join(program)).unwrap();
    }
    place.variable("PATH", folder)
}

fn check<'a>(lines: &'a [Value], name: &str) -> &'a Value {
    lines.iter().find(|line| line["check"] == name).unwrap_or(&Value::Null)
}

#[test]
fn doctor_in_a_repository_tells_what_a_run_could_do() {
    let place = toy(&[]);
    let before = place.everything();
    let lines = place.run(["doctor", "--json"]).expect(0).json_lines();
    for name in ["platform", "git", "repository", "configuration"] {
        assert_eq!(check(&lines, name)["state"], "ok", "{name}");
    }
    let names: Vec<&str> = lines.iter().filter_map(|line| line["check"].as_str()).collect();
    let (looked_up, tried) = names.split_at(names.iter().position(|n| *n == "sandboxed").unwrap());
    let machines_own = ["cpu", "note", "adjusted", "agent"];
    let looked_up: Vec<&&str> = looked_up.iter().filter(|n| !machines_own.contains(n)).collect();
    assert_eq!(
        looked_up,
        [
            &"platform",
            &"python",
            &"git",
            &"podman",
            &"docker",
            &"nvidia-smi",
            &"disk",
            &"cgroups",
            &"repository",
            &"identity",
            &"configuration",
            &"sessions"
        ]
    );
    assert_eq!((tried[1], tried[2], tried.last()), ("restricted", "attack", Some(&"protection")));
    // The toy is a shell script.
    assert_eq!(check(&lines, "python")["state"], "lacking");
    let attacks: Vec<&Value> = lines.iter().filter(|line| line["check"] == "attack").collect();
    assert_eq!(attacks.len(), 29);
    assert!(attacks.iter().all(|attack| attack["fate"].is_string()), "{attacks:?}");
    let level = attacks[0]["protection"].as_str().unwrap();
    let said = check(&lines, "protection")["text"].as_str().unwrap();
    assert!(said.starts_with(level), "{said}");
    before.assert_same(&place.everything());
    place.assert_deserted();
}

#[test]
fn doctor_tells_of_the_level_that_is_configured() {
    let place = toy(&[]);
    place
        .write("autoresearch.toml", CONFIG.replace("[run]", "[run]\nprotection = \"unprotected\""));
    let said = place.run(["doctor"]).expect(0).stdout;
    for part in [
        "attacks on a run that is unprotected",
        "NOT stopped  write a file outside the worktree",
        "unprotected: ",
        "For more: ",
    ] {
        assert!(said.contains(part), "no `{part}` in\n{said}");
    }
}

#[test]
fn outside_a_repository_doctor_says_what_is_missing() {
    let ended = place().run(["doctor"]).expect(1);
    let line = ended.stdout.lines().find(|line| line.contains("repository")).unwrap();
    assert!(line.starts_with("!!"), "{line}");
}

#[test]
fn without_python_doctor_names_it_and_goes_on() {
    let place = only(place().file("train.sh", loss(50)).repository(), &["git", "sh"]);
    let lines = place.run(["doctor", "--json"]).expect(0).json_lines();
    assert_eq!(check(&lines, "python")["state"], "lacking");
    let text = check(&lines, "python")["text"].as_str().unwrap();
    assert!(text.contains("`python3` was not found"), "{text}");
    assert!(!check(&lines, "protection").is_null());
}

/// In a mount namespace in which `bwrap` cannot be run.
#[test]
fn without_bubblewrap_doctor_says_what_to_install_and_a_demand_for_it_fails() {
    let place = toy(&[]);
    let script = "for b in /usr/bin/bwrap /bin/bwrap /usr/local/bin/bwrap; do
        [ ! -e $b ] || mount --bind /dev/null $b || exit 99
    done
    exec \"$@\"";
    let user = if std::fs::metadata("/proc/self").unwrap().uid() == 0 { "-m" } else { "-rm" };
    let doctor = |place: &Place| {
        let program = env!("CARGO_BIN_EXE_autoresearch");
        let mut command = place.other("unshare");
        command.args([user, "sh", "-c", script, "sh", program, "doctor"]).output()
    };
    let output = match doctor(&place) {
        Ok(output) if output.status.code() != Some(99) && !output.stdout.is_empty() => output,
        other => {
            eprintln!("skipped: no mount namespace here: {other:?}");
            return;
        }
    };
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(!said.contains("a run that is sandboxed"), "{said}");
    assert!(said.contains("For more: "), "{said}");
    let demand = CONFIG.replace("[run]", "[run]\nprotection = \"sandboxed\"");
    place.write("autoresearch.toml", demand);
    let output = doctor(&place).unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("!!  protection     run.protection is `sandboxed`"), "{said}");
}

#[test]
fn doctor_asks_the_python_of_another_command() {
    let ended = toy(&[]).run(["doctor", "--command", "python3 train.py", "--json"]).expect(0);
    let lines = ended.json_lines();
    let text = check(&lines, "python")["text"].as_str().unwrap();
    assert!(text.starts_with("Python 3."), "{text}");
}

/// SPEC B4, C3: shown, and not made by `--yes`.
#[test]
fn a_dry_run_shows_the_platform_and_offers_its_edits() {
    let target = "import torch\nDEVICE_BATCH_SIZE = 128\ndevice = \"cuda\"\n";
    let config = CONFIG.replace("train.sh", "train.py");
    let place = place().file("train.py", target).file("autoresearch.toml", config).repository();
    // Where there is a GPU nothing needs adjusting.
    if std::path::Path::new("/proc/driver/nvidia").exists() {
        return;
    }
    let ended = place.run(["run", "--dry-run", "--yes"]).expect(0);
    let row = ended.stdout.lines().find(|line| line.contains("Adjusted environment")).unwrap();
    assert!(row.contains("TORCHDYNAMO_DISABLE=1"), "{row}");
    assert!(ended.stderr.contains("--set run.adjust=true"), "{}", ended.stderr);
    assert!(!ended.stdout.contains("commit `adjust"), "{}", ended.stdout);
    let ended = place.run(["run", "--dry-run", "--set", "run.adjust=true"]).expect(0);
    assert!(ended.stdout.contains("- commit `adjust: DEVICE_BATCH_SIZE 128 -> "));
    assert!(ended.stdout.contains("Adjusted target"), "{}", ended.stdout);
}

/// A program that only tells its version, as all that doctor asks of an agent.
fn with_agent(version: &str) -> Place {
    use std::os::unix::fs::PermissionsExt as _;
    let place = only(toy(&[]), &["git", "sh"]);
    let program = place.base().join("bin/claude");
    std::fs::write(&program, format!("#!/bin/sh\necho '{version} (Claude Code)'\n")).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    place
}

#[test]
fn doctor_tells_of_every_installed_agent_its_version_and_login() {
    let place = with_agent("9.0.0");
    let lines = place.run(["doctor", "--json"]).json_lines();
    let row = check(&lines, "agent");
    assert_eq!(row["state"], "lacking");
    assert!(row["text"].as_str().unwrap().contains("ANTHROPIC_API_KEY"), "{row}");

    let place = with_agent("9.0.0").variable("ANTHROPIC_API_KEY", "k");
    let lines = place.run(["doctor", "--json"]).json_lines();
    assert_eq!(check(&lines, "agent")["state"], "ok");

    let place = with_agent("1.0.0").variable("ANTHROPIC_API_KEY", "k");
    let lines = place.run(["doctor", "--json"]).json_lines();
    let row = check(&lines, "agent");
    assert!(row["text"].as_str().unwrap().contains("older than"), "{row}");
}

#[test]
fn a_session_with_an_agent_that_is_not_there_says_what_to_do() {
    let place = only(toy(&[]), &["git", "sh"]);
    let run = |agent: &str| place.run(["run", "--yes", "--agent", agent, "-n", "1"]);
    let missing = run("codex");
    assert_ne!(missing.code, Some(0));
    missing.says(&["codex", "not on the PATH", "npm install -g @openai/codex"]);
    run("cluade").says(&["did you mean `claude`?"]);
    assert!(!place.root().join(".autoresearch").exists(), "nothing was begun");
}
