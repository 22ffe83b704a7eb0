//! Agents that speak the Agent Client Protocol, version 1
//! (<https://agentclientprotocol.com>): JSON-RPC, a message a line, over
//! standard input and output.
//!
//! The agent is started for each proposal and goes on in its earlier session,
//! where it can, until that is half full. It reads what lies on the desk and
//! writes targets; whether it may, [`client`] answers.

mod client;
mod files;
mod permission;
mod usage;

use std::path::PathBuf;

use self::client::{Client, Fault};
use self::files::Files;
use crate::{Brief, Desk, Errand, Input, ProposeError};

/// Proposals that are written in one session at most.
const MOST_PROPOSALS: u32 = 8;
/// Part of its context from which on a session is not gone on with.
const FULL: f64 = 0.5;

/// Whom one asks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Who<'a> {
    /// The agent's name.
    pub(crate) name: &'a str,
    /// What a user does to log in.
    pub(crate) login: &'a str,
}

/// What is known of an agent between its proposals.
#[derive(Clone, Debug, Default)]
pub(crate) struct Acp {
    session: Option<Session>,
}

/// A session that can be gone on with.
#[derive(Clone, Debug)]
struct Session {
    id: String,
    /// It belongs to one desk.
    desk: PathBuf,
    proposals: u32,
    /// US dollars, as the agent has counted them.
    dollars: f64,
}

/// What an agent has said at the end of its proposal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    /// All of it, the end at least.
    pub(crate) text: String,
    /// Its last message.
    pub(crate) answer: String,
}

impl Acp {
    /// Has the agent that `errand` starts edit the desk as the brief says;
    /// what the errand's input is does not matter.
    ///
    /// # Errors
    /// [`ProposeError::Unusable`] if nobody is logged in or it does not speak
    /// the protocol, [`ProposeError::Failed`] if it refuses or was cut off.
    pub(crate) fn ask(
        &mut self,
        errand: &Errand<'_>,
        who: Who<'_>,
        brief: &Brief,
        desk: &mut dyn Desk,
    ) -> Result<Said, ProposeError> {
        let folder = desk.folder()?;
        let before = self
            .session
            .take()
            .filter(|session| session.desk == folder && session.proposals < MOST_PROPOSALS);
        let targets = brief.targets.iter().map(|target| target.path.clone());
        let files = Files::new(folder.clone(), targets);
        let resumed = before.as_ref().map(|session| (session.id.as_str(), session.dollars));
        let mut client = Client::new(&files, brief.to_markdown(), resumed);
        let errand = Errand { input: Input::Lines(vec![client.first()]), ..errand.clone() };
        let finished = desk.run(&errand, &mut client)?;
        let proposals = before
            .filter(|before| client.session() == Some(before.id.as_str()))
            .map_or(0, |before| before.proposals);
        let has_room = client.fullness().is_none_or(|part| part < FULL);
        self.session = client.session().filter(|_| has_room && client.can_load()).map(|id| {
            let (id, dollars) = (id.to_owned(), client.dollars());
            Session { id, desk: folder, proposals: proposals + 1, dollars }
        });
        let is_said = |line: &&str| !line.trim().is_empty() && !line.trim().starts_with('{');
        let last = finished.tail.lines().rev().find(is_said);
        match client.outcome() {
            Some(Ok(())) => Ok(client.said()),
            Some(Err(fault)) => {
                // It may be the session's.
                self.session = None;
                Err(fault.told(who, desk.is_stopped()))
            }
            // What is no message of the protocol is what went wrong.
            None => {
                let last = last.map(|line| line.trim().to_owned());
                Err(Fault::Gone { how: finished.how, last }.told(who, desk.is_stopped()))
            }
        }
    }
}

#[cfg(test)]
mod tests;
