//! Agents that are spoken with by the Agent Client Protocol.

use crate::lab::{Agent, lab_of, log, said, session, verdicts};
use crate::model::{Model, Turn, setting};

const OPENCODE: &str = r#"protocol = "acp"
command = ["opencode", "acp"]"#;
const GEMINI: &str = r#"protocol = "acp"
command = ["gemini", "--acp", ["-m", "{model}"]]"#;

/// Better, worse, better.
fn three(agent: Agent, table: &str) {
    if !agent.is_here() {
        return;
    }
    let model = Model::playing([40, 45, 30].into_iter().flat_map(setting));
    let place = lab_of(agent, table, &model, "");
    let before = place.snapshot();
    session(&place, agent, 3).expect(0);
    assert_eq!(verdicts(&place), ["keep", "keep", "discard", "keep"]);
    let points = log(&place);
    let hypotheses: Vec<&str> =
        points.iter().filter_map(|point| point["hypothesis"].as_str()).collect();
    assert!(hypotheses.contains(&"the number 30 is lower"), "{hypotheses:?}");
    for number in ["1", "2", "3"] {
        let shown = said(&place.run(["show", number]).expect(0));
        assert!(shown.contains("tokens"), "{shown}");
    }
    place.assert_deserted();
    before.assert_same(&place.snapshot());
}

#[test]
fn opencode_completes_three_experiments_when_spoken_with() {
    three(Agent::Opencode, OPENCODE);
}

#[test]
fn gemini_completes_three_experiments_when_spoken_with() {
    three(Agent::Gemini, GEMINI);
}

/// It may look and edit, and what it must not run, it does not.
#[test]
fn an_agent_that_asks_to_run_something_is_refused_and_goes_on() {
    if !Agent::Gemini.is_here() {
        return;
    }
    let mut turns = vec![Turn::Shell("touch ran".to_owned())];
    turns.extend(setting(40));
    let model = Model::playing(turns);
    let place = lab_of(Agent::Gemini, GEMINI, &model, "");
    session(&place, Agent::Gemini, 1).expect(0);
    // With another file on the desk the proposal would be refused.
    assert_eq!(verdicts(&place), ["keep", "keep"]);
}

#[test]
fn a_wrong_key_ends_the_session_and_says_how_to_log_in() {
    if !Agent::Opencode.is_here() {
        return;
    }
    let model = Model::playing([Turn::Fail(401)]);
    let place = lab_of(Agent::Opencode, OPENCODE, &model, "");
    let ended = session(&place, Agent::Opencode, 2);
    let said = said(&ended);
    assert!(said.contains("opencode auth login"), "{said}");
    assert_eq!(verdicts(&place), ["keep"]);
}
