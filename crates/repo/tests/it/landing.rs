//! Landing kept commits on the user's branch (SPEC F4).

use std::fs;

use autoresearch_core::experiment::CommitId;
use autoresearch_repo::{LandError, Landed, Landing, Repo, Style};

use crate::support::{Place, candidate, names};

struct Session {
    place: Place,
    repo: Repo,
    base: CommitId,
    kept: Vec<CommitId>,
}

/// Two kept commits on top of `main`, which is checked out.
fn session() -> Session {
    let place = Place::new();
    let repo = place.repo();
    repo.exclude(&["/.autoresearch/"]).unwrap();
    let base = repo.head().unwrap().commit;
    let one = candidate(&repo, &base, 1, "train.py", "lr = 2\nsteps = 10\n");
    let two = candidate(&repo, &one, 2, "lib/model.py", "depth = 3\n");
    Session { place, repo, base, kept: vec![one, two] }
}

impl Session {
    fn land(&self, style: Style) -> Result<Landed, LandError> {
        let landing = Landing {
            onto: "main".into(),
            base: self.base.clone(),
            branch_tip: self.kept[1].clone(),
            kept: self.kept.clone(),
            style,
            message: "a night of research".into(),
            reference: "refs/autoresearch/x/landed".into(),
        };
        let scratch = self.place.folder("land");
        let landed = self.repo.land(&landing, &scratch);
        assert!(!scratch.exists());
        assert_eq!(
            fs::read_dir(self.place.root.join(".git/worktrees")).map_or(0, Iterator::count),
            0
        );
        landed
    }

    fn subjects(&self) -> Vec<String> {
        self.place.git(&["log", "--format=%s", "main"]).lines().map(str::to_owned).collect()
    }

    fn file(&self, path: &str) -> String {
        fs::read_to_string(self.place.root.join(path)).unwrap()
    }
}

#[test]
fn a_squash_is_one_commit_and_the_checkout_follows() {
    let session = session();
    session.place.write("notes.txt", "mine");
    let Landed::Moved(commit) = session.land(Style::Squash).unwrap() else { panic!() };
    assert_eq!(session.repo.head().unwrap().commit, commit);
    assert_eq!(session.subjects(), ["a night of research", "start"]);
    assert_eq!(session.file("train.py"), "lr = 2\nsteps = 10\n");
    assert_eq!(session.repo.dirty_paths(9).unwrap(), ["notes.txt"]);
    assert_eq!(session.land(Style::Squash).unwrap(), Landed::AlreadyThere);
    assert_eq!(session.land(Style::Rebase).unwrap(), Landed::AlreadyThere);
}

#[test]
fn a_rebase_onto_the_unmoved_branch_keeps_the_commits() {
    let session = session();
    assert_eq!(session.land(Style::Rebase).unwrap(), Landed::Moved(session.kept[1].clone()));
    assert_eq!(session.subjects(), ["exp: 2", "exp: 1", "start"]);
}

#[test]
fn a_branch_that_moved_on_gets_the_changes_on_top() {
    for style in [Style::Squash, Style::Rebase] {
        let session = session();
        session.place.write("other.py", "x");
        // One of the two changes is there already.
        session.place.write("lib/model.py", "depth = 3\n");
        session.place.commit_all("meanwhile");
        session.land(style).unwrap();
        let top = if style == Style::Squash { "a night of research" } else { "exp: 1" };
        assert_eq!(session.subjects(), [top, "meanwhile", "start"]);
        assert_eq!(session.file("train.py"), "lr = 2\nsteps = 10\n");
        let who = session.place.git(&["log", "-1", "--format=%an|%cn"]);
        assert_eq!(who, "AutoResearch|AutoResearch");
    }
}

