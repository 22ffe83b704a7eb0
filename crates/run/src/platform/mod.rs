//! What this machine is (SPEC C1): asked of `/proc`, `/sys` and the tools that
//! the system and the GPUs' drivers bring. Every answer is optional and every
//! question bounded in time; what an answer means is parsed by pure functions.

mod amd;
mod ask;
mod cgroup;
mod linux;
mod macos;
mod nvidia;
mod python;
mod windows;

use std::path::Path;
use std::sync::OnceLock;

use autoresearch_core::platform::{Device, Machine};

pub use ask::{AskError, ask};
pub use cgroup::{available_memory, controllers};
pub use nvidia::gpus_now;
pub use python::{NoPython, first_line, interpreter, python};

/// This machine; asked once in the life of the process.
pub fn machine() -> &'static Machine {
    static MACHINE: OnceLock<Machine> = OnceLock::new();
    MACHINE.get_or_init(detect)
}

/// One line, as `Linux x86_64, 2 cores, 23.4 GiB, CPU`.
pub fn describe() -> String {
    machine().to_string()
}

/// Name of this machine; empty where the system does not tell.
pub fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// Bytes that are free for this user on the disk of a folder.
pub fn free_space(folder: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

fn detect() -> Machine {
    let mut machine = Machine {
        system: std::env::consts::OS.to_owned(),
        architecture: std::env::consts::ARCH.to_owned(),
        cores: std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64),
        ..Machine::default()
    };
    match std::env::consts::OS {
        "linux" => linux::fill(&mut machine),
        "macos" => macos::fill(&mut machine),
        "windows" => windows::fill(&mut machine),
        _ => {}
    }
    if machine.device == Device::Cpu {
        nvidia::fill(&mut machine);
    }
    if machine.device == Device::Cpu {
        amd::fill(&mut machine);
    }
    machine
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_description_names_system_and_device() {
        let line = super::describe();
        assert!(line.contains(std::env::consts::ARCH) && line.contains("core"), "{line}");
        assert!(!line.contains('\n'), "{line}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_linux_machine_knows_its_memory_and_its_disk() {
        assert!(super::machine().memory.is_some());
        assert!(super::free_space("/".as_ref()).is_some());
        assert_eq!(super::free_space("/no/such/folder".as_ref()), None);
    }
}
