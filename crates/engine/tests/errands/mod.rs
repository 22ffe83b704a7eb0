//! A proposer's programs on the desk: heard while they run, spoken with, and
//! ended when they have nothing more to say.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use autoresearch::core::proposal::{Category, Edit, Proposal};
use autoresearch::propose::{
    Brief, Desk, Errand, Finished, Heard, Input, Listener, ProposeError, Proposer,
};
use autoresearch::{Direction, SystemExperiment};

use super::{experiment, repository};

/// Sends a script on an errand and proposes what is on the desk then.
struct Sender {
    script: &'static str,
    first: Vec<String>,
    home: PathBuf,
    ear: Ear,
    finished: Arc<Mutex<Option<Result<Finished, ProposeError>>>>,
}

/// Answers a line by a rule, and remembers it.
#[derive(Clone)]
struct Ear {
    answer: fn(&str) -> Heard,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Listener for Ear {
    fn hear(&mut self, line: &str) -> Heard {
        self.heard.lock().unwrap().push(line.to_owned());
        (self.answer)(line)
    }
}

impl Proposer for Sender {
    fn name(&self) -> &'static str {
        "sender"
    }

    fn propose(&mut self, _brief: &Brief, desk: &mut dyn Desk) -> Result<Proposal, ProposeError> {
        let command = ["sh", "-c", self.script].map(str::to_owned);
        let errand = Errand {
            command: &command,
            input: Input::Lines(self.first.clone()),
            environment: Vec::new(),
            hosts: &[],
            home: Some(&self.home),
            readable: &[],
        };
        let finished = desk.run(&errand, &mut self.ear);
        let is_fine = finished.as_ref().is_ok_and(|finished| finished.success);
        *self.finished.lock().unwrap() = Some(finished);
        if is_fine {
            Ok(Proposal {
                hypothesis: "an errand".to_owned(),
                category: Category::Other,
                edit: Edit::Desk,
                settings: None,
                expected: None,
            })
        } else {
            Err(ProposeError::Exhausted("it failed".to_owned()))
        }
    }
}

/// What was heard, and how it ended, of a session in which one errand is run.
fn sent(
    script: &'static str,
    first: &[&str],
    answer: fn(&str) -> Heard,
) -> (Vec<String>, Finished, tempfile::TempDir) {
    let place = repository();
    let home = tempfile::tempdir().unwrap();
    let ear = Ear { answer, heard: Arc::default() };
    let finished = Arc::default();
    let first = first.iter().map(ToString::to_string).collect();
    let sender = Sender {
        script,
        first,
        home: home.path().to_owned(),
        ear: ear.clone(),
        finished: Arc::clone(&finished),
    };
    let experiment: SystemExperiment = experiment(place.path());
    experiment
        .metric("loss", Direction::Minimize)
        .proposer(sender)
        .set("iterations", "1")
        .run()
        .unwrap();
    let heard = ear.heard.lock().unwrap().clone();
    let finished = finished.lock().unwrap().take().unwrap();
    (heard, finished.unwrap(), home)
}

pub(crate) fn a_program_is_answered_line_by_line_and_its_home_stays() {
    let script = "read a; echo first $a; read b; echo then $b >&2; echo then $b; read c || echo over; echo $HOME > ~/kept; sed -i s/5/4/ train.py; echo loss: 4 >> train.py";
    let (heard, finished, home) = sent(script, &["one"], |line| match line {
        "first one" => Heard { answer: vec!["two".to_owned()], ..Heard::default() },
        "then two" => Heard { done: true, ..Heard::default() },
        _ => Heard::default(),
    });
    assert_eq!(heard, ["first one", "then two", "over"]);
    assert!(finished.success, "{finished:?}");
    assert_eq!(finished.tail, "first one\nthen two\nover\nthen two");
    let kept = std::fs::read_to_string(home.path().join("kept")).unwrap();
    assert_eq!(kept.trim(), home.path().to_str().unwrap());
}

pub(crate) fn a_program_that_has_said_all_and_stays_is_ended_and_that_is_fine() {
    let script = "echo loss: 4 >> train.py; echo said; exec sleep 1000";
    let done = |_: &str| Heard { done: true, ..Heard::default() };
    let (heard, finished, _home) = sent(script, &[], done);
    assert_eq!(heard, ["said"]);
    assert!(finished.success && finished.how.contains("interrupted"), "{finished:?}");
}
