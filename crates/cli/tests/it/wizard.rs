//! What is asked of a person at a terminal (SPEC B2, B4): `script` makes one.

use std::fs::File;
use std::io::Write as _;
use std::process::{Child, Stdio};

use autoresearch_testkit::{Place, until};

use crate::toy::{loss, place, toy, verdicts};

/// A program at a terminal, with somebody who types.
struct Terminal<'a> {
    child: Child,
    place: &'a Place,
    /// How much of what it said has been answered.
    heard: usize,
}

impl<'a> Terminal<'a> {
    /// `None` where there is no `script` to make a terminal.
    fn open(place: &'a Place, args: &str) -> Option<Terminal<'a>> {
        let screen = File::create(place.base().join("screen")).unwrap();
        let program = env!("CARGO_BIN_EXE_autoresearch");
        let spawned = place
            .other("script")
            .args(["-qec", &format!("'{program}' {args}"), "/dev/null"])
            .env("TERM", "xterm")
            .stdin(Stdio::piped())
            .stdout(screen)
            .spawn();
        match spawned {
            Ok(child) => Some(Terminal { child, place, heard: 0 }),
            Err(error) => {
                eprintln!("skipped: `script` cannot be run: {error}");
                None
            }
        }
    }

    fn screen(&self) -> String {
        let bytes = std::fs::read(self.place.base().join("screen")).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Waits for a question and answers it.
    fn answer(mut self, question: &str, keys: &str) -> Terminal<'a> {
        self.heard = until(&format!("{question} on\n{}", self.screen()), || {
            let screen = self.screen();
            let at = screen.get(self.heard..)?.find(question)?;
            Some(self.heard + at + question.len())
        });
        let typed = format!("{keys}\r");
        self.child.stdin.as_mut().unwrap().write_all(typed.as_bytes()).unwrap();
        self
    }

    #[track_caller]
    fn ends_with(mut self, code: i32) {
        let status = until("the end", || self.child.try_wait().unwrap());
        assert_eq!(status.code(), Some(code), "{}", self.screen());
    }
}

impl Drop for Terminal<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn whoever_says_no_finds_nothing_changed() {
    let place = toy(&[loss(40)]);
    let before = place.everything();
    let Some(terminal) = Terminal::open(&place, "run --tag t -n 1") else {
        return;
    };
    terminal.answer("Begin?", "n").ends_with(3);
    before.assert_same(&place.everything());
    // Ctrl-C at a question.
    let Some(terminal) = Terminal::open(&place, "run --tag t -n 1") else {
        return;
    };
    terminal.answer("Begin?", "\u{3}").ends_with(130);
    before.assert_same(&place.everything());
}

#[test]
fn run_asks_for_what_is_missing_and_begins() {
    let place = place().file("train.sh", loss(50)).repository();
    let args = "run --tag t -n 1 --target train.sh --command \"sh train.sh\" --proposer queue";
    let Some(terminal) = Terminal::open(&place, args) else {
        return;
    };
    terminal
        .answer("How long may one experiment run", "soon")
        .answer("How long may one experiment run", "9s")
        .answer("Which metric", "")
        .answer("Is a lower value better", "")
        .answer("Begin?", "y")
        .ends_with(0);
    assert_eq!(verdicts(&place), ["keep"]);
    let status = place.run(["status", "--json"]).expect(0).json();
    assert_eq!(status["direction"], "minimize");
}

#[test]
fn init_writes_a_file_that_run_takes_as_it_is() {
    let place = place().file("train.sh", loss(50)).repository();
    let args = "init --target train.sh --command \"sh train.sh\" --budget 9s --metric loss --maximize --proposer queue";
    let Some(terminal) = Terminal::open(&place, args) else {
        return;
    };
    terminal
        .answer("Which files may be read", "")
        .answer("How many experiments", "")
        .answer("What may change", "")
        .answer("Where does the table", "")
        .answer("Write ", "y")
        .ends_with(0);
    let config = place.read("autoresearch.toml");
    assert!(config.contains("maximize"), "{config}");
    place.run(["init", "--yes"]).expect(2).says(&["exists already"]);
    place.run(["run", "--yes", "--tag", "t"]).expect(0);
    assert_eq!(verdicts(&place), ["keep"]);
}

/// SPEC C3: a question of its own.
#[test]
fn edits_for_the_platform_are_asked_about() {
    if std::path::Path::new("/proc/driver/nvidia").exists() {
        return;
    }
    let target = "import torch\nDEVICE_BATCH_SIZE = 128\ndevice = 'cuda'\n";
    let place = place().file("train.py", target).repository();
    let args = "run --tag t -n 1 --target train.py --command \"sh train.py\" --budget 9s --metric loss --minimize --proposer queue";
    let before = place.everything();
    let Some(terminal) = Terminal::open(&place, args) else {
        return;
    };
    let terminal = terminal
        .answer("Adjust the target for this machine before the baseline: DEVICE_BATCH_SIZE", "y")
        .answer("Begin?", "n");
    assert!(terminal.screen().contains("Adjusted target"), "{}", terminal.screen());
    terminal.ends_with(3);
    before.assert_same(&place.everything());
}
