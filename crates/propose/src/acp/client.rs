//! The client's side of the protocol as a state machine: from a line that the
//! agent says to the lines that answer it.

use std::collections::HashMap;

use agent_client_protocol_schema::ProtocolVersion;
use agent_client_protocol_schema::v1::{
    self, AGENT_METHOD_NAMES as TO_AGENT, AuthMethod, CLIENT_METHOD_NAMES as TO_US,
    ClientCapabilities, ContentBlock, Error, ErrorCode, FileSystemCapabilities, InitializeRequest,
    InitializeResponse, NewSessionRequest, NewSessionResponse, RequestId, SessionConfigKind,
    SessionConfigOptionCategory, SessionConfigSelectOptions, SessionUpdate, StopReason,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::files::Files;
use super::permission::Calls;
use super::{Said, Who, usage};
use crate::agent::trouble::{self, Trouble};
use crate::{Heard, Listener, ProposeError};

/// Modes in which edits need no question, by their ids without punctuation:
/// Claude's, Gemini's, codex' (two of its clients).
const MODES: [&str; 4] = ["acceptedits", "autoedit", "workspacewrite", "auto"];
/// Bytes of what an agent said that are remembered, from its end.
const MOST_SAID: usize = 256 * 1024;

/// Why there is no proposal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Nobody is logged in.
    Login(String),
    /// It does not speak our protocol.
    Foreign(String),
    /// It was told to end.
    Cancelled,
    /// It ended without an answer: how, in our words, and its last line.
    Gone { how: String, last: Option<String> },
    /// Anything else.
    Other(String),
}

impl Fault {
    /// `is_stopped` is whether the proposer was told to end.
    pub(super) fn told(self, Who { name, login }: Who<'_>, is_stopped: bool) -> ProposeError {
        let (text, said) = match self {
            Fault::Login(said) => {
                return ProposeError::Unusable(format!("{name}: {said}; {login}"));
            }
            Fault::Foreign(said) => return ProposeError::Unusable(format!("{name}: {said}")),
            Fault::Cancelled if is_stopped => return ProposeError::Interrupted,
            Fault::Cancelled => {
                return ProposeError::Failed(format!("{name}: it ran out of time"));
            }
            // Our own words tell of no trouble with the model.
            Fault::Gone { how, last: None } => {
                return ProposeError::Failed(format!("{name}: {how}"));
            }
            Fault::Gone { how, last: Some(last) } => (format!("{name}: {how}: {last}"), last),
            Fault::Other(said) => (format!("{name}: {said}"), said),
        };
        match trouble::of(None, &said) {
            Trouble::Unusable => ProposeError::Unusable(format!("{text}; {login}")),
            Trouble::Unavailable => ProposeError::Unavailable { reason: text, retry_after: None },
            Trouble::OverBudget => ProposeError::OverBudget(text),
            Trouble::Other => ProposeError::Failed(text),
        }
    }
}

/// What we wait for an answer to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Initialize,
    Authenticate,
    Load,
    New,
    Mode,
    Prompt,
}

/// Any message.
#[derive(Debug, serde::Deserialize)]
struct Message {
    id: Option<RequestId>,
    method: Option<String>,
    #[serde(default)]
    params: Value,
    #[serde(default)]
    result: Value,
    error: Option<Error>,
}

/// One proposal's talk with an agent.
#[derive(Debug)]
pub(super) struct Client<'a> {
    files: &'a Files,
    prompt: String,
    /// The session to go on with.
    resumed: Option<String>,
    asked: Option<(i64, Asked)>,
    /// Of the last request.
    number: i64,
    session: Option<String>,
    can_load: bool,
    /// How to log in with a key that is in its environment; not tried yet.
    key_login: Option<String>,
    calls: Calls,
    /// Messages by their order; tools between two of them part them.
    text: String,
    answer: String,
    message: Option<String>,
    is_parted: bool,
    dollars: f64,
    fullness: Option<f64>,
    outcome: Option<Result<(), Fault>>,
    is_cancelled: bool,
}

