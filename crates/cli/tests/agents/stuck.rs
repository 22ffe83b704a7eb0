//! Agents that hang, are killed, or leave something behind.

use autoresearch_testkit::until;

use crate::lab::{Agent, TAG, lab, said, session, verdicts};
use crate::model::{Model, Turn, setting};

#[test]
fn an_agent_that_hangs_is_ended_at_the_timeout() {
    if !Agent::Claude.is_here() {
        return;
    }
    let model = Model::playing([Turn::Hang]);
    let place = lab(Agent::Claude, &model, "timeout = \"4s\"\n");
    let ended = session(&place, Agent::Claude, 1);
    let said = said(&ended);
    assert!(said.contains("ended at its deadline"), "{said}");
    assert_eq!(verdicts(&place), ["keep"]);
    place.assert_deserted();
}

#[test]
fn an_agent_that_is_killed_has_failed_and_is_asked_again() {
    if !Agent::Claude.is_here() {
        return;
    }
    let model = Model::playing([vec![Turn::Read, Turn::Set(45), Turn::Hang], setting(40)].concat());
    let place = lab(Agent::Claude, &model, "");
    let running =
        place.start(["run", "--yes", "--json", "--agent", "claude", "--tag", TAG, "-n", "1"]);
    until("the agent has edited and hangs", || (model.taken() == 3).then_some(()));
    let agent = place.await_process("stream-json");
    autoresearch_testkit::kill(agent.pid);
    running.wait().expect(0);
    assert_eq!(verdicts(&place), ["keep", "keep"]);
    let loss = place.git(&["show", "autoresearch/t:train.sh"]);
    assert!(loss.contains("x=40"), "half an edit is none: {loss}");
    place.assert_deserted();
}

#[test]
fn what_an_agents_shell_leaves_behind_is_gone() {
    for agent in [Agent::Claude, Agent::Codex, Agent::Opencode, Agent::Gemini, Agent::Pi] {
        if !agent.is_here() {
            continue;
        }
        let stray = "setsid sleep 1234 </dev/null >/dev/null 2>&1 &";
        let turns = [vec![Turn::Shell(stray.to_owned())], setting(40)].concat();
        let place = lab(agent, &Model::playing(turns), "");
        session(&place, agent, 1).expect(0);
        assert_eq!(verdicts(&place), ["keep", "keep"], "{agent:?}");
        place.assert_deserted();
    }
}
