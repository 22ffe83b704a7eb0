//! Google's Gemini.

use serde::Serialize;
use serde_json::Value;

use super::{End, Only, Parts, Question, Reply, Role, Usage, body, count, text};
use crate::schema::Schema;
use crate::settings::Settings;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Request<'a> {
    system_instruction: Only<'a, [Only<'a, &'a str>; 1]>,
    contents: Vec<Content<'a>>,
    generation_config: Generation<'a>,
}

#[derive(Serialize)]
struct Content<'a> {
    role: &'static str,
    parts: [Only<'a, &'a str>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Generation<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_mime_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_schema: Option<&'a Schema>,
}

pub(super) fn call(settings: &Settings, question: &Question<'_>) -> Parts {
    let contents = question.messages.iter().map(|message| Content {
        role: if message.role == Role::Assistant { "model" } else { "user" },
        parts: [Only("text", message.content.as_str())],
    });
    let request = Request {
        system_instruction: Only("parts", [Only("text", question.system)]),
        contents: contents.collect(),
        generation_config: Generation {
            max_output_tokens: settings.max_tokens,
            temperature: settings.temperature,
            response_mime_type: question.schema.map(|_| "application/json"),
            response_schema: question.schema,
        },
    };
    let key = settings.key.as_ref().map(|key| ("x-goog-api-key", key.reveal().to_owned()));
    let name = settings.name.strip_prefix("models/").unwrap_or(&settings.name);
    (format!("/models/{name}:generateContent"), key.into_iter().collect(), body(&request))
}

pub(super) fn reply(value: &Value) -> Option<Reply> {
    let usage = Usage {
        input: count(value, "/usageMetadata/promptTokenCount"),
        cached: count(value, "/usageMetadata/cachedContentTokenCount"),
        output: count(value, "/usageMetadata/candidatesTokenCount")
            .saturating_add(count(value, "/usageMetadata/thoughtsTokenCount")),
    };
    let refused = |why: &str| End::Refused(why.to_owned());
    let blocked = text(value, "/promptFeedback/blockReason");
    if !blocked.is_empty() {
        return Some(Reply { text: String::new(), usage, end: refused(blocked) });
    }
    let candidate = value.pointer("/candidates/0")?;
    let parts = candidate.pointer("/content/parts").and_then(Value::as_array);
    let is_thought = |part: &Value| part.get("thought").and_then(Value::as_bool) == Some(true);
    let said: Vec<&str> = parts
        .into_iter()
        .flatten()
        .filter(|part| !is_thought(part))
        .map(|part| text(part, "/text"))
        .collect();
    let end = match text(candidate, "/finishReason") {
        "MAX_TOKENS" => End::Cut,
        "" | "STOP" | "FINISH_REASON_UNSPECIFIED" => End::Done,
        // SAFETY, RECITATION, BLOCKLIST, PROHIBITED_CONTENT, SPII, LANGUAGE, …
        why => refused(why),
    };
    Some(Reply { text: said.concat(), usage, end })
}
