//! Reading what a program left that was told to write: it may have put anything
//! in a file's place.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

/// Bytes of a file that are read at most: far more than a target or a login has.
const LARGEST: u64 = 64 << 20;

/// The contents of a plain file. A link at its end is not followed.
///
/// # Errors
/// When it is none, is too large, or cannot be read.
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let file = open(path)?;
    let data = file.metadata()?;
    if !data.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no plain file"));
    }
    if data.len() > LARGEST {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than 64 MiB"));
    }
    let mut bytes = Vec::new();
    file.take(LARGEST).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(unix)]
fn open(path: &Path) -> io::Result<File> {
    use rustix::fs::{Mode, OFlags};
    // Without `NONBLOCK`, a named pipe would make us wait for ever.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(File::from(rustix::fs::open(path, flags, Mode::empty())?))
}

#[cfg(not(unix))]
fn open(path: &Path) -> io::Result<File> {
    if path.symlink_metadata()?.is_file() {
        File::open(path)
    } else {
        Err(io::ErrorKind::InvalidInput.into())
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_file_of_sane_size_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("plain"), "text").unwrap();
        assert_eq!(read(&at("plain")).unwrap(), b"text");
        std::os::unix::fs::symlink(at("plain"), at("link")).unwrap();
        File::create(at("large")).unwrap().set_len(LARGEST + 1).unwrap();
        pipe(&at("pipe"));
        for name in ["link", "large", "pipe", ".", "none"] {
            assert!(read(&at(name)).is_err(), "{name}");
        }
    }

    pub(crate) fn pipe(path: &Path) {
        let made = std::process::Command::new("mkfifo").arg(path).status();
        assert!(made.is_ok_and(|status| status.success()));
    }
}

#[cfg(all(test, unix))]
pub(crate) use tests::pipe;
