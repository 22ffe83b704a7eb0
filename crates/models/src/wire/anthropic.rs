//! Anthropic's messages. An answer by a schema is the input of a tool that the
//! model is made to use.

use serde::Serialize;
use serde_json::{Value, json};

use super::{End, Message, Parts, Question, Reply, Usage, body, count, text};
use crate::schema::Schema;
use crate::settings::{DEFAULT_MAX_TOKENS, Settings};

#[derive(Serialize)]
struct Request<'a> {
    model: &'a str,
    max_tokens: u32,
    system: &'a str,
    messages: &'a [Message],
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tools: Option<[Tool<'a>; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<Value>,
}

#[derive(Serialize)]
struct Tool<'a> {
    name: &'static str,
    description: &'static str,
    input_schema: &'a Schema,
}

pub(super) fn call(settings: &Settings, question: &Question<'_>) -> Parts {
    let tool = |schema| Tool {
        name: "propose",
        description: "Hands over the one change that is proposed",
        input_schema: schema,
    };
    let request = Request {
        model: &settings.name,
        max_tokens: settings.max_tokens.unwrap_or(DEFAULT_MAX_TOKENS),
        system: question.system,
        messages: question.messages,
        temperature: settings.temperature,
        tools: question.schema.map(|schema| [tool(schema)]),
        tool_choice: question.schema.map(|_| json!({ "type": "tool", "name": "propose" })),
    };
    let mut headers = vec![("anthropic-version", "2023-06-01".to_owned())];
    headers.extend(settings.key.as_ref().map(|key| ("x-api-key", key.reveal().to_owned())));
    ("/v1/messages".to_owned(), headers, body(&request))
}

pub(super) fn reply(value: &Value) -> Option<Reply> {
    let parts = value.get("content")?.as_array()?;
    let said = |part: &Value| match text(part, "/type") {
        "text" => text(part, "/text").to_owned(),
        "tool_use" => part.get("input").map(Value::to_string).unwrap_or_default(),
        _ => String::new(),
    };
    let end = match text(value, "/stop_reason") {
        "max_tokens" | "model_context_window_exceeded" => End::Cut,
        "refusal" => End::Refused(String::new()),
        _ => End::Done,
    };
    let cached = count(value, "/usage/cache_read_input_tokens");
    let usage = Usage {
        // What is read from or into a cache is counted apart there.
        input: count(value, "/usage/input_tokens")
            .saturating_add(cached)
            .saturating_add(count(value, "/usage/cache_creation_input_tokens")),
        cached,
        output: count(value, "/usage/output_tokens"),
    };
    Some(Reply { text: parts.iter().map(said).collect(), usage, end })
}
