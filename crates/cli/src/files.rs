//! Files of the user's that a command writes: shown before, written whole or
//! not at all.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::exit::BadInput;

/// The user's home folder.
///
/// # Errors
/// When nobody knows where it is.
pub(crate) fn home() -> anyhow::Result<PathBuf> {
    std::env::home_dir().context("failed to find the home folder; set HOME")
}

/// Where the user's programs look for their settings (XDG Base Directory).
///
/// # Errors
/// When nobody knows where the home folder is.
pub(crate) fn user_config() -> anyhow::Result<PathBuf> {
    match std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from) {
        // Relative ones are to be ignored.
        Some(folder) if folder.is_absolute() => Ok(folder),
        _ => Ok(home()?.join(".config")),
    }
}

/// A file as text; `None` when there is none.
///
/// # Errors
/// When it cannot be read, or is no text.
pub(crate) fn read(path: &Path) -> anyhow::Result<Option<String>> {
    match std::fs::read(path) {
        Ok(bytes) => String::from_utf8(bytes).map(Some).map_err(|_| {
            let message = format!("{} is not UTF-8; it is left as it is", path.display());
            BadInput::new(message, "save it as UTF-8").into()
        }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("failed to read {}", path.display())),
    }
}

/// A patch that the user named.
///
/// # Errors
/// When there is none, or it is no text.
pub(crate) fn read_patch(path: &Path) -> anyhow::Result<String> {
    read(path)?.ok_or_else(|| {
        let message = format!("there is no patch {}", path.display());
        BadInput::new(message, "give the path of a file that `git diff` has written").into()
    })
}

/// How a file would change.
pub(crate) fn diff(path: &Path, before: &str, after: &str) -> String {
    let name = path.display().to_string();
    similar::TextDiff::from_lines(before, after).unified_diff().header(&name, &name).to_string()
}

/// Writes a file in one step, where it really lies, with the permissions that it
/// had.
///
/// # Errors
/// When it cannot be written; then it is as it was.
pub(crate) fn replace(path: &Path, text: &str) -> anyhow::Result<()> {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let write = || -> std::io::Result<()> {
        let folder = path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(text.as_bytes())?;
        match std::fs::metadata(&path) {
            Ok(old) => file.as_file().set_permissions(old.permissions())?,
            Err(_) => readable(file.as_file())?,
        }
        file.as_file().sync_all()?;
        file.persist(&path)?;
        Ok(())
    };
    write().with_context(|| format!("failed to write {}", path.display()))
}

/// A temporary file is its owner's alone; a project's file is not.
#[cfg(unix)]
fn readable(file: &std::fs::File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn readable(_file: &std::fs::File) -> std::io::Result<()> {
    Ok(())
}
