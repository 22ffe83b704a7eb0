//! A model that refuses, or fails.

use crate::lab::{Agent, lab, said, session, verdicts};
use crate::model::{Model, Turn, setting};

/// A wrong key ends the session at once, with the remedy.
fn wrong_key(agent: Agent, remedy: &str) {
    if !agent.is_here() {
        return;
    }
    let model = Model::playing([Turn::Fail(401)]);
    let place = lab(agent, &model, "");
    let ended = session(&place, agent, 3);
    let said = said(&ended);
    assert!(said.contains(remedy), "{said}");
    assert_eq!(verdicts(&place), ["keep"], "the baseline alone");
    place.assert_deserted();
}

#[test]
fn a_wrong_key_of_claude_is_said_with_its_remedy() {
    wrong_key(Agent::Claude, "ANTHROPIC_API_KEY");
}

#[test]
fn a_wrong_key_of_codex_is_said_with_its_remedy() {
    wrong_key(Agent::Codex, "codex login");
}

#[test]
fn a_wrong_key_of_gemini_is_said_with_its_remedy() {
    wrong_key(Agent::Gemini, "GEMINI_API_KEY");
}

#[test]
fn a_wrong_key_of_opencode_is_said_with_its_remedy() {
    wrong_key(Agent::Opencode, "opencode auth login");
}

#[test]
fn a_wrong_key_of_pi_is_said_with_its_remedy() {
    wrong_key(Agent::Pi, "/login");
}

#[test]
fn a_wrong_key_of_aider_is_said_with_its_remedy() {
    wrong_key(Agent::Aider, "key of its provider");
}

/// What the agent gets over by itself, nobody hears of.
#[test]
fn a_rate_limit_that_passes_costs_nothing_but_time() {
    for agent in [Agent::Claude, Agent::Codex, Agent::Pi] {
        if !agent.is_here() {
            continue;
        }
        // codex does not try a 429 again.
        let status = if agent == Agent::Codex { 503 } else { 429 };
        let model = Model::playing([vec![Turn::Fail(status)], setting(40)].concat());
        let place = lab(agent, &model, "");
        session(&place, agent, 1).expect(0);
        assert_eq!(verdicts(&place), ["keep", "keep"], "{agent:?}");
        assert_eq!(model.taken(), 4, "{agent:?} asked again once");
    }
}

#[test]
fn a_storm_of_errors_ends_the_session_and_spins_nobody() {
    if !Agent::Claude.is_here() {
        return;
    }
    let model = Model::playing([Turn::Fail(500)]);
    let place = lab(Agent::Claude, &model, "outage = \"1s\"\n");
    let ended = session(&place, Agent::Claude, 3);
    let said = said(&ended);
    assert!(said.contains("scripted 500"), "{said}");
    assert_eq!(verdicts(&place), ["keep"], "the baseline alone");
    // It is asked twice, and asks four times each.
    assert!(model.taken() <= 8, "{} requests", model.taken());
    place.assert_deserted();
}