#[test]
fn a_conflict_names_the_files_and_changes_nothing() {
    for style in [Style::Squash, Style::Rebase] {
        let session = session();
        session.place.write("train.py", "lr = 7\nsteps = 10\n");
        session.place.commit_all("meanwhile");
        let before = session.place.snapshot();
        let error = session.land(style).unwrap_err();
        assert!(
            matches!(&error, LandError::Conflict { paths } if paths == &["train.py"]),
            "{error}"
        );
        assert_eq!(session.place.snapshot(), before);
    }
}

#[test]
fn a_local_change_in_the_way_stops_the_landing_and_the_result_is_kept() {
    let session = session();
    session.place.write("train.py", "mine\n");
    session.place.git(&["add", "train.py"]);
    session.place.write("train.py", "mine, later\n");
    let before = session.place.snapshot();
    let error = session.land(Style::Squash).unwrap_err();
    let LandError::CheckoutInTheWay { stderr, result, .. } = &error else { panic!("{error}") };
    assert!(stderr.contains("train.py"), "{stderr}");
    let mut after = session.place.snapshot();
    // Git may note file times in the index; what it says must be the same.
    after.insert(".git/index".into(), before[".git/index"].clone());
    assert_eq!(after, before);
    assert_eq!(session.place.git(&["diff", "--cached", "--name-only"]), "train.py");
    assert_eq!(session.repo.read_ref("refs/autoresearch/x/landed").unwrap().as_ref(), Some(result));
    session.place.git(&["stash", "-q"]);
    session.place.git(&["merge", "-q", "--ff-only", "refs/autoresearch/x/landed"]);
}

#[test]
fn an_untracked_file_in_the_way_is_not_overwritten() {
    let mut session = session();
    session.kept[1] = candidate(&session.repo, &session.kept[0], 3, "new.py", "theirs\n");
    session.place.write("new.py", "mine\n");
    assert!(matches!(session.land(Style::Rebase), Err(LandError::CheckoutInTheWay { .. })));
    assert_eq!(session.file("new.py"), "mine\n");
    assert_eq!(session.subjects(), ["start"]);
}

#[test]
fn a_branch_that_is_checked_out_nowhere_moves_alone() {
    let session = session();
    session.place.git(&["checkout", "-q", "-b", "elsewhere"]);
    session.place.write("train.py", "mine\n");
    let before = session.place.snapshot();
    session.land(Style::Squash).unwrap();
    assert_eq!(session.subjects(), ["a night of research", "start"]);
    let mut after = session.place.snapshot();
    after.insert("refs".into(), before["refs"].clone());
    assert_eq!(names(&after), names(&before));
    assert_eq!(after, before);
}

#[test]
fn a_branch_in_another_worktree_of_the_user_is_updated_there() {
    let session = session();
    session.place.git(&["checkout", "-q", "-b", "elsewhere"]);
    session.place.git(&["worktree", "add", "-q", "../side", "main"]);
    let landing = Landing {
        onto: "main".into(),
        base: session.base.clone(),
        branch_tip: session.kept[1].clone(),
        kept: session.kept.clone(),
        style: Style::Rebase,
        message: String::new(),
        reference: "refs/autoresearch/x/landed".into(),
    };
    session.repo.land(&landing, &session.place.folder("land")).unwrap();
    let side = session.place.temp.path().join("side");
    assert_eq!(fs::read_to_string(side.join("lib/model.py")).unwrap(), "depth = 3\n");
    assert_eq!(session.place.git_in(&side, &["status", "--short"]), "");
}

#[test]
fn a_branch_that_does_not_exist_is_named() {
    let session = session();
    let landing = Landing {
        onto: "nope".into(),
        base: session.base.clone(),
        branch_tip: session.base.clone(),
        kept: vec![],
        style: Style::Squash,
        message: "m".into(),
        reference: "refs/autoresearch/x/landed".into(),
    };
    let error = session.repo.land(&landing, &session.place.folder("land")).unwrap_err();
    assert!(matches!(error, LandError::NoBranch(_)), "{error}");
}
