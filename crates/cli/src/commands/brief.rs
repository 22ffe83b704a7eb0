//! `autoresearch brief`: what the next proposer would be told.

use autoresearch::View;

use crate::args::{Global, TagArgs};
use crate::exit::Exit;
use crate::output::{foreign, json};

pub(crate) fn run(global: &Global, args: &TagArgs) -> anyhow::Result<Exit> {
    let brief = View::open(&global.directory, args.tag.as_deref())?
        .with_vault(super::memory::default_place())
        .brief()?;
    if global.json {
        json(&brief)?;
    } else {
        foreign(brief.to_markdown().trim_end())?;
    }
    Ok(Exit::Success)
}
