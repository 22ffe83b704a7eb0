use super::*;

fn on(device: Device, memory: u64) -> Surroundings {
    let torch = Torch {
        version: "2.5.1".to_owned(),
        has_cuda: device == Device::Cuda,
        has_mps: device == Device::Mps,
        can_compile: true,
        ..Torch::default()
    };
    let machine = Machine {
        system: "Linux".to_owned(),
        architecture: "x86_64".to_owned(),
        cores: 8,
        memory: Some(Bytes(memory << 30)),
        device,
        ..Machine::default()
    };
    Surroundings { machine, python: Some(Python { torch: Some(torch), ..Python::default() }) }
}

/// Names of variables, and edits.
fn acts(surroundings: &Surroundings, for_cuda: bool) -> Vec<String> {
    let act = |adjustment: Adjustment| match adjustment {
        Adjustment::Variable { name, value, .. } => Some(format!("{name}={value}")),
        Adjustment::DivideBatch(by) => Some(format!("batch / {by}")),
        Adjustment::Float32 => Some("float32".to_owned()),
        Adjustment::Fact(_) => None,
    };
    adjustments(surroundings, for_cuda).into_iter().filter_map(act).collect()
}

fn facts(surroundings: &Surroundings) -> String {
    let fact = |adjustment: Adjustment| match adjustment {
        Adjustment::Fact(fact) => Some(fact),
        _ => None,
    };
    let facts: Vec<String> = adjustments(surroundings, true).into_iter().filter_map(fact).collect();
    facts.join("\n")
}

/// SPEC C2, row by row.
#[test]
fn every_device_gets_its_row_of_the_table() {
    let off = "TORCHDYNAMO_DISABLE=1";
    let fallback = "PYTORCH_ENABLE_MPS_FALLBACK=1";
    for (device, memory, for_cuda, expected) in [
        (Device::Cuda, 64, true, &[][..]),
        (Device::Cuda, 8, true, &[]),
        (Device::Mps, 32, true, &[off, fallback, "batch / 2"]),
        (Device::Mps, 8, true, &[off, fallback, "batch / 4"]),
        (Device::Mps, 8, false, &[off, fallback]),
        (Device::Cpu, 64, true, &[off, "batch / 4", "float32"]),
        (Device::Cpu, 8, true, &[off, "batch / 8", "float32"]),
        (Device::Cpu, 8, false, &[off]),
    ] {
        let found = acts(&on(device, memory), for_cuda);
        assert_eq!(found, expected, "{device} {memory} GiB, written for CUDA: {for_cuda}");
    }
}

#[test]
fn a_proposer_is_told_what_attention_there_is() {
    let mut cuda = on(Device::Cuda, 64);
    assert!(facts(&cuda).contains("`flash_attn`) is not installed"));
    assert!(facts(&cuda).contains("has `torch.compile`"));
    if let Some(python) = &mut cuda.python {
        python.flash_attention = true;
        python.torch = Some(Torch { has_cuda: true, version: "1.13".into(), ..Torch::default() });
    }
    assert!(facts(&cuda).contains("`flash_attn`) is installed"));
    assert!(facts(&cuda).contains("has no `torch.compile`"));
    let mps = facts(&on(Device::Mps, 32));
    assert!(mps.contains("sliding window") && mps.contains("float32"), "{mps}");
    assert!(facts(&on(Device::Cpu, 32)).contains("5 to 10 times slower"));
    assert!(advice(Device::Cpu).is_some() && advice(Device::Cuda).is_none());
}

#[test]
fn what_torch_sees_counts_more_than_what_the_machine_has() {
    let mut machine = on(Device::Cpu, 64);
    machine.machine.device = Device::Cuda;
    assert_eq!(machine.device(), Device::Cpu);
    assert_eq!(machine.warnings().len(), 1, "{:?}", machine.warnings());
    machine.python = None;
    assert_eq!(machine.device(), Device::Cuda);
    assert_eq!(machine.warnings(), Vec::<String>::new());
}

#[test]
fn a_machine_is_one_line() {
    let gpu = |name: &str, gib: u64| Accelerator {
        name: name.to_owned(),
        memory: Some(Bytes(gib << 30)),
    };
    let mut machine = on(Device::Cuda, 64).machine;
    assert_eq!(machine.to_string(), "Linux x86_64, 8 cores, 64.0 GiB, CUDA");
    machine.accelerators = vec![gpu("NVIDIA A100", 80), gpu("NVIDIA A100", 80), gpu("T4", 15)];
    machine.driver = Some("550.54.15".to_owned());
    machine.cuda = Some("12.4".to_owned());
    assert_eq!(
        machine.to_string(),
        "Linux x86_64, 8 cores, 64.0 GiB, 2 × NVIDIA A100 (80.0 GiB), T4 (15.0 GiB), driver 550.54.15, CUDA 12.4"
    );
    let mac = Machine {
        device: Device::Mps,
        accelerators: vec![gpu("Apple M3 Max", 36)],
        driver: None,
        cuda: None,
        ..machine
    };
    assert_eq!(mac.to_string(), "Linux x86_64, 8 cores, 64.0 GiB, Apple M3 Max, MPS");
}
