//! Agents that speak the Agent Client Protocol (issue 5).

use crate::lab::{Agent, TAG, lab, verdicts};
use crate::model::{Model, setting};

#[test]
fn agents_that_speak_acp_complete_experiments() {
    for (agent, command) in [
        (Agent::Gemini, r#"["gemini", "--acp", ["-m", "{model}"]]"#),
        (Agent::Opencode, r#"["opencode", "acp"]"#),
    ] {
        if !agent.is_here() {
            continue;
        }
        let name = agent.name();
        let model = Model::playing([setting(40), setting(45)].concat());
        let place = lab(agent, &model, "");
        let protocol = format!("agent.{name}.protocol=acp");
        let command = format!("agent.{name}.command={command}");
        let session = ["run", "--yes", "--json", "--agent", name, "--tag", TAG, "-n", "2"];
        let set = ["--set", &protocol, "--set", &command];
        place.run([session.as_slice(), &set].concat()).expect(0);
        assert_eq!(verdicts(&place), ["keep", "keep", "discard"], "{name}");
        place.assert_deserted();
    }
}
