//! OpenAI's chat completions, and the many servers that speak them.

use serde::Serialize;
use serde_json::Value;

use super::{End, Message, Parts, Question, Reply, SchemaStyle, Usage, body, count, text};
use crate::schema::Schema;
use crate::settings::Settings;

#[derive(Serialize)]
struct Request<'a> {
    model: &'a str,
    messages: Vec<Message>,
    stream: bool,
    /// Its newer name, which OpenAI's newer models insist on …
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    /// … and the older one, which everybody else knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<Format<'a>>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Format<'a> {
    JsonSchema { json_schema: Named<'a> },
    JsonObject { schema: &'a Schema },
}

#[derive(Serialize)]
struct Named<'a> {
    name: &'static str,
    strict: bool,
    schema: &'a Schema,
}

pub(super) fn call(settings: &Settings, question: &Question<'_>) -> Parts {
    let (newer, older) = match settings.max_tokens {
        most if settings.is_elsewhere => (None, most),
        most => (most, None),
    };
    let response_format = question.schema.map(|schema| match question.style {
        SchemaStyle::JsonSchema => {
            Format::JsonSchema { json_schema: Named { name: "proposal", strict: true, schema } }
        }
        SchemaStyle::JsonObject => Format::JsonObject { schema },
    });
    let request = Request {
        model: &settings.name,
        messages: question.with_system(),
        stream: false,
        max_completion_tokens: newer,
        max_tokens: older,
        temperature: settings.temperature,
        response_format,
    };
    let key = settings.key.as_ref();
    let headers = key.map(|key| ("authorization", format!("Bearer {}", key.reveal())));
    ("/chat/completions".to_owned(), headers.into_iter().collect(), body(&request))
}

pub(super) fn reply(value: &Value) -> Option<Reply> {
    let choice = value.pointer("/choices/0")?;
    let content = match choice.pointer("/message/content") {
        Some(Value::String(content)) => content.clone(),
        Some(Value::Array(parts)) => parts.iter().map(|part| text(part, "/text")).collect(),
        _ => String::new(),
    };
    let refusal = text(choice, "/message/refusal");
    let end = match text(choice, "/finish_reason") {
        _ if !refusal.is_empty() => End::Refused(refusal.to_owned()),
        "length" => End::Cut,
        "content_filter" => End::Refused("its content filter".to_owned()),
        _ => End::Done,
    };
    let usage = Usage {
        input: count(value, "/usage/prompt_tokens"),
        cached: count(value, "/usage/prompt_tokens_details/cached_tokens"),
        output: count(value, "/usage/completion_tokens"),
    };
    Some(Reply { text: content, usage, end })
}
