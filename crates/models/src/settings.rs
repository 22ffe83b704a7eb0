//! Which model is asked, where, and with which key.

use std::fmt;

use autoresearch_core::agent::Price;

/// Which API is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    /// OpenAI's chat completions, and the many servers that speak them.
    OpenAi,
    /// Anthropic's messages.
    Anthropic,
    /// Google's Gemini.
    Gemini,
    /// Ollama's own.
    Ollama,
}

impl Provider {
    /// By its name in the configuration.
    pub fn named(name: &str) -> Option<Provider> {
        Some(match name {
            "openai" => Provider::OpenAi,
            "anthropic" => Provider::Anthropic,
            "gemini" => Provider::Gemini,
            "ollama" => Provider::Ollama,
            _ => return None,
        })
    }

    /// Who serves a model of this name, where the name tells.
    fn serving(model: &str) -> Option<Provider> {
        let is = |starts: &[&str]| starts.iter().any(|start| model.starts_with(start));
        if is(&["claude"]) {
            Some(Provider::Anthropic)
        } else if is(&["gemini"]) {
            Some(Provider::Gemini)
        } else if is(&["gpt-", "chatgpt-", "codex-", "o1", "o3", "o4"]) && !model.contains(':') {
            Some(Provider::OpenAi)
        } else {
            None
        }
    }

    /// Where it is reached unless told otherwise.
    fn base_url(self) -> &'static str {
        match self {
            Provider::OpenAi => "https://api.openai.com/v1",
            Provider::Anthropic => "https://api.anthropic.com",
            Provider::Gemini => "https://generativelanguage.googleapis.com/v1beta",
            Provider::Ollama => "http://127.0.0.1:11434",
        }
    }

    /// The variable that people keep its key in.
    fn key_variable(self) -> Option<&'static str> {
        match self {
            Provider::OpenAi => Some("OPENAI_API_KEY"),
            Provider::Anthropic => Some("ANTHROPIC_API_KEY"),
            Provider::Gemini => Some("GEMINI_API_KEY"),
            Provider::Ollama => None,
        }
    }
}

/// How a model writes its answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// JSON from Ollama, blocks from everyone else.
    #[default]
    Auto,
    /// Blocks that search and replace.
    Blocks,
    /// One JSON object by a schema, for small models.
    Json,
}

impl Form {
    /// By its name in the configuration.
    pub fn named(name: &str) -> Option<Form> {
        Some(match name {
            "auto" => Form::Auto,
            "blocks" => Form::Blocks,
            "json" => Form::Json,
            _ => return None,
        })
    }
}

/// Most tokens of one answer where the API must be told and nobody did.
pub const DEFAULT_MAX_TOKENS: u32 = 8192;

/// The same for JSON from a local server: a small model that repeats itself
/// within a string would go on for ever.
pub(crate) const MAX_JSON_TOKENS: u32 = 2048;

/// What the user wants, as configured.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wanted {
    /// Which API; guessed from the model's name where that tells.
    pub provider: Option<Provider>,
    /// The model's name, as the API knows it.
    pub name: Option<String>,
    /// Where the API is; the provider's own address otherwise.
    pub base_url: Option<String>,
    /// Name of the variable that holds the key. With `base_url`, no key is sent
    /// unless this is given: the key of one service is not for another.
    pub key_env: Option<String>,
    /// How answers are written.
    pub form: Form,
    /// Most tokens of one answer; the API's own limit where it has one.
    pub max_tokens: Option<u32>,
    /// Sampling temperature; the API's own otherwise.
    pub temperature: Option<f64>,
    /// What tokens cost; nothing where nobody said.
    pub price: Price,
}

/// Why no model can be asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// No name.
    #[error("the proposer `model` needs the name of a model")]
    NoName,
    /// The name does not tell who serves it.
    #[error("nothing says who serves the model `{0}`")]
    NoProvider(String),
    /// Not an address.
    #[error("`model.base_url` is no address of a server: {0}")]
    BadUrl(&'static str),
    /// The key is not in the environment.
    #[error("the variable `{0}` is not set, and the model's key is looked for there")]
    NoKey(String),
    /// What is in the variable cannot be a key.
    #[error("what the variable `{0}` holds is no key: it has spaces or unprintable characters")]
    BadKey(String),
}

impl Misfit {
    /// What to do about it, as an imperative.
    pub fn hint(&self) -> String {
        match self {
            Misfit::NoName => "name one, as `--model claude-sonnet-4-5`".to_owned(),
            Misfit::NoProvider(_) => {
                "set `model.provider` to `openai`, `anthropic`, `gemini` or `ollama`, or `model.base_url` to a server that speaks OpenAI's API"
                    .to_owned()
            }
            Misfit::BadUrl(_) => "write it as `http://127.0.0.1:8080/v1`".to_owned(),
            Misfit::NoKey(name) => format!(
                "run `export {name}=…`, or name another variable in `model.key_env`"
            ),
            Misfit::BadKey(name) => format!("copy the key again: `export {name}=…`"),
        }
    }
}

/// A key. It shows itself to nobody.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Key(String);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

impl Key {
    /// For the one header that it goes into.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    /// A server's words without the key in them.
    pub(crate) fn struck_from(&self, text: &str) -> String {
        text.replace(&self.0, "…")
    }
}

/// What is asked, complete.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) provider: Provider,
    pub(crate) name: String,
    /// Without a slash at its end.
    pub(crate) base_url: String,
    /// Whether it is not the provider's own address.
    pub(crate) is_elsewhere: bool,
    pub(crate) key: Option<Key>,
    /// Where the key was found, for whoever has to change it.
    pub(crate) key_env: Option<String>,
    pub(crate) is_json: bool,
    pub(crate) max_tokens: Option<u32>,
    pub(crate) temperature: Option<f64>,
    pub(crate) price: Price,
}

