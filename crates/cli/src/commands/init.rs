//! `autoresearch init`: the wizard that writes autoresearch.toml.

use anyhow::Context as _;
use autoresearch::config::{self, Origin};

use crate::args::{Global, InitArgs};
use crate::exit::{BadInput, Exit};
use crate::{output, settings, wizard};

pub(crate) fn run(global: &Global, args: &InitArgs) -> anyhow::Result<Exit> {
    let mut settings = settings::gather(&global.directory, &args.config)?;
    if settings.path.exists() && !args.dry_run {
        let message = format!("{} exists already", settings.path.display());
        return Err(BadInput::new(message, "edit it, or remove it to begin anew").into());
    }
    if args.yes {
        // `--yes` is the explicit answer that a suggestion needs.
        for found in settings.suggestions.clone() {
            if settings.layers.origin(found.key).is_none() {
                let origin = Origin::Detected(found.why.clone());
                settings
                    .layers
                    .set(found.key, &found.value, origin)
                    .map_err(autoresearch::EngineError::Config)?;
            }
        }
    } else if wizard::can_ask() {
        wizard::fill_all(&mut settings)?;
    }
    let config = wizard::resolve(&settings.layers)?;
    let text = config::to_toml(&config);
    if args.dry_run {
        output::line(text.trim_end())?;
        return Ok(Exit::Success);
    }
    if !args.yes && wizard::can_ask() {
        let question = format!("Write {}?", settings.path.display());
        wizard::confirm(&config, &settings.layers, &wizard::platform(), &question)?;
    }
    std::fs::write(&settings.path, text)
        .with_context(|| format!("failed to write {}", settings.path.display()))?;
    output::line(&format!("wrote {}; start with `autoresearch run`", settings.path.display()))?;
    Ok(Exit::Success)
}
