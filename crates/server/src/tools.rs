//! The tools, as a client sees them. What they say and check lies elsewhere.

use std::sync::Arc;
use std::time::{Duration, Instant};

use autoresearch::core::experiment::Verdict;
use autoresearch::ledger::Message;
use autoresearch::{Change, Fate, Follower, Replacement};
use rmcp::handler::server::router::tool::ToolRouter;
use rmcp::handler::server::wrapper::Parameters;
use rmcp::model::{
    Implementation, ListResourceTemplatesResult, ListResourcesResult, PaginatedRequestParams,
    ProgressNotificationParam, ReadResourceRequestParams, ReadResourceResponse, ReadResourceResult,
    ResourceContents, ServerCapabilities, ServerConfig,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, Json, RoleServer, ServerHandler, tool, tool_handler, tool_router};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::answers::{Context, History, Proposed, Standing, Started, Stopping, Waited, told};
use crate::driver::{Driver, Wishes};
use crate::waiting::{Goal, Waiter};
use crate::{looking, resources, waiting};

/// Largest change that one call may carry, in bytes.
const LARGEST: usize = 4 << 20;

/// Longest hypothesis, in letters.
const SENTENCE: usize = 1000;

/// How long `wait` waits unless told otherwise, and at most: clients give a tool
/// about a minute.
const PATIENCE: u64 = 45;
const MOST_PATIENCE: u64 = 600;

/// How long `propose` waits for an idle engine to take the proposal.
const TAKING: Duration = Duration::from_secs(5);

const INSTRUCTIONS: &str = "\
AutoResearch improves one number by experiments on one file. You propose changes; the engine commits \
each, runs it under the same conditions, measures, judges and keeps or reverts it. You never run, \
measure or commit anything yourself, and editing the checkout has no effect. \
Begin with `context`; then `start`, and again and again `brief`, `propose`, `wait`.";

/// Serves the tools.
#[derive(Clone)]
pub(crate) struct Tools {
    driver: Arc<Driver>,
    tool_router: ToolRouter<Tools>,
}

/// How a session is begun.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct StartArguments {
    /// Name of the session; the latest one unless given, or a new one named after the date
    tag: Option<String>,
    /// How many experiments to make from now on; as configured unless given
    iterations: Option<u64>,
    /// Open a new session although there is one to go on with
    #[serde(default)]
    new: bool,
    /// Let the proposers of the configuration (as the embedded search) go on by themselves, too; your proposals always go first
    #[serde(default)]
    proposers: bool,
    /// Minutes without a proposal after which the session rests; 120 unless given
    idle_minutes: Option<u64>,
    /// Only say what would happen
    #[serde(default)]
    dry_run: bool,
}

/// A change to test: exactly one of `patch`, `replace` and `files`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ProposeArguments {
    /// One sentence: what is changed and why it should improve the metric
    hypothesis: String,
    /// A unified diff against the target as `brief` shows it
    patch: Option<String>,
    /// Passages to replace in the target as `brief` shows it
    replace: Option<Vec<PassageArguments>>,
    /// Whole new contents of target files
    files: Option<Vec<FileArguments>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
