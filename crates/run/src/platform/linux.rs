//! Linux: `/proc`.

use autoresearch_core::platform::Machine;
use autoresearch_core::units::Bytes;

pub(super) fn fill(machine: &mut Machine) {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    "Linux".clone_into(&mut machine.system);
    machine.cpu = model(&read("/proc/cpuinfo"));
    machine.memory = memory(&read("/proc/meminfo"));
}

/// x86 has `model name`, some ARM boards have `Model` or `Hardware`; ARM servers
/// name none.
fn model(cpuinfo: &str) -> Option<String> {
    let value = |key: &str| {
        let (_, value) = cpuinfo
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.trim() == key)?;
        let value = value.split_whitespace().collect::<Vec<_>>().join(" ");
        (!value.is_empty()).then_some(value)
    };
    ["model name", "Model", "Hardware"].into_iter().find_map(value)
}

fn memory(meminfo: &str) -> Option<Bytes> {
    let line = meminfo.lines().find(|line| line.starts_with("MemTotal:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    kib.checked_mul(1024).map(Bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_of_the_cpu_is_found_where_there_is_one() {
        let intel = "processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 143\nmodel name\t: Intel(R) Xeon(R) Platinum 8481C  CPU @ 2.70GHz\nstepping\t: 8\n";
        assert_eq!(model(intel).as_deref(), Some("Intel(R) Xeon(R) Platinum 8481C CPU @ 2.70GHz"));
        let graviton = "processor\t: 0\nBogoMIPS\t: 2100.00\nFeatures\t: fp asimd\nCPU implementer\t: 0x41\nCPU part\t: 0xd40\n";
        assert_eq!(model(graviton), None);
        let raspberry = "processor\t: 0\nBogoMIPS\t: 108.00\n\nRevision\t: d04170\nModel\t\t: Raspberry Pi 5 Model B Rev 1.0\n";
        assert_eq!(model(raspberry).as_deref(), Some("Raspberry Pi 5 Model B Rev 1.0"));
    }

    #[test]
    fn memory_is_in_kib() {
        let text = "MemTotal:       24508932 kB\nMemFree:         1022000 kB\n";
        assert_eq!(memory(text), Some(Bytes(24_508_932 * 1024)));
        for odd in ["", "MemTotal:", "MemTotal: x kB", "MemTotal: 99999999999999999999 kB"] {
            assert_eq!(memory(odd), None, "{odd}");
        }
    }
}
