//! `autoresearch mcp`: an agent in the driving seat finds the same engine
//! (SPEC K5); `install` tells the agent where.

mod client;
mod entry;

use std::path::{Path, PathBuf};

use autoresearch_server::{Options, Overrides};

use crate::args::{ConfigArgs, Global, McpAction, McpArgs, McpPlaceArgs};
use crate::exit::{BadInput, Exit};
use crate::{files, output, settings, signals, watch, wizard};

pub(crate) use client::Client;

pub(crate) fn run(global: &Global, args: &McpArgs) -> anyhow::Result<Exit> {
    match &args.action {
        None => serve(global),
        Some(McpAction::Install { client: Some(client), place, print: false }) => {
            let program = client::program()?;
            let edit = |client, text: &str| entry::with(client, &program, text);
            if let Some(path) = change(global, *client, place, edit)? {
                after_words(*client, &path)?;
            }
            Ok(Exit::Success)
        }
        Some(McpAction::Install { client, .. }) => {
            // Most other clients read what Claude Code reads.
            let client = client.unwrap_or(Client::Claude);
            output::line(entry::fresh(client, &client::program()?)?.trim_end())?;
            Ok(Exit::Success)
        }
        Some(McpAction::Uninstall { client, place }) => {
            change(global, *client, place, entry::without)?;
            Ok(Exit::Success)
        }
    }
}

fn serve(global: &Global) -> anyhow::Result<Exit> {
    let folder = global.directory.clone();
    let at = folder.clone();
    let configure = move |overrides: &Overrides| {
        let args = ConfigArgs {
            tag: overrides.tag.clone(),
            iterations: overrides.iterations.map(|most| most.to_string()),
            ..ConfigArgs::default()
        };
        let resolved = settings::gather(&at, &args).and_then(|it| wizard::resolve(&it.layers));
        resolved.map_err(|error| {
            let (what, hint) = output::words(&error);
            let hint = hint.unwrap_or_else(|| {
                "write it into autoresearch.toml at the root of the repository; ask the user for budget, metric and direction instead of guessing them".to_owned()
            });
            format!("{what}\nremedy: {hint}")
        })
    };
    let stop = signals::stop_on_signals()?;
    let vault = crate::vault();
    let options = Options { folder, configure: Box::new(configure), vault, stop, now: watch::now };
    autoresearch_server::serve(options)?;
    Ok(if signals::was_interrupted() { Exit::Interrupted } else { Exit::Success })
}

/// Changes the client's configuration, or says how it would change; the file, if
/// it was written.
fn change(
    global: &Global,
    client: Client,
    args: &McpPlaceArgs,
    edit: impl Fn(Client, &str) -> Result<String, entry::Broken>,
) -> anyhow::Result<Option<PathBuf>> {
    let path = client.file(&global.directory, args.user)?;
    let before = files::read(&path)?;
    let after = edit(client, before.as_deref().unwrap_or_default()).map_err(|broken| {
        let snippet = client::program()
            .and_then(|program| Ok(entry::fresh(client, &program)?))
            .unwrap_or_default();
        let hint = format!("mend it, or merge this into it yourself:\n{snippet}");
        BadInput::new(format!("{} {broken}; it is left as it is", path.display()), hint)
    })?;
    let before = before.unwrap_or_default();
    if after == before {
        output::line(&format!("{} is as it should be", path.display()))?;
    } else if args.dry_run {
        output::line(files::diff(&path, &before, &after).trim_end())?;
    } else {
        files::replace(&path, &after)?;
        output::line(&format!("wrote {}", path.display()))?;
        return Ok(Some(path));
    }
    Ok(None)
}

fn after_words(client: Client, path: &Path) -> anyhow::Result<()> {
    output::line(&format!(
        "{} finds it when it is started again; its tool `context` says how to begin",
        client.name()
    ))?;
    if client == Client::Codex {
        output::note(&format!(
            "`codex exec` refuses tools that change something unless `default_tools_approval_mode = \"approve\"` stands in {}",
            path.display()
        ));
    }
    Ok(())
}