impl<'a> Client<'a> {
    /// `resumed` is an earlier session, and what it has cost in US dollars.
    pub(super) fn new(
        files: &'a Files,
        prompt: String,
        resumed: Option<(&str, f64)>,
    ) -> Client<'a> {
        Client {
            files,
            prompt,
            resumed: resumed.map(|(id, _)| id.to_owned()),
            asked: None,
            number: 0,
            session: None,
            can_load: false,
            key_login: None,
            calls: Calls::default(),
            text: String::new(),
            answer: String::new(),
            message: None,
            is_parted: false,
            dollars: resumed.map_or(0.0, |(_, dollars)| dollars),
            fullness: None,
            outcome: None,
            is_cancelled: false,
        }
    }

    /// The line with which a talk begins.
    pub(super) fn first(&mut self) -> String {
        let files = FileSystemCapabilities::new().read_text_file(true).write_text_file(true);
        let request = InitializeRequest::new(ProtocolVersion::V1)
            .client_capabilities(ClientCapabilities::new().fs(files))
            .client_info(v1::Implementation::new("autoresearch", env!("CARGO_PKG_VERSION")));
        self.request(Asked::Initialize, TO_AGENT.initialize, &request)
    }

    /// Its session, if it has one.
    pub(super) fn session(&self) -> Option<&str> {
        self.session.as_deref()
    }

    pub(super) fn can_load(&self) -> bool {
        self.can_load
    }

    /// What the session has cost so far, in US dollars.
    pub(super) fn dollars(&self) -> f64 {
        self.dollars
    }

    /// Part of its context that is used, if it told.
    pub(super) fn fullness(&self) -> Option<f64> {
        self.fullness
    }

    /// How it ended; `None` if it went silent.
    pub(super) fn outcome(&self) -> Option<Result<(), Fault>> {
        self.outcome.clone()
    }

    pub(super) fn said(&self) -> Said {
        Said { text: self.text.clone(), answer: self.answer.clone() }
    }

    fn request(&mut self, asked: Asked, method: &str, params: &impl Serialize) -> String {
        self.number += 1;
        self.asked = Some((self.number, asked));
        json!({ "jsonrpc": "2.0", "id": self.number, "method": method, "params": params })
            .to_string()
    }

    fn ask(&mut self, heard: &mut Heard, asked: Asked, method: &str, params: &impl Serialize) {
        let line = self.request(asked, method, params);
        heard.answer.push(line);
    }

    fn end(&mut self, heard: &mut Heard, outcome: Result<(), Fault>) {
        self.outcome.get_or_insert(outcome);
        heard.done = true;
    }

    /// The answer to what we asked.
    fn take_answer(&mut self, heard: &mut Heard, asked: Asked, answer: Result<Value, Error>) {
        match (asked, answer) {
            (Asked::Initialize, Ok(answer)) => self.be_welcome(heard, answer),
            (Asked::New | Asked::Load, Ok(answer)) => self.open(heard, asked, answer),
            (Asked::Load, Err(_)) | (Asked::Authenticate, Ok(_)) => self.ask_new(heard),
            // It can do without.
            (Asked::Mode, _) => self.ask_prompt(heard),
            (Asked::Prompt, Ok(answer)) => self.conclude(heard, &answer),
            (Asked::New, Err(error)) if is_about_login(&error) && self.key_login.is_some() => {
                let method = self.key_login.take();
                let params = json!({ "methodId": method });
                self.ask(heard, Asked::Authenticate, TO_AGENT.authenticate, &params);
            }
            (_, Err(error)) => {
                let fault = fault_of(&error, asked);
                self.end(heard, Err(fault));
            }
        }
    }

    fn be_welcome(&mut self, heard: &mut Heard, answer: Value) {
        let version = answer["protocolVersion"].clone();
        match serde_json::from_value::<InitializeResponse>(answer) {
            Ok(answer) if answer.protocol_version == ProtocolVersion::V1 => {
                self.can_load = answer.agent_capabilities.load_session;
                self.key_login = answer.auth_methods.iter().find_map(|method| match method {
                    AuthMethod::Agent(method) => {
                        let id = method.id.0.to_string();
                        id.contains("api").then_some(id).filter(|id| id.contains("key"))
                    }
                    _ => None,
                });
                match self.resumed.clone().filter(|_| self.can_load) {
                    Some(id) => {
                        let params = v1::LoadSessionRequest::new(id, self.files.desk().to_owned());
                        self.ask(heard, Asked::Load, TO_AGENT.session_load, &params);
                    }
                    None => self.ask_new(heard),
                }
            }
            _ => {
                let why = format!(
                    "it speaks version {version} of the Agent Client Protocol, which is not 1; install a release of it that speaks 1"
                );
                self.end(heard, Err(Fault::Foreign(why)));
            }
        }
    }

    fn ask_new(&mut self, heard: &mut Heard) {
        self.resumed = None;
        self.dollars = 0.0;
        let params = NewSessionRequest::new(self.files.desk());
        self.ask(heard, Asked::New, TO_AGENT.session_new, &params);
    }

    fn open(&mut self, heard: &mut Heard, asked: Asked, mut answer: Value) {
        if asked == Asked::Load {
            // The rest is as in a new one; `null` is an answer, too.
            if !answer.is_object() {
                answer = json!({});
            }
            answer["sessionId"] = json!(self.resumed);
            // What it has said before was told again.
            self.forget();
        }
        match serde_json::from_value::<NewSessionResponse>(answer) {
            Ok(answer) => {
                self.session = Some(answer.session_id.0.to_string());
                self.choose_mode(heard, &answer);
            }
            Err(error) => {
                let why = format!("what it says of its session is not understood: {error}");
                self.end(heard, Err(Fault::Foreign(why)));
            }
        }
    }

    fn choose_mode(&mut self, heard: &mut Heard, answer: &NewSessionResponse) {
        let Some(session) = self.session.clone() else { return };
        if let Some(modes) = &answer.modes {
            let ids = modes.available_modes.iter().map(|mode| mode.id.0.to_string());
            let current = modes.current_mode_id.0.to_string();
            if let Some(mode) = chosen(ids.collect()).filter(|mode| *mode != current) {
                let params = json!({ "sessionId": session, "modeId": mode });
                return self.ask(heard, Asked::Mode, TO_AGENT.session_set_mode, &params);
            }
        }
        for option in answer.config_options.iter().flatten() {
            if option.category != Some(SessionConfigOptionCategory::Mode) {
                continue;
            }
            let SessionConfigKind::Select(select) = &option.kind else { continue };
            let SessionConfigSelectOptions::Ungrouped(all) = &select.options else { continue };
            let ids = all.iter().map(|one| one.value.0.to_string());
            let current = select.current_value.0.to_string();
            if let Some(mode) = chosen(ids.collect()).filter(|mode| *mode != current) {
                let id = option.id.0.to_string();
                let params = json!({ "sessionId": session, "configId": id, "value": mode });
                return self.ask(heard, Asked::Mode, TO_AGENT.session_set_config_option, &params);
            }
        }
        self.ask_prompt(heard);
    }

    fn ask_prompt(&mut self, heard: &mut Heard) {
        let Some(session) = self.session.clone() else { return };
        if self.is_cancelled {
            return self.end(heard, Err(Fault::Cancelled));
        }
        let block = ContentBlock::from(self.prompt.clone());
        let params = v1::PromptRequest::new(session, vec![block]);
        self.ask(heard, Asked::Prompt, TO_AGENT.session_prompt, &params);
    }

    fn conclude(&mut self, heard: &mut Heard, answer: &Value) {
        heard.spent += usage::of_turn(answer);
        let reason = serde_json::from_value(answer["stopReason"].clone());
        let failed = |why: &str| Err(Fault::Other(why.to_owned()));
        let outcome = match reason {
            Ok(StopReason::EndTurn) => Ok(()),
            Ok(StopReason::MaxTokens) => failed("its model's answer was cut off: it was too long"),
            Ok(StopReason::MaxTurnRequests) => failed("it asked its model as often as it may"),
            Ok(StopReason::Refusal) => failed("its model refused"),
            Ok(StopReason::Cancelled) => Err(Fault::Cancelled),
            _ => Err(Fault::Other(format!("it stopped for `{}`", answer["stopReason"]))),
        };
        self.end(heard, outcome);
    }

    /// What is asked of us.
    fn answer(&mut self, method: &str, params: Value) -> Result<Value, Error> {
        if method == TO_US.session_request_permission {
            let request = typed(params)?;
            let outcome = self.calls.decide(&request, self.files);
            to_value(&v1::RequestPermissionResponse::new(outcome))
        } else if method == TO_US.fs_read_text_file {
            let request: v1::ReadTextFileRequest = typed(params)?;
            let text = self.files.read(&request.path, request.line, request.limit);
            to_value(&v1::ReadTextFileResponse::new(text.map_err(of_file)?))
        } else if method == TO_US.fs_write_text_file {
            let request: v1::WriteTextFileRequest = typed(params)?;
            self.files.write(&request.path, &request.content).map_err(of_file)?;
            to_value(&v1::WriteTextFileResponse::new())
        } else {
            Err(Error::method_not_found())
        }
    }

    /// What it tells while it works.
    fn take_news(&mut self, heard: &mut Heard, params: Value) {
        let Ok(news) = typed::<v1::SessionNotification>(params) else { return };
        if self.asked.is_some_and(|(_, asked)| asked == Asked::Load) {
            return;
        }
        match news.update {
            SessionUpdate::AgentMessageChunk(chunk) => {
                let id = chunk.message_id.map(|id| id.0.to_string());
                if let ContentBlock::Text(text) = chunk.content {
                    self.say(id, &text.text);
                }
            }
            SessionUpdate::AgentThoughtChunk(_) => heard.doing = Some("thinking".to_owned()),
            SessionUpdate::ToolCall(call) => {
                heard.doing = Some(call.title.clone());
                let fields = v1::ToolCallUpdateFields::new()
                    .kind(call.kind)
                    .content(call.content)
                    .locations(call.locations);
                self.calls.note(&call.tool_call_id.0, &fields);
                self.is_parted = true;
            }
            SessionUpdate::ToolCallUpdate(call) => {
                heard.doing.clone_from(&call.fields.title);
                self.calls.note(&call.tool_call_id.0, &call.fields);
            }
            SessionUpdate::UsageUpdate(usage) => {
                if usage.size > 0 {
                    self.fullness = Some(usage.used as f64 / usage.size as f64);
                }
                if let Some(cost) = usage.cost.filter(|cost| cost.currency == "USD") {
                    // Of the whole session.
                    heard.spent.dollars += (cost.amount - self.dollars).max(0.0);
                    self.dollars = self.dollars.max(cost.amount);
                }
            }
            _ => {}
        }
    }

    fn say(&mut self, message: Option<String>, text: &str) {
        if std::mem::take(&mut self.is_parted) || message != self.message {
            self.message = message;
            self.answer.clear();
            if !self.text.is_empty() {
                self.text.push('\n');
            }
        }
        for all in [&mut self.text, &mut self.answer] {
            all.push_str(text);
            if all.len() > 2 * MOST_SAID {
                let from = all.ceil_char_boundary(all.len() - MOST_SAID);
                all.drain(..from);
            }
        }
    }

    fn forget(&mut self) {
        self.text.clear();
        self.answer.clear();
        self.is_parted = false;
    }
}

