//! What a turn has cost, as agents tell it.

use autoresearch_core::spent::Spent;
use serde_json::Value;

/// The tokens that the answer to a prompt tells of: as the protocol will have it
/// (`usage`, not settled yet), or as Gemini CLI has it.
pub(super) fn of_turn(answer: &Value) -> Spent {
    let count = |value: &Value, name: &str| value[name].as_u64().unwrap_or(0);
    let usage = &answer["usage"];
    if usage.is_object() {
        let cached = count(usage, "cachedReadTokens");
        return Spent {
            input_tokens: count(usage, "inputTokens")
                .saturating_add(cached)
                .saturating_add(count(usage, "cachedWriteTokens")),
            cached_tokens: cached,
            output_tokens: count(usage, "outputTokens")
                .saturating_add(count(usage, "thoughtTokens")),
            ..Spent::default()
        };
    }
    let tokens = &answer["_meta"]["quota"]["token_count"];
    Spent {
        input_tokens: count(tokens, "input_tokens"),
        output_tokens: count(tokens, "output_tokens"),
        ..Spent::default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tokens_are_read_with_those_of_the_cache_and_of_thought() {
        let spent = of_turn(&json!({"stopReason": "end_turn", "usage": {
            "inputTokens": 10, "outputTokens": 5, "cachedReadTokens": 100,
            "cachedWriteTokens": 3, "thoughtTokens": 2, "totalTokens": 120,
        }}));
        assert_eq!((spent.input_tokens, spent.cached_tokens, spent.output_tokens), (113, 100, 7));
        assert!(of_turn(&json!({"stopReason": "end_turn"})).is_zero());
    }
}
