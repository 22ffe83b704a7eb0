//! From what an agent says went wrong to what can be done about it.

/// What sort of trouble it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Nobody is logged in, the key is wrong, the model does not exist: asking
    /// again helps nothing.
    Unusable,
    /// The model cannot be reached, or only later.
    Unavailable,
    /// What it may cost is used up.
    OverBudget,
    /// Anything else.
    Other,
}

/// Words of providers and agents, in lower case: each was seen, or is in the
/// published error lists of Anthropic, `OpenAI` and Google.
const UNUSABLE: &[&str] = &[
    "authentication",
    "unauthorized",
    "unauthenticated",
    "not logged in",
    "please run /login",
    "log in",
    "api key",
    "api_key",
    "api-key",
    "permission_error",
    "permission denied on resource",
    "credit balance",
    "insufficient_quota",
    "model_not_found",
    "not_found_error",
    "no such model",
    "model not found",
];
const UNAVAILABLE: &[&str] = &[
    "rate limit",
    "rate_limit",
    "ratelimit",
    "too many requests",
    "resource_exhausted",
    "resource exhausted",
    "usage limit",
    "quota",
    "overloaded",
    "internal server error",
    "internalservererror",
    "server_error",
    "api_error",
    "bad gateway",
    "service unavailable",
    "temporarily",
    "temporary failure",
    "high demand",
    "connection error",
    "connection failed",
    "connection refused",
    "connection reset",
    "connection closed",
    "connection aborted",
    "connection timed out",
    "could not connect",
    "couldn't connect",
    "cannot connect",
    "unable to connect",
    "failed to connect",
    "error sending request",
    "econnre",
    "enotfound",
    "enetunreach",
    "ehostunreach",
    "eai_again",
    "etimedout",
    "fetch failed",
    "name resolution",
    "could not resolve",
    "network is unreachable",
    "network error",
    "waiting for network",
    "request timed out",
    "operation timed out",
    "request timeout",
    "read timeout",
    "gateway timeout",
    "api timeout",
    "apitimeouterror",
    "stream disconnected",
];

/// Trouble by its HTTP status, where that is known, and else by its text.
pub(crate) fn of(status: Option<u16>, text: &str) -> Trouble {
    let text = text.to_lowercase();
    if text.contains("insufficient_quota") || text.contains("credit balance") {
        return Trouble::Unusable;
    }
    if text.contains("max_budget") {
        return Trouble::OverBudget;
    }
    let found = status.or_else(|| status_in(&text)).map_or(Trouble::Other, by_status);
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    match found {
        Trouble::Other if says(UNUSABLE) => Trouble::Unusable,
        Trouble::Other if says(UNAVAILABLE) => Trouble::Unavailable,
        found => found,
    }
}

/// The HTTP status that a text in lower case tells of: a number of three digits at
/// the start of a line, behind a word that says that it is one, or at the end of a
/// line that tells of an internal error, as ACP calls what a model's API answers. Other numbers count lines, or anything else.
fn status_in(text: &str) -> Option<u16> {
    text.lines().find_map(|line| {
        let words: Vec<&str> = line
            .split(|c: char| !c.is_ascii_alphanumeric())
            .filter(|word| !word.is_empty())
            .collect();
        words.iter().enumerate().find_map(|(at, word)| {
            let before = at.checked_sub(1).map(|before| words[before]);
            let ends_an_error = at + 1 == words.len() && line.contains("internal error");
            let says_so =
                matches!(before, None | Some("status" | "statuscode" | "code" | "error" | "http"));
            let status = word.parse().ok().filter(|_| word.len() == 3)?;
            let is_one = (says_so || ends_an_error) && by_status(status) != Trouble::Other;
            is_one.then_some(status)
        })
    })
}

fn by_status(status: u16) -> Trouble {
    match status {
        401..=404 => Trouble::Unusable,
        408 | 425 | 429 | 500 | 502 | 503 | 504 | 520..=529 => Trouble::Unavailable,
        _ => Trouble::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the agents named in docs/agents.md print them.
    #[test]
    fn what_agents_say_is_told_apart() {
        for text in [
            "Invalid API key · Fix external API key",
            "Not logged in · Please run /login",
            "Internal error: scripted 401",
            "unexpected status 401 Unauthorized: invalid x-api-key, url: http://127.0.0.1/v1",
            "[API Error: {\"error\":{\"type\":\"authentication_error\",\"code\":401}}]",
            "litellm.AuthenticationError: AuthenticationError: OpenAIException",
            "429 You exceeded your current quota (insufficient_quota)",
        ] {
            assert_eq!(of(None, text), Trouble::Unusable, "{text}");
        }
        for text in [
            "exceeded retry limit, last status: 429 Too Many Requests",
            "API Error: 500 boom",
            "Connection error.",
            "Reconnecting... waiting for network (Connection failed: error sending request)",
            "[API Error: Model stream failed: overloaded]",
            "curl: (7) Failed to connect to api.example.com port 443",
            "connect ECONNREFUSED 127.0.0.1:8123",
            "Request timed out.",
            "HTTP 503",
            "error code: 529",
            "litellm.InternalServerError: InternalServerError: OpenAIException - boom",
        ] {
            assert_eq!(of(None, text), Trouble::Unavailable, "{text}");
        }
        for text in [
            "the edit tool failed 3 times",
            "SyntaxError: error in line 401",
            "error: train.py, line 429: the step is too large",
            "error: expected 503 rows, found 402",
            "fully connected layers of 401 neurons in the network gave an error",
            "the network diverged with an error of 0.5",
            "error: the connection between both blocks is missing",
            "error: `timeout` is not defined",
            "error: the temporary file is missing",
        ] {
            assert_eq!(of(None, text), Trouble::Other, "{text}");
        }
        assert_eq!(of(None, "error_max_budget_usd"), Trouble::OverBudget);
        assert_eq!(of(Some(529), "boom"), Trouble::Unavailable);
        assert_eq!(of(Some(400), "prompt is too long"), Trouble::Other);
    }
}
