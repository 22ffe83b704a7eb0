//! Five experiments with each agent (issue 5, SPEC K2).

use crate::lab::{Agent, lab, log, session, verdicts};
use crate::model::{Model, Turn, setting};

/// Better, worse, better, worse, better; nothing is said twice.
fn five(agent: Agent) {
    if !agent.is_here() {
        return;
    }
    let numbers = [40, 45, 30, 60, 20];
    let turns: Vec<Turn> = match agent {
        // It edits by what it says.
        Agent::Aider => numbers.map(Turn::Set).into(),
        _ => numbers.into_iter().flat_map(setting).collect(),
    };
    let model = Model::playing(turns);
    let place = lab(agent, &model, "");
    let before = place.snapshot();
    // In two parts: on a busy machine some take a minute to start at all.
    session(&place, agent, 2).expect(0);
    place.run(["resume", "--json", "-n", "5"]).expect(0);
    let outcomes = verdicts(&place);
    assert_eq!(outcomes, ["keep", "keep", "discard", "keep", "discard", "keep"]);
    let hypotheses: Vec<String> = log(&place)
        .iter()
        .filter_map(|point| point["hypothesis"].as_str().map(str::to_owned))
        .collect();
    assert!(hypotheses.contains(&"the number 20 is lower".to_owned()), "{hypotheses:?}");
    place.assert_deserted();
    before.assert_same(&place.snapshot());
    assert!(!place.base().join("home/.claude.json").exists(), "the user's home is not touched");
    for (folder, alone) in [("", ".local"), (".local", "share"), (".local/share", "autoresearch")] {
        let folder = place.base().join("home").join(folder);
        let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        assert_eq!(names.collect::<Vec<_>>(), [alone], "nothing but the vault is in the home");
    }
}

#[test]
fn aider_completes_five_experiments() {
    five(Agent::Aider);
}

#[test]
fn claude_completes_five_experiments() {
    five(Agent::Claude);
}

#[test]
fn codex_completes_five_experiments() {
    five(Agent::Codex);
}

#[test]
fn gemini_completes_five_experiments() {
    five(Agent::Gemini);
}

#[test]
fn opencode_completes_five_experiments() {
    five(Agent::Opencode);
}

#[test]
fn pi_completes_five_experiments() {
    five(Agent::Pi);
}
