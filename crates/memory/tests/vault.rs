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

/// A crash of the machine leaves one of a note that had not settled.
#[test]
fn an_empty_file_is_no_note_and_is_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let vault = vault(folder.path());
    let added = vault.add_unsettled("a", &note("one", "first", "1")).unwrap();
    vault.settle().unwrap();
    assert!(added.is_new && vault.has("a", "one"));
    fs::write(&added.path, "").unwrap();
    assert!(!vault.has("a", "one"));
    assert!(vault.add("a", &note("one", "second", "2")).unwrap().is_new);
    assert!(fs::read_to_string(added.path).unwrap().contains("second"));
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
    let index = folder.path().join("vault/.autoresearch/index-1.db");
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

fn page(folder: &Path) -> (Vault, Repository, std::path::PathBuf) {
    let home = Path::new("/mnt/big");
    let vault = Vault::at(&folder.join("vault"), Private::new(Some(home), None));
    let repository = Repository { name: "r".to_owned(), id: "0123456789".to_owned() };
    vault.write_hot_page(&repository, None, &["- old in /mnt/big/x".to_owned()]).unwrap();
    let path = vault.root().join("r-01234567/r-01234567-hot.md");
    (vault, repository, path)
}

#[test]
fn what_a_person_wrote_on_a_hot_page_stays_to_the_byte() {
    let folder = tempfile::tempdir().unwrap();
    let (vault, repository, path) = page(folder.path());
    for own in [
        "---\ntags: mine\n---\n# Mine\n",
        "---\ntags:\n---\nNever touch the seed.",
        "---\ntitle: r1: what I know\n---\nNever touch the seed.",
        "---\ntags: [mine] # why\nmood: good\n---\r\nin /mnt/big/imagenet, ask bob@corp.example\r\n",
        "",
    ] {
        let text = fs::read_to_string(&path).unwrap();
        let (_, written) = text.split_once("<!--").unwrap();
        fs::write(&path, format!("{own}<!--{written}")).unwrap();
        vault.write_hot_page(&repository, None, &["- new".to_owned()]).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let (above, below) = text.split_once("<!--").unwrap();
        assert_eq!(above, own);
        assert!(below.ends_with("-->\n\n- new\n"), "{below}");
        let told = vault.hot_page(&repository).unwrap().unwrap();
        assert!(told.ends_with("- new") && !told.contains("---"), "{told}");
        assert_eq!(told.contains("seed"), own.contains("seed"));
    }
    // Without its line, all of it is theirs.
    fs::write(&path, "mine").unwrap();
    vault.write_hot_page(&repository, None, &["- new in /mnt/big/x".to_owned()]).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("mine\n\n<!--") && text.ends_with("- new in [path]\n"), "{text}");
}

#[test]
fn a_hot_page_that_is_no_text_is_left_and_said() {
    let folder = tempfile::tempdir().unwrap();
    let (vault, repository, path) = page(folder.path());
    fs::write(&path, b"gr\xfc\xdf").unwrap();
    let error = vault.write_hot_page(&repository, None, &["- new".to_owned()]).unwrap_err();
    assert!(error.to_string().contains("not UTF-8") && error.hint().contains("UTF-8"), "{error}");
    assert!(vault.hot_page(&repository).is_err());
    assert_eq!(fs::read(&path).unwrap(), b"gr\xfc\xdf");
}

/// Without it, a named pipe would be waited for until somebody writes there.
#[cfg(unix)]
#[test]
fn what_is_no_plain_file_is_neither_read_nor_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let (mut vault, repository, path) = page(folder.path());
    let added = vault.add("a", &note("one", "about dropout", "It hurt.")).unwrap();
    let (entry, _) = vault.note("one").unwrap();
    let pipe = |path: &Path| {
        fs::remove_file(path).unwrap();
        autoresearch_testkit::pipe(path);
    };
    pipe(&added.path);
    assert!(vault.read(&entry).unwrap_err().to_string().contains("no plain file"));
    pipe(&path);
    assert!(vault.hot_page(&repository).is_err());
    assert!(vault.write_hot_page(&repository, None, &[]).is_err());
    fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
    assert!(vault.hot_page(&repository).is_err());
    fs::remove_file(&path).unwrap();
    fs::File::create(&path).unwrap().set_len(5 << 20).unwrap();
    assert!(vault.hot_page(&repository).unwrap_err().to_string().contains("larger than 4 MiB"));
}

