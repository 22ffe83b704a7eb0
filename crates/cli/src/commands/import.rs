//! `autoresearch import`: another tool's results become a session (SPEC G4).

use autoresearch::config::Origin;
use autoresearch::{EngineError, read_table};

use crate::args::{Global, ImportArgs};
use crate::exit::{BadInput, Exit};
use crate::{output, settings, wizard};

pub(crate) fn run(global: &Global, args: &ImportArgs) -> anyhow::Result<Exit> {
    let table = read_table(&args.table)?;
    let mut settings = settings::gather(&global.directory, &args.config)?;
    if settings.layers.origin("metric.name").is_none() {
        let origin = Origin::Detected(format!("the header of {}", args.table.display()));
        settings.layers.set("metric.name", &table.metric, origin).map_err(EngineError::Config)?;
    }
    let named = settings.layers.text("metric.name").unwrap_or_default();
    if named != table.metric {
        let message =
            format!("the table's metric is `{}`, the configuration's is `{named}`", table.metric);
        let hint = format!("their numbers cannot be compared; pass `--metric {}`", table.metric);
        return Err(BadInput::new(message, hint).into());
    }
    if wizard::can_ask() {
        wizard::fill(&mut settings)?;
    }
    let config = wizard::resolve(&settings.layers)?;
    let root = settings.repo.root();
    let view = autoresearch::import(root, &args.table, args.branch.as_deref(), config)?;
    let tag = &view.plan().tag;
    if global.json {
        output::json(&serde_json::json!({ "tag": tag, "rows": table.rows.len() }))?;
    } else {
        output::line(&format!(
            "imported {} rows as session {tag}; results go to {}\ngo on with `autoresearch resume --tag {tag}`",
            table.rows.len(),
            view.config().results
        ))?;
    }
    Ok(Exit::Success)
}
