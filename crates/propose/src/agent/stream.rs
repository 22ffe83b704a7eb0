//! Hears what an agent prints, by the description of its events: a state
//! machine without I/O. Lines that are no JSON, or that nothing describes, are
//! passed over: agents add events with every version.

use std::collections::BTreeSet;

use autoresearch_core::agent::{Event, Price};
use autoresearch_core::spent::Spent;
use serde_json::Value as Json;

use super::trouble::{self, Trouble};
use crate::{Heard, Listener};

/// Of what was said the end is kept, this many bytes of it.
const KEPT: usize = 64 * 1024;

/// What an agent has said so far.
#[derive(Debug)]
pub(crate) struct Stream<'a> {
    events: &'a [Event],
    price: Option<Price>,
    /// All that it said.
    said: String,
    /// What it said last.
    answer: String,
    /// Whether what it says next belongs to that.
    continues: bool,
    /// What went wrong, unless it went on after it.
    error: Option<(Option<u16>, String)>,
    is_done: bool,
    spent: Spent,
    counted: BTreeSet<String>,
}

impl<'a> Stream<'a> {
    pub(crate) fn new(events: &'a [Event], price: Option<Price>) -> Stream<'a> {
        Stream {
            events,
            price,
            said: String::new(),
            answer: String::new(),
            continues: false,
            error: None,
            is_done: false,
            spent: Spent::default(),
            counted: BTreeSet::new(),
        }
    }

    /// The end of all that it said.
    pub(crate) fn said(&self) -> &str {
        &self.said
    }

    /// What it said last; empty where it said nothing.
    pub(crate) fn answer(&self) -> &str {
        &self.answer
    }

    /// Whether it has done its work.
    pub(crate) fn is_done(&self) -> bool {
        self.is_done
    }

    /// What it ended with, if that is trouble.
    pub(crate) fn trouble(&self) -> Option<(Trouble, &str)> {
        let (status, text) = self.error.as_ref()?;
        Some((trouble::of(*status, text), text))
    }

    fn say(&mut self, text: &str, pieces: bool) {
        if pieces && self.continues {
            self.answer.push_str(text);
            self.said.push_str(text);
        } else {
            text.clone_into(&mut self.answer);
            self.said.push('\n');
            self.said.push_str(text);
        }
        self.continues = pieces;
        for kept in [&mut self.said, &mut self.answer] {
            if kept.len() > 2 * KEPT {
                let from = kept.ceil_char_boundary(kept.len() - KEPT);
                kept.drain(..from);
            }
        }
    }

    /// What was spent by this line.
    fn count(&mut self, event: &Event, line: &Json) -> Spent {
        let tokens = |paths: &[String]| {
            paths
                .iter()
                .flat_map(|path| at(line, path))
                .filter_map(whole)
                .fold(0, u64::saturating_add)
        };
        let mut says = Spent {
            input_tokens: tokens(&event.input),
            cached_tokens: tokens(event.cached.as_slice()),
            output_tokens: tokens(&event.output),
            ..Spent::default()
        };
        let dollars = event.dollars.as_ref().and_then(|path| {
            let number = at(line, path).into_iter().find_map(Json::as_f64)?;
            (number.is_finite() && number > 0.0).then_some(number)
        });
        says.dollars = dollars.or_else(|| self.price.map(|price| price.of(&says))).unwrap_or(0.0);
        if says.is_zero() {
            return says;
        }
        if let Some(path) = &event.once
            && let Some(id) = at(line, path).first()
            && !self.counted.insert(id.to_string())
        {
            return Spent::default();
        }
        if event.total {
            // What was counted before is part of it.
            says.dollars = (says.dollars - self.spent.dollars).max(0.0);
            says.input_tokens = says.input_tokens.saturating_sub(self.spent.input_tokens);
            says.cached_tokens = says.cached_tokens.saturating_sub(self.spent.cached_tokens);
            says.output_tokens = says.output_tokens.saturating_sub(self.spent.output_tokens);
        }
        self.spent += says;
        says
    }
}

impl Listener for Stream<'_> {
    fn hear(&mut self, line: &str) -> Heard {
        let mut heard = Heard::default();
        let line = line.trim();
        if self.events.is_empty() {
            if !line.is_empty() {
                self.say(&format!("{line}\n"), true);
                heard.doing = Some(short(line));
            }
            return heard;
        }
        let Ok(line) = serde_json::from_str::<Json>(line) else { return heard };
        for event in self.events {
            if !event.when.iter().all(|(path, value)| at(&line, path).contains(&value)) {
                continue;
            }
            let found = |path: &Option<String>| -> Vec<&Json> {
                path.as_ref().map(|path| at(&line, path)).unwrap_or_default()
            };
            let spent = self.count(event, &line);
            let texts: Vec<&str> =
                found(&event.text).into_iter().filter_map(Json::as_str).collect();
            let text = texts.join("\n");
            if !text.trim().is_empty() || (event.pieces && !text.is_empty()) {
                self.say(&text, event.pieces);
                heard.doing = Some(short(&self.answer));
                self.error = None;
            }
            if let Some(doing) = found(&event.doing).into_iter().find_map(Json::as_str) {
                heard.doing = Some(short(doing));
                self.continues = false;
                self.error = None;
            }
            if let Some(error) = found(&event.error).into_iter().find(|error| !error.is_null()) {
                let text = error.as_str().map_or_else(|| error.to_string(), str::to_owned);
                let status = found(&event.status).into_iter().find_map(whole);
                heard.doing = Some(short(&text));
                self.error = Some((status.and_then(|n| u16::try_from(n).ok()), text));
            }
            heard.spent += spent;
            self.is_done |= event.done;
        }
        heard
    }
}

/// All values that a path leads to.
fn at<'a>(value: &'a Json, path: &str) -> Vec<&'a Json> {
    let mut found = vec![value];
    for part in path.split('.') {
        found = found
            .into_iter()
            .flat_map(|value| match (value, part) {
                (Json::Array(items), "*") => items.iter().collect(),
                (Json::Object(fields), "*") => fields.values().collect(),
                (value, part) => value.get(part).into_iter().collect::<Vec<_>>(),
            })
            .collect();
    }
    found
}

/// A number of tokens; what is none counts nothing.
fn whole(value: &Json) -> Option<u64> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a cast of a float saturates"
    )]
    value.as_u64().or_else(|| value.as_f64().filter(|n| *n >= 0.0).map(|n| n as u64))
}

/// The last line of a text, in a few words.
fn short(text: &str) -> String {
    const LONGEST: usize = 80;
    let line = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default().trim();
    let mut short: String = line.chars().take(LONGEST).filter(|c| !c.is_control()).collect();
    if line.chars().count() > LONGEST {
        short.push('…');
    }
    short
}
