//! Files that an agent asks for by the protocol. We serve them, outside of its
//! sandbox: so nothing on the way may be a link, even if it becomes one while
//! we look.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::{Component, Path, PathBuf};

/// Bytes of a file that are handed out at most.
const LARGEST: u64 = 8 << 20;

/// The desk, as far as an agent may see and change it.
#[derive(Debug)]
pub(super) struct Files {
    desk: PathBuf,
    /// The same without links.
    real: PathBuf,
    targets: Vec<PathBuf>,
}

impl Files {
    pub(super) fn new(desk: PathBuf, targets: impl IntoIterator<Item = String>) -> Files {
        let real = desk.canonicalize().unwrap_or_else(|_| desk.clone());
        Files { desk, real, targets: targets.into_iter().map(PathBuf::from).collect() }
    }

    pub(super) fn desk(&self) -> &Path {
        &self.desk
    }

    /// A path from the desk on, if it lies there as far as one can tell by it.
    fn within(&self, path: &Path) -> Option<PathBuf> {
        let path = [&self.desk, &self.real]
            .into_iter()
            .find_map(|desk| path.strip_prefix(desk).ok())
            .or_else(|| path.is_relative().then_some(path))?;
        let mut plain = PathBuf::new();
        for part in path.components() {
            match part {
                Component::Normal(name) => plain.push(name),
                Component::CurDir => {}
                _ => return None,
            }
        }
        (!plain.as_os_str().is_empty()).then_some(plain)
    }

    /// Whether a path is one of a target.
    pub(super) fn is_target(&self, path: &Path) -> bool {
        self.within(path).is_some_and(|path| self.targets.contains(&path))
    }

    /// The lines from `line` (from 1) on, `limit` at most, of a file on the desk.
    ///
    /// # Errors
    /// When it is not there, no text, too large, or not on the desk.
    pub(super) fn read(
        &self,
        path: &Path,
        line: Option<u32>,
        limit: Option<u32>,
    ) -> io::Result<String> {
        let file = self.open(path, false)?;
        if file.metadata()?.len() > LARGEST {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than 8 MiB"));
        }
        let mut text = String::new();
        file.take(LARGEST).read_to_string(&mut text)?;
        if line.is_none() && limit.is_none() {
            return Ok(text);
        }
        let from = line.map_or(0, |line| line.saturating_sub(1) as usize);
        let most = limit.map_or(usize::MAX, |limit| limit as usize);
        Ok(text.split_inclusive('\n').skip(from).take(most).collect())
    }

    /// Puts a text in place of a target's.
    ///
    /// # Errors
    /// When it is no target, or cannot be written.
    pub(super) fn write(&self, path: &Path, text: &str) -> io::Result<()> {
        if !self.is_target(path) {
            let targets: Vec<String> =
                self.targets.iter().map(|target| format!("`{}`", target.display())).collect();
            let why = format!("only {} may be changed", targets.join(", "));
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
        }
        let mut file = self.open(path, true)?;
        file.set_len(0)?;
        file.write_all(text.as_bytes())
    }

    #[cfg(unix)]
    fn open(&self, path: &Path, writes: bool) -> io::Result<File> {
        use rustix::fs::{Mode, OFlags, open, openat};
        let outside = || io::Error::new(io::ErrorKind::PermissionDenied, "it is not on the desk");
        let path = self.within(path).ok_or_else(outside)?;
        let folder = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
        let mut at = open(&self.real, folder, Mode::empty())?;
        let mut parts = path.components().peekable();
        while let Some(part) = parts.next() {
            // A pipe would make us wait.
            let how = match (parts.peek(), writes) {
                (Some(_), _) => folder,
                (None, false) => OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC,
                (None, true) => {
                    OFlags::WRONLY | OFlags::CREATE | OFlags::NONBLOCK | OFlags::CLOEXEC
                }
            };
            at = openat(&at, part.as_os_str(), how | OFlags::NOFOLLOW, Mode::from_raw_mode(0o644))?;
        }
        let file = File::from(at);
        if file.metadata()?.is_file() { Ok(file) } else { Err(outside()) }
    }

    #[cfg(not(unix))]
    fn open(&self, _path: &Path, _writes: bool) -> io::Result<File> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[cfg(all(test, unix))]
#[expect(clippy::unwrap_used, reason = "helpers of tests are tests, too")]
mod tests {
    use std::fs;

    use super::*;

    fn desk() -> (tempfile::TempDir, Files) {
        let place = tempfile::tempdir().unwrap();
        let desk = place.path().join("desk");
        fs::create_dir_all(desk.join("lib")).unwrap();
        fs::write(desk.join("train.py"), "a\nb\nc\n").unwrap();
        fs::write(desk.join("lib/data.py"), "data").unwrap();
        fs::write(place.path().join("secret"), "secret").unwrap();
        let targets = ["train.py".to_owned(), "lib/new.py".to_owned()];
        (place, Files::new(desk, targets))
    }

    #[test]
    fn what_is_on_the_desk_is_read_whole_or_in_part_and_targets_are_written() {
        let (_place, files) = desk();
        let at = |name: &str| files.desk().join(name);
        assert_eq!(files.read(&at("train.py"), None, None).unwrap(), "a\nb\nc\n");
        assert_eq!(files.read(&at("train.py"), Some(2), Some(1)).unwrap(), "b\n");
        assert_eq!(files.read(Path::new("lib/data.py"), None, None).unwrap(), "data");
        files.write(&at("train.py"), "d").unwrap();
        files.write(&at("./lib/new.py"), "new").unwrap();
        assert_eq!(fs::read_to_string(at("train.py")).unwrap(), "d");
        let error = files.write(&at("lib/data.py"), "").unwrap_err();
        assert!(error.to_string().contains("only `train.py`, `lib/new.py`"), "{error}");
    }

    #[test]
    fn nothing_outside_is_reached_by_path_or_link_and_nothing_makes_us_wait() {
        let (place, files) = desk();
        let at = |name: &str| files.desk().join(name);
        std::os::unix::fs::symlink(place.path(), at("out")).unwrap();
        std::os::unix::fs::symlink(place.path().join("secret"), at("lib/link")).unwrap();
        fs::remove_file(at("train.py")).unwrap();
        std::os::unix::fs::symlink(place.path().join("secret"), at("train.py")).unwrap();
        autoresearch_testkit::pipe(&at("pipe"));
        for path in [
            "../secret",
            "lib/../../secret",
            "out/secret",
            "lib/link",
            "train.py",
            "pipe",
            "lib",
            "",
        ] {
            assert!(files.read(&at(path), None, None).is_err(), "{path}");
        }
        assert!(files.read(&place.path().join("secret"), None, None).is_err());
        assert!(files.write(&at("train.py"), "changed").is_err());
        assert_eq!(fs::read_to_string(place.path().join("secret")).unwrap(), "secret");
    }
}
