//! Each API, from the request to the proposal.

use autoresearch_core::proposal::Category;
use autoresearch_models::{Form, Provider};
use autoresearch_testkit::Response;
use serde_json::json;

use crate::scene::{ALL, KEY, answer, content, propose, says};

#[test]
fn every_api_gives_a_proposal_in_either_form_for_its_price() {
    for provider in ALL {
        for form in [Form::Blocks, Form::Json] {
            let said = says(provider, &answer(form, "RATE = 0.1", "RATE = 0.2"));
            let (proposal, bench, server) = propose(provider, form, vec![said]);
            let proposal = proposal.unwrap_or_else(|e| panic!("{provider:?} {form:?}: {e}"));
            assert_eq!(content(&proposal), "RATE = 0.2\nSTEPS = 10\n\nprint(RATE * STEPS)\n");
            assert_eq!(proposal.hypothesis, "a higher rate");
            assert_eq!(proposal.category, Category::Optimizer);
            assert_eq!(proposal.expected.as_deref(), Some("loss falls"));

            let cached = if provider == Provider::Ollama { 0 } else { 400 };
            let spent = bench.spent[..].first().unwrap();
            assert_eq!(
                (spent.input_tokens, spent.cached_tokens, spent.output_tokens),
                (1000, cached, 50)
            );
            let fresh = f64::from(1000 - u32::try_from(cached).unwrap());
            let dollars = (fresh * 3.0 + cached as f64 * 0.3 + 50.0 * 15.0) / 1e6;
            assert!((spent.dollars - dollars).abs() < 1e-12, "{}", spent.dollars);

            let requests = server.requests();
            assert_eq!(requests.len(), 1);
            let request = &requests[0];
            assert!(
                request.body.contains("# Propose one change to `train.py`"),
                "{}",
                request.body
            );
            assert!(!request.body.contains("Do not commit"), "it is told one form of an answer");
            assert!(!request.body.contains(KEY), "the key is no part of a prompt");
            let keys = request.headers.iter().filter(|(_, value)| value.contains(KEY)).count();
            assert_eq!(keys, 1, "{provider:?}");
            assert_eq!(request.header("content-type"), Some("application/json"));
        }
    }
}

/// Old llama.cpp answers 500 to `json_schema`.
#[test]
fn a_server_that_does_not_know_json_schema_is_asked_by_json_object() {
    let said = says(Provider::OpenAi, &answer(Form::Json, "RATE = 0.1", "RATE = 0.2"));
    let strange = Response::Say(500, Vec::new(), "{\"detail\": \"response_format\"}".to_owned());
    let (proposal, _, server) = propose(Provider::OpenAi, Form::Json, vec![strange, said]);
    proposal.unwrap();
    let formats: Vec<_> =
        server.requests().iter().map(|r| r.json()["response_format"]["type"].clone()).collect();
    assert_eq!(formats, [json!("json_schema"), json!("json_object")]);
    let lines = server.requests()[1].json()["response_format"]["schema"]["properties"]["edits"]["items"]
        ["properties"]["search"]["enum"]
        .clone();
    assert_eq!(lines, json!(["RATE = 0.1", "STEPS = 10", "print(RATE * STEPS)"]));
}
