//! What a session takes into the vault of sessions that could not (SPEC J, L5).

use std::path::Path;

use autoresearch::memory::{Private, Vault};
use autoresearch::{Direction, News, Observer, Stop, SystemExperiment, Urgency};

use crate::{experiment, repository, script};

#[derive(Default)]
struct Notes(Vec<String>);

impl Observer for Notes {
    fn tell(&mut self, news: &News<'_>) {
        if let News::Note(note) = news {
            self.0.push(note.clone());
        }
    }
}

fn session(folder: &Path, tag: &str) -> SystemExperiment {
    experiment(folder).set("tag", tag).metric("loss", Direction::Minimize)
}

/// Which sessions have notes in a vault.
fn sessions(vault: &Path) -> Vec<String> {
    let mut vault = Vault::at(vault, Private::default());
    let mut tags: Vec<String> = Vec::new();
    for entry in vault.list(None, None, 100).unwrap() {
        tags.extend(vault.read(&entry).unwrap().meta.session);
    }
    tags.sort();
    tags.dedup();
    tags
}

/// Sessions without a vault stand for those that were killed before they wrote there.
pub(crate) fn only_what_was_to_be_remembered_is_and_not_once_asked_to_stop() {
    let place = repository();
    let vault = tempfile::tempdir().unwrap();
    let (vault, elsewhere) = (vault.path().join("one"), vault.path().join("two"));
    let folder = place.path();
    session(folder, "old").change("less", "train.py", &script(3)).run().unwrap();
    let private = session(folder, "private").set("memory.enabled", "false");
    private.change("CONFIDENTIAL", "train.py", &script(3)).run().unwrap();
    let theirs = session(folder, "theirs").set("memory.path", &elsewhere.display().to_string());
    theirs.change("less", "train.py", &script(3)).run().unwrap();
    assert_eq!(sessions(&elsewhere), ["theirs"]);
    std::fs::remove_dir_all(&elsewhere).unwrap();

    let stop = Stop::default();
    stop.request(Urgency::AfterThis);
    let stopped = session(folder, "stopped").vault(Some(vault.clone()));
    stopped.run_session(&mut Notes::default(), &stop).unwrap();
    assert_eq!(sessions(&vault), Vec::<String>::new());

    let mut notes = Notes::default();
    let new = session(folder, "new").vault(Some(vault.clone()));
    let new = new.change("less", "train.py", &script(3));
    new.run_watched(&mut notes, &Stop::default()).unwrap();
    assert_eq!(sessions(&vault), ["new", "old"]);
    let told = "session old ended before its notes were written; 2 are written now";
    assert!(notes.0.iter().any(|note| note == told), "{:?}", notes.0);
    assert!(!notes.0.iter().any(|note| note.contains("private")), "{:?}", notes.0);
}