struct PassageArguments {
    /// Path of the target from the root of the repository
    path: String,
    /// Text that is there exactly once
    old: String,
    /// Text that comes in its place
    new: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
struct FileArguments {
    /// Path of the target from the root of the repository
    path: String,
    /// The whole text of the file
    content: String,
}

/// What to wait for; without either, for the next verdict or refusal.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct WaitArguments {
    /// Number of an experiment; 0 is the baseline
    experiment: Option<u64>,
    /// Number of a proposal, from `propose`
    proposal: Option<i64>,
    /// Seconds to wait at most: 45 unless given, 600 at most; keep it below your client's own time limit for tools
    seconds: Option<u64>,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
enum VerdictArgument {
    Keep,
    Discard,
    Crash,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct HistoryArguments {
    /// How many: the last 20 unless given, 200 at most
    last: Option<usize>,
    /// Only those with this verdict
    verdict: Option<VerdictArgument>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct DiffArguments {
    /// Number of an experiment; without it, all that was kept so far against the baseline
    experiment: Option<u64>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct StopArguments {
    /// End the running trial, too; going on later runs it again
    #[serde(default)]
    now: bool,
}

#[tool_router]
impl Tools {
    pub(crate) fn new(driver: Arc<Driver>) -> Tools {
        let mut tool_router = Tools::tool_router();
        for route in tool_router.map.values_mut() {
            let tool = &mut route.attr;
            tool.input_schema = plain(&tool.input_schema, true);
            tool.output_schema = tool.output_schema.as_ref().map(|schema| plain(schema, false));
        }
        Tools { driver, tool_router }
    }

    #[tool(
        description = "What is optimised here (metric, target, scope, budget), where things stand and how to work. Call this first.",
        annotations(title = "What this is about", read_only_hint = true, open_world_hint = false)
    )]
    async fn context(&self) -> Result<Json<Context>, String> {
        self.ask(looking::context).await.map(Json)
    }

    #[tool(
        description = "All that you need for the next proposal, as a page: the target as it is now, what was tried and why it failed, what is protected. Read it before each proposal.",
        annotations(
            title = "Brief for the next proposal",
            read_only_hint = true,
            open_world_hint = false
        )
    )]
    async fn brief(&self) -> Result<String, String> {
        self.ask(resources::brief).await
    }

