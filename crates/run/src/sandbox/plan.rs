//! What the supervisor and the process that confines tell one another.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use autoresearch_core::trial::Protection;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::gate::Doors;

/// To the process that confines: TERM for the command's group.
pub(crate) const TERM: u8 = b't';

/// All that the process that confines must know.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) protection: Protection,
    pub(crate) command: Vec<Raw>,
    pub(crate) directory: Raw,
    /// The whole of it: nothing is inherited.
    pub(crate) environment: Vec<(Raw, Raw)>,
    /// May be read and run.
    pub(crate) readable: Vec<Raw>,
    /// May be changed as well.
    pub(crate) writable: Vec<Raw>,
    pub(crate) network: bool,
    /// What opens to single hosts.
    pub(crate) doors: Doors,
}

/// What the process that confines says, a line of JSON each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Said {
    /// The command runs.
    Started,
    /// The command cannot be started; the system's error number.
    NotStarted { errno: i32 },
    /// It cannot be confined.
    NotConfined { why: String },
    /// The command ended with an exit code.
    Exited { code: i32 },
    /// The command was ended by a signal.
    Killed { signal: i32 },
}

/// Text of the system, which need not be UTF-8: as JSON a string where it can
/// be, else its bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Raw(pub(crate) OsString);

impl Raw {
    pub(crate) fn path(&self) -> &Path {
        Path::new(&self.0)
    }
}

impl<T: AsRef<OsStr> + ?Sized> From<&T> for Raw {
    fn from(text: &T) -> Raw {
        Raw(text.as_ref().to_owned())
    }
}

impl From<PathBuf> for Raw {
    fn from(path: PathBuf) -> Raw {
        Raw(path.into_os_string())
    }
}

impl Serialize for Raw {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0.to_str() {
            Some(text) => text.serialize(to),
            None => self.0.as_bytes().serialize(to),
        }
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Raw, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            Text(String),
            Bytes(Vec<u8>),
        }
        Ok(Raw(match Either::deserialize(from)? {
            Either::Text(text) => text.into(),
            Either::Bytes(bytes) => OsString::from_vec(bytes),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_with_text_that_is_not_utf8_survives_json() {
        let odd = Raw(OsString::from_vec(b"/\xff 'x'\n".to_vec()));
        let plan = Plan {
            protection: Protection::Restricted,
            command: vec![Raw::from("true"), odd.clone()],
            directory: odd.clone(),
            environment: vec![(odd.clone(), odd.clone())],
            readable: vec![odd.clone()],
            writable: vec![odd],
            network: false,
            doors: Doors(vec!["127.1.0.1:443".parse().unwrap()]),
        };
        let line = serde_json::to_vec(&plan).unwrap();
        assert_eq!(serde_json::from_slice::<Plan>(&line).unwrap(), plan);
    }
}
