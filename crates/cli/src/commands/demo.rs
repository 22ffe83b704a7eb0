//! `autoresearch demo`: a small language model learns to read better, with
//! nothing but Python 3.

use std::path::Path;
use std::process::Command;

use anyhow::Context as _;
use autoresearch::config::{Layers, Origin};
use autoresearch::{EngineError, SystemExperiment};

use crate::args::{DemoArgs, Global};
use crate::exit::{BadInput, Exit};
use crate::watch::Watch;
use crate::{output, signals, wizard};

/// The example as it lies in `examples/char-lm`.
const FILES: [(&str, &[u8]); 5] = [
    ("README.md", include_bytes!("../../../../examples/char-lm/README.md")),
    ("autoresearch.toml", include_bytes!("../../../../examples/char-lm/autoresearch.toml")),
    ("corpus.txt", include_bytes!("../../../../examples/char-lm/corpus.txt")),
    ("prepare.py", include_bytes!("../../../../examples/char-lm/prepare.py")),
    ("train.py", include_bytes!("../../../../examples/char-lm/train.py")),
];

pub(crate) fn run(global: &Global, args: &DemoArgs) -> anyhow::Result<Exit> {
    let python = python().ok_or_else(|| {
        BadInput::new(
            "the demo trains with Python 3, and neither `python3` nor `python` is one",
            "install Python 3.8 or later; it needs no packages",
        )
    })?;
    let folder = global.directory.join(&args.folder);
    make(&folder)?;
    let mut layers = Layers::new();
    let text = std::fs::read_to_string(folder.join("autoresearch.toml"))
        .with_context(|| format!("failed to read the configuration in {}", folder.display()))?;
    layers.add_file("autoresearch.toml", &text).map_err(EngineError::Config)?;
    let demo = || Origin::Flag("autoresearch demo".to_owned());
    let iterations = args.iterations.to_string();
    for (key, value) in [
        ("budget", args.budget.as_str()),
        ("iterations", iterations.as_str()),
        // Enough to see how it ends, and half as long as the rest.
        ("judge.verify", "3"),
        ("run.command", &format!("{python} train.py")),
    ] {
        layers.set(key, value, demo()).map_err(EngineError::Config)?;
    }
    let config = wizard::resolve(&layers)?;
    let experiment = SystemExperiment::from_config(&folder, config.clone());
    if !global.json {
        wizard::show(&config, &layers, &wizard::platform())?;
    }
    let stop = signals::stop_on_signals()?;
    let mut watch = Watch::new(global.json);
    let outcome = experiment.run_session(&mut watch, &stop)?;
    drop(watch);
    let exit = super::run::finish(global, &outcome, 0)?;
    if !global.json {
        output::line(&format!(
            "look at the changes with `autoresearch -C {} log`, and at one with `autoresearch -C {0} show 1`",
            args.folder.display()
        ))?;
    }
    Ok(exit)
}

/// Makes the demo's repository, or finds it as an earlier demo left it.
fn make(folder: &Path) -> anyhow::Result<()> {
    if folder.join("train.py").is_file() && folder.join(".git").exists() {
        return Ok(());
    }
    if folder.read_dir().is_ok_and(|mut entries| entries.next().is_some()) {
        let message = format!("{} exists and is not the demo", folder.display());
        return Err(BadInput::new(message, "name another folder: `autoresearch demo DIR`").into());
    }
    std::fs::create_dir_all(folder)
        .with_context(|| format!("failed to create {}", folder.display()))?;
    for (name, bytes) in FILES {
        let path = folder.join(name);
        std::fs::write(&path, bytes)
            .with_context(|| format!("failed to write {}", path.display()))?;
    }
    autoresearch::repo::create(folder, "a small character-level language model")
        .map_err(EngineError::from)?;
    Ok(())
}

/// A Python 3 on the path.
fn python() -> Option<&'static str> {
    ["python3", "python"].into_iter().find(|name| {
        Command::new(name)
            .args(["-c", "import sys; sys.exit(sys.version_info < (3, 8))"])
            .stdin(std::process::Stdio::null())
            .output()
            .is_ok_and(|output| output.status.success())
    })
}
