//! What trials run on, and what is adjusted for it (SPEC C). The words, and
//! one pure table; the system is asked by `run`, edits are made by the engine.

use std::fmt;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::units::{Bytes, counted};

/// What computes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Device {
    /// NVIDIA's or, under `ROCm`'s build of torch, AMD's.
    Cuda,
    /// Apple's Metal Performance Shaders.
    Mps,
    /// No accelerator that is used.
    #[default]
    Cpu,
}

impl Device {
    /// As `AUTORESEARCH_DEVICE` and torch name it.
    pub fn name(self) -> &'static str {
        match self {
            Device::Cuda => "cuda",
            Device::Mps => "mps",
            Device::Cpu => "cpu",
        }
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Device::Cuda => "CUDA",
            Device::Mps => "MPS",
            Device::Cpu => "CPU",
        })
    }
}

/// An accelerator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accelerator {
    /// Its model, as `NVIDIA H100 80GB HBM3`.
    pub name: String,
    /// Its memory; shared with the CPU on Apple's.
    pub memory: Option<Bytes>,
}

/// A machine, as far as it says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// As `Linux` or `macOS 14.5`.
    pub system: String,
    /// As `x86_64`.
    pub architecture: String,
    /// Model of the CPU.
    pub cpu: Option<String>,
    /// Cores that this process may use.
    pub cores: u64,
    /// Physical memory.
    pub memory: Option<Bytes>,
    /// What it has by itself; the run command may see less.
    pub device: Device,
    /// GPUs.
    pub accelerators: Vec<Accelerator>,
    /// Version of the GPU's driver.
    pub driver: Option<String>,
    /// Newest version of CUDA that the driver serves.
    pub cuda: Option<String>,
    /// Why the GPUs cannot be asked, in the words of their tool.
    pub trouble: Option<String>,
}

impl fmt::Display for Machine {
    /// One line, as `Linux x86_64, 2 cores, 23.4 GiB, CPU`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cores = counted(self.cores, "core");
        write!(f, "{} {}, {cores}", self.system, self.architecture)?;
        if let Some(memory) = self.memory {
            write!(f, ", {memory}")?;
        }
        if self.accelerators.is_empty() {
            return write!(f, ", {}", self.device);
        }
        let mut rest = self.accelerators.as_slice();
        while let Some(first) = rest.first() {
            let same = rest.iter().take_while(|other| *other == first).count();
            let count = if same > 1 { format!("{same} × ") } else { String::new() };
            write!(f, ", {count}{}", first.name)?;
            if let Some(memory) = first.memory.filter(|_| self.device != Device::Mps) {
                write!(f, " ({memory})")?;
            }
            rest = &rest[same..];
        }
        if self.device != Device::Cuda {
            write!(f, ", {}", self.device)?;
        }
        match (&self.driver, &self.cuda) {
            (Some(driver), Some(cuda)) => write!(f, ", driver {driver}, CUDA {cuda}"),
            (Some(driver), None) => write!(f, ", driver {driver}"),
            _ => Ok(()),
        }
    }
}

/// What the run command's own Python sees.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Python {
    /// As `3.12.4`.
    pub version: String,
    /// Its program.
    pub executable: String,
    /// Where its packages lie: the virtual environment, where it is one.
    pub prefix: String,
    /// torch, if it is installed and can be imported.
    pub torch: Option<Torch>,
    /// Why torch is installed and cannot be imported.
    pub torch_error: Option<String>,
    /// Whether `flash_attn` is installed.
    pub flash_attention: bool,
    /// Versions of what else matters, by name: numpy, jax, tensorflow.
    pub packages: std::collections::BTreeMap<String, String>,
}

/// What torch says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Torch {
    /// As `2.5.1+cu124`.
    pub version: String,
    /// `torch.cuda.is_available()`.
    pub has_cuda: bool,
    /// The version of CUDA, or of `ROCm`'s HIP, that it was built for.
    pub built_for: Option<String>,
    /// GPUs that it sees.
    pub accelerators: Vec<Accelerator>,
    /// `torch.backends.mps.is_available()`.
    pub has_mps: bool,
    /// Whether there is a `torch.compile`.
    pub can_compile: bool,
}

impl Torch {
    /// The best that it can use.
    pub fn device(&self) -> Device {
        match self {
            Torch { has_cuda: true, .. } => Device::Cuda,
            Torch { has_mps: true, .. } => Device::Mps,
            Torch { .. } => Device::Cpu,
        }
    }
}

impl fmt::Display for Python {
    /// One line, as `Python 3.12.4, torch 2.5.1+cu124 (CUDA)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Python {}", self.version)?;
        match (&self.torch, &self.torch_error) {
            (Some(torch), _) => write!(f, ", torch {} ({})", torch.version, torch.device()),
            (None, Some(_)) => f.write_str(", torch that cannot be imported"),
            (None, None) => Ok(()),
        }
    }
}

/// All that adjustments depend on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Surroundings {
    /// The machine.
    pub machine: Machine,
    /// The run command's Python, where it was asked and answered.
    pub python: Option<Python>,
}

