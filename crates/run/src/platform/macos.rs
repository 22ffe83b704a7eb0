//! macOS: `sysctl`. On Apple silicon the GPU is part of the chip, and its
//! memory the machine's.

use std::process::Command;
use std::time::Duration;

use autoresearch_core::platform::{Accelerator, Device, Machine};
use autoresearch_core::units::Bytes;

use super::ask::ask;

const KEYS: [&str; 4] =
    ["kern.osproductversion", "machdep.cpu.brand_string", "hw.memsize", "hw.optional.arm64"];

pub(super) fn fill(machine: &mut Machine) {
    "macOS".clone_into(&mut machine.system);
    // A key that is not known (`hw.optional.arm64` on Intel) fails the whole
    // question, so each is one of its own.
    let answer: String = KEYS
        .iter()
        .filter_map(|key| ask(Command::new("sysctl").arg(key), Duration::from_secs(5)).ok())
        .collect();
    read(&answer, machine);
}

fn read(sysctl: &str, machine: &mut Machine) {
    let value = |key: &str| {
        let (_, value) = sysctl
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| *name == key)?;
        Some(value.trim().to_owned()).filter(|value| !value.is_empty())
    };
    if let Some(version) = value("kern.osproductversion") {
        machine.system = format!("macOS {version}");
    }
    machine.cpu = value("machdep.cpu.brand_string");
    machine.memory = value("hw.memsize").and_then(|bytes| bytes.parse().ok()).map(Bytes);
    // A program built for Intel sees the truth here, too.
    if value("hw.optional.arm64").as_deref() == Some("1") {
        machine.device = Device::Mps;
        let name = machine.cpu.clone().unwrap_or_else(|| "Apple GPU".to_owned());
        machine.accelerators = vec![Accelerator { name, memory: machine.memory }];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(sysctl: &str) -> Machine {
        let mut machine = Machine::default();
        read(sysctl, &mut machine);
        machine
    }

    #[test]
    fn apple_silicon_has_mps() {
        // Lines of `sysctl -a` on an M1 and an M3 Max.
        let m1 = machine(
            "kern.osproductversion: 12.6\nhw.memsize: 17179869184\nhw.ncpu: 8\nhw.optional.arm64: 1\nmachdep.cpu.core_count: 8\nmachdep.cpu.brand_string: Apple M1\n",
        );
        assert_eq!((m1.device, m1.system.as_str()), (Device::Mps, "macOS 12.6"));
        assert_eq!(m1.memory, Some(Bytes(16 << 30)));
        let m3 = machine(
            "kern.osproductversion: 14.5\nhw.memsize: 38654705664\nhw.optional.arm64: 1\nmachdep.cpu.brand_string: Apple M3 Max\n",
        );
        assert_eq!(m3.accelerators[0].name, "Apple M3 Max");
        assert_eq!(m3.accelerators[0].memory, Some(Bytes(36 << 30)));
    }

    #[test]
    fn an_intel_mac_and_a_silent_one_have_a_cpu() {
        let intel = machine(
            "kern.osproductversion: 13.6.6\nhw.memsize: 17179869184\nmachdep.cpu.brand_string: Intel(R) Core(TM) i7-9750H CPU @ 2.60GHz\n",
        );
        assert_eq!((intel.device, intel.accelerators.len()), (Device::Cpu, 0));
        assert_eq!(machine("").device, Device::Cpu);
    }
}
