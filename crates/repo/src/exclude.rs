//! Hiding our files from `git status` without touching a tracked file.

use std::fs;
use std::io::Write;
use std::path::Path;

use crate::error::RepoError;
use crate::path;
use crate::repo::Repo;

impl Repo {
    /// Adds lines to `.git/info/exclude` that are not there yet. What the user
    /// wrote stays, in its line endings; the file is replaced in one step.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn exclude(&self, lines: &[&str]) -> Result<(), RepoError> {
        let place = self
            .call("find the exclude file")
            .args(["rev-parse", "--git-path", "info/exclude"])
            .run()?;
        let place = path::from_bytes(place.strip_suffix(b"\n").unwrap_or(&place));
        let file = self.root().join(place);
        // Through a link, for those who keep one file for many repositories.
        let file = file.canonicalize().unwrap_or(file);
        let old = match fs::read(&file) {
            Ok(old) => old,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(RepoError::io("read", &file)(error)),
        };
        if let Some(new) = with_lines(&old, lines) {
            replace(&file, &new).map_err(RepoError::io("write", &file))?;
        }
        Ok(())
    }
}

/// `old` with the lines that it lacks; `None` when it lacks none.
fn with_lines(old: &[u8], lines: &[&str]) -> Option<Vec<u8>> {
    let has = |line: &str| {
        old.split(|b| *b == b'\n').any(|l| l.strip_suffix(b"\r").unwrap_or(l) == line.as_bytes())
    };
    let missing: Vec<&str> = lines.iter().copied().filter(|line| !has(line)).collect();
    if missing.is_empty() {
        return None;
    }
    let ending: &[u8] = if old.windows(2).any(|pair| pair == b"\r\n") { b"\r\n" } else { b"\n" };
    let mut new = old.to_vec();
    if !new.is_empty() && !new.ends_with(b"\n") {
        new.extend(ending);
    }
    for line in missing {
        new.extend(line.as_bytes());
        new.extend(ending);
    }
    Some(new)
}

fn replace(file: &Path, content: &[u8]) -> std::io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".exclude-");
    // As any new file, not as a secret one.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut new = builder.tempfile_in(folder)?;
    new.write_all(content)?;
    if let Ok(old) = fs::metadata(file) {
        new.as_file().set_permissions(old.permissions())?;
    }
    new.persist(file).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_added_once_in_the_endings_of_the_file() {
        assert_eq!(with_lines(b"", &["a", "b"]).unwrap(), b"a\nb\n");
        assert_eq!(with_lines(b"# x\na", &["a", "b"]).unwrap(), b"# x\na\nb\n");
        assert_eq!(with_lines(b"x\r\n", &["a"]).unwrap(), b"x\r\na\r\n");
        assert_eq!(with_lines(b"b\r\na\r\n", &["a", "b"]), None);
        assert_eq!(with_lines(b"\xff\n", &["a"]).unwrap(), b"\xff\na\n");
    }
}