impl Surroundings {
    /// What trials compute on: what their own torch sees, else what the machine
    /// has.
    pub fn device(&self) -> Device {
        let torch = self.python.as_ref().and_then(|python| python.torch.as_ref());
        torch.map_or(self.machine.device, Torch::device)
    }

    /// One line for the record.
    pub fn describe(&self) -> String {
        let mut line = self.machine.to_string();
        if let Some(python) = &self.python {
            let _ = write!(line, ", {python}");
        }
        line
    }

    /// What does not fit together, for the user to know.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if let Some(trouble) = &self.machine.trouble {
            warnings.push(format!("the GPU's tool failed: {trouble}"));
        }
        if let Some(python) = &self.python {
            if let Some(error) = &python.torch_error {
                warnings.push(format!("torch is installed and cannot be imported: {error}"));
            }
            if let Some(torch) = &python.torch
                && torch.device() == Device::Cpu
                && self.machine.device != Device::Cpu
            {
                warnings.push(format!(
                    "the machine has {} and torch {} of {} does not see it; install a build of torch for it",
                    self.machine.device, torch.version, python.executable
                ));
            }
        }
        warnings
    }
}

/// What a platform asks for (SPEC C3). Nothing here is done silently.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Adjustment {
    /// An environment variable of the runs, unless the user has set it.
    Variable {
        /// Its name.
        name: String,
        /// Its value.
        value: String,
        /// What it does.
        why: String,
    },
    /// Something that a proposer should know.
    Fact(String),
    /// The device batch divided, and what is accumulated multiplied: an edit
    /// of the target, made only when the user has confirmed it.
    DivideBatch(u32),
    /// Half precision turned into float32: an edit likewise.
    Float32,
}

/// With less memory than this, batches are divided by the larger number.
const AMPLE: u64 = 16 << 30;

/// The table of SPEC C2 for a target that uses torch; for any other there is
/// nothing to adjust. `for_cuda` is whether the target was written for CUDA:
/// only then are edits called for on another device.
pub fn adjustments(surroundings: &Surroundings, for_cuda: bool) -> Vec<Adjustment> {
    let variable = |name: &str, value: &str, why: &str| Adjustment::Variable {
        name: name.to_owned(),
        value: value.to_owned(),
        why: why.to_owned(),
    };
    let fact = |text: &str| Adjustment::Fact(text.to_owned());
    // Read by torch/_dynamo/eval_frame.py: `1` makes `torch.compile` return
    // the function as it is.
    let no_compile = variable("TORCHDYNAMO_DISABLE", "1", "turns torch.compile off");
    let has_ample = surroundings.machine.memory.is_some_and(|memory| memory.0 >= AMPLE);
    let python = surroundings.python.as_ref();
    let torch = python.and_then(|python| python.torch.as_ref());
    let mut found = Vec::new();
    match surroundings.device() {
        Device::Cuda => {
            match torch {
                Some(Torch { can_compile: true, version, .. }) => found.push(Adjustment::Fact(
                    format!("torch {version} has `torch.compile`: use it, the first step is slow"),
                )),
                Some(Torch { version, .. }) => found.push(Adjustment::Fact(format!(
                    "torch {version} has no `torch.compile`, which needs 2.0 or later"
                ))),
                None => {}
            }
            if let Some(python) = python {
                found.push(fact(if python.flash_attention {
                    "FlashAttention (`flash_attn`) is installed"
                } else {
                    "FlashAttention (`flash_attn`) is not installed and cannot be: use \
                     `torch.nn.functional.scaled_dot_product_attention`, which has a flash kernel"
                }));
            }
        }
        Device::Mps => {
            found.extend([
                no_compile,
                // Read by aten/src/ATen/mps/MPSFallback.mm.
                variable(
                    "PYTORCH_ENABLE_MPS_FALLBACK",
                    "1",
                    "lets operators that Metal lacks run on the CPU",
                ),
                fact(
                    "device `mps`: no `flash_attn`; use \
                     `torch.nn.functional.scaled_dot_product_attention`, and for a sliding window \
                     a causal mask of its own (`attn_mask`)",
                ),
                fact("when Metal reports errors, keep the optimizer's states in float32"),
                fact("device `mps`: no `torch.compile`, no CUDA streams, no pinned memory"),
            ]);
            if for_cuda {
                found.push(Adjustment::DivideBatch(if has_ample { 2 } else { 4 }));
            }
        }
        Device::Cpu => {
            found.push(no_compile);
            found.push(fact(
                "device `cpu`: no `flash_attn`; use \
                 `torch.nn.functional.scaled_dot_product_attention`",
            ));
            found.push(fact(
                "runs on a CPU are 5 to 10 times slower: prefer small models, small batches and \
                 float32",
            ));
            if for_cuda {
                found.push(Adjustment::DivideBatch(if has_ample { 4 } else { 8 }));
                found.push(Adjustment::Float32);
            }
        }
    }
    found
}

/// What the user is told of a device that is slower than what a target was
/// written for.
pub fn advice(device: Device) -> Option<&'static str> {
    (device == Device::Cpu).then_some(
        "on a CPU a run takes 5 to 10 times as long as on a GPU: choose a smaller model or data \
         set, and a budget in which a run still gets through",
    )
}

#[cfg(test)]
mod tests;
