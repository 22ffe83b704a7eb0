//! `autoresearch memory`: the vault, for people.

use std::io::{IsTerminal as _, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use autoresearch::EngineError;
use autoresearch::config::Layers;
use autoresearch::core::units::human_duration;
use autoresearch::memory::{By, Entry, Kind, Meta, Note, Private, Query, Step, Vault, slug};
use autoresearch::repo::Repo;
use serde_json::json;

use crate::args::{Found, Global, MemoryAction, MemoryArgs};
use crate::exit::{BadInput, Exit};
use crate::output;
use crate::settings::FILE;
use crate::watch::now;

pub(crate) fn run(global: &Global, args: &MemoryArgs) -> anyhow::Result<Exit> {
    let repo = Repo::discover(&global.directory).ok();
    let root = place(global, repo.as_ref())?;
    let home = std::env::home_dir();
    let private = Private::new(home.as_deref(), repo.as_ref().map(Repo::root));
    let mut vault = Vault::at(&root, private);
    let done = match &args.action {
        MemoryAction::Search { words, by, most, kind } => {
            let text = words.join(" ");
            let by = match by {
                Found::Words => By::Words,
                Found::Meaning => By::Meaning,
                Found::Both => By::Both,
            };
            let kind = kind.map(Kind::from);
            search(global, &mut vault, &Query { by, kind, ..Query::new(&text, *most) })
        }
        MemoryAction::Show { name } => show(global, &mut vault, name),
        MemoryAction::List { kind, most } => list(global, &mut vault, kind.map(Kind::from), *most),
        MemoryAction::Add { title, text, tag } => {
            add(global, &mut vault, title, text.as_deref(), tag)
        }
        MemoryAction::Reindex => reindex(global, &mut vault),
        MemoryAction::Path => path(global, &root),
    };
    vault.take_warnings().iter().for_each(|warning| output::note(warning));
    done
}

/// Where the vault of this user is, unless configured otherwise.
pub fn default_place() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|p| p.is_absolute());
    let home = std::env::home_dir().filter(|home| home.is_absolute());
    let data = if cfg!(target_os = "macos") {
        home.map(|home| home.join("Library/Application Support"))
    } else if cfg!(windows) {
        set("LOCALAPPDATA")
    } else {
        set("XDG_DATA_HOME").or_else(|| home.map(|home| home.join(".local/share")))
    };
    Some(data?.join("autoresearch").join("vault"))
}

fn place(global: &Global, repo: Option<&Repo>) -> anyhow::Result<PathBuf> {
    let root = repo.map_or(global.directory.as_path(), Repo::root);
    let mut layers = Layers::new();
    if let Ok(text) = std::fs::read_to_string(root.join(FILE)) {
        layers.add_file(FILE, &text).map_err(EngineError::Config)?;
    }
    layers.add_environment(std::env::vars()).map_err(EngineError::Config)?;
    if let Some(path) = layers.text("memory.path") {
        let below = path.strip_prefix('~').map(|rest| rest.trim_start_matches(['/', '\\']));
        return match (below, std::env::home_dir()) {
            (Some(below), Some(home)) => Ok(home.join(below)),
            _ => Ok(root.join(path)),
        };
    }
    default_place().ok_or_else(|| {
        BadInput::new("this user has no folder for data", "set `memory.path` to a folder").into()
    })
}

fn entry_json(entry: &Entry) -> serde_json::Value {
    json!({
        "name": entry.name, "path": entry.path, "kind": entry.kind, "title": entry.title,
        "date": entry.date, "repository": entry.repository, "experiment": entry.experiment,
        "verdict": entry.verdict, "topic": entry.topic, "stance": entry.stance,
    })
}

fn search(global: &Global, vault: &mut Vault, query: &Query<'_>) -> anyhow::Result<Exit> {
    let hits = vault.search(query)?;
    for hit in &hits {
        let entry = &hit.entry;
        let excerpt = vault.read(entry).map(|note| note.excerpt(200)).unwrap_or_default();
        if global.json {
            let mut value = entry_json(entry);
            value["score"] = json!(hit.score);
            value["by_words"] = json!(hit.by_words);
            value["by_meaning"] = json!(hit.by_meaning);
            value["excerpt"] = json!(excerpt);
            output::json(&value)?;
        } else {
            output::foreign(&format!("{}\n  {}\n  {excerpt}\n", entry.title, source(entry)))?;
        }
    }
    if hits.is_empty() && !global.json {
        output::note(&format!("nothing in {} fits", vault.root().display()));
    }
    Ok(Exit::Success)
}

