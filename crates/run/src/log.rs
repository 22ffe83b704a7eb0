//! The log of one run: both ends in a plain file that can be read at any time,
//! the whole compressed beside it when there is more.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::{LogLimit, RunError};

/// How far the plain file may outgrow its limit before its middle is cut out,
/// beside another `tail`: each byte is moved at most about once.
const SLACK: u64 = 256 * 1024;
const PIECE: usize = 64 * 1024;

/// Takes output as it comes and keeps what the limit allows. Constant memory.
pub(crate) struct Log {
    path: PathBuf,
    limit: LogLimit,
    plain: File,
    /// Bytes in the plain file.
    length: u64,
    /// Bytes of output so far.
    total: u64,
    whole: Option<Whole>,
}

struct Whole {
    path: PathBuf,
    gz: GzEncoder<File>,
    room: u64,
}

impl Log {
    /// An empty log; an earlier one at the same place is replaced.
    pub(crate) fn create(path: &Path, limit: LogLimit) -> Result<Log, RunError> {
        let plain = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(path)
            .map_err(|error| RunError::write(path, error))?;
        let stale = compressed(path);
        match std::fs::remove_file(&stale) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(RunError::write(&stale, error));
            }
            _ => {}
        }
        let path = path.to_owned();
        Ok(Log { path, limit, plain, length: 0, total: 0, whole: None })
    }

    /// Bytes of output so far.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    fn kept(&self) -> u64 {
        self.limit.head.saturating_add(self.limit.tail)
    }

    /// Takes the next bytes of output.
    pub(crate) fn feed(&mut self, chunk: &[u8]) -> Result<(), RunError> {
        self.total += chunk.len() as u64;
        if self.total > self.kept() && self.whole.is_none() {
            self.whole = Some(self.begin_whole()?);
        }
        if let Some(whole) = &mut self.whole {
            whole.feed(chunk)?;
        }
        self.plain.write_all(chunk).map_err(|error| RunError::write(&self.path, error))?;
        self.length += chunk.len() as u64;
        let roomy = self.kept().saturating_add(self.limit.tail).saturating_add(SLACK);
        if self.length > roomy { self.cut() } else { Ok(()) }
    }

    /// Brings the log into its final form and returns the bytes of output.
    pub(crate) fn finish(mut self) -> Result<u64, RunError> {
        if self.total > self.kept() {
            self.cut()?;
        }
        if let Some(whole) = self.whole {
            whole.gz.finish().map_err(|error| RunError::write(&whole.path, error))?;
        }
        Ok(self.total)
    }

    /// Starts the compressed copy with what the plain file holds: everything,
    /// since nothing has been cut out yet.
    fn begin_whole(&mut self) -> Result<Whole, RunError> {
        let path = compressed(&self.path);
        let file = File::create(&path).map_err(|error| RunError::write(&path, error))?;
        let gz = GzEncoder::new(file, Compression::fast());
        let mut whole = Whole { path, gz, room: self.limit.whole };
        let mut piece = vec![0; PIECE];
        let mut at = 0;
        while at < self.length {
            let n = self.plain.read_at(&mut piece, at);
            let n = n.map_err(|error| RunError::write(&self.path, error))?;
            if n == 0 {
                break;
            }
            whole.feed(&piece[..n])?;
            at += n as u64;
        }
        Ok(whole)
    }

    /// Makes the plain file `head`, a marker line and `tail`.
    fn cut(&mut self) -> Result<(), RunError> {
        let LogLimit { head, tail, whole } = self.limit;
        let dropped = self.total - head - tail;
        let copy = compressed(&self.path);
        let name = copy.file_name().unwrap_or_default().to_string_lossy();
        let what = if self.total > whole {
            format!("the first {whole} bytes of the output are")
        } else {
            "the whole output is".to_owned()
        };
        let marker = format!("\n[autoresearch: {dropped} bytes left out here; {what} in {name}]\n");
        let write = |error| RunError::write(&self.path, error);

        let from = self.length - tail;
        let to = head + marker.len() as u64;
        let mut piece = vec![0; PIECE];
        // When the marker grows by a digit and next to nothing was added since
        // the last cut, the end moves up: then it is copied from the back.
        let moves_up = to > from;
        let mut done = 0;
        while done < tail {
            let n = (tail - done).min(PIECE as u64);
            let at = if moves_up { tail - done - n } else { done };
            let piece = &mut piece[..usize::try_from(n).unwrap_or(PIECE)];
            self.plain.read_exact_at(piece, from + at).map_err(write)?;
            self.plain.write_all_at(piece, to + at).map_err(write)?;
            done += n;
        }
        self.plain.write_all_at(marker.as_bytes(), head).map_err(write)?;
        self.length = to + tail;
        self.plain.set_len(self.length).map_err(write)?;
        self.plain.seek(SeekFrom::Start(self.length)).map_err(write)?;
        Ok(())
    }
}

