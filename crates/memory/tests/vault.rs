//! A vault on a real disk: edited by hand, damaged, full, shared.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::Path;

use autoresearch_memory::{Kind, Meta, Note, Private, Query, Repository, Vault};

fn note(name: &str, title: &str, body: &str) -> Note {
    let meta = Meta { title: title.to_owned(), ..Meta::default() };
    Note { name: name.to_owned(), meta, body: body.to_owned() }
}

fn vault(folder: &Path) -> Vault {
    Vault::at(&folder.join("vault"), Private::default())
}

fn found(vault: &mut Vault, question: &str) -> Vec<String> {
    let hits = vault.search(&Query::new(question, 3)).unwrap();
    hits.into_iter().map(|hit| hit.entry.name).collect()
}

#[test]
fn a_note_that_was_edited_added_or_deleted_by_hand_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let mut vault = vault(folder.path());
    let path = vault.add("a", &note("one", "about dropout", "It hurt.")).unwrap().path;
    assert_eq!(found(&mut vault, "dropout"), ["one"]);
    fs::write(&path, "# about zebras\n\nStripes.\n").unwrap();
    assert_eq!(found(&mut vault, "zebras"), ["one"]);
    fs::create_dir_all(vault.root().join("mine/deep")).unwrap();
    fs::write(vault.root().join("mine/deep/two.md"), "---\ntags: [x]\n---\n# Quokkas smile\n")
        .unwrap();
    assert_eq!(found(&mut vault, "quokkas")[0], "two");
    assert_eq!(vault.count().unwrap(), 2);
    fs::remove_dir_all(vault.root().join("mine")).unwrap();
    fs::remove_file(&path).unwrap();
    assert_eq!((found(&mut vault, "zebras quokkas"), vault.count().unwrap()), (Vec::new(), 0));
}

#[test]
fn a_note_is_never_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let vault = vault(folder.path());
    assert!(vault.add("a", &note("one", "first", "1")).unwrap().is_new);
    let again = vault.add("a", &note("one", "second", "2")).unwrap();
    assert!(!again.is_new && fs::read_to_string(again.path).unwrap().contains("first"));
    assert_eq!(fs::read_dir(vault.root().join(".autoresearch/new")).unwrap().count(), 0);
}

#[test]
fn a_lesson_that_was_taken_the_place_of_is_not_found() {
    let folder = tempfile::tempdir().unwrap();
    let mut vault = vault(folder.path());
    let lesson = |name: &str, supersedes: &[&str]| {
        let mut note = note(name, "warm-up helps", "Or so it seemed.");
        note.meta.kind = Kind::Lesson;
        note.meta.repository_id = Some("r".to_owned());
        note.meta.supersedes = supersedes.iter().map(|name| format!("[[{name}]]")).collect();
        note
    };
    vault.add("a", &lesson("old", &[])).unwrap();
    vault.add("a", &lesson("new", &["old"])).unwrap();
    assert_eq!(found(&mut vault, "warm-up"), ["new"]);
    let all = Query { with_superseded: true, ..Query::new("warm-up", 3) };
    assert_eq!(vault.search(&all).unwrap().len(), 2);
    assert_eq!(vault.lessons("r").unwrap().len(), 1);
}

#[test]
fn a_damaged_index_is_made_anew_and_said() {
    let folder = tempfile::tempdir().unwrap();
    vault(folder.path()).add("a", &note("one", "about dropout", "It hurt.")).unwrap();
    assert_eq!(found(&mut vault(folder.path()), "dropout"), ["one"]);
    let index = folder.path().join("vault/.autoresearch/index.db");
    for damage in [0_usize, 100, 4096, 20_000] {
        let mut bytes = fs::read(&index).unwrap();
        let end = bytes.len();
        bytes[damage.min(end)..].fill(0xA5);
        fs::write(&index, bytes).unwrap();
        let _ = fs::remove_file(index.with_extension("db-wal"));
        let _ = fs::remove_file(index.with_extension("db-shm"));
        let mut vault = vault(folder.path());
        assert_eq!(found(&mut vault, "dropout"), ["one"], "damaged from {damage}");
        let warnings = vault.take_warnings();
        assert!(warnings.iter().all(|warning| warning.contains("made anew")), "{warnings:?}");
        assert!(!warnings.is_empty(), "damaged from {damage}");
    }
}

