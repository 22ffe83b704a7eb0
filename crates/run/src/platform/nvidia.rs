//! NVIDIA: `nvidia-smi`, and `/proc` where that is missing.

use std::process::Command;
use std::time::Duration;

use autoresearch_core::conditions::GpuConditions;
use autoresearch_core::platform::{Accelerator, Device, Machine};
use autoresearch_core::units::Bytes;

use super::ask::{AskError, ask};

/// Without persistence mode the driver wakes up first, which takes seconds for
/// each GPU.
const LIMIT: Duration = Duration::from_secs(10);

const QUERY: [&str; 2] =
    ["--query-gpu=name,memory.total,driver_version", "--format=csv,noheader,nounits"];

pub(super) fn fill(machine: &mut Machine) {
    match ask(Command::new("nvidia-smi").args(QUERY), LIMIT) {
        Ok(answer) => {
            let (accelerators, driver) = gpus(&answer);
            machine.accelerators = accelerators;
            machine.driver = driver;
            if !machine.accelerators.is_empty() {
                machine.cuda = ask(&mut Command::new("nvidia-smi"), LIMIT)
                    .ok()
                    .and_then(|banner| cuda_version(&banner));
            }
        }
        Err(error) => {
            machine.accelerators = from_proc();
            // Without a GPU a tool that is missing, or that finds none, is no
            // trouble.
            machine.trouble = trouble(&error).filter(|_| {
                !machine.accelerators.is_empty() || matches!(error, AskError::Failed { .. })
            });
        }
    }
    if !machine.accelerators.is_empty() {
        machine.device = Device::Cuda;
    }
}

/// One line a GPU, as `NVIDIA H100 80GB HBM3, 81559, 550.54.15`; a field may be
/// `[N/A]` or `[Not Supported]`.
fn gpus(answer: &str) -> (Vec<Accelerator>, Option<String>) {
    let known = |field: &str| {
        let field = field.trim();
        (!field.is_empty() && !field.starts_with('[')).then(|| field.to_owned())
    };
    let mut driver = None;
    let mut found = Vec::new();
    for line in answer.lines() {
        // The name comes first and may hold anything; the others do not.
        let mut fields = line.rsplitn(3, ',');
        let (Some(version), Some(memory), Some(name)) =
            (fields.next(), fields.next(), fields.next())
        else {
            continue;
        };
        let Some(name) = known(name) else { continue };
        let mib = known(memory).and_then(|text| text.parse::<u64>().ok());
        let memory = mib.and_then(|mib| mib.checked_mul(1 << 20)).map(Bytes);
        found.push(Accelerator { name, memory });
        driver = driver.or_else(|| known(version));
    }
    (found, driver)
}

/// What the fields are called that tell of the clocks: the first since driver
/// 535, the second in all before.
const CLOCKS: [&str; 2] = [
    "--query-gpu=clocks.sm,clocks_event_reasons.active",
    "--query-gpu=clocks.sm,clocks_throttle_reasons.active",
];

/// The GPUs as they are at this moment, in the driver's order; none without
/// `nvidia-smi`. Takes 20 ms to seconds.
pub fn gpus_now() -> Vec<GpuConditions> {
    CLOCKS
        .into_iter()
        .find_map(|query| {
            let arguments = [query, "--format=csv,noheader,nounits"];
            ask(Command::new("nvidia-smi").args(arguments), LIMIT).ok()
        })
        .map_or_else(Vec::new, |answer| clocks(&answer))
}

/// One line a GPU, as `1980, 0x0000000000000004`. The bits are those of NVML's
/// `nvmlClocksEventReasons`. An idle GPU has no frequency to speak of.
fn clocks(answer: &str) -> Vec<GpuConditions> {
    const IDLE: u64 = 1;
    const REASONS: [(u64, &str); 5] = [
        (0x04, "power cap"),
        (0x08, "hardware slowdown"),
        (0x20, "thermal slowdown"),
        (0x40, "hardware thermal slowdown"),
        (0x80, "power brake"),
    ];
    answer
        .lines()
        .filter_map(|line| line.split_once(','))
        .map(|(mhz, reasons)| {
            let bits = reasons.trim().strip_prefix("0x");
            let bits = bits.and_then(|hex| u64::from_str_radix(hex, 16).ok()).unwrap_or(0);
            GpuConditions {
                mhz: mhz.trim().parse::<u32>().ok().filter(|_| bits & IDLE == 0).map(f64::from),
                throttled: REASONS
                    .iter()
                    .filter(|(bit, _)| bits & bit != 0)
                    .map(|(_, why)| (*why).to_owned())
                    .collect(),
            }
        })
        .collect()
}

/// From the frame of plain `nvidia-smi`: `CUDA Version: 12.4`.
fn cuda_version(banner: &str) -> Option<String> {
    let (_, rest) = banner.split_once("CUDA Version:")?;
    let version: String =
        rest.trim_start().chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
    (!version.is_empty()).then_some(version)
}

/// What is wrong, unless there simply is no GPU.
fn trouble(error: &AskError) -> Option<String> {
    match error {
        AskError::Failed { said, .. } if said.contains("No devices were found") => None,
        AskError::Missing(_) => Some(
            "`nvidia-smi` is missing although there is a GPU; memory and driver are unknown"
                .to_owned(),
        ),
        error => Some(error.to_string()),
    }
}

