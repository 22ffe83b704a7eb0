use autoresearch_config::{Layers, Origin};
use autoresearch_core::platform::{Device, Machine, Python, Torch};
use autoresearch_core::units::Bytes;

use super::*;

const KARPATHY: &str = "\
import torch
from torch import nn

TOTAL_BATCH_SIZE = 2**19 # ~524K tokens per optimizer step
DEVICE_BATCH_SIZE = 128  # per-device batch size
DEPTH = 8

device = torch.device(\"cuda\")
autocast_ctx = torch.amp.autocast(device_type=\"cuda\", dtype=torch.bfloat16)
";

const ACCUMULATES: &str = "\
import torch
batch_size = 12
gradient_accumulation_steps = 5
dtype = 'bfloat16'  # 'float32', 'bfloat16' or 'float16'
device = 'cuda'
device_type = 'cuda' if 'cuda' in device else 'cpu'
";

const PORTABLE: &str = "\
import torch
batch_size = 64
device = torch.device(\"cuda\" if torch.cuda.is_available() else \"cpu\")
";

fn surroundings(device: Device) -> Surroundings {
    let torch = Torch {
        version: "2.5.1".to_owned(),
        has_cuda: device == Device::Cuda,
        has_mps: device == Device::Mps,
        can_compile: true,
        ..Torch::default()
    };
    Surroundings {
        machine: Machine {
            system: "Linux".to_owned(),
            architecture: "x86_64".to_owned(),
            cores: 8,
            memory: Some(Bytes(32 << 30)),
            device,
            ..Machine::default()
        },
        python: Some(Python { torch: Some(torch), ..Python::default() }),
    }
}

fn config(settings: &[(&str, &str)]) -> Config {
    let mut layers = Layers::new();
    let needed = [
        ("target", "train.py"),
        ("run.command", "python3 train.py"),
        ("budget", "5m"),
        ("metric.name", "val_bpb"),
        ("metric.direction", "minimize"),
    ];
    for (key, value) in needed.iter().chain(settings) {
        layers.set(key, value, Origin::Flag("test".to_owned())).unwrap();
    }
    layers.resolve().unwrap()
}

fn adjusting(text: &str, device: Device, settings: &[(&str, &str)]) -> Adjusting {
    let targets = Targets::from([("train.py".to_owned(), text.as_bytes().to_vec())]);
    let uses_torch = uses_torch(&targets);
    let is_set = |name: &str| name == "PYTORCH_ENABLE_MPS_FALLBACK";
    Adjusting::of(&surroundings(device), &targets, uses_torch, &config(settings), &is_set)
}

fn text_of(adjusting: &Adjusting) -> String {
    let content = adjusting.files.first().and_then(|file| file.content.clone()).unwrap_or_default();
    String::from_utf8(content).unwrap()
}

/// SPEC C3: never without confirmation, and never silent.
#[test]
fn edits_are_told_and_made_only_when_confirmed() {
    let offered = adjusting(KARPATHY, Device::Cpu, &[]);
    assert_eq!(
        offered.edits,
        ["DEVICE_BATCH_SIZE 128 -> 32", "dtype torch.bfloat16 -> torch.float32"]
    );
    assert_eq!(offered.adjusted.edits, Vec::<String>::new());
    assert_eq!(offered.intention(), None);
    assert!(offered.notes().iter().any(|note| note.contains("--set run.adjust=true")));

    let confirmed = adjusting(KARPATHY, Device::Cpu, &[("run.adjust", "true")]);
    assert_eq!(confirmed.adjusted.edits, offered.edits);
    assert_eq!(
        confirmed.intention().as_deref(),
        Some(
            "commit `adjust: DEVICE_BATCH_SIZE 128 -> 32, dtype torch.bfloat16 -> torch.float32 for CPU`"
        )
    );
    assert!(confirmed.notes().iter().any(|note| note.contains("DEVICE_BATCH_SIZE 128 -> 32")));
    let expected = KARPATHY
        .replace("DEVICE_BATCH_SIZE = 128", "DEVICE_BATCH_SIZE = 32")
        .replace("torch.bfloat16", "torch.float32");
    assert_eq!(text_of(&confirmed), expected);
}

#[test]
fn what_is_accumulated_grows_as_the_batch_shrinks() {
    let mps = adjusting(ACCUMULATES, Device::Mps, &[]);
    assert_eq!(mps.edits, ["batch_size 12 -> 6, gradient_accumulation_steps 5 -> 10"]);
    let cpu = adjusting(ACCUMULATES, Device::Cpu, &[]);
    assert_eq!(
        cpu.edits,
        [
            "batch_size 12 -> 3, gradient_accumulation_steps 5 -> 20",
            "dtype 'bfloat16' -> 'float32'"
        ]
    );
    // The words of a comment stay as they are.
    assert!(text_of(&cpu).contains("dtype = 'float32'  # 'float32', 'bfloat16' or 'float16'"));
}

#[test]
fn the_batch_may_be_named() {
    let text = "import torch\nrows = 64\nbatch_size = 32\ndevice = 'cuda'\n";
    let named = adjusting(text, Device::Mps, &[("run.batch", "rows")]);
    assert_eq!(named.edits, ["rows 64 -> 32"]);
    let missing = adjusting(text, Device::Mps, &[("run.batch", "columns")]);
    assert_eq!(missing.edits, Vec::<String>::new());
}

#[test]
fn a_target_that_chooses_its_device_is_not_edited() {
    let portable = adjusting(PORTABLE, Device::Cpu, &[("run.adjust", "true")]);
    assert_eq!(portable.edits, Vec::<String>::new());
    assert_eq!(portable.intention(), None);
    assert_eq!(portable.adjusted.environment["TORCHDYNAMO_DISABLE"], "1");
}

#[test]
fn cuda_itself_needs_no_edit_and_no_variable() {
    let cuda = adjusting(KARPATHY, Device::Cuda, &[("run.adjust", "true")]);
    assert_eq!(cuda.edits, Vec::<String>::new());
    assert_eq!(cuda.adjusted.environment, BTreeMap::from([(DEVICE.into(), "cuda".into())]));
    assert_eq!(cuda.notes(), &[] as &[String]);
    assert!(!cuda.adjusted.facts.is_empty());
}

#[test]
fn what_the_user_has_set_stands() {
    let settings = [("run.env.TORCHDYNAMO_DISABLE", "0")];
    let mps = adjusting(KARPATHY, Device::Mps, &settings);
    // One is in the configuration, the other in the environment.
    assert_eq!(mps.adjusted.environment, BTreeMap::from([(DEVICE.into(), "mps".into())]));
    assert!(!mps.notes().iter().any(|note| note.contains("TORCHDYNAMO")), "{:?}", mps.notes());
}

#[test]
fn an_ordinary_target_gets_no_adjustment_and_no_noise() {
    for text in ["import numpy as np\nbatch_size = 128\n", "# import torch\ndevice = 'cuda'\n", ""]
    {
        let mut ordinary = adjusting(text, Device::Cpu, &[("run.adjust", "true")]);
        assert_eq!(ordinary.notes(), &[] as &[String], "{text}");
        assert_eq!(ordinary.edits, Vec::<String>::new(), "{text}");
        assert_eq!(ordinary.adjusted.environment.remove(DEVICE).as_deref(), Some("cpu"));
        assert_eq!(ordinary.adjusted, Adjusted::default(), "{text}");
        assert_eq!(ordinary.rows().len(), 1);
    }
}

#[test]
fn torch_is_recognised_by_its_imports() {
    for (text, expected) in [
        ("import torch\n", true),
        ("import os, torch.nn as nn\n", true),
        ("    from torch import nn\n", true),
        ("import lightning as L\n", true),
        ("import torchvision_like\n", false),
        ("from my.torch import x\n", false),
        ("# import torch\n", false),
        ("text = 'import torch'\n", false),
    ] {
        assert_eq!(imports_torch(text), expected, "{text}");
    }
}
