//! Servers that refuse, break, hang or answer nonsense.

use std::sync::atomic::Ordering;
use std::time::Duration;

use autoresearch_models::{Form, Provider};
use autoresearch_propose::{ProposeError, Proposer as _};
use autoresearch_testkit::Response;
use serde_json::{Value, json};

use crate::scene::{ALL, Bench, KEY, answer, brief, model, propose, says, serving, wanted};

fn status(status: u16, body: &Value) -> Response {
    Response::Say(status, Vec::new(), body.to_string())
}

fn error(provider: Provider, response: Response) -> ProposeError {
    let (answer, bench, server) = propose(provider, Form::Blocks, vec![response]);
    assert_eq!(server.requests().len(), 1, "it is for the engine to ask again");
    assert!(bench.spent.iter().all(|spent| spent.tokens() < 2000));
    let error = answer.unwrap_err();
    assert!(!format!("{error:?}").contains(KEY), "{error:?}");
    error
}

fn message(text: &str) -> Value {
    json!({ "error": { "message": text } })
}

#[test]
fn a_refused_key_names_its_variable_and_is_never_shown() {
    for provider in ALL {
        for code in [401, 403] {
            let words = message(&format!("Incorrect API key provided: {KEY}"));
            let error = error(provider, status(code, &words));
            let ProposeError::Unusable(why) = error else { panic!("{error:?}") };
            assert!(why.contains("check the key in `A_KEY`"), "{why}");
        }
    }
    let gemini = json!({ "error": { "code": 400, "message": "API key not valid. Please pass a valid API key.",
                                    "details": [{ "reason": "API_KEY_INVALID" }] } });
    assert!(matches!(error(Provider::Gemini, status(400, &gemini)), ProposeError::Unusable(_)));
}

#[test]
fn an_unknown_model_and_an_empty_account_end_it() {
    for provider in ALL {
        let ProposeError::Unusable(why) = error(provider, status(404, &message("no such model")))
        else {
            panic!("{provider:?}")
        };
        assert!(why.contains("does not know `small`") && why.contains("`model.name`"), "{why}");
    }
    for (code, text) in
        [(429, "insufficient_quota"), (400, "Your credit balance is too low"), (402, "pay")]
    {
        let error = error(Provider::OpenAi, status(code, &message(text)));
        assert!(
            matches!(&error, ProposeError::Unusable(why) if why.contains("top it up")),
            "{error:?}"
        );
    }
}

#[test]
fn whoever_is_busy_is_asked_again_when_it_said() {
    for provider in ALL {
        for code in [408, 429, 500, 502, 503, 529] {
            let headers = vec![("Retry-After", "7".to_owned())];
            let response = Response::Say(code, headers, message("busy").to_string());
            let ProposeError::Unavailable { reason, retry_after } = error(provider, response)
            else {
                panic!("{code}")
            };
            assert_eq!(retry_after, Some(Duration::from_secs(7)));
            assert!(reason.contains(&format!("{code}: busy")), "{reason}");
        }
        let error = error(provider, Response::Say(500, Vec::new(), "<html>oops</html>".to_owned()));
        assert!(matches!(error, ProposeError::Unavailable { retry_after: None, .. }), "{error:?}");
    }
    let gemini = json!({ "error": { "code": 429, "message": "quota", "details": [{ "retryDelay": "34s" }] } });
    let error = error(Provider::Gemini, status(429, &gemini));
    let after = Some(Duration::from_secs(34));
    assert!(
        matches!(&error, ProposeError::Unavailable { retry_after, .. } if *retry_after == after),
        "{error:?}"
    );
}

#[test]
fn after_a_429_the_same_model_succeeds() {
    let busy = Response::Say(429, vec![("retry-after", "1".to_owned())], String::new());
    let said = says(Provider::Anthropic, &answer(Form::Blocks, "RATE = 0.1", "RATE = 0.2"));
    let server = serving(vec![busy, said]);
    let mut model = model(wanted(Provider::Anthropic, &server.url(), Form::Auto));
    let mut bench = Bench::new();
    let first = model.propose(&brief(), &mut bench);
    assert!(matches!(first, Err(ProposeError::Unavailable { .. })), "{first:?}");
    model.propose(&brief(), &mut bench).unwrap();
}