#[test]
fn a_vault_that_cannot_be_written_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("vault"), "a file").unwrap();
    let mut vault = vault(folder.path());
    let error = vault.add("a", &note("one", "t", "b")).unwrap_err();
    assert!(error.to_string().starts_with("failed to create"), "{error}");
    assert!(error.hint().contains("memory.path") && error.hint().contains("memory.enabled"));
    assert!(vault.search(&Query::new("x", 3)).is_err());
}

#[test]
fn an_index_that_cannot_be_written_is_made_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    let mut vault = vault(folder.path());
    fs::create_dir_all(vault.root()).unwrap();
    fs::write(vault.root().join("one.md"), "# about dropout\n").unwrap();
    // A file where its folder should be.
    fs::write(vault.root().join(".autoresearch"), "").unwrap();
    assert_eq!(found(&mut vault, "dropout"), ["one"]);
    assert!(vault.take_warnings()[0].contains("for this command alone"));
}

/// SPEC J: one vault for many sessions.
#[test]
fn two_that_write_at_once_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for who in ["a", "b"] {
            let folder = folder.path();
            scope.spawn(move || {
                let mut vault = vault(folder);
                for n in 0..200 {
                    let text = format!("{who} tried {n}");
                    vault.add(who, &note(&format!("{who}-{n}"), &text, "x")).unwrap();
                    // The same name in the same place: one of them wins, whole.
                    vault.add("both", &note(&format!("same-{n}"), &text, "x")).unwrap();
                    if n % 20 == 0 {
                        vault.search(&Query::new("tried", 3)).unwrap();
                    }
                }
            });
        }
    });
    let mut vault = vault(folder.path());
    assert_eq!(vault.count().unwrap(), 600);
    assert_eq!((vault.faults().unwrap(), vault.take_warnings()), (Vec::new(), Vec::new()));
}

#[test]
fn a_thousand_notes_are_indexed_with_progress() {
    let folder = tempfile::tempdir().unwrap();
    let mut vault = vault(folder.path());
    fs::create_dir_all(vault.root()).unwrap();
    for n in 0..1000 {
        fs::write(vault.root().join(format!("n{n}.md")), format!("# lesson {n}\n\nword{n}\n"))
            .unwrap();
    }
    fs::write(vault.root().join("bad.md"), "---\nkind: [\n---\n").unwrap();
    fs::write(vault.root().join("binary.md"), [0xff, 0xfe, 0]).unwrap();
    let mut steps = Vec::new();
    vault.reindex(&mut |step| steps.push((step.done, step.of))).unwrap();
    assert_eq!(steps, [(0, 1002), (500, 1002), (1000, 1002), (1002, 1002)]);
    assert_eq!(vault.count().unwrap(), 1000);
    let faults = vault.faults().unwrap();
    assert_eq!(faults.len(), 2);
    assert!(faults[0].0 == "bad.md" && faults[1].1.contains("UTF-8"), "{faults:?}");
    assert_eq!(found(&mut vault, "word777")[0], "n777");
}

/// SPEC J1.
#[test]
fn a_hot_page_keeps_what_a_person_wrote_and_stays_short() {
    let folder = tempfile::tempdir().unwrap();
    let vault = vault(folder.path());
    let repository = Repository { name: "My Repo".to_owned(), id: "0123456789".to_owned() };
    assert_eq!(vault.hot_page(&repository).unwrap(), None);
    let lines: Vec<String> = (0..1000).map(|n| format!("- lesson {n}")).collect();
    vault.write_hot_page(&repository, None, &lines).unwrap();
    let path = vault.root().join("my-repo-01234567").join("my-repo-01234567-hot.md");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("# What is known of My Repo", "# Mine\n\nNever touch the seed."))
        .unwrap();
    vault.write_hot_page(&repository, None, &["- new".to_owned()]).unwrap();
    let page = vault.hot_page(&repository).unwrap().unwrap();
    assert!(page.contains("Never touch the seed.") && page.contains("- new"), "{page}");
    assert!(!page.contains("lesson 0") && page.len() < 9 << 10);
}
