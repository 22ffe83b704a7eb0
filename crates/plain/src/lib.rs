//! Reading a file where somebody else may have put anything: a named pipe that makes
//! its reader wait for ever, a link to a secret, a file that fills the memory.

use std::fs::{File, Metadata};
use std::io::{self, ErrorKind, Read as _};
use std::path::Path;

/// A plain file, opened for reading. A link at the end of its path is not followed.
///
/// # Errors
/// When it is none, or cannot be opened.
pub fn open(path: &Path) -> io::Result<(File, Metadata)> {
    let file = opened(path)?;
    let metadata = file.metadata()?;
    if metadata.is_file() { Ok((file, metadata)) } else { Err(no_plain_file()) }
}

/// The contents of a plain file of at most `largest` bytes. A link at the end of its path
/// is not followed.
///
/// # Errors
/// When it is none, is larger, or cannot be read.
pub fn read(path: &Path, largest: u64) -> io::Result<Vec<u8>> {
    let (file, metadata) = open(path)?;
    if metadata.len() > largest {
        return Err(io::Error::new(ErrorKind::FileTooLarge, too_large(largest)));
    }
    let mut bytes = Vec::new();
    // It may still grow.
    file.take(largest).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What is said of a file that is larger than `largest` bytes, in MiB.
pub fn too_large(largest: u64) -> String {
    format!("it is larger than {} MiB", largest >> 20)
}

fn no_plain_file() -> io::Error {
    io::Error::new(ErrorKind::InvalidInput, "it is no plain file")
}

#[cfg(unix)]
fn opened(path: &Path) -> io::Result<File> {
    use rustix::fs::{Mode, OFlags};
    // Without `NONBLOCK`, a named pipe would make us wait for ever.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(File::from(rustix::fs::open(path, flags, Mode::empty())?))
}

#[cfg(not(unix))]
fn opened(path: &Path) -> io::Result<File> {
    if path.symlink_metadata()?.is_file() { File::open(path) } else { Err(no_plain_file()) }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    const LARGEST: u64 = 1 << 20;

    #[test]
    fn only_a_plain_file_of_sane_size_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("plain"), "text").unwrap();
        assert_eq!(read(&at("plain"), LARGEST).unwrap(), b"text");
        std::os::unix::fs::symlink(at("plain"), at("link")).unwrap();
        File::create(at("large")).unwrap().set_len(LARGEST + 1).unwrap();
        autoresearch_testkit::pipe(&at("pipe"));
        for (name, kind) in [
            ("link", None),
            ("large", Some(ErrorKind::FileTooLarge)),
            ("pipe", Some(ErrorKind::InvalidInput)),
            (".", Some(ErrorKind::InvalidInput)),
            ("none", Some(ErrorKind::NotFound)),
        ] {
            let error = read(&at(name), LARGEST).unwrap_err();
            assert!(kind.is_none_or(|kind| error.kind() == kind), "{name}: {error}");
        }
        assert_eq!(too_large(LARGEST), "it is larger than 1 MiB");
    }
}
