//! The words of four APIs: what a question looks like in each, and where its
//! answer says what. One file an API; nothing here sends anything.

mod anthropic;
mod gemini;
mod ollama;
mod openai;

use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::apply::Texts;
use crate::http::Call;
use crate::schema::{self, Dialect, Schema};
use crate::settings::{Provider, Settings};

/// Who said something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Role {
    System,
    User,
    Assistant,
}

/// Something that was said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Message {
    pub(crate) role: Role,
    pub(crate) content: String,
}

/// How servers that speak OpenAI's API want to be told of a schema.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum SchemaStyle {
    /// `json_schema`, as OpenAI and most others.
    #[default]
    JsonSchema,
    /// `json_object` with the schema beside it, as older llama.cpp.
    JsonObject,
}

/// What a model is asked.
pub(crate) struct Question<'a> {
    pub(crate) system: &'a str,
    /// The user's and the model's, in turn.
    pub(crate) messages: &'a [Message],
    /// The form of an answer in JSON.
    pub(crate) schema: Option<&'a Schema>,
    pub(crate) style: SchemaStyle,
}

impl Question<'_> {
    /// For APIs where the system is one of those who speak.
    fn with_system(&self) -> Vec<Message> {
        let system = Message { role: Role::System, content: self.system.to_owned() };
        [&[system], self.messages].concat()
    }
}

/// Tokens of a request, as the API counts them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    /// Read, those from a cache among them.
    pub(crate) input: u64,
    pub(crate) cached: u64,
    /// Written, thoughts among them.
    pub(crate) output: u64,
}

/// Why an answer ends where it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The model was done.
    Done,
    /// It was cut at the limit of its length.
    Cut,
    /// It will not answer; in its words, where it has any.
    Refused(String),
}

/// A model's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) text: String,
    pub(crate) usage: Usage,
    pub(crate) end: End,
}

/// The request that asks a question.
pub(crate) fn call(settings: &Settings, question: &Question<'_>) -> Call {
    let (path, headers, body) = match settings.provider {
        Provider::OpenAi => openai::call(settings, question),
        Provider::Anthropic => anthropic::call(settings, question),
        Provider::Gemini => gemini::call(settings, question),
        Provider::Ollama => ollama::call(settings, question),
    };
    Call { url: format!("{}{path}", settings.base_url), headers, body }
}

/// The answer in a body; `None` where there is none.
pub(crate) fn reply(provider: Provider, body: &Value) -> Option<Reply> {
    match provider {
        Provider::OpenAi => openai::reply(body),
        Provider::Anthropic => anthropic::reply(body),
        Provider::Gemini => gemini::reply(body),
        Provider::Ollama => ollama::reply(body),
    }
}

/// The schema of answers, in what the server understands.
pub(crate) fn schema(settings: &Settings, targets: &Texts) -> Schema {
    let dialect = match settings.provider {
        Provider::Gemini => Dialect::Ordered,
        Provider::Ollama => Dialect::Grammar,
        Provider::OpenAi if settings.is_elsewhere => Dialect::Grammar,
        Provider::OpenAi | Provider::Anthropic => Dialect::Strict,
    };
    schema::of(targets, dialect)
}

/// Path, headers and body of a request.
type Parts = (String, Vec<(&'static str, String)>, Vec<u8>);

/// As JSON, in the order in which the parts are declared. Strings, numbers and
/// lists of them cannot fail.
fn body(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

/// The text at a path of names and numbers into JSON, or nothing.
fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The number at such a path, or 0.
fn count(value: &Value, pointer: &str) -> u64 {
    value.pointer(pointer).and_then(Value::as_u64).unwrap_or_default()
}

/// An object of the single entry `name`.
struct Only<'a, T>(&'a str, T);

impl<T: Serialize> Serialize for Only<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map([(self.0, &self.1)])
    }
}

#[cfg(test)]
mod tests;
