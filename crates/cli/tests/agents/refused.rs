//! Edits that are none, and edits of what is no target: refused, and told.

use crate::lab::{Agent, lab, said, session, verdicts};
use crate::model::{Model, Turn, setting};

/// Writes outside the target, then nothing at all, then what it should.
fn refused(agent: Agent) {
    if !agent.is_here() {
        return;
    }
    let mut turns = vec![Turn::Write("notes.txt"), Turn::Say("I took notes.".to_owned())];
    turns.push(Turn::Say("There is nothing to improve.".to_owned()));
    turns.extend(setting(40));
    let model = Model::playing(turns);
    let place = lab(agent, &model, "");
    let ended = session(&place, agent, 1).expect(0);
    assert_eq!(verdicts(&place), ["keep", "keep"]);
    let said = said(&ended);
    assert!(said.contains("notes.txt"), "the edit outside the target is named: {said}");
    assert!(said.contains("changes nothing"), "the missing edit is named: {said}");
    let tip = place.git(&["ls-tree", "--name-only", "autoresearch/t"]);
    assert!(!tip.contains("notes.txt"), "{tip}");
}

#[test]
fn claude_is_refused_what_is_no_edit_of_the_target() {
    refused(Agent::Claude);
}

#[test]
fn codex_is_refused_what_is_no_edit_of_the_target() {
    refused(Agent::Codex);
}

#[test]
fn gemini_is_refused_what_is_no_edit_of_the_target() {
    refused(Agent::Gemini);
}

#[test]
fn opencode_is_refused_what_is_no_edit_of_the_target() {
    refused(Agent::Opencode);
}

#[test]
fn pi_is_refused_what_is_no_edit_of_the_target() {
    refused(Agent::Pi);
}