    #[tool(
        description = "Opens a session from autoresearch.toml, or goes on with the latest one. The unmodified target runs first, as the baseline. Returns at once; the session runs until it is stopped, reaches its limit, or this server ends.",
        annotations(
            title = "Start or resume a session",
            read_only_hint = false,
            destructive_hint = false,
            idempotent_hint = false,
            open_world_hint = false
        )
    )]
    async fn start(
        &self,
        Parameters(arguments): Parameters<StartArguments>,
    ) -> Result<Json<Started>, String> {
        let minutes = arguments.idle_minutes.unwrap_or(120).clamp(1, 7 * 24 * 60);
        let wishes = Wishes {
            tag: arguments.tag,
            iterations: arguments.iterations,
            new: arguments.new,
            proposers: arguments.proposers,
            idle: Duration::from_secs(60 * minutes),
            dry_run: arguments.dry_run,
        };
        self.ask(move |driver| driver.start(&wishes)).await.map(Json)
    }

    #[tool(
        description = "Proposes one change to the target, with the hypothesis that it tests. It is checked at once: a refusal says why and costs nothing. Otherwise the engine commits, runs and judges it in its turn; then `wait` for its verdict. Give exactly one of patch, replace, files.",
        annotations(
            title = "Propose a change",
            read_only_hint = false,
            destructive_hint = false,
            idempotent_hint = false,
            open_world_hint = false
        )
    )]
    async fn propose(
        &self,
        Parameters(arguments): Parameters<ProposeArguments>,
        context: RequestContext<RoleServer>,
    ) -> Result<Json<Proposed>, String> {
        let by = context.peer.peer_info().and_then(|info| client_name(&serde_json::json!(info)));
        let by = by.unwrap_or_else(|| "mcp".to_owned());
        self.ask(move |driver| propose(driver, arguments, &by)).await.map(Json)
    }

    #[tool(
        description = "Waits until a proposal or an experiment is decided, or, without a number, for the next verdict or refusal. Returns what happened so far with done = false when the time is over: then call it again.",
        annotations(title = "Wait for a verdict", read_only_hint = true, open_world_hint = false)
    )]
    async fn wait(
        &self,
        Parameters(arguments): Parameters<WaitArguments>,
        context: RequestContext<RoleServer>,
    ) -> Result<Json<Waited>, String> {
        let goal = match (arguments.experiment, arguments.proposal) {
            (Some(_), Some(_)) => {
                return Err("both `experiment` and `proposal` are given\nremedy: give one".into());
            }
            (Some(number), None) => Goal::Experiment(number),
            (None, Some(message)) => Goal::Proposal(message),
            (None, None) => Goal::Anything,
        };
        let seconds = arguments.seconds.unwrap_or(PATIENCE).min(MOST_PATIENCE);
        let driver = Arc::clone(&self.driver);
        let mut waiter = off_thread(move || Waiter::new(driver, goal)).await?;
        let began = Instant::now();
        let mut told_at = Duration::ZERO;
        loop {
            let (back, answer) = off_thread(move || {
                let answer = waiter.step();
                Ok((waiter, answer))
            })
            .await?;
            waiter = back;
            if let Some(answer) = answer? {
                return Ok(Json(answer));
            }
            let waited = began.elapsed();
            if waited >= Duration::from_secs(seconds) || context.ct.is_cancelled() {
                return waiter.so_far().map(Json);
            }
            if waited >= told_at + Duration::from_secs(1)
                && let Some(token) = context.meta.get_progress_token()
            {
                told_at = waited;
                let mut progress = ProgressNotificationParam::new(token, waited.as_secs_f64())
                    .with_total(seconds as f64);
                if let Some(doing) = waiter.doing() {
                    progress = progress.with_message(doing);
                }
                // A client that is gone hears nothing.
                let _ = context.peer.notify_progress(progress).await;
            }
            tokio::select! {
                () = context.ct.cancelled() => {}
                () = tokio::time::sleep(waiting::LOOK) => {}
            }
        }
    }

    #[tool(
        description = "Where the session stands: running, waiting for you or resting, the best so far, counts, the queue, the last experiments.",
        annotations(title = "Where things stand", read_only_hint = true, open_world_hint = false)
    )]
    async fn status(&self) -> Result<Json<Standing>, String> {
        self.ask(looking::standing).await.map(Json)
    }

    #[tool(
        description = "The experiments with verdict, metric, hypothesis and reason, oldest first.",
        annotations(title = "Experiments so far", read_only_hint = true, open_world_hint = false)
    )]
    async fn history(
        &self,
        Parameters(arguments): Parameters<HistoryArguments>,
    ) -> Result<Json<History>, String> {
        let only = arguments.verdict.map(|verdict| match verdict {
            VerdictArgument::Keep => Verdict::Keep,
            VerdictArgument::Discard => Verdict::Discard,
            VerdictArgument::Crash => Verdict::Crash,
        });
        self.ask(move |driver| looking::history(driver, arguments.last, only)).await.map(Json)
    }

    #[tool(
        description = "The change of one experiment as a unified diff, or, without a number, all that was kept so far.",
        annotations(title = "A change as a diff", read_only_hint = true, open_world_hint = false)
    )]
    async fn diff(
        &self,
        Parameters(arguments): Parameters<DiffArguments>,
    ) -> Result<String, String> {
        self.ask(move |driver| looking::diff(driver, arguments.experiment)).await
    }

    #[tool(
        description = "What the session found: gain over the baseline, what was kept and what it is worth, what did not work and why, next steps.",
        annotations(title = "Report", read_only_hint = true, open_world_hint = false)
    )]
    async fn report(&self) -> Result<String, String> {
        self.ask(|driver| looking::report(&driver.session()?)).await
    }

    #[tool(
        description = "Stops the session after its current experiment, or now. Nothing is lost: `start` goes on with it.",
        annotations(
            title = "Stop the session",
            read_only_hint = false,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn stop(
        &self,
        Parameters(arguments): Parameters<StopArguments>,
    ) -> Result<Json<Stopping>, String> {
        let now = arguments.now;
        self.ask(move |driver| {
            let view = driver.session()?;
            let tag = view.plan().tag.clone();
            if view.engine().map_err(|error| told(&error))?.is_none() {
                return Err(format!("nobody runs the session {tag}; there is nothing to stop"));
            }
            view.post(&Message::Stop { now }).map_err(|error| told(&error))?;
            let when = if now { "now" } else { "after the current experiment" };
            Ok(Stopping { tag, when: when.to_owned() })
        })
        .await
        .map(Json)
    }

    /// Asks the engine, away from the thread that talks to the client.
    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Driver) -> Result<T, String> + Send + 'static,
    ) -> Result<T, String> {
        let driver = Arc::clone(&self.driver);
        off_thread(move || question(&driver)).await
    }
}