impl Listener for Client<'_> {
    fn hear(&mut self, line: &str) -> Heard {
        let mut heard = Heard::default();
        // Some print what is no message.
        let Ok(message) = serde_json::from_str::<Message>(line) else { return heard };
        match (message.method, message.id) {
            (Some(method), Some(id)) => {
                let answer = match self.answer(&method, message.params) {
                    Ok(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
                    Err(error) => json!({ "jsonrpc": "2.0", "id": id, "error": error }),
                };
                heard.answer.push(answer.to_string());
            }
            (Some(method), None) if method == TO_US.session_update => {
                self.take_news(&mut heard, message.params);
            }
            (None, Some(RequestId::Number(id))) => {
                if let Some((_, asked)) = self.asked.take_if(|(number, _)| *number == id) {
                    let answer = message.error.map_or(Ok(message.result), Err);
                    self.take_answer(&mut heard, asked, answer);
                }
            }
            _ => {}
        }
        heard
    }

    fn farewell(&mut self) -> Vec<String> {
        self.is_cancelled = true;
        let Some(session) = &self.session else { return Vec::new() };
        let cancel = json!({
            "jsonrpc": "2.0",
            "method": TO_AGENT.session_cancel,
            "params": { "sessionId": session },
        });
        vec![cancel.to_string()]
    }
}