#[test]
fn a_prompt_that_is_too_long_says_what_helps() {
    for (provider, code, text) in [
        (Provider::OpenAi, 400, "This model's maximum context length is 4096 tokens."),
        (Provider::OpenAi, 500, "Requested tokens (5000) exceed context window of 2048"),
        (Provider::Anthropic, 400, "prompt is too long: 210000 tokens > 200000 maximum"),
        (Provider::Anthropic, 413, "Request exceeds the maximum size"),
        (Provider::Gemini, 400, "The input token count (9) exceeds the maximum number"),
        (Provider::Ollama, 400, "the input is too long"),
    ] {
        let error = error(provider, status(code, &message(text)));
        let ProposeError::Failed(why) = error else { panic!("{error:?}") };
        assert!(why.contains("too long for `small`") && why.contains("read_only"), "{why}");
    }
}

#[test]
fn an_answer_that_is_cut_refused_or_empty_says_which_and_is_paid_for() {
    let cases = [
        (
            json!({ "choices": [{ "message": { "content": "HYPO" }, "finish_reason": "length" }],
                    "usage": { "prompt_tokens": 5, "completion_tokens": 6 } }),
            "was cut at the limit of its length; raise `model.max_tokens`",
        ),
        (
            json!({ "choices": [{ "message": { "content": null, "refusal": "I will not" }, "finish_reason": "stop" }],
                    "usage": { "prompt_tokens": 5, "completion_tokens": 6 } }),
            "refuses to answer: I will not",
        ),
        (
            json!({ "choices": [{ "message": { "content": " \n" }, "finish_reason": "stop" }],
                    "usage": { "prompt_tokens": 5, "completion_tokens": 6 } }),
            "is empty",
        ),
    ];
    for (body, words) in cases {
        let (answer, bench, server) =
            propose(Provider::OpenAi, Form::Blocks, vec![Response::json(&body)]);
        let Err(ProposeError::Failed(why)) = answer else { panic!("{answer:?}") };
        assert!(why.contains(words), "{why}");
        assert_eq!((bench.spent[0].tokens(), server.requests().len()), (11, 1));
    }
}

#[test]
fn garbage_and_redirects_are_errors() {
    for provider in ALL {
        for body in ["", "null", "[]", "<html>", "{\"choices\": 3}", "{\"error\": \"x\"}"] {
            let error = error(provider, Response::Say(200, Vec::new(), body.to_owned()));
            assert!(matches!(error, ProposeError::Failed(_)), "{error:?}");
        }
        let to = vec![("location", "http://127.0.0.1:1/".to_owned())];
        let error = error(provider, Response::Say(307, to, String::new()));
        assert!(
            matches!(&error, ProposeError::Unusable(why) if why.contains("redirect")),
            "{error:?}"
        );
        let closed = error_of_close(provider);
        assert!(matches!(closed, ProposeError::Unavailable { .. }), "{closed:?}");
    }
}

fn error_of_close(provider: Provider) -> ProposeError {
    propose(provider, Form::Blocks, vec![Response::Close]).0.unwrap_err()
}

#[test]
fn nobody_at_the_address_is_worth_another_try() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let wanted = wanted(Provider::Ollama, &format!("http://{free}"), Form::Auto);
    let answer = model(wanted).propose(&brief(), &mut Bench::new());
    let Err(ProposeError::Unavailable { reason, .. }) = answer else { panic!("{answer:?}") };
    assert!(reason.contains("cannot be reached") && reason.contains("ollama serve"), "{reason}");
}

#[test]
fn a_server_that_hangs_ends_by_the_time_limit() {
    let server = serving(vec![Response::Hang]);
    let wanted = wanted(Provider::OpenAi, &server.url(), Form::Auto);
    let mut bench = Bench { time_left: Duration::from_millis(300), ..Bench::new() };
    let answer = model(wanted).propose(&brief(), &mut bench);
    let Err(ProposeError::Unavailable { reason, .. }) = answer else { panic!("{answer:?}") };
    assert!(reason.contains("did not answer in time"), "{reason}");
}

/// Its own limit is minutes; that it is interrupted is the stop's doing.
#[test]
fn a_stop_reaches_a_request_that_hangs() {
    let server = serving(vec![Response::Hang]);
    let wanted = wanted(Provider::OpenAi, &server.url(), Form::Auto);
    let mut bench = Bench { time_left: Duration::from_mins(3), ..Bench::new() };
    let stop = std::sync::Arc::clone(&bench.stop);
    let answer = std::thread::scope(|scope| {
        let asking = scope.spawn(|| model(wanted).propose(&brief(), &mut bench));
        autoresearch_testkit::until("the request", || {
            (!server.requests().is_empty()).then_some(())
        });
        stop.store(true, Ordering::SeqCst);
        asking.join().unwrap()
    });
    assert_eq!(answer, Err(ProposeError::Interrupted));
}