/// Models of the devices, as the driver lists them.
fn from_proc() -> Vec<Accelerator> {
    let Ok(devices) = std::fs::read_dir("/proc/driver/nvidia/gpus") else { return Vec::new() };
    let mut models: Vec<String> = devices
        .flatten()
        .filter_map(|device| std::fs::read_to_string(device.path().join("information")).ok())
        .filter_map(|text| model(&text))
        .collect();
    models.sort();
    models.into_iter().map(|name| Accelerator { name, memory: None }).collect()
}

fn model(information: &str) -> Option<String> {
    let line = information.lines().find(|line| line.starts_with("Model:"))?;
    Some(line.trim_start_matches("Model:").trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gpu(name: &str, mib: Option<u64>) -> Accelerator {
        Accelerator { name: name.to_owned(), memory: mib.map(|mib| Bytes(mib << 20)) }
    }

    #[test]
    fn one_line_is_one_gpu() {
        for (answer, expected, driver) in [
            (
                "NVIDIA H100 80GB HBM3, 81559, 550.54.15\n",
                vec![gpu("NVIDIA H100 80GB HBM3", Some(81559))],
                Some("550.54.15"),
            ),
            (
                "NVIDIA A100-SXM4-40GB, 40960, 535.161.08\nNVIDIA A100-SXM4-40GB, 40960, 535.161.08\n",
                vec![gpu("NVIDIA A100-SXM4-40GB", Some(40960)); 2],
                Some("535.161.08"),
            ),
            // Windows ends its lines otherwise.
            (
                "NVIDIA GeForce RTX 4090, 24564, 552.22\r\nNVIDIA GeForce GTX 1080 Ti, 11264, 552.22\r\n",
                vec![
                    gpu("NVIDIA GeForce RTX 4090", Some(24564)),
                    gpu("NVIDIA GeForce GTX 1080 Ti", Some(11264)),
                ],
                Some("552.22"),
            ),
            // Memory is shared with the CPU.
            ("NVIDIA GB10, [N/A], 580.95.05\n", vec![gpu("NVIDIA GB10", None)], Some("580.95.05")),
            ("Orin (nvgpu), [N/A], [N/A]\n", vec![gpu("Orin (nvgpu)", None)], None),
            // A GPU that fell off the bus.
            ("[Unknown Error], [Unknown Error], 535.54\n", vec![], None),
            ("", vec![], None),
            ("nonsense\n,,\n", vec![], None),
        ] {
            let (found, version) = gpus(answer);
            assert_eq!(found, expected, "{answer}");
            assert_eq!(version.as_deref(), driver, "{answer}");
        }
    }

    #[test]
    fn clocks_and_what_slows_them_down_are_read() {
        let gpu = |mhz: Option<f64>, throttled: &[&str]| GpuConditions {
            mhz,
            throttled: throttled.iter().map(ToString::to_string).collect(),
        };
        let answer = "1980, 0x0000000000000000\n1305, 0x0000000000000024\n345, 0x0000000000000001\n\
            [N/A], [N/A]\n1200, 0x0000000000000002\n";
        assert_eq!(
            clocks(answer),
            [
                gpu(Some(1980.0), &[]),
                gpu(Some(1305.0), &["power cap", "thermal slowdown"]),
                gpu(None, &[]),
                gpu(None, &[]),
                gpu(Some(1200.0), &[]),
            ]
        );
        assert_eq!(clocks("nonsense\n"), []);
    }

    #[test]
    fn the_version_of_cuda_is_in_the_frame() {
        let banner = "\
Thu Mar  7 12:00:00 2024
+-----------------------------------------------------------------------------------------+
| NVIDIA-SMI 550.54.15              Driver Version: 550.54.15      CUDA Version: 12.4     |
|-----------------------------------------+------------------------+----------------------+
";
        assert_eq!(cuda_version(banner).as_deref(), Some("12.4"));
        // A container without the toolkit's libraries.
        assert_eq!(cuda_version("| Driver Version: 470.1    CUDA Version: N/A   |"), None);
        assert_eq!(cuda_version(""), None);
    }

    #[test]
    fn no_gpu_is_no_trouble_and_a_broken_driver_is() {
        let failed = |said: &str| AskError::Failed {
            program: "nvidia-smi".to_owned(),
            said: said.to_owned(),
        };
        assert_eq!(trouble(&failed("No devices were found")), None);
        for said in [
            "Failed to initialize NVML: Driver/library version mismatch",
            "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that the latest NVIDIA driver is installed and running.",
        ] {
            let told = trouble(&failed(said)).unwrap();
            assert!(told.contains(said), "{told}");
        }
    }

    #[test]
    fn the_drivers_page_names_the_model() {
        // As the driver 550 prints it.
        let page = "Model: \t\t NVIDIA H100 80GB HBM3\nIRQ:   \t\t 42\nGPU UUID: \t GPU-0\n";
        assert_eq!(model(page).as_deref(), Some("NVIDIA H100 80GB HBM3"));
        assert_eq!(model(""), None);
    }
}