/// A note in one line: its name, kind, repository and date.
fn source(entry: &Entry) -> String {
    let day = entry.date.as_deref().and_then(|date| date.get(..10));
    let parts =
        [Some(entry.kind.as_str()), entry.verdict.as_deref(), entry.repository.as_deref(), day];
    format!("{} ({})", entry.name, parts.into_iter().flatten().collect::<Vec<_>>().join(", "))
}

fn show(global: &Global, vault: &mut Vault, name: &str) -> anyhow::Result<Exit> {
    let (entry, note) = vault.note(name)?;
    if global.json {
        output::json(&json!({
            "name": note.name, "path": entry.path, "meta": note.meta, "body": note.body,
        }))?;
    } else {
        output::foreign(note.to_markdown().trim_end())?;
    }
    Ok(Exit::Success)
}

fn list(
    global: &Global,
    vault: &mut Vault,
    kind: Option<Kind>,
    most: usize,
) -> anyhow::Result<Exit> {
    for entry in vault.list(kind, None, most)? {
        if global.json {
            output::json(&entry_json(&entry))?;
        } else {
            output::foreign(&format!("{}\n  {}", entry.title, source(&entry)))?;
        }
    }
    Ok(Exit::Success)
}

fn add(
    global: &Global,
    vault: &mut Vault,
    title: &str,
    text: Option<&str>,
    tags: &[String],
) -> anyhow::Result<Exit> {
    let title = title.trim();
    if title.is_empty() {
        let hint =
            "say in a line what it is about: `autoresearch memory add 'Lion needs a lower rate'`";
        return Err(BadInput::new("a note needs a title", hint).into());
    }
    let text = match text {
        Some("-") => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text)?;
            text
        }
        Some(text) => text.to_owned(),
        None => String::new(),
    };
    let at = now();
    let date = jiff::Timestamp::from_millisecond(at.0)?.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let tags = std::iter::once("autoresearch/note").chain(tags.iter().map(String::as_str));
    let meta = Meta {
        kind: Kind::Note,
        title: title.to_owned(),
        date: Some(date),
        tags: tags.map(str::to_owned).collect(),
        ..Meta::default()
    };
    // Whoever notes the same title twice means two notes.
    let name = format!("{}-{:x}", slug(title, 60), at.0);
    let note = Note { name, meta, body: format!("# {title}\n\n{}\n", text.trim()) };
    let added = vault.add("notes", &note)?;
    if global.json {
        output::json(&json!({ "name": added.name, "path": added.path }))?;
    } else {
        output::line(&format!("added {} as {}", added.name, added.path.display()))?;
    }
    Ok(Exit::Success)
}

fn reindex(global: &Global, vault: &mut Vault) -> anyhow::Result<Exit> {
    let began = Instant::now();
    let is_seen = !global.json && std::io::stderr().is_terminal();
    vault.reindex(&mut |Step { done, of }| {
        if is_seen && done > 0 {
            let left = began.elapsed().mul_f64((of - done) as f64 / done as f64);
            let left = human_duration(std::time::Duration::from_secs(left.as_secs()));
            let _ = write!(std::io::stderr(), "\r\x1b[K{done} of {of} notes, {left} left");
        }
    })?;
    if is_seen {
        let _ = write!(std::io::stderr(), "\r\x1b[K");
    }
    let (notes, faults) = (vault.count()?, vault.faults()?);
    if global.json {
        let faults: Vec<_> =
            faults.iter().map(|(path, why)| json!({ "path": path, "why": why })).collect();
        let seconds = began.elapsed().as_secs_f64();
        output::json(&json!({ "notes": notes, "skipped": faults, "seconds": seconds }))?;
    } else {
        for (path, why) in &faults {
            output::note(&format!("{path} is skipped: {why}; mend the lines between its `---`"));
        }
        output::line(&format!("{notes} notes in {:.1} s", began.elapsed().as_secs_f64()))?;
    }
    Ok(Exit::Success)
}

fn path(global: &Global, root: &Path) -> anyhow::Result<Exit> {
    if global.json {
        output::json(&json!({ "path": root }))?;
    } else {
        output::line(&root.display().to_string())?;
    }
    Ok(Exit::Success)
}
