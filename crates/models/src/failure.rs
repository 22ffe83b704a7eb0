//! What a response that is no answer means: wait, give up, or say what to do.

use std::time::Duration;

use autoresearch_propose::ProposeError;
use serde_json::Value;

use crate::http::{Broken, Response};
use crate::settings::{DEFAULT_MAX_TOKENS, Provider, Settings};
use crate::wire::End;

/// A server's own words are shown up to here.
const SHOWN: usize = 300;

/// Nothing came back.
pub(crate) fn unanswered(broken: Broken, settings: &Settings) -> ProposeError {
    let reason = match broken {
        Broken::Stopped => return ProposeError::Interrupted,
        Broken::TimedOut => {
            format!("`{}` did not answer in time; `propose.timeout` gives it longer", settings.name)
        }
        Broken::Unreachable(why) => {
            let start = match settings.provider {
                Provider::Ollama => "; start it by `ollama serve`",
                _ => "",
            };
            format!("{} cannot be reached: {}{start}", settings.base_url, said(&why, settings))
        }
    };
    ProposeError::Unavailable { reason, retry_after: None }
}

/// A response with another status than 200, or with an error in its body.
pub(crate) fn refused(response: &Response, settings: &Settings) -> ProposeError {
    let body = String::from_utf8_lossy(&response.body);
    let value: Value = serde_json::from_str(&body).unwrap_or_default();
    let code = value.pointer("/error/code").and_then(Value::as_u64);
    let status = match (response.status, code.and_then(|code| u16::try_from(code).ok())) {
        // OpenRouter and others say 200 and put what happened into the body.
        (200..300, Some(code)) => code,
        (status, _) => status,
    };
    let words = said(&message(&value, &body), settings);
    let words = if words.is_empty() { format!("status {status}") } else { words };
    let name = &settings.name;
    let kind = kind(status, &body);
    match kind {
        Kind::Key => {
            let remedy = match &settings.key_env {
                Some(variable) => format!("check the key in `{variable}`"),
                None => "name the variable that holds its key in `model.key_env`".to_owned(),
            };
            // With a 401 some servers repeat parts of the key.
            let words = if status == 401 { String::new() } else { format!(": {words}") };
            ProposeError::Unusable(format!(
                "{} refuses the key ({status}{words}); {remedy}",
                settings.base_url
            ))
        }
        Kind::Money => ProposeError::Unusable(format!(
            "the account has nothing left ({status}: {words}); top it up, or use another model"
        )),
        Kind::Unknown => {
            let pull = match settings.provider {
                Provider::Ollama => format!(", or fetch it by `ollama pull {name}`"),
                Provider::OpenAi if settings.is_elsewhere => {
                    ", and whether `model.base_url` lacks `/v1`".to_owned()
                }
                _ => String::new(),
            };
            ProposeError::Unusable(format!(
                "{} does not know `{name}` ({status}: {words}); check `model.name`{pull}",
                settings.base_url
            ))
        }
        Kind::TooLong => ProposeError::Failed(format!(
            "the prompt is too long for `{name}` ({words}); use a model or server with a longer \
             context, or name fewer files in `read_only`"
        )),
        Kind::Busy => ProposeError::Unavailable {
            reason: format!("{} answers {status}: {words}", settings.base_url),
            retry_after: response.retry_after.or_else(|| delay_in(&value)),
        },
        Kind::Elsewhere => ProposeError::Unusable(format!(
            "{} answers {status}, a redirect; write the address it leads to into `model.base_url`",
            settings.base_url
        )),
        Kind::Other => ProposeError::Failed(format!("`{name}` answers {status}: {words}")),
    }
}

enum Kind {
    Key,
    Money,
    Unknown,
    TooLong,
    Busy,
    Elsewhere,
    Other,
}

fn kind(status: u16, body: &str) -> Kind {
    let body = body.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| body.contains(word));
    match status {
        401 | 403 => Kind::Key,
        // Gemini's status for a wrong key.
        400 if says(&["api_key_invalid", "api key not valid"]) => Kind::Key,
        402 => Kind::Money,
        400 | 429 if says(&["insufficient_quota", "credit balance is too low"]) => Kind::Money,
        413 => Kind::TooLong,
        400 | 422 | 500 if says(TOO_LONG) => Kind::TooLong,
        404 => Kind::Unknown,
        400 if says(&["not a valid model", "model_not_found"]) => Kind::Unknown,
        408 | 409 | 425 | 429 | 500.. => Kind::Busy,
        300..400 => Kind::Elsewhere,
        _ => Kind::Other,
    }
}

/// What OpenAI, Anthropic, Gemini, llama.cpp, vLLM and their like say.
const TOO_LONG: &[&str] = &[
    "context_length_exceeded",
    "maximum context length",
    "prompt is too long",
    "input token count",
    "exceed_context_size",
    "exceeds the available context size",
    "exceed context window",
    "input is too long",
];

/// The message in an error's body, whoever wrote it; else the body.
fn message(value: &Value, body: &str) -> String {
    ["/error/message", "/message", "/error", "/detail"]
        .iter()
        .find_map(|pointer| value.pointer(pointer).and_then(Value::as_str))
        .map_or_else(|| body.to_owned(), str::to_owned)
}

/// A server's words: one line, bounded, and without the key.
pub(crate) fn said(text: &str, settings: &Settings) -> String {
    let text = settings.key.as_ref().map_or_else(|| text.to_owned(), |key| key.struck_from(text));
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let words = clean.split_whitespace().collect::<Vec<_>>().join(" ");
    if words.chars().count() > SHOWN {
        words.chars().take(SHOWN).chain(['…']).collect()
    } else {
        words
    }
}

/// Gemini's `retryDelay`, as `34s`.
fn delay_in(value: &Value) -> Option<Duration> {
    let details = value.pointer("/error/details")?.as_array()?;
    let delay = details.iter().find_map(|detail| detail.get("retryDelay")?.as_str())?;
    Duration::try_from_secs_f64(delay.strip_suffix('s')?.parse().ok()?).ok()
}

/// An answer without a proposal in it, because of how it ended.
pub(crate) fn unfinished(end: &End, text: &str, settings: &Settings) -> Option<ProposeError> {
    let name = &settings.name;
    match end {
        End::Cut => {
            let most = match (settings.max_tokens, settings.provider) {
                (Some(most), _) => format!("at {most} tokens"),
                (None, Provider::Anthropic) => format!("at {DEFAULT_MAX_TOKENS} tokens"),
                (None, _) => "at the limit of its length".to_owned(),
            };
            Some(ProposeError::Failed(format!(
                "the answer of `{name}` was cut {most}; raise `model.max_tokens`"
            )))
        }
        End::Refused(why) => {
            let why = said(why, settings);
            let why = if why.is_empty() { String::new() } else { format!(": {why}") };
            Some(ProposeError::Failed(format!("`{name}` refuses to answer{why}")))
        }
        End::Done if text.trim().is_empty() => {
            Some(ProposeError::Failed(format!("the answer of `{name}` is empty")))
        }
        End::Done => None,
    }
}