impl Whole {
    fn feed(&mut self, chunk: &[u8]) -> Result<(), RunError> {
        let n = usize::try_from(self.room).unwrap_or(usize::MAX).min(chunk.len());
        self.room -= n as u64;
        self.gz.write_all(&chunk[..n]).map_err(|error| RunError::write(&self.path, error))
    }
}

/// Where the compressed copy of a log lies.
fn compressed(log: &Path) -> PathBuf {
    let mut path = OsString::from(log);
    path.push(".gz");
    path.into()
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::GzDecoder;
    use proptest::prelude::*;

    use super::*;

    fn unpacked(path: &Path) -> Vec<u8> {
        let mut bytes = Vec::new();
        GzDecoder::new(File::open(path).unwrap()).read_to_end(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn an_early_log_and_its_copy_are_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        std::fs::write(compressed(&path), "old").unwrap();
        std::fs::write(&path, "old").unwrap();
        let mut log = Log::create(&path, LogLimit::default()).unwrap();
        log.feed(b"new").unwrap();
        assert_eq!(log.finish().unwrap(), 3);
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        assert!(!compressed(&path).exists());
    }

    #[test]
    fn a_log_that_cannot_be_written_says_where() {
        let error = Log::create(Path::new("/nowhere/a.log"), LogLimit::default()).err().unwrap();
        assert!(
            matches!(error, RunError::Write { path, .. } if path == Path::new("/nowhere/a.log"))
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn both_ends_are_kept_and_the_whole_is_beside_them(
            head in 0_usize..1000, tail in 0_usize..1000, whole in 0_usize..1_000_000,
            sizes in prop::collection::vec(0_usize..150_000, 0..8), seed in any::<u8>(),
        ) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("a.log");
            let limit = LogLimit { head: head as u64, tail: tail as u64, whole: whole as u64 };
            let mut log = Log::create(&path, limit).unwrap();
            let mut output = Vec::new();
            for size in sizes {
                let start = output.len();
                output.extend((0..=250).cycle().skip(start % 251).map(|byte: u8| byte ^ seed).take(size));
                log.feed(&output[start..]).unwrap();
            }
            prop_assert_eq!(log.finish().unwrap(), output.len() as u64);
            let plain = std::fs::read(&path).unwrap();
            if output.len() <= head + tail {
                prop_assert_eq!(plain, output);
            } else {
                prop_assert_eq!(&plain[..head], &output[..head]);
                prop_assert_eq!(&plain[plain.len() - tail..], &output[output.len() - tail..]);
                let marker = String::from_utf8(plain[head..plain.len() - tail].to_vec()).unwrap();
                let start = format!("\n[autoresearch: {} bytes left out here", output.len() - head - tail);
                prop_assert!(marker.starts_with(&start) && marker.ends_with("in a.log.gz]\n"));
                let kept = output.len().min(whole);
                prop_assert_eq!(unpacked(&compressed(&path)), &output[..kept]);
            }
        }
    }
}
