//! The proposer: asks, reads, applies; asks once more where that fails.

use std::time::Instant;

use autoresearch_core::proposal::{Category, Edit, FileEdit, Proposal};
use autoresearch_core::spent::Spent;
use autoresearch_propose::{Brief, Desk, Part, ProposeError, Proposer};
use serde_json::Value;

use crate::answer::{Answer, spoken};
use crate::apply::{Texts, apply};
use crate::blocks::Marks;
use crate::prompt::{self, Shape};
use crate::schema::Schema;
use crate::settings::{Misfit, Provider, Settings, Wanted};
use crate::wire::{self, Message, Question, Reply, Role, SchemaStyle, Usage};
use crate::{blocks, failure, http, json};

/// A model behind an API.
#[derive(Debug)]
pub struct Model(Result<Asker, Misfit>);

#[derive(Debug)]
struct Asker {
    settings: Settings,
    /// What the server understood last; found out again by a new session.
    style: SchemaStyle,
    /// Whether the server ever answered by a schema.
    is_style_known: bool,
}

impl Model {
    /// The model that is wanted; `variable` looks into the environment, where
    /// its key is. One that lacks something says so when it is asked.
    pub fn new(wanted: Wanted, variable: &dyn Fn(&str) -> Option<String>) -> Model {
        Model(Settings::of(wanted, variable).map(|settings| Asker {
            settings,
            style: SchemaStyle::default(),
            is_style_known: false,
        }))
    }

    /// What it lacks, and what to do about it.
    pub fn misfit(&self) -> Option<&Misfit> {
        self.0.as_ref().err()
    }
}

impl Asker {
    /// One request, with what it cost booked.
    fn ask(
        &mut self,
        asked: &Asked<'_>,
        messages: &[Message],
        desk: &mut dyn Desk,
    ) -> Result<Reply, ProposeError> {
        let may_fall_back = asked.schema.is_some()
            && self.settings.provider == Provider::OpenAi
            && self.settings.is_elsewhere
            && !self.is_style_known;
        match self.ask_in(self.style, asked, messages, desk) {
            Err(Trouble::Form(_)) if may_fall_back => {
                self.style = SchemaStyle::JsonObject;
                let answer = self.ask_in(self.style, asked, messages, desk);
                if answer.is_err() {
                    self.style = SchemaStyle::default();
                }
                answer
            }
            answer => answer,
        }
        .inspect(|_| self.is_style_known = true)
        .map_err(|(Trouble::Form(error) | Trouble::Other(error))| error)
    }

    fn ask_in(
        &self,
        style: SchemaStyle,
        asked: &Asked<'_>,
        messages: &[Message],
        desk: &mut dyn Desk,
    ) -> Result<Reply, Trouble> {
        let settings = &self.settings;
        let schema = asked.schema.as_ref();
        let question = Question { system: &asked.system, messages, schema, style };
        let call = wire::call(settings, &question);
        let response = http::post(call, asked.deadline, &mut || desk.is_stopped())
            .map_err(|broken| Trouble::Other(failure::unanswered(broken, settings)))?;
        let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
        let reply = wire::reply(settings.provider, &body).filter(|_| response.status == 200);
        let Some(reply) = reply else {
            let error = failure::refused(&response, settings);
            let is_form = matches!(response.status, 400 | 422 | 500);
            return Err(if is_form { Trouble::Form(error) } else { Trouble::Other(error) });
        };
        desk.spend(self.cost(reply.usage)).map_err(Trouble::Other)?;
        match failure::unfinished(&reply.end, &reply.text, settings) {
            Some(error) => Err(Trouble::Other(error)),
            None => Ok(reply),
        }
    }

    fn cost(&self, usage: Usage) -> Spent {
        let spent = Spent {
            input_tokens: usage.input,
            cached_tokens: usage.cached.min(usage.input),
            output_tokens: usage.output,
            ..Spent::default()
        };
        Spent { dollars: self.settings.price.of(&spent), ..spent }
    }
}

/// Why a request gave no answer.
enum Trouble {
    /// It may be that the server does not know this way to give a schema.
    Form(ProposeError),
    Other(ProposeError),
}

/// What stays the same between the two requests of a proposal.
struct Asked<'a> {
    brief: &'a Brief,
    targets: Texts,
    shape: Shape,
    system: String,
    schema: Option<Schema>,
    deadline: Instant,
}

