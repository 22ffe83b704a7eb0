//! What the short job tries that tells whether confinement works here.

use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::path::PathBuf;

#[cfg(target_os = "linux")]
use autoresearch_core::trial::Protection;

#[cfg(target_os = "linux")]
use super::plan::{Plan, Raw};
use crate::protection::PROBE_PORT;
use crate::sys;

/// To be run where the command would.
pub(super) struct Probe {
    is_sandboxed: bool,
    /// May be written; beside it lies what may not be read.
    directory: PathBuf,
    port: Option<u16>,
}

impl Probe {
    /// In the folder that this process is in.
    #[cfg(not(target_os = "linux"))]
    pub(super) fn here() -> Option<Probe> {
        let port = std::env::var(PROBE_PORT).ok().and_then(|port| port.parse().ok());
        Some(Probe { is_sandboxed: false, directory: std::env::current_dir().ok()?, port })
    }

    #[cfg(target_os = "linux")]
    pub(super) fn of(plan: &Plan) -> Probe {
        let port = plan.environment.iter().find(|(Raw(name), _)| name == PROBE_PORT);
        Probe {
            is_sandboxed: plan.protection == Protection::Sandboxed,
            directory: plan.directory.path().to_owned(),
            port: port.and_then(|(_, Raw(port))| port.to_str()?.parse().ok()),
        }
    }

    /// Tries it all; the exit code, after a line for what does not hold.
    pub(super) fn run(&self) -> i32 {
        let Some(holds) = self.first_that_does_not_hold() else { return 0 };
        let line = format!("{holds}; report this, with your kernel and distribution\n");
        let _ = rustix::io::write(rustix::stdio::stdout(), line.as_bytes());
        1
    }

    fn first_that_does_not_hold(&self) -> Option<&'static str> {
        let own = &self.directory;
        let beside = |name: &str| own.with_file_name(name);
        let protected = own.join("protected");
        let checks: [(&str, bool); 6] = [
            ("it may not write where it should", fs::write(own.join("mine"), "mine").is_ok()),
            ("it reads what it must not", fs::read(beside("secret")).is_err()),
            (
                "it writes where it must not",
                // In a sandbox there is another folder; from outside one sees which.
                fs::write(beside("new"), "new").is_err() || self.is_sandboxed,
            ),
            (
                "it changes what is protected",
                !self.is_sandboxed
                    || fs::write(&protected, "changed").is_err()
                        && fs::rename(&protected, own.join("moved")).is_err(),
            ),
            (
                "it reaches the network",
                self.port
                    .is_none_or(|port| TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err()),
            ),
            ("it makes namespaces", !sys::makes_user_namespace()),
        ];
        checks.into_iter().find(|(_, holds)| !holds).map(|(what, _)| what)
    }
}