async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(format!("the server failed: {error}; this is a bug")))
}

fn propose(driver: &Driver, arguments: ProposeArguments, by: &str) -> Result<Proposed, String> {
    let hypothesis = arguments.hypothesis.trim().to_owned();
    if hypothesis.is_empty() || hypothesis.chars().count() > SENTENCE {
        return Err(format!(
            "the hypothesis is empty or longer than {SENTENCE} letters\nremedy: say in one sentence what is changed and why"
        ));
    }
    let view = driver.session()?;
    let change = change(arguments.patch, arguments.replace, arguments.files)?;
    if change.is_none() {
        let waits = view.engine().map_err(|error| told(&error))?.is_some_and(|it| it.waits);
        if waits || view.config().propose.proposer == ["queue"] {
            return Err("nobody here turns a sentence into an edit\nremedy: give `patch`, `replace` or `files`, too".to_owned());
        }
    }
    let offered = view.offer(&hypothesis, change.as_ref(), by).map_err(|error| told(&error))?;
    let number = match offered {
        Ok(number) => number,
        Err(refusal) => {
            return Ok(Proposed {
                state: "refused".to_owned(),
                proposal: None,
                experiment: None,
                refused: Some(refusal.to_string()),
                next: "mend the change and propose again; nothing was queued".to_owned(),
            });
        }
    };
    if view.engine().map_err(|error| told(&error))?.is_none() {
        return Ok(proposed(number, &Fate::Queued { ahead: 0 }, true));
    }
    let mut follower = Follower::new(view).map_err(|error| told(&error))?;
    let began = Instant::now();
    loop {
        let fate = follower.fate(number);
        // An idle engine takes it at once, a busy one in its turn.
        let is_idle = follower.state().current().is_none();
        match fate {
            Some(Fate::Queued { .. }) | None if is_idle && began.elapsed() < TAKING => {}
            fate => return Ok(proposed(number, &fate.unwrap_or(Fate::Dropped), false)),
        }
        std::thread::sleep(waiting::LOOK / 2);
        follower.catch_up().map_err(|error| told(&error))?;
    }
}

fn proposed(number: i64, fate: &Fate, rests: bool) -> Proposed {
    let (state, experiment, refused, next) = match fate {
        Fate::Queued { .. } if rests => {
            ("queued", None, None, "nobody runs the session: call `start`, then `wait`".to_owned())
        }
        Fate::Queued { ahead } => (
            "queued",
            None,
            None,
            format!("{ahead} others go first; `wait` with proposal {number}"),
        ),
        Fate::Experiment(n) => ("running", Some(*n), None, format!("`wait` with experiment {n}")),
        Fate::SetAside(why) => (
            "queued",
            None,
            Some(why.clone()),
            "it waits for a session with proposers; give `patch`, `replace` or `files` to test it now"
                .to_owned(),
        ),
        Fate::Refused(why) => {
            ("refused", None, Some(why.clone()), "mend the change and propose again".to_owned())
        }
        Fate::Dropped => {
            ("refused", None, Some("it was taken out of the queue".to_owned()), String::new())
        }
    };
    Proposed { state: state.to_owned(), proposal: Some(number), experiment, refused, next }
}