#[test]
fn a_name_is_kept_and_found_whatever_it_resembles() {
    let folder = tempfile::tempdir().unwrap();
    let vault = vault(folder.path());
    let names = ["sk-learn-benchmarks-mar8-a1cb6f-0001", "pypi-0123456789-0123456789-0123456789x"];
    for name in names {
        let linked = note(name, "t", &format!("[[{name}]]"));
        let added = vault.add("sk-learn-benchmarks-00112233", &linked).unwrap();
        assert!(added.is_new && added.name == name && added.path.ends_with(format!("{name}.md")));
        assert!(vault.has("sk-learn-benchmarks-00112233", name));
        assert!(fs::read_to_string(added.path).unwrap().contains(&format!("[[{name}]]")));
    }
    let id = "0123456789".to_owned();
    let repository = Repository { name: "sk-learn-benchmarks".to_owned(), id };
    vault.write_hot_page(&repository, None, &["- new".to_owned()]).unwrap();
    assert!(vault.hot_page(&repository).unwrap().unwrap().contains("- new"));
}

#[test]
fn a_note_that_is_too_long_is_refused_or_named() {
    let folder = tempfile::tempdir().unwrap();
    let mut vault = vault(folder.path());
    let long = "word ".repeat(1 << 20);
    let error = vault.add("a", &note("one", "t", &long)).unwrap_err();
    assert!(error.to_string().contains("4 MiB"), "{error}");
    fs::create_dir_all(vault.root()).unwrap();
    fs::write(vault.root().join("long.md"), long).unwrap();
    vault.sync(&mut |_| ()).unwrap();
    assert_eq!(
        vault.faults().unwrap(),
        [("long.md".into(), "it cannot be read: it is larger than 4 MiB".into())]
    );
}

#[test]
fn a_note_of_a_folder_is_that_of_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let mut vault = vault(folder.path());
    vault.add("aa", &note("same", "first", "1")).unwrap();
    let path = vault.add("zz", &note("same", "second", "2")).unwrap().path;
    for name in ["zz/same.md", "[[zz/same]]", path.to_str().unwrap(), "../vault/zz/same.md"] {
        assert_eq!(vault.note(name).unwrap().1.meta.title, "second", "{name}");
    }
    assert_eq!(vault.note("same").unwrap().1.meta.title, "first");
    assert!(vault.note("yy/same.md").is_err());
}

/// As root reads what nobody else may, a path that is too long stands for `lost+found`.
#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_cannot_be_read_is_named_and_the_rest_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let mut vault = vault(folder.path());
    let name = |letter: &str| vec![letter.repeat(255); 8].join("/");
    let (upper, lower) = (vault.root().join(name("a")), folder.path().join(name("b")));
    fs::create_dir_all(&upper).unwrap();
    fs::create_dir_all(&lower).unwrap();
    let first = folder.path().join("b".repeat(255));
    fs::rename(first, upper.join("b".repeat(255))).unwrap();
    vault.add("a", &note("one", "about dropout", "It hurt.")).unwrap();
    for _ in 0..2 {
        assert_eq!(found(&mut vault, "dropout"), ["one"]);
        let faults = vault.faults().unwrap();
        assert!(faults.len() == 1 && faults[0].1.contains("cannot be read"), "{faults:?}");
    }
}

/// It was called damaged, and cleared for all.
#[test]
fn a_search_beside_a_reindex_finds_no_damage() {
    let folder = tempfile::tempdir().unwrap();
    let vault_here = vault(folder.path());
    for n in 0..60 {
        vault_here.add("a", &note(&format!("n{n}"), "about dropout", &format!("{n}"))).unwrap();
    }
    std::thread::scope(|scope| {
        let again = scope.spawn(|| {
            for _ in 0..40 {
                vault(folder.path()).reindex(&mut |_| ()).unwrap();
            }
        });
        while !again.is_finished() {
            let mut vault = vault(folder.path());
            found(&mut vault, "dropout");
            assert_eq!(vault.take_warnings(), Vec::<String>::new());
        }
    });
}

#[test]
fn an_index_of_another_version_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let mut vault = vault(folder.path());
    vault.add("a", &note("one", "about dropout", "It hurt.")).unwrap();
    let newer = vault.root().join(".autoresearch/index-2.db");
    fs::write(&newer, "of a later version").unwrap();
    assert_eq!(found(&mut vault, "dropout"), ["one"]);
    vault.reindex(&mut |_| ()).unwrap();
    assert_eq!(fs::read(&newer).unwrap(), b"of a later version");
    assert!(vault.root().join(".autoresearch/index-1.db").is_file());
}
