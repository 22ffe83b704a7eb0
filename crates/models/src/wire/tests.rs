use serde_json::json;

use super::*;
use crate::settings::{Form, Wanted};

fn settings(provider: Provider, form: Form) -> Settings {
    let wanted = Wanted {
        provider: Some(provider),
        name: Some("m".to_owned()),
        form,
        max_tokens: Some(100),
        temperature: Some(0.5),
        ..Wanted::default()
    };
    Settings::of(wanted, &|_| Some("sk-key".to_owned())).unwrap()
}

fn asked(settings: &Settings, style: SchemaStyle) -> (Call, Value) {
    let targets = Texts::from([("t.py".to_owned(), "a = 1\n".to_owned())]);
    let schema = settings.is_json.then(|| schema(settings, &targets));
    let messages = [
        Message { role: Role::User, content: "brief".to_owned() },
        Message { role: Role::Assistant, content: "answer".to_owned() },
    ];
    let question =
        Question { system: "system", messages: &messages, schema: schema.as_ref(), style };
    let call = call(settings, &question);
    let body = serde_json::from_slice(&call.body).unwrap();
    (call, body)
}

fn header<'a>(call: &'a Call, name: &str) -> Option<&'a str> {
    call.headers.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_str())
}

#[test]
fn openai_gets_its_newer_names_and_others_the_older() {
    let mut settings = settings(Provider::OpenAi, Form::Json);
    let (call, body) = asked(&settings, SchemaStyle::JsonSchema);
    assert_eq!(call.url, "https://api.openai.com/v1/chat/completions");
    assert_eq!(header(&call, "authorization"), Some("Bearer sk-key"));
    assert_eq!((&body["max_completion_tokens"], &body["temperature"]), (&json!(100), &json!(0.5)));
    assert_eq!(body["messages"][0], json!({ "role": "system", "content": "system" }));
    assert_eq!(body["messages"][2]["role"], "assistant");
    assert_eq!(body["response_format"]["type"], "json_schema");
    assert_eq!(body["response_format"]["json_schema"]["schema"]["type"], "object");
    settings.is_elsewhere = true;
    let (_, body) = asked(&settings, SchemaStyle::JsonObject);
    assert_eq!((&body["max_tokens"], &body["max_completion_tokens"]), (&json!(100), &Value::Null));
    assert_eq!(body["response_format"]["type"], "json_object");
    assert_eq!(body["response_format"]["schema"]["type"], "object");
}

#[test]
fn anthropic_answers_by_a_tool_where_a_schema_is_asked_for() {
    let (call, body) = asked(&settings(Provider::Anthropic, Form::Json), SchemaStyle::default());
    assert_eq!(call.url, "https://api.anthropic.com/v1/messages");
    assert_eq!(header(&call, "x-api-key"), Some("sk-key"));
    assert_eq!(header(&call, "anthropic-version"), Some("2023-06-01"));
    assert_eq!((&body["system"], &body["max_tokens"]), (&json!("system"), &json!(100)));
    assert_eq!(body["tool_choice"], json!({ "type": "tool", "name": "propose" }));
    assert_eq!(body["tools"][0]["input_schema"]["type"], "object");
    let (_, body) = asked(&settings(Provider::Anthropic, Form::Auto), SchemaStyle::default());
    assert_eq!(body.get("tools"), None);
    let reply = reply(
        Provider::Anthropic,
        &json!({ "content": [{ "type": "tool_use", "input": { "edits": [] } }], "stop_reason": "tool_use",
                 "usage": { "input_tokens": 10, "cache_read_input_tokens": 5,
                            "cache_creation_input_tokens": 2, "output_tokens": 7 } }),
    );
    let usage = Usage { input: 17, cached: 5, output: 7 };
    assert_eq!(reply, Some(Reply { text: "{\"edits\":[]}".to_owned(), usage, end: End::Done }));
}

#[test]
fn gemini_speaks_in_parts_and_thinks_apart() {
    let (call, body) = asked(&settings(Provider::Gemini, Form::Json), SchemaStyle::default());
    assert!(call.url.ends_with("/v1beta/models/m:generateContent"), "{}", call.url);
    assert_eq!(header(&call, "x-goog-api-key"), Some("sk-key"));
    assert_eq!(body["systemInstruction"]["parts"][0]["text"], "system");
    assert_eq!(body["contents"][1], json!({ "role": "model", "parts": [{ "text": "answer" }] }));
    let generation = &body["generationConfig"];
    assert_eq!(
        (&generation["maxOutputTokens"], &generation["temperature"]),
        (&json!(100), &json!(0.5))
    );
    assert_eq!(generation["responseMimeType"], "application/json");
    assert_eq!(generation["responseSchema"]["propertyOrdering"][0], "hypothesis");
    let reply = |value| reply(Provider::Gemini, &value);
    let answer = reply(json!({
        "candidates": [{ "content": { "parts": [{ "text": "hm", "thought": true }, { "text": "a" }, { "text": "b" }] },
                         "finishReason": "STOP" }],
        "usageMetadata": { "promptTokenCount": 9, "cachedContentTokenCount": 4,
                           "candidatesTokenCount": 3, "thoughtsTokenCount": 20 } }));
    let usage = Usage { input: 9, cached: 4, output: 23 };
    assert_eq!(answer, Some(Reply { text: "ab".to_owned(), usage, end: End::Done }));
    let end = |value| reply(value).unwrap().end;
    let refused = |why: &str| End::Refused(why.to_owned());
    assert_eq!(end(json!({ "promptFeedback": { "blockReason": "SAFETY" } })), refused("SAFETY"));
    assert_eq!(end(json!({ "candidates": [{ "finishReason": "MAX_TOKENS" }] })), End::Cut);
    assert_eq!(
        end(json!({ "candidates": [{ "finishReason": "RECITATION" }] })),
        refused("RECITATION")
    );
}

#[test]
fn ollama_is_given_room_for_the_whole_prompt() {
    let (call, body) = asked(&settings(Provider::Ollama, Form::Auto), SchemaStyle::default());
    assert_eq!(call.url, "http://127.0.0.1:11434/api/chat");
    assert_eq!((&body["stream"], &body["options"]["num_predict"]), (&json!(false), &json!(100)));
    assert_eq!(body["options"]["num_ctx"], 128);
    assert_eq!(body["format"]["type"], "object");
    let answer = reply(
        Provider::Ollama,
        &json!({ "message": { "content": "a" }, "done_reason": "length", "prompt_eval_count": 3, "eval_count": 4 }),
    );
    let usage = Usage { input: 3, cached: 0, output: 4 };
    assert_eq!(answer, Some(Reply { text: "a".to_owned(), usage, end: End::Cut }));
}

#[test]
fn what_is_no_answer_is_none() {
    for provider in [Provider::OpenAi, Provider::Anthropic, Provider::Gemini, Provider::Ollama] {
        for value in [
            json!(null),
            json!({}),
            json!([]),
            json!({ "choices": [], "content": "x" }),
            json!("x"),
        ] {
            assert_eq!(reply(provider, &value), None, "{provider:?} {value}");
        }
    }
}