fn change(
    patch: Option<String>,
    replace: Option<Vec<PassageArguments>>,
    files: Option<Vec<FileArguments>>,
) -> Result<Option<Change>, String> {
    let change = match (patch, replace, files) {
        (None, None, None) => return Ok(None),
        (Some(patch), None, None) => Change::Patch(patch),
        (None, Some(passages), None) => Change::Replace(
            passages
                .into_iter()
                .map(|PassageArguments { path, old, new }| Replacement { path, old, new })
                .collect(),
        ),
        (None, None, Some(files)) => {
            Change::Files(files.into_iter().map(|file| (file.path, file.content)).collect())
        }
        _ => {
            return Err("more than one of `patch`, `replace` and `files` is given\nremedy: give exactly one".to_owned());
        }
    };
    let size: usize = match &change {
        Change::Patch(patch) => patch.len(),
        Change::Files(files) => files.iter().map(|(_, text)| text.len()).sum(),
        Change::Replace(passages) => passages.iter().map(|p| p.old.len() + p.new.len()).sum(),
    };
    if size > LARGEST {
        return Err(format!(
            "the change has {size} bytes, more than {LARGEST}\nremedy: propose one small change"
        ));
    }
    Ok(Some(change))
}

/// What the client calls itself, fit for a ledger.
fn client_name(info: &Value) -> Option<String> {
    let name: String = info["clientInfo"]["name"]
        .as_str()?
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c))
        .take(40)
        .collect();
    (!name.is_empty()).then(|| format!("mcp:{name}"))
}

/// A schema without what some clients refuse: formats that only Rust knows, and
/// in what is asked for a null beside a type: what is optional is left out.
fn plain(
    schema: &serde_json::Map<String, Value>,
    is_asked: bool,
) -> Arc<serde_json::Map<String, Value>> {
    fn walk(value: &mut Value, is_asked: bool) {
        match value {
            Value::Object(map) => {
                map.remove("$schema");
                map.retain(|key, value| !(key == "format" && value.is_string()));
                let choices = map.get_mut(if map.contains_key("anyOf") { "anyOf" } else { "type" });
                if let (true, Some(Value::Array(choices))) = (is_asked, choices) {
                    choices.retain(|one| *one != "null" && one["type"] != "null");
                    if let (1, Some(only)) = (choices.len(), choices.pop()) {
                        match only {
                            Value::Object(only) => {
                                map.remove("anyOf");
                                map.extend(only);
                            }
                            only => drop(map.insert("type".to_owned(), only)),
                        }
                    }
                }
                map.values_mut().for_each(|value| walk(value, is_asked));
            }
            Value::Array(items) => items.iter_mut().for_each(|item| walk(item, is_asked)),
            _ => {}
        }
    }
    let mut schema = Value::Object(schema.clone());
    walk(&mut schema, is_asked);
    match schema {
        Value::Object(map) => Arc::new(map),
        _ => Arc::default(),
    }
}

#[tool_handler(router = self.tool_router)]
impl ServerHandler for Tools {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder().enable_tools().enable_resources().build();
        let name = Implementation::new("autoresearch", env!("CARGO_PKG_VERSION"));
        ServerConfig::new(capabilities)
            .with_server_info(name.with_title("AutoResearch"))
            .with_instructions(INSTRUCTIONS)
    }

    async fn list_resources(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        Ok(ListResourcesResult::with_all_items(resources::list()))
    }

    async fn list_resource_templates(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        Ok(ListResourceTemplatesResult::with_all_items(resources::templates()))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let uri = request.uri.clone();
        let read = self.ask(move |driver| resources::read(driver, &uri)).await;
        match read {
            Ok(Some((text, kind))) => {
                let contents = ResourceContents::text(text, request.uri).with_mime_type(kind);
                Ok(ReadResourceResult::new(vec![contents]).into())
            }
            Ok(None) => {
                let message = format!("there is no {}; see resources/list", request.uri);
                Err(ErrorData::resource_not_found(message, None))
            }
            Err(why) => Err(ErrorData::internal_error(why, None)),
        }
    }
}
