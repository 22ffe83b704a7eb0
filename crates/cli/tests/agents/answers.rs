//! The wire formats of a model's answers. Sources: the providers' published API
//! references; only what agents need of them.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::model::Api;
use crate::tools::Call;

/// What every answer claims to have used.
const READ: u64 = 1000;
const CACHED: u64 = 200;
const WRITTEN: u64 = 50;

/// An error's body, as all providers' clients read it.
pub(crate) fn error(status: u16) -> String {
    let kind = match status {
        401 => "authentication_error",
        429 => "rate_limit_error",
        _ => "api_error",
    };
    let error = json!({ "type": kind, "message": format!("scripted {status}"), "code": status });
    json!({ "type": "error", "error": error }).to_string()
}

/// Content type and body.
pub(crate) fn of(api: Api, is_stream: bool, said: &str, calls: &[Call]) -> (&'static str, String) {
    let (whole, events) = match api {
        Api::Chat => chat(said, calls),
        Api::Responses => responses(said, calls),
        Api::Messages => messages(said, calls),
        Api::Gemini => gemini(said, calls),
    };
    if !is_stream {
        return ("application/json", whole.to_string());
    }
    let mut text = String::new();
    for event in events {
        if let Some(kind) = event["type"].as_str() {
            let _ = writeln!(text, "event: {kind}");
        }
        let _ = writeln!(text, "data: {event}\n");
    }
    if api == Api::Chat {
        text += "data: [DONE]\n\n";
    }
    ("text/event-stream", text)
}

/// Ids are unique within a conversation.
fn id(at: usize) -> String {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    format!("call_{}_{at}", NEXT.fetch_add(1, Ordering::Relaxed))
}

type Answer = (Value, Vec<Value>);

fn chat(said: &str, calls: &[Call]) -> Answer {
    let usage = json!({
        "prompt_tokens": READ, "completion_tokens": WRITTEN, "total_tokens": READ + WRITTEN,
        "prompt_tokens_details": { "cached_tokens": CACHED },
    });
    let calls: Vec<Value> = calls
        .iter()
        .enumerate()
        .map(|(at, call)| {
            let function = json!({ "name": call.name, "arguments": call.arguments.to_string() });
            json!({ "index": at, "id": id(at), "type": "function", "function": function })
        })
        .collect();
    let end = if calls.is_empty() { "stop" } else { "tool_calls" };
    let mut message = json!({ "role": "assistant", "content": said });
    if !calls.is_empty() {
        message["tool_calls"] = calls.into();
    }
    let frame = |kind: &str, choices: Value, usage: Value| {
        json!({
            "id": "chatcmpl-1", "created": 1, "model": "scripted", "object": kind,
            "choices": choices, "usage": usage,
        })
    };
    let chunk = "chat.completion.chunk";
    let events = vec![
        frame(chunk, json!([{ "index": 0, "delta": message, "finish_reason": null }]), Value::Null),
        frame(chunk, json!([{ "index": 0, "delta": {}, "finish_reason": end }]), Value::Null),
        frame(chunk, json!([]), usage.clone()),
    ];
    let choices = json!([{ "index": 0, "message": message, "finish_reason": end }]);
    (frame("chat.completion", choices, usage), events)
}

fn responses(said: &str, calls: &[Call]) -> Answer {
    let part = json!({ "type": "output_text", "text": said, "annotations": [] });
    let mut items = vec![json!({
        "id": "msg_1", "type": "message", "role": "assistant", "status": "completed",
        "content": [part],
    })];
    items.extend(calls.iter().enumerate().map(|(at, call)| {
        let id = id(at);
        json!({
            "id": format!("fc_{id}"), "type": "function_call", "status": "completed", "call_id": id,
            "name": call.name, "arguments": call.arguments.to_string(),
        })
    }));
    let whole = json!({
        "id": "resp_1", "object": "response", "created_at": 1, "model": "scripted",
        "status": "completed", "output": items,
        "usage": {
            "input_tokens": READ, "input_tokens_details": { "cached_tokens": CACHED },
            "output_tokens": WRITTEN, "output_tokens_details": { "reasoning_tokens": 0 },
            "total_tokens": READ + WRITTEN,
        },
    });
    let mut begun = whole.clone();
    begun["status"] = "in_progress".into();
    begun["output"] = json!([]);
    begun["usage"] = Value::Null;
    let mut events = vec![json!({ "type": "response.created", "response": begun })];
    for (at, item) in items.iter().enumerate() {
        for kind in ["response.output_item.added", "response.output_item.done"] {
            events.push(json!({ "type": kind, "output_index": at, "item": item }));
        }
    }
    events.push(json!({ "type": "response.completed", "response": whole }));
    for (number, event) in events.iter_mut().enumerate() {
        event["sequence_number"] = number.into();
    }
    (whole, events)
}

fn messages(said: &str, calls: &[Call]) -> Answer {
    let usage = |written: u64| {
        json!({
            "input_tokens": READ - CACHED, "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": CACHED, "output_tokens": written,
        })
    };
    let mut blocks = vec![json!({ "type": "text", "text": said })];
    blocks.extend(calls.iter().enumerate().map(|(at, call)| {
        let id = id(at).replace("call", "toolu");
        json!({ "type": "tool_use", "id": id, "name": call.name, "input": call.arguments })
    }));
    let end = if calls.is_empty() { "end_turn" } else { "tool_use" };
    let message = |content: Value, end: Value, usage: Value| {
        json!({
            "id": id(0).replace("call", "msg"), "type": "message", "role": "assistant",
            "model": "scripted", "content": content, "stop_reason": end, "stop_sequence": null,
            "usage": usage,
        })
    };
    let first = message(json!([]), Value::Null, usage(1));
    let mut events = vec![json!({ "type": "message_start", "message": first })];
    for (at, block) in blocks.iter().enumerate() {
        let (empty, delta) = if block["type"] == "text" {
            let delta = json!({ "type": "text_delta", "text": block["text"] });
            (json!({ "type": "text", "text": "" }), delta)
        } else {
            let mut empty = block.clone();
            empty["input"] = json!({});
            let part = block["input"].to_string();
            (empty, json!({ "type": "input_json_delta", "partial_json": part }))
        };
        events.push(json!({ "type": "content_block_start", "index": at, "content_block": empty }));
        events.push(json!({ "type": "content_block_delta", "index": at, "delta": delta }));
        events.push(json!({ "type": "content_block_stop", "index": at }));
    }
    events.push(json!({
        "type": "message_delta", "usage": usage(WRITTEN),
        "delta": { "stop_reason": end, "stop_sequence": null },
    }));
    events.push(json!({ "type": "message_stop" }));
    (message(blocks.into(), end.into(), usage(WRITTEN)), events)
}

fn gemini(said: &str, calls: &[Call]) -> Answer {
    let mut parts = vec![json!({ "text": said })];
    parts.extend(calls.iter().enumerate().map(|(at, call)| {
        json!({ "functionCall": { "id": id(at), "name": call.name, "args": call.arguments } })
    }));
    let whole = json!({
        "candidates": [{
            "content": { "role": "model", "parts": parts }, "index": 0, "finishReason": "STOP",
        }],
        "modelVersion": "scripted", "responseId": "scripted",
        "usageMetadata": {
            "promptTokenCount": READ, "candidatesTokenCount": WRITTEN,
            "cachedContentTokenCount": CACHED, "totalTokenCount": READ + WRITTEN,
        },
    });
    (whole.clone(), vec![whole])
}