impl Settings {
    /// Completes what is wanted; `variable` looks into the environment.
    pub(crate) fn of(
        wanted: Wanted,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Settings, Misfit> {
        let name = wanted.name.filter(|name| !name.trim().is_empty()).ok_or(Misfit::NoName)?;
        let is_elsewhere = wanted.base_url.is_some();
        let provider = wanted
            .provider
            .or_else(|| is_elsewhere.then_some(Provider::OpenAi))
            .or_else(|| Provider::serving(&name))
            .ok_or_else(|| Misfit::NoProvider(name.clone()))?;
        let base_url = wanted.base_url.unwrap_or_else(|| provider.base_url().to_owned());
        check_url(&base_url).map_err(Misfit::BadUrl)?;
        let key_env = match wanted.key_env {
            None if !is_elsewhere => provider.key_variable().map(str::to_owned),
            given => given,
        };
        let key = match &key_env {
            None => None,
            Some(name) => {
                let key = variable(name).map(|key| key.trim().to_owned());
                let key = key.filter(|key| !key.is_empty());
                let key = key.ok_or_else(|| Misfit::NoKey(name.clone()))?;
                if !key.chars().all(|c| c.is_ascii_graphic()) {
                    return Err(Misfit::BadKey(name.clone()));
                }
                Some(Key(key))
            }
        };
        let is_json = match wanted.form {
            Form::Auto => provider == Provider::Ollama,
            Form::Blocks => false,
            Form::Json => true,
        };
        let is_local = provider == Provider::Ollama || is_elsewhere;
        Ok(Settings {
            provider,
            name,
            base_url: base_url.trim_end_matches('/').to_owned(),
            is_elsewhere,
            key,
            key_env,
            is_json,
            max_tokens: wanted.max_tokens.or((is_json && is_local).then_some(MAX_JSON_TOKENS)),
            temperature: wanted.temperature,
            price: wanted.price,
        })
    }
}

fn check_url(url: &str) -> Result<(), &'static str> {
    let uri: ureq::http::Uri = url.parse().map_err(|_| "it cannot be read")?;
    match uri.scheme_str() {
        Some("http" | "https") => {}
        _ => return Err("it does not begin with http:// or https://"),
    }
    let authority = uri.authority().ok_or("it names no host")?;
    if authority.host().is_empty() {
        return Err("it names no host");
    }
    // It is shown, journalled and committed, and a key is for none of that.
    if authority.as_str().contains('@') {
        return Err(
            "it holds a name or password; put a key into a variable and name that in `model.key_env`",
        );
    }
    if uri.query().is_some() {
        return Err("it has a query; leave out what follows `?`");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "sk-very-secret";

    fn of(wanted: Wanted) -> Result<Settings, Misfit> {
        Settings::of(wanted, &|name| name.ends_with("_API_KEY").then(|| format!(" {SECRET}\n")))
    }

    fn named(name: &str) -> Wanted {
        Wanted { name: Some(name.to_owned()), ..Wanted::default() }
    }

    #[test]
    fn the_name_tells_who_serves_it_where_it_can() {
        let provider = |name: &str| of(named(name)).map(|settings| settings.provider);
        assert_eq!(provider("claude-opus-4-1"), Ok(Provider::Anthropic));
        assert_eq!(provider("gemini-2.5-flash"), Ok(Provider::Gemini));
        assert_eq!(provider("gpt-5"), Ok(Provider::OpenAi));
        assert_eq!(provider("gpt-oss:20b"), Err(Misfit::NoProvider("gpt-oss:20b".to_owned())));
        assert_eq!(provider("qwen3"), Err(Misfit::NoProvider("qwen3".to_owned())));
        let local =
            Wanted { base_url: Some("http://127.0.0.1:1/v1/".to_owned()), ..named("qwen3") };
        let local = of(local).unwrap();
        assert_eq!(
            (local.provider, local.base_url.as_str()),
            (Provider::OpenAi, "http://127.0.0.1:1/v1")
        );
    }

    #[test]
    fn a_key_is_never_shown_and_never_sent_elsewhere_unasked() {
        let settings = of(named("gpt-5")).unwrap();
        assert_eq!(settings.key.as_ref().map(Key::reveal), Some(SECRET));
        assert!(!format!("{settings:?}").contains("very-secret"));
        let elsewhere =
            Wanted { base_url: Some("https://example.org/v1".to_owned()), ..named("gpt-5") };
        assert_eq!(of(elsewhere.clone()).unwrap().key, None);
        let asked = Wanted { key_env: Some("MY_API_KEY".to_owned()), ..elsewhere };
        assert!(of(asked).unwrap().key.is_some());
    }

    #[test]
    fn what_is_missing_is_named() {
        assert_eq!(of(Wanted::default()).unwrap_err(), Misfit::NoName);
        let no_key = Wanted { key_env: Some("NOWHERE".to_owned()), ..named("gpt-5") };
        assert_eq!(of(no_key).unwrap_err(), Misfit::NoKey("NOWHERE".to_owned()));
        let odd = Settings::of(named("gpt-5"), &|_| Some("a b".to_owned()));
        assert_eq!(odd.unwrap_err(), Misfit::BadKey("OPENAI_API_KEY".to_owned()));
        for url in ["ftp://x", "nonsense", "", "http://", "http://me:pw@host/v1", "http://h/?k=v"] {
            let wanted = Wanted { base_url: Some(url.to_owned()), ..named("x") };
            assert!(matches!(of(wanted), Err(Misfit::BadUrl(_))), "{url}");
        }
    }
}
