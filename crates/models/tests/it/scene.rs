//! A desk in a temporary folder, a server, and the model between them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use autoresearch_core::agent::Price;
use autoresearch_core::metric::Direction;
use autoresearch_core::proposal::{Edit, FileEdit, Proposal};
use autoresearch_core::spent::Spent;
use autoresearch_models::{Form, Model, Provider, Wanted};
use autoresearch_propose::{
    Brief, Desk, Errand, Finished, Listener, ProposeError, Proposer as _, Text,
};
use autoresearch_testkit::{Response, Server};
use serde_json::{Value, json};

pub(crate) const KEY: &str = "sk-abcdef-0123456789";
pub(crate) const TARGET: &str = "RATE = 0.1\nSTEPS = 10\n\nprint(RATE * STEPS)\n";

pub(crate) const ALL: [Provider; 4] =
    [Provider::OpenAi, Provider::Anthropic, Provider::Gemini, Provider::Ollama];

/// A desk that notes what happens on it.
pub(crate) struct Bench {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) spent: Vec<Spent>,
    pub(crate) said: Vec<String>,
    /// What may be spent in all, in tokens.
    pub(crate) cap: u64,
    /// What was tried before.
    pub(crate) tried: Vec<Vec<FileEdit>>,
    pub(crate) stop: Arc<AtomicBool>,
    pub(crate) time_left: Duration,
}

impl Bench {
    pub(crate) fn new() -> Bench {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("train.py"), TARGET).unwrap();
        Bench {
            folder,
            spent: Vec::new(),
            said: Vec::new(),
            cap: u64::MAX,
            tried: Vec::new(),
            stop: Arc::default(),
            time_left: Duration::from_mins(1),
        }
    }
}

impl Desk for Bench {
    fn folder(&mut self) -> Result<std::path::PathBuf, ProposeError> {
        Ok(self.folder.path().to_owned())
    }

    fn run(&mut self, _: &Errand<'_>, _: &mut dyn Listener) -> Result<Finished, ProposeError> {
        unreachable!("a model runs no program")
    }

    fn tried(&self, edits: &[FileEdit]) -> Option<u64> {
        self.tried.iter().position(|tried| tried == edits).map(|at| at as u64 + 1)
    }

    fn spend(&mut self, spent: Spent) -> Result<(), ProposeError> {
        self.spent.push(spent);
        let all: Spent = self.spent.iter().copied().sum();
        if all.tokens() > self.cap {
            return Err(ProposeError::OverBudget("the cap is reached".to_owned()));
        }
        Ok(())
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    fn time_left(&self) -> Duration {
        self.time_left
    }

    fn say(&mut self, doing: &str) {
        self.said.push(doing.to_owned());
    }
}

pub(crate) fn brief() -> Brief {
    Brief {
        number: 7,
        budget_seconds: 60.0,
        command: vec!["python3".to_owned(), "train.py".to_owned()],
        // What a brief shows may be cut; what counts is on the desk.
        targets: vec![Text { path: "train.py".to_owned(), text: "RATE = 0.1\n…".to_owned() }],
        seed: 1,
        ..Brief::about("loss", Direction::Minimize)
    }
}

pub(crate) fn wanted(provider: Provider, url: &str, form: Form) -> Wanted {
    Wanted {
        provider: Some(provider),
        name: Some("small".to_owned()),
        base_url: Some(url.to_owned()),
        key_env: Some("A_KEY".to_owned()),
        form,
        price: Price { input: 3.0, cached: Some(0.3), output: 15.0 },
        ..Wanted::default()
    }
}

pub(crate) fn model(wanted: Wanted) -> Model {
    Model::new(wanted, &|name| (name == "A_KEY").then(|| KEY.to_owned()))
}

/// What comes of one question with the given responses in turn; the last
/// repeats.
pub(crate) fn propose(
    provider: Provider,
    form: Form,
    responses: Vec<Response>,
) -> (Result<Proposal, ProposeError>, Bench, Server) {
    let server = serving(responses);
    let mut bench = Bench::new();
    let answer = model(wanted(provider, &server.url(), form)).propose(&brief(), &mut bench);
    (answer, bench, server)
}

pub(crate) fn serving(responses: Vec<Response>) -> Server {
    let responses = Mutex::new(responses);
    Server::start(move |number, _| {
        let responses = responses.lock().unwrap();
        responses[number.min(responses.len() - 1)].clone()
    })
}

/// An answer in the words of an API: 1,000 tokens read, 400 of them from a
/// cache (Ollama has none), 50 written.
pub(crate) fn says(provider: Provider, text: &str) -> Response {
    Response::json(&match provider {
        Provider::OpenAi => json!({
            "choices": [{ "message": { "role": "assistant", "content": text }, "finish_reason": "stop" }],
            "usage": { "prompt_tokens": 1000, "completion_tokens": 50,
                       "prompt_tokens_details": { "cached_tokens": 400 } } }),
        Provider::Anthropic => json!({
            "type": "message", "role": "assistant", "stop_reason": "end_turn",
            "content": [match serde_json::from_str::<Value>(text) {
                Ok(input) => json!({ "type": "tool_use", "id": "t", "name": "propose", "input": input }),
                Err(_) => json!({ "type": "text", "text": text }),
            }],
            "usage": { "input_tokens": 600, "cache_read_input_tokens": 400, "output_tokens": 50 } }),
        Provider::Gemini => json!({
            "candidates": [{ "content": { "role": "model", "parts": [{ "text": text }] }, "finishReason": "STOP" }],
            "usageMetadata": { "promptTokenCount": 1000, "cachedContentTokenCount": 400,
                               "candidatesTokenCount": 20, "thoughtsTokenCount": 30 } }),
        Provider::Ollama => json!({
            "message": { "role": "assistant", "content": text }, "done": true, "done_reason": "stop",
            "prompt_eval_count": 1000, "eval_count": 50 }),
    })
}

/// An answer with one edit, in either form.
pub(crate) fn answer(form: Form, search: &str, replace: &str) -> String {
    if form == Form::Json {
        let edit = json!({ "path": "train.py", "search": search, "replace": replace });
        return json!({ "hypothesis": "a higher rate", "category": "optimizer",
                       "expected": "loss falls", "edits": [edit] })
        .to_string();
    }
    format!(
        "HYPOTHESIS: a higher rate\nCATEGORY: optimizer\nEXPECTED: loss falls\n\nFILE: train.py\n\
         <<<<<<< SEARCH\n{search}\n=======\n{replace}\n>>>>>>> REPLACE\n"
    )
}

pub(crate) fn content(proposal: &Proposal) -> String {
    let Edit::Files(files) = &proposal.edit else { panic!("{proposal:?}") };
    let [FileEdit { path, content: Some(content) }] = &files[..] else { panic!("{files:?}") };
    assert_eq!(path, "train.py");
    String::from_utf8(content.clone()).unwrap()
}
