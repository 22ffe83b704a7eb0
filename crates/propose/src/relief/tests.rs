use super::*;

fn text(text: &str) -> Text {
    Text { path: "train.py".into(), text: text.into() }
}

fn relieved(device: Device, source: &str) -> (String, String, String) {
    let relief = relieve(&[text(source)], None, device).unwrap();
    let content = relief.edits[0].content.clone().unwrap();
    (String::from_utf8(content).unwrap(), relief.change, relief.accumulation)
}

/// As in nanochat, where the accumulation follows from the batch.
const DERIVED: &str = "TOTAL_BATCH_SIZE = 2**19  # tokens\nDEVICE_BATCH_SIZE = 128\nT = 2048\n\
    EVAL_BATCH_SIZE = 256\ntokens = DEVICE_BATCH_SIZE * T\ngrad_accum_steps = TOTAL_BATCH_SIZE // tokens\n";

#[test]
fn the_batch_of_a_device_is_halved_and_a_derived_accumulation_left_alone() {
    for device in [Device::Cpu, Device::Mps, Device::Cuda] {
        let (after, change, accumulation) = relieved(device, DERIVED);
        assert_eq!(after, DERIVED.replace("= 128", "= 64"));
        assert_eq!(change, "DEVICE_BATCH_SIZE 128 -> 64");
        assert_eq!(accumulation, "the script derives `grad_accum_steps` itself");
    }
}

/// As in nanoGPT.
#[test]
fn a_literal_accumulation_is_doubled() {
    let source = "gradient_accumulation_steps = 5 * 8 # used to simulate larger batch sizes\nbatch_size = 12 # micro\n";
    let (after, change, _) = relieved(Device::Cpu, source);
    assert_eq!(
        after,
        "gradient_accumulation_steps = 10 * 8 # used to simulate larger batch sizes\nbatch_size = 6 # micro\n"
    );
    assert_eq!(change, "batch_size 12 -> 6, gradient_accumulation_steps 40 -> 80");
}

#[test]
fn the_setting_is_found_by_name_wherever_settings_stand() {
    for (source, change) in [
        ("micro_batch_size = 16\nbatch_size = 512\n", "micro_batch_size 16 -> 8"),
        (
            "args = TrainingArguments(per_device_train_batch_size=8, lr=1)\n",
            "TrainingArguments(per_device_train_batch_size) 8 -> 4",
        ),
        ("batch_size_per_gpu = 7\n", "batch_size_per_gpu 7 -> 3"),
        ("bs = 3\n", "bs 3 -> 1"),
        ("p.add_argument('--batch-size', type=int, default=64)\n", "batch-size 64 -> 32"),
        ("@dataclass\nclass Config:\n    batch: int = 2\n", "Config.batch 2 -> 1"),
        ("loader = DataLoader(data, batch_size=1_024)\n", "DataLoader(batch_size) 1024 -> 512"),
        ("config = {'batch_size': 1 << 10}\n", "config[\"batch_size\"] 1024 -> 512"),
        ("model = MLPClassifier(batch_size=200)\n", "MLPClassifier(batch_size) 200 -> 100"),
        ("def f():\n    DataLoader(x, batch_size=9)\nBATCH_SIZE = 4\n", "BATCH_SIZE 4 -> 2"),
    ] {
        let (after, found, _) = relieved(Device::Mps, source);
        assert_eq!(found, change);
        assert_ne!(after, source);
        let parses =
            |text: &str| autoresearch_core::source::syntax_error("train.py", text).is_none();
        assert!(parses(&after), "{after}");
    }
}

#[test]
fn what_is_no_batch_of_a_device_is_left_alone() {
    for source in [
        "total_batch_size = 512\neval_batch_size = 64\nbatch_norm = 4\nnum_batches = 10\n",
        "batch_size = 1\n",
        "batch_size = 64.0\n",
        "batch_size = N\n",
        "",
    ] {
        let why = relieve(&[text(source)], None, Device::Cpu).unwrap_err();
        assert!(why.contains("run.batch"), "{source}: {why}");
    }
    let shell = Text { path: "train.sh".into(), text: "batch_size=64\n".into() };
    assert!(relieve(&[shell], None, Device::Cpu).is_err());
}

#[test]
fn on_cuda_a_switch_for_checkpointing_is_turned_on_first() {
    for name in
        ["gradient_checkpointing", "use_checkpoint", "activation_checkpointing", "GRAD_CKPT"]
    {
        let source = format!("{name} = False\nbatch_size = 64\n");
        let (after, change, _) = relieved(Device::Cuda, &source);
        assert_eq!((after, change), (source.replace("False", "True"), format!("{name} on")));
        assert_eq!(relieved(Device::Cpu, &source).1, "batch_size 64 -> 32");
        let on = source.replace("False", "True");
        assert_eq!(relieved(Device::Cuda, &on).1, "batch_size 64 -> 32");
    }
}

#[test]
fn a_configured_name_has_the_last_word() {
    let source = text("batch_size = 64\nrows = 30\nlr = 0.1\n");
    let of = |name| relieve(std::slice::from_ref(&source), Some(name), Device::Cpu);
    assert_eq!(of("rows").unwrap().change, "rows 30 -> 15");
    assert!(of("lr").unwrap_err().contains("run.batch"));
    let option = text("p.add_argument('--micro-rows', default=8)\n");
    let relief = relieve(&[option], Some("micro_rows"), Device::Cpu).unwrap();
    assert_eq!(relief.change, "micro-rows 8 -> 4");
}

#[test]
fn the_setting_may_lie_in_any_target() {
    let targets = [
        Text { path: "model.py".into(), text: "WIDTH = 64\nbatch_size = 32\n".into() },
        Text { path: "train.py".into(), text: "DEVICE_BATCH_SIZE = 8\naccum = 1\n".into() },
    ];
    let relief = relieve(&targets, None, Device::Cpu).unwrap();
    assert_eq!(relief.change, "DEVICE_BATCH_SIZE 8 -> 4, accum 1 -> 2");
    assert_eq!(relief.edits.len(), 1);
    assert_eq!(relief.edits[0].path, "train.py");
}

#[test]
fn relief_stays_within_literals() {
    let (after, ..) = relieved(Device::Cuda, DERIVED);
    autoresearch_core::source::differs_only_in_literals("train.py", DERIVED, &after).unwrap();
}

#[test]
fn a_search_learns_the_settings_that_ran_or_none() {
    let before = [text("BATCH_SIZE = 64\nLR = 0.1\n")];
    let ranges = BTreeMap::new();
    let settings: Settings =
        found_in(&before, &ranges).into_iter().map(|f| (f.name, f.current)).collect();
    assert_eq!(settings.len(), 2);
    let after = [text("BATCH_SIZE = 32\nLR = 0.1\n")];
    let now = settings_after(&settings, &after, &ranges).unwrap();
    assert_eq!((&now["BATCH_SIZE"], &now["LR"]), (&Value::Int(32), &Value::Float(0.1)));
    assert_eq!(settings_after(&settings, &[text("LR = 0.1\n")], &ranges), None);
}
