//! Windows: CIM through `PowerShell`, one question for all. GPUs of NVIDIA are
//! asked of `nvidia-smi`, which is on every system with its driver.

use std::process::Command;
use std::time::Duration;

use autoresearch_core::platform::Machine;
use autoresearch_core::units::Bytes;
use serde_json::Value;

use super::ask::ask;

const QUESTION: &str = "\
@{os = Get-CimInstance Win32_OperatingSystem | Select-Object Caption, Version, TotalVisibleMemorySize; \
cpu = Get-CimInstance Win32_Processor | Select-Object Name} | ConvertTo-Json -Compress -Depth 3";

pub(super) fn fill(machine: &mut Machine) {
    "Windows".clone_into(&mut machine.system);
    let mut query = Command::new("powershell.exe");
    query.args(["-NoProfile", "-NonInteractive", "-Command", QUESTION]);
    if let Ok(answer) = ask(&mut query, Duration::from_secs(20)) {
        read(&answer, machine);
    }
}

fn read(answer: &str, machine: &mut Machine) {
    // The console may begin with a byte order mark.
    let Ok(answer) = serde_json::from_str::<Value>(answer.trim_start_matches('\u{feff}').trim())
    else {
        return;
    };
    // A list of one becomes the one.
    let cpu = match &answer["cpu"] {
        Value::Array(all) => all.first().unwrap_or(&Value::Null),
        one => one,
    };
    let text = |value: &Value| {
        let text = value.as_str()?.split_whitespace().collect::<Vec<_>>().join(" ");
        (!text.is_empty()).then_some(text)
    };
    let os = &answer["os"];
    if let Some(caption) = text(&os["Caption"]) {
        let caption = caption.trim_start_matches("Microsoft ");
        let version = text(&os["Version"]).map_or_else(String::new, |v| format!(" ({v})"));
        machine.system = format!("{caption}{version}");
    }
    machine.cpu = text(&cpu["Name"]);
    let kib = &os["TotalVisibleMemorySize"];
    let kib = kib.as_u64().or_else(|| kib.as_str()?.parse().ok());
    machine.memory = kib.and_then(|kib| kib.checked_mul(1024)).map(Bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(answer: &str) -> Machine {
        let mut machine = Machine::default();
        read(answer, &mut machine);
        machine
    }

    #[test]
    fn cim_names_system_cpu_and_memory() {
        let one = machine(
            "\u{feff}{\"os\":{\"Caption\":\"Microsoft Windows 11 Pro\",\"Version\":\"10.0.22631\",\"TotalVisibleMemorySize\":33331812},\"cpu\":{\"Name\":\"AMD Ryzen 9 7950X 16-Core Processor            \"}}\r\n",
        );
        assert_eq!(one.system, "Windows 11 Pro (10.0.22631)");
        assert_eq!(one.cpu.as_deref(), Some("AMD Ryzen 9 7950X 16-Core Processor"));
        assert_eq!(one.memory, Some(Bytes(33_331_812 * 1024)));
        let two = machine(
            "{\"cpu\":[{\"Name\":\"Intel(R) Xeon(R) Gold 6130 CPU @ 2.10GHz\"},{\"Name\":\"Intel(R) Xeon(R) Gold 6130 CPU @ 2.10GHz\"}],\"os\":{\"Caption\":\"Microsoft Windows Server 2022 Standard\",\"Version\":\"10.0.20348\",\"TotalVisibleMemorySize\":\"133687496\"}}",
        );
        assert_eq!(two.cpu.as_deref(), Some("Intel(R) Xeon(R) Gold 6130 CPU @ 2.10GHz"));
        assert_eq!(two.memory, Some(Bytes(133_687_496 * 1024)));
    }

    #[test]
    fn an_answer_that_is_none_changes_nothing() {
        for odd in ["", "{}", "[]", "null", "Get-CimInstance : Access denied"] {
            assert_eq!(machine(odd), Machine::default(), "{odd}");
        }
    }
}