fn typed<T: DeserializeOwned>(params: Value) -> Result<T, Error> {
    serde_json::from_value(params).map_err(|error| Error::invalid_params().data(error.to_string()))
}

fn to_value(answer: &impl Serialize) -> Result<Value, Error> {
    serde_json::to_value(answer).map_err(|_| Error::internal_error())
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn of_file(error: std::io::Error) -> Error {
    let code = match error.kind() {
        std::io::ErrorKind::NotFound => ErrorCode::ResourceNotFound,
        _ => ErrorCode::InvalidParams,
    };
    Error::new(code.into(), error.to_string())
}

/// The best of these modes.
fn chosen(ids: Vec<String>) -> Option<String> {
    let plain = |id: &str| -> String {
        let letters = id.chars().filter(char::is_ascii_alphanumeric);
        letters.map(|c| c.to_ascii_lowercase()).collect()
    };
    let known: HashMap<String, String> = ids.into_iter().map(|id| (plain(&id), id)).collect();
    MODES.iter().find_map(|mode| known.get(*mode).cloned())
}

fn is_about_login(error: &Error) -> bool {
    error.code == ErrorCode::AuthRequired
}

fn fault_of(error: &Error, asked: Asked) -> Fault {
    let details = error.data.as_ref().and_then(|data| {
        let text = data.as_str().or_else(|| data["message"].as_str());
        text.or_else(|| data["details"].as_str()).map(str::to_owned)
    });
    let said = match details {
        Some(details) if !error.message.contains(&details) => {
            format!("{}: {details}", error.message)
        }
        _ => error.message.clone(),
    };
    if is_about_login(error) || asked == Asked::Authenticate {
        Fault::Login(said)
    } else {
        Fault::Other(said)
    }
}
