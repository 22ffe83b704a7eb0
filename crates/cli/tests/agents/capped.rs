//! What an agent may cost ends it.

use crate::lab::{Agent, lab, said, session, verdicts};
use crate::model::{Model, Turn, setting};

/// It reads and reads; each request is 1050 tokens.
#[test]
fn an_agent_that_goes_on_and_on_is_ended_when_the_tokens_are_spent() {
    for agent in [Agent::Opencode, Agent::Pi] {
        if !agent.is_here() {
            continue;
        }
        let model = Model::playing([Turn::Read]);
        let place = lab(agent, &model, "max_tokens = 4000\n");
        let ended = session(&place, agent, 3);
        let said = said(&ended);
        assert!(said.contains("tokens"), "{said}");
        assert_eq!(verdicts(&place), ["keep"], "{agent:?}: the baseline alone");
        // It is well on its way to the next when it is ended.
        assert!(model.taken() < 20, "{agent:?}: {} requests", model.taken());
        place.assert_deserted();
    }
}

/// Claude Code says what a proposal cost, and is asked for no more after it.
#[test]
fn a_session_ends_when_its_dollars_are_spent() {
    if !Agent::Claude.is_here() {
        return;
    }
    let model = Model::playing((1..=9).rev().flat_map(|n| setting(n * 5)).collect::<Vec<_>>());
    let place = lab(Agent::Claude, &model, "max_dollars = 0.012\n");
    let ended = session(&place, Agent::Claude, 9);
    let said = said(&ended);
    assert!(said.contains('$') || said.contains("dollars"), "{said}");
    let count = verdicts(&place).len();
    assert!((2..9).contains(&count), "{count} experiments: {said}");
}

/// Claude Code ends itself at its own cap, and that is told as one.
#[test]
fn a_proposal_that_costs_too_much_is_none() {
    if !Agent::Claude.is_here() {
        return;
    }
    let model = Model::playing([Turn::Read]);
    let place = lab(Agent::Claude, &model, "max_dollars_each = 0.005\n");
    let ended = session(&place, Agent::Claude, 1);
    let said = said(&ended);
    assert!(said.contains("the proposal cost too much"), "{said}");
    assert_eq!(verdicts(&place), ["keep"], "the baseline alone");
}
