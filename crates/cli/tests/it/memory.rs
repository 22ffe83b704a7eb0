//! What outlives a session, end to end (SPEC A12, J1 to J4).

use std::fs;
use std::path::{Path, PathBuf};

use autoresearch_testkit::Place;

use crate::toy::{CONFIG, loss, parts, place, toy};

fn session<'a>(tag: &'a str, n: &'a str) -> Vec<&'a str> {
    vec!["run", "--yes", "--json", "--tag", tag, "-n", n]
}

fn vault(place: &Place) -> PathBuf {
    let path = place.run(["memory", "path"]).expect(0).stdout;
    PathBuf::from(path.trim_end())
}

/// Every note, by its name.
fn notes(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let name = entry.file_name().into_string().unwrap();
            if path.is_dir() {
                if !name.starts_with('.') {
                    folders.push(path);
                }
            } else if let Some(name) = name.strip_suffix(".md") {
                found.push((name.to_owned(), fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

#[test]
fn a_session_leaves_notes_and_the_next_one_is_told() {
    let place = toy(&[loss(40), loss(60), "exit 3\n".to_owned()]);
    let home = place.base().join("home");
    assert!(vault(&place).starts_with(&home) && !vault(&place).exists());
    place.run(session("one", "3")).expect(0);
    let all = notes(&vault(&place));
    let named = |part: &str| {
        let note = all.iter().find(|(name, _)| name.contains(part));
        note.unwrap_or_else(|| {
            panic!("no {part} in {:?}", all.iter().map(|n| &n.0).collect::<Vec<_>>())
        })
    };
    for number in ["-0000", "-0001", "-0002", "-0003"] {
        assert_eq!(
            all.iter()
                .filter(|(name, text)| name.ends_with(number) && text.contains("kind: experiment"))
                .count(),
            1,
            "{number}"
        );
    }
    let kept = &named("-0001").1;
    for told in [
        "kind: experiment",
        "verdict: keep",
        "session: one",
        "- train.sh",
        "hypothesis: proposal 1",
        "value: 40.0",
        "before: 50.0",
        "- autoresearch/experiment",
        "It changes [[",
        "+x=40",
        "platform:",
        "budget: ",
        "repository_id: ",
        "commit: ",
    ] {
        assert!(kept.contains(told), "no {told} in {kept}");
    }
    assert!(named("helped").1.contains(&format!("[[{}]]", named("-0001").0)));
    assert!(named("crashed").1.contains("stance: crashed"));
    assert!(named("handoff").1.contains("## What to try next"));
    assert!(named("-hot").1.contains("Helped in train.sh: proposal 1"));

    // Another session begins with it; nothing is written twice.
    place.run(session("two", "1")).expect(0);
    let brief = place.run(["brief"]).expect(0).stdout;
    for told in ["## What earlier sessions left", "Helped in train.sh", "Hand-off of one"] {
        assert!(brief.contains(told), "no {told} in {brief}");
    }
    let json = place.run(["brief", "--json"]).expect(0).json();
    assert_eq!(json["memory"]["handoff"]["name"], named("handoff").0.as_str());
    let after = notes(&vault(&place));
    for (name, text) in all.iter().filter(|(name, _)| !name.ends_with("-hot")) {
        assert_eq!(after.iter().filter(|(other, t)| other == name && t == text).count(), 1);
    }
    let found = place.run(["memory", "search", "crash", "proposal", "3", "--json"]).expect(0);
    assert!(found.json_lines().iter().any(|hit| hit["kind"] == "lesson"), "{}", found.stdout);
    let shown = place.run(["memory", "show", &named("handoff").0]).expect(0);
    assert!(shown.stdout.starts_with("---\nkind: handoff\n"));
    place.run(["memory", "show", "nowhere"]).expect(2).says(&["no note `nowhere`", "hint"]);
}

#[test]
fn a_killed_sessions_notes_are_written_when_the_next_begins() {
    let place = toy(&[loss(40)]);
    place.run(session("one", "1")).expect(0);
    fs::remove_dir_all(vault(&place)).unwrap();
    place.run(session("two", "1")).expect(0);
    let all = notes(&vault(&place));
    assert!(
        all.iter().any(|(_, text)| text.contains("session: one") && text.contains("verdict: keep"))
    );
}

#[test]
fn no_secret_and_no_path_of_the_machine_reaches_the_vault() {
    let key = "sk-proj-Zx81kLmQ02pvT5nB7cYd99";
    let place = place();
    let root = place.root().display().to_string();
    let secrets = format!(
        "# {key} ann@corp.example {root}/train.sh {}/notes\nPASSWORD=hunter22\n",
        place.base().join("home").display()
    );
    let propose = format!(
        "n=$(head -c 24 | sed 's/[^0-9]*\\([0-9]*\\).*/\\1/')\ncp \"proposals/$n\" train.sh && echo \"HYPOTHESIS: use {key} of ann@corp.example $n\"\n"
    );
    let place = parts(
        place,
        &[
            secrets.clone() + &loss(40),
            format!("echo 'Error: token={key} in {root}/data' >&2; exit 3\n"),
        ],
    )
    .file("propose.sh", propose)
    .repository();
    place.run(session("one", "2")).expect(0);
    let all = notes(&vault(&place));
    assert!(all.iter().any(|(_, text)| text.contains("[secret]") && text.contains("[e-mail]")));
    for (name, text) in &all {
        let base = place.base().display().to_string();
        for secret in [key, "ann@corp", "hunter22", base.as_str()] {
            assert!(
                !text.contains(secret) && !name.contains(secret),
                "{secret} in {name}:\n{text}"
            );
        }
    }
}

#[test]
fn a_vault_that_cannot_be_is_a_note_and_the_session_goes_on() {
    let place = toy(&[loss(40)]);
    // A file where its folder should be: no right of root's helps.
    fs::write(place.base().join("home/.local"), "").unwrap();
    let ended = place.run(session("one", "1")).expect(0);
    assert!(ended.stdout.contains("is not in the vault"), "{}", ended.stdout);
    assert!(ended.stdout.contains("memory.enabled = false"), "{}", ended.stdout);
    assert_eq!(place.run(["log", "--json"]).expect(0).json_lines().len(), 2);
}

#[test]
fn a_memory_that_is_switched_off_or_elsewhere_is_that() {
    let place = parts(place(), &[loss(40)])
        .file("autoresearch.toml", format!("{CONFIG}\n[memory]\nenabled = false\n"))
        .repository();
    place.run(session("one", "1")).expect(0);
    assert!(!vault(&place).exists());
    let elsewhere = place.base().join("elsewhere");
    let set = format!("memory.path={}", elsewhere.display());
    let mut args = session("two", "1");
    args.extend(["--set", "memory.enabled=true", "--set", &set]);
    place.run(args).expect(0);
    assert!(!vault(&place).exists() && !notes(&elsewhere).is_empty());
}

#[test]
fn a_note_without_a_title_is_refused() {
    let place = toy(&[]);
    for title in ["", " \n"] {
        place.run(["memory", "add", title, "of AdamW"]).expect(2).says(&["needs a title"]);
    }
    assert!(!vault(&place).exists());
}

#[test]
fn rubbish_is_skipped_and_named() {
    let place = toy(&[]);
    place
        .run(["memory", "add", "Lion needs a tenth of the rate", "of AdamW", "--tag", "lr"])
        .expect(0);
    fs::write(vault(&place).join("notes/bad.md"), "---\ntitle: [a\n---\n").unwrap();
    let ended = place.run(["memory", "reindex"]).expect(0);
    assert!(ended.stdout.starts_with("1 notes"), "{}", ended.stdout);
    ended.says(&["notes/bad.md is skipped"]);
    let found = place.run(["memory", "search", "sign optimizer learning rate", "--json"]).expect(0);
    assert_eq!(found.json()["title"], "Lion needs a tenth of the rate");
    fs::write(vault(&place).join(".autoresearch/index.db"), "no database at all, and long enough")
        .unwrap();
    let found = place.run(["memory", "search", "Lion"]).expect(0);
    assert!(found.stdout.starts_with("Lion needs"));
    found.says(&["was damaged", "made anew"]);
}
