//! Ollama's own API.

use serde::Serialize;
use serde_json::Value;

use super::{End, Message, Parts, Question, Reply, Usage, body, count, text};
use crate::schema::Schema;
use crate::settings::{DEFAULT_MAX_TOKENS, Settings};

#[derive(Serialize)]
struct Request<'a> {
    model: &'a str,
    messages: Vec<Message>,
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<&'a Schema>,
    options: Options,
}

#[derive(Serialize)]
struct Options {
    num_ctx: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    num_predict: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
}

pub(super) fn call(settings: &Settings, question: &Question<'_>) -> Parts {
    let messages = question.with_system();
    let request = Request {
        model: &settings.name,
        stream: false,
        format: question.schema,
        options: Options {
            num_ctx: context_for(&messages, settings.max_tokens.unwrap_or(DEFAULT_MAX_TOKENS)),
            num_predict: settings.max_tokens,
            temperature: settings.temperature,
        },
        messages,
    };
    let key = settings.key.as_ref();
    let headers = key.map(|key| ("authorization", format!("Bearer {}", key.reveal())));
    ("/api/chat".to_owned(), headers.into_iter().collect(), body(&request))
}

/// Tokens of context: Ollama cuts a longer prompt without a word. A token is
/// three bytes of code or more; powers of two, since a change loads the model
/// again.
fn context_for(messages: &[Message], answer: u32) -> u64 {
    let bytes: usize = messages.iter().map(|message| message.content.len()).sum();
    (bytes as u64 / 3 + u64::from(answer)).next_power_of_two()
}

pub(super) fn reply(value: &Value) -> Option<Reply> {
    value.get("message")?;
    let end = if text(value, "/done_reason") == "length" { End::Cut } else { End::Done };
    let usage = Usage {
        input: count(value, "/prompt_eval_count"),
        cached: 0,
        output: count(value, "/eval_count"),
    };
    Some(Reply { text: text(value, "/message/content").to_owned(), usage, end })
}