impl Proposer for Model {
    fn name(&self) -> &'static str {
        "model"
    }

    /// A request takes seconds to minutes, on somebody else's machine.
    fn lookahead(&self) -> usize {
        1
    }

    fn propose(&mut self, brief: &Brief, desk: &mut dyn Desk) -> Result<Proposal, ProposeError> {
        match &mut self.0 {
            Ok(asker) => asker.propose(brief, desk),
            Err(misfit) => Err(ProposeError::Unusable(format!("{misfit}; {}", misfit.hint()))),
        }
    }
}

impl Asker {
    fn propose(&mut self, brief: &Brief, desk: &mut dyn Desk) -> Result<Proposal, ProposeError> {
        let deadline = Instant::now() + desk.time_left();
        let targets = targets(brief, desk)?;
        let is_json = self.settings.is_json;
        let shape = if is_json {
            Shape::Json
        } else {
            Shape::Blocks(Marks::for_texts(targets.values().map(String::as_str)))
        };
        let schema = is_json.then(|| wire::schema(&self.settings, &targets));
        let system = prompt::system(&shape);
        let asked = Asked { brief, targets, shape, system, schema, deadline };

        // How to answer is the system's message: there is no folder to edit.
        let parts: Vec<Part> = Part::ALL.into_iter().filter(|part| *part != Part::Answer).collect();
        let mut messages = vec![Message { role: Role::User, content: brief.page(&parts) }];
        desk.say(&format!("asks {}", self.settings.name));
        let reply = self.ask(&asked, &messages, desk)?;
        let wrong = match asked.proposal(&reply.text, desk, true) {
            Ok(proposal) => return Ok(proposal),
            Err(wrong) => wrong,
        };
        messages.push(Message { role: Role::Assistant, content: reply.text });
        messages.push(Message { role: Role::User, content: prompt::repair(&wrong) });
        desk.say(&format!("asks {} again: {}", self.settings.name, first_line(&wrong)));
        let reply = self.ask(&asked, &messages, desk)?;
        asked.proposal(&reply.text, desk, false).map_err(|wrong| {
            let why = failure::said(&first_line(&wrong), &self.settings);
            ProposeError::Failed(format!("no edit can be made of the answer, asked twice: {why}"))
        })
    }
}

impl Asked<'_> {
    /// The proposal in an answer.
    ///
    /// # Errors
    /// What is wrong with it, in words for the model. A change that was tried
    /// is wrong only `while_more` can be asked; after that it is refused like
    /// anybody's.
    fn proposal(
        &self,
        text: &str,
        desk: &dyn Desk,
        while_more: bool,
    ) -> Result<Proposal, Vec<String>> {
        let text = spoken(text);
        let Answer { hypothesis, category, expected, edits } = match &self.shape {
            Shape::Blocks(marks) => blocks::read(&text, marks),
            Shape::Json => json::read(&text),
        }
        .map_err(|why| vec![why])?;
        let edits: Vec<FileEdit> = apply(&self.targets, &edits)?;
        // Somebody's sentence stays as they wrote it.
        let hypothesis = self
            .brief
            .hypothesis
            .clone()
            .or(hypothesis)
            .ok_or_else(|| vec!["it does not say its hypothesis, one sentence".to_owned()])?;
        if while_more && let Some(number) = desk.tried(&edits) {
            return Err(vec![format!(
                "experiment {number} tried exactly this program; propose another change"
            )]);
        }
        let category = category.unwrap_or_else(|| Category::of(&hypothesis));
        Ok(Proposal { hypothesis, category, edit: Edit::Files(edits), settings: None, expected })
    }
}

/// The targets as they are on the desk: what the brief shows may be cut.
fn targets(brief: &Brief, desk: &mut dyn Desk) -> Result<Texts, ProposeError> {
    let folder = desk.folder()?;
    let read = |path: &str| match std::fs::read(folder.join(path)) {
        Ok(bytes) => String::from_utf8(bytes).map_err(|_| {
            ProposeError::Unusable(format!("`{path}` is not UTF-8 text, which a model needs"))
        }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(ProposeError::Failed(format!("failed to read `{path}`: {error}"))),
    };
    brief.targets.iter().map(|text| Ok((text.path.clone(), read(&text.path)?))).collect()
}

fn first_line(wrong: &[String]) -> String {
    let first = wrong.first().and_then(|why| why.lines().next());
    first.unwrap_or("it cannot be read").trim_end_matches(':').to_owned()
}
