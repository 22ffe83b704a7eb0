//! AMD under `ROCm`: `rocm-smi`, and the kernel's list of compute nodes where
//! that is missing. torch calls these devices `cuda`.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use autoresearch_core::platform::{Accelerator, Device, Machine};
use autoresearch_core::units::Bytes;
use serde_json::Value;

use super::ask::ask;

const LIMIT: Duration = Duration::from_secs(10);
const NODES: &str = "/sys/class/kfd/kfd/topology/nodes";

pub(super) fn fill(machine: &mut Machine) {
    // The tool takes seconds to say that there is nothing.
    if !Path::new(NODES).exists() {
        return;
    }
    let mut query = Command::new("rocm-smi");
    query.args(["--showproductname", "--showmeminfo", "vram", "--showdriverversion", "--json"]);
    let (accelerators, driver) =
        ask(&mut query, LIMIT).ok().map(|answer| cards(&answer)).unwrap_or_default();
    machine.driver = driver;
    machine.accelerators = if accelerators.is_empty() { nodes() } else { accelerators };
    if !machine.accelerators.is_empty() {
        machine.device = Device::Cuda;
    }
}

/// The answer of `rocm-smi --json`: an object for each card, and `system`.
fn cards(answer: &str) -> (Vec<Accelerator>, Option<String>) {
    // Warnings may stand before it.
    let json = answer.find('{').map_or("", |at| &answer[at..]);
    let Ok(Value::Object(answer)) = serde_json::from_str(json) else { return Default::default() };
    let text = |card: &Value, keys: &[&str]| {
        keys.iter().find_map(|key| card.get(*key)?.as_str().map(str::to_owned))
    };
    let mut cards: Vec<(u64, Accelerator)> = answer
        .iter()
        .filter_map(|(key, card)| {
            let number = key.strip_prefix("card")?.parse().ok()?;
            // The names of the keys changed with ROCm 6.
            let name = text(card, &["Card Series", "Card series", "Card Model", "Card model"])?;
            let memory = text(card, &["VRAM Total Memory (B)"])
                .and_then(|bytes| bytes.parse().ok())
                .map(Bytes);
            Some((number, Accelerator { name, memory }))
        })
        .collect();
    cards.sort_by_key(|(number, _)| *number);
    let driver = answer.get("system").and_then(|system| text(system, &["Driver version"]));
    (cards.into_iter().map(|(_, card)| card).collect(), driver)
}

/// Nodes with compute units and memory of their own.
fn nodes() -> Vec<Accelerator> {
    let Ok(nodes) = std::fs::read_dir(NODES) else { return Vec::new() };
    let read = |path: &Path| std::fs::read_to_string(path).unwrap_or_default();
    nodes
        .flatten()
        .filter_map(|node| {
            let properties = read(&node.path().join("properties"));
            let banks = read(&node.path().join("mem_banks/0/properties"));
            of_node(&properties, &banks)
        })
        .collect()
}

fn of_node(properties: &str, banks: &str) -> Option<Accelerator> {
    let number = |text: &str, key: &str| {
        text.lines().find_map(|line| line.strip_prefix(key)?.trim().parse::<u64>().ok())
    };
    // A CPU is a node without vector units.
    number(properties, "simd_count ").filter(|count| *count > 0)?;
    let version = number(properties, "gfx_target_version ").unwrap_or(0);
    let (major, minor, step) = (version / 10_000, version / 100 % 100, version % 100);
    Some(Accelerator {
        name: format!("AMD gfx{major}{minor:x}{step:x}"),
        memory: number(banks, "size_in_bytes ").map(Bytes),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cards_of_rocm_smi_come_in_their_order() {
        let answer = r#"WARNING: AMD GPU device(s) is/are in a low-power state.
{"card1": {"VRAM Total Memory (B)": "68702699520", "VRAM Total Used Memory (B)": "10960896", "Card Series": "AMD Instinct MI210", "Card Model": "0x740f"},
 "card0": {"VRAM Total Memory (B)": "25753026560", "Card series": "Radeon RX 7900 XTX", "Card model": "0x5304"},
 "system": {"Driver version": "6.3.6"}}"#;
        let (found, driver) = cards(answer);
        let names: Vec<&str> = found.iter().map(|card| card.name.as_str()).collect();
        assert_eq!(names, ["Radeon RX 7900 XTX", "AMD Instinct MI210"]);
        assert_eq!(found[1].memory, Some(Bytes(68_702_699_520)));
        assert_eq!(driver.as_deref(), Some("6.3.6"));
        for odd in ["", "ERROR: no devices", "{", "[]", r#"{"card0": {}}"#] {
            assert_eq!(cards(odd), (Vec::new(), None), "{odd}");
        }
    }

    #[test]
    fn a_compute_node_is_a_gpu_and_a_cpu_is_not() {
        let gpu = "cpu_cores_count 0\nsimd_count 416\nmem_banks_count 1\ngfx_target_version 90010\nvendor_id 4098\n";
        let bank = "heap_type 1\nsize_in_bytes 68702699520\nflags 0\nwidth 4096\n";
        let found = of_node(gpu, bank).unwrap();
        assert_eq!(found.name, "AMD gfx90a");
        assert_eq!(found.memory, Some(Bytes(68_702_699_520)));
        let cpu = "cpu_cores_count 16\nsimd_count 0\nmem_banks_count 1\n";
        assert_eq!(of_node(cpu, ""), None);
    }
}
