//! The private home of an agent: its settings are ours, its login is the
//! user's. A login that the agent renewed goes back to the user, since the old
//! one may be worth nothing after that. What was lent is on record beside the
//! home, where the agent cannot write: what an engine that died did not give back
//! is given back before that home is furnished again, and not before.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::LARGEST;

/// Files with the login that were copied, until they are given back.
#[derive(Debug, Default)]
pub(super) struct Lent {
    /// The user's home and the agent's.
    user: PathBuf,
    home: PathBuf,
    copies: Vec<Copied>,
}

/// A file as it was copied.
#[derive(Debug, Serialize, Deserialize)]
struct Copied {
    /// From either home on.
    file: String,
    /// SHA-256 of its content.
    was: String,
}

/// Writes a file of the home folder.
///
/// # Errors
/// When it cannot be written.
pub(super) fn write(home: &Path, file: &str, content: &str) -> io::Result<()> {
    let path = within(home, file)?;
    private(&path, content.as_bytes())
}

/// Copies those of these files that the user has.
///
/// # Errors
/// When one cannot be read or written; then no copy stays.
pub(super) fn lend(user: &Path, home: &Path, files: &[String]) -> io::Result<Lent> {
    let lent = |copies| Lent { user: user.to_owned(), home: home.to_owned(), copies };
    if let Some(copies) = on_record(home) {
        give_back(lent(copies));
    }
    let mut contents = Vec::new();
    let mut copies = Vec::new();
    for file in files {
        match fs::read(inside(user, file)?) {
            Ok(content) => {
                copies.push(Copied { file: file.clone(), was: hash(&content) });
                contents.push(content);
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    if copies.is_empty() {
        return Ok(Lent::default());
    }
    private(&record(home), &serde_json::to_vec(&copies)?)?;
    let lent = lent(copies);
    for (Copied { file, .. }, content) in lent.copies.iter().zip(contents) {
        if let Err(error) = within(home, file).and_then(|copy| private(&copy, &content)) {
            give_back(lent);
            return Err(error);
        }
    }
    Ok(lent)
}

/// Gives back what was renewed: only what is sound JSON, and only where the
/// user's own did not change meanwhile. The copies are removed.
pub(super) fn give_back(Lent { user, home, copies }: Lent) {
    for Copied { file, was } in &copies {
        let (Ok(own), Ok(root)) = (inside(&user, file), home.canonicalize()) else { continue };
        let copy = root.join(file);
        let is_link = has_links(&copy);
        let renewed = if is_link {
            Vec::new()
        } else {
            autoresearch_plain::read(&copy, LARGEST).unwrap_or_default()
        };
        let is_sound =
            serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(&renewed)
                .is_ok_and(|fields| !fields.is_empty());
        if hash(&renewed) != *was && is_sound && fs::read(&own).is_ok_and(|now| hash(&now) == *was)
        {
            // The agent has what it wrote in any case; nothing else is lost.
            let _ = private(&own.canonicalize().unwrap_or(own), &renewed);
        }
        if !is_link {
            let _ = fs::remove_file(&copy);
        }
    }
    if !copies.is_empty() {
        let _ = fs::remove_file(record(&home));
    }
}

/// Where it is written down what a home was lent.
fn record(home: &Path) -> PathBuf {
    let mut name = home.as_os_str().to_owned();
    name.push(".lent");
    name.into()
}

/// What an engine that died has not given back.
fn on_record(home: &Path) -> Option<Vec<Copied>> {
    serde_json::from_slice(&autoresearch_plain::read(&record(home), LARGEST).ok()?).ok()
}

fn hash(content: &[u8]) -> String {
    Sha256::digest(content).iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Whether a path that was free of links has one now.
fn has_links(path: &Path) -> bool {
    path.canonicalize().is_ok_and(|real| real != path)
}

/// A path below a folder; the table may come from a repository.
fn inside(folder: &Path, file: &str) -> io::Result<PathBuf> {
    let is_plain =
        Path::new(file).components().all(|c| matches!(c, std::path::Component::Normal(_)));
    if file.is_empty() || !is_plain {
        let why =
            format!("`{file}` does not lie in the home folder; write it relative, without `..`");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    }
    Ok(folder.join(file))
}

/// A path below the agent's home, free of links: the agent could have put them
/// there, and they are followed outside of its walls.
fn within(home: &Path, file: &str) -> io::Result<PathBuf> {
    inside(home, file)?;
    fs::create_dir_all(home)?;
    let mut path = home.canonicalize()?;
    for part in Path::new(file).components() {
        path.push(part);
        if path.symlink_metadata().is_ok_and(|data| data.is_symlink()) {
            fs::remove_file(&path)?;
        }
    }
    Ok(path)
}

/// Writes a file that only its owner may read, whole or not at all.
fn private(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".autoresearch");
    let new = folder.join(name);
    // A link in its place could lead anywhere.
    let _ = fs::remove_file(&new);
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&new)?;
    io::Write::write_all(&mut file, content)?;
    file.sync_all()?;
    fs::rename(&new, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOGIN: &str = ".agent/auth.json";

    fn lent(user: &Path, home: &Path) -> Lent {
        write(user, LOGIN, r#"{"token":"old"}"#).unwrap();
        lend(user, home, &[LOGIN.to_owned(), ".none/there.json".to_owned()]).unwrap()
    }

    fn folders() -> (tempfile::TempDir, PathBuf, PathBuf) {
        let temp = tempfile::tempdir().unwrap();
        let (user, home) = (temp.path().join("user"), temp.path().join("home"));
        (temp, user, home)
    }

    #[test]
    fn a_renewed_login_goes_back_and_no_copy_stays() {
        let (_temp, user, home) = folders();
        let lent = lent(&user, &home);
        fs::write(home.join(LOGIN), r#"{"token":"new"}"#).unwrap();
        give_back(lent);
        assert_eq!(fs::read_to_string(user.join(LOGIN)).unwrap(), r#"{"token":"new"}"#);
        assert!(!home.join(LOGIN).exists() && !record(&home).exists());
    }

    #[test]
    fn what_a_killed_engine_has_not_given_back_is_given_back_first() {
        let (_temp, user, home) = folders();
        let killed = lent(&user, &home);
        fs::write(home.join(LOGIN), r#"{"token":"new"}"#).unwrap();
        std::mem::forget(killed);
        let lent = lend(&user, &home, &[LOGIN.to_owned()]).unwrap();
        assert_eq!(fs::read_to_string(user.join(LOGIN)).unwrap(), r#"{"token":"new"}"#);
        assert_eq!(fs::read_to_string(home.join(LOGIN)).unwrap(), r#"{"token":"new"}"#);
        give_back(lent);
        assert!(!home.join(LOGIN).exists() && !record(&home).exists());
    }

    #[test]
    fn what_cannot_be_lent_as_a_whole_leaves_no_copy() {
        let (_temp, user, home) = folders();
        write(&user, LOGIN, "{}").unwrap();
        write(&user, "second/x", "{}").unwrap();
        // There is a folder in its place.
        fs::create_dir_all(home.join("second/x/y")).unwrap();
        assert!(lend(&user, &home, &[LOGIN.to_owned(), "second/x".to_owned()]).is_err());
        assert!(!home.join(LOGIN).exists() && !record(&home).exists());
        assert!(home.join("second/x/y").exists());
    }

    #[test]
    fn rubbish_and_stale_logins_do_not_go_back() {
        for (copy, own, stays) in [
            ("{\"token\":", None, r#"{"token":"old"}"#),
            ("{}", None, r#"{"token":"old"}"#),
            (r#"{"token":"new"}"#, Some(r#"{"token":"newer"}"#), r#"{"token":"newer"}"#),
        ] {
            let (_temp, user, home) = folders();
            let lent = lent(&user, &home);
            fs::write(home.join(LOGIN), copy).unwrap();
            if let Some(own) = own {
                fs::write(user.join(LOGIN), own).unwrap();
            }
            give_back(lent);
            assert_eq!(fs::read_to_string(user.join(LOGIN)).unwrap(), stays);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_named_pipe_in_place_of_a_login_does_not_hang() {
        let (_temp, user, home) = folders();
        let lent = lent(&user, &home);
        fs::remove_file(home.join(LOGIN)).unwrap();
        autoresearch_testkit::pipe(&home.join(LOGIN));
        give_back(lent);
        assert_eq!(fs::read_to_string(user.join(LOGIN)).unwrap(), r#"{"token":"old"}"#);
        assert!(!home.join(LOGIN).exists());
    }

    #[cfg(unix)]
    #[test]
    fn a_login_is_readable_by_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let (_temp, user, home) = folders();
        let _lent = lent(&user, &home);
        let mode = fs::metadata(home.join(LOGIN)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[cfg(unix)]
    #[test]
    fn links_that_the_agent_made_lead_nowhere() {
        let (temp, user, home) = folders();
        fs::create_dir_all(temp.path().join("elsewhere")).unwrap();
        fs::create_dir_all(&home).unwrap();
        std::os::unix::fs::symlink(temp.path().join("elsewhere"), home.join(".agent")).unwrap();
        let lent = lent(&user, &home);
        assert!(!temp.path().join("elsewhere/auth.json").exists());

        // While it runs it makes one again, and sound JSON behind it.
        fs::write(temp.path().join("elsewhere/auth.json"), r#"{"not":"a login"}"#).unwrap();
        fs::rename(home.join(".agent"), home.join(".moved")).unwrap();
        std::os::unix::fs::symlink(temp.path().join("elsewhere"), home.join(".agent")).unwrap();
        give_back(lent);
        assert_eq!(fs::read_to_string(user.join(LOGIN)).unwrap(), r#"{"token":"old"}"#);
        assert!(temp.path().join("elsewhere/auth.json").exists());
    }

    #[test]
    fn no_file_leaves_the_home_folder() {
        let (_temp, user, home) = folders();
        for file in ["../x", "/etc/x", "a/../../x", ""] {
            assert!(write(&home, file, "").is_err(), "{file}");
            assert!(lend(&user, &home, &[file.to_owned()]).is_err(), "{file}");
        }
    }
}
