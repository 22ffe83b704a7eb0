//! What trials run on, in words: told to the user before a session and
//! recorded with it.

use std::fmt::Write as _;

use autoresearch_core::units::Bytes;

/// One line, as `Linux x86_64, 2 cores, 23.4 GiB, CPU`.
pub fn describe() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let system = match std::env::consts::OS {
        "linux" => "Linux",
        "macos" => "macOS",
        "windows" => "Windows",
        other => other,
    };
    let core = if cores == 1 { "core" } else { "cores" };
    let mut line = format!("{system} {}, {cores} {core}", std::env::consts::ARCH);
    if let Some(memory) = memory() {
        let _ = write!(line, ", {memory}");
    }
    let gpus = nvidia();
    if gpus.is_empty() {
        let device =
            if cfg!(all(target_os = "macos", target_arch = "aarch64")) { "MPS" } else { "CPU" };
        let _ = write!(line, ", {device}");
    } else {
        let _ = write!(line, ", {}", gpus.join(" + "));
    }
    line
}

/// Name of this machine; empty where the system does not tell.
pub fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// Physical memory.
#[cfg(target_os = "linux")]
fn memory() -> Option<Bytes> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let kib: u64 = text.lines().next()?.split_whitespace().nth(1)?.parse().ok()?;
    Some(Bytes(kib * 1024))
}

#[cfg(not(target_os = "linux"))]
fn memory() -> Option<Bytes> {
    None
}

/// Models of the NVIDIA devices, as the driver lists them.
fn nvidia() -> Vec<String> {
    let Ok(devices) = std::fs::read_dir("/proc/driver/nvidia/gpus") else { return Vec::new() };
    let mut models: Vec<String> = devices
        .flatten()
        .filter_map(|device| std::fs::read_to_string(device.path().join("information")).ok())
        .filter_map(|text| model(&text))
        .collect();
    models.sort();
    models
}

fn model(information: &str) -> Option<String> {
    let line = information.lines().find(|line| line.starts_with("Model:"))?;
    Some(line.trim_start_matches("Model:").trim().to_owned())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_drivers_page_names_the_model() {
        // As the driver 550 prints it.
        let page = "Model: \t\t NVIDIA H100 80GB HBM3\nIRQ:   \t\t 42\nGPU UUID: \t GPU-0\n";
        assert_eq!(super::model(page).as_deref(), Some("NVIDIA H100 80GB HBM3"));
        assert_eq!(super::model(""), None);
    }

    #[test]
    fn the_description_names_system_and_device() {
        let line = super::describe();
        assert!(line.contains(std::env::consts::ARCH) && line.contains("core"), "{line}");
    }
}
