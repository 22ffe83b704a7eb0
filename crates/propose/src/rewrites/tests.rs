use super::*;
use crate::knobs::rewrite;

const TORCH: &str = "\
import torch
import torch.nn.functional as F
from torch import nn

class MLP(nn.Module):
    def __init__(self, dim):
        self.norm = nn.LayerNorm(dim)
        self.act = nn.Sequential(nn.Linear(dim, dim), nn.ReLU(), nn.ReLU())

    def forward(self, x):
        x = self.fc(x)
        x = F.relu(x).square()  # as in Primer
        return self.out(x)

def logits(x):
    return 15 * torch.tanh(x / 15)

optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.1)
";

/// Each knob as `name: current of options`.
fn shown(text: &str) -> Vec<String> {
    let plain = |value: &Value| match value {
        Value::Text(text) => text.clone(),
        other => format!("{other:?}"),
    };
    find("a.py", text)
        .iter()
        .map(|found| {
            let Domain::Choice { options } = &found.domain else {
                return found.name.clone();
            };
            let options: Vec<_> = options.iter().map(plain).collect();
            format!("{}: {} of {}", found.name, plain(&found.current), options.join(", "))
        })
        .collect()
}

/// The text with the only construct of it swapped.
fn swapped(text: &str, option: &str) -> String {
    let found = find("a.py", text);
    assert_eq!(found.len(), 1, "{text}");
    rewrite(text, &[(&found[0], &Value::Text(option.to_owned()))])
}

#[test]
fn the_constructs_of_a_model_are_found() {
    assert_eq!(
        shown(TORCH),
        [
            "MLP.__init__: norm: LayerNorm of LayerNorm, RMSNorm",
            "MLP.__init__: activation: relu of relu, gelu, silu, tanh",
            "MLP.forward: activation: relu² of relu, gelu, silu, tanh, relu²",
            "optimizer: AdamW of Adam, AdamW, NAdam, RAdam, RMSprop, SGD",
        ]
    );
}

#[test]
fn a_swap_reads_as_a_person_would_have_written_it() {
    for (before, option, after) in [
        (
            "import torch.nn.functional as F\nx = F.relu(x).square()",
            "gelu",
            "import torch.nn.functional as F\nx = F.gelu(x)",
        ),
        (
            "import torch.nn.functional as F\nx = F.silu(f(x))",
            "relu²",
            "import torch.nn.functional as F\nx = F.relu(f(x)).square()",
        ),
        (
            "import torch.nn.functional as F\nx = F.relu(x).pow(2)",
            "relu",
            "import torch.nn.functional as F\nx = F.relu(x)",
        ),
        ("import jax\ny = f(jax.nn.relu(x))", "relu²", "import jax\ny = f(jax.nn.relu(x) ** 2)"),
        ("import torch\nx = torch.tanh(x)", "relu", "import torch\nx = torch.relu(x)"),
        (
            "import autograd.numpy as np\ndef predict(x):\n    return np.tanh(x)",
            "relu",
            "import autograd.numpy as np\ndef predict(x):\n    return np.maximum(x, 0)",
        ),
        (
            "import mlx.core as mx\ndef __call__(x):\n    x = mx.maximum(x, 0) ** 2",
            "tanh",
            "import mlx.core as mx\ndef __call__(x):\n    x = mx.tanh(x)",
        ),
        (
            "import math\ndef forward(x):\n    return [math.tanh(v) for v in x]",
            "relu",
            "import math\ndef forward(x):\n    return [max(0.0, v) for v in x]",
        ),
        (
            "from torch import optim\no = optim.SGD(p, lr=1, momentum=0.9)",
            "RMSprop",
            "from torch import optim\no = optim.RMSprop(p, lr=1, momentum=0.9)",
        ),
    ] {
        assert_eq!(swapped(before, option), after);
    }
}

#[test]
fn a_swap_is_found_again_and_can_be_taken_back() {
    let found = find("a.py", TORCH);
    for knob in &found {
        let Domain::Choice { options } = &knob.domain else { panic!("{}", knob.name) };
        for option in options {
            let changed = rewrite(TORCH, &[(knob, option)]);
            assert_eq!(source::syntax_error("a.py", &changed), None);
            let again = find("a.py", &changed);
            let now = again.iter().find(|other| other.name == knob.name).unwrap();
            assert_eq!((&now.current, &now.domain), (option, &knob.domain));
            assert_eq!(rewrite(&changed, &[(now, &knob.current)]), TORCH);
        }
    }
}

#[test]
fn what_means_something_else_is_left_alone() {
    for text in [
        // A cap, a gate, and a function that mixes two.
        "import torch\ny = 15 * torch.tanh(x / 15)",
        "import math\ndef forward(o, c):\n    return o * math.tanh(c)",
        "import torch.nn.functional as F\ndef f(x):\n    x = F.relu(x)\n    return F.tanh(x)",
        // Not a network, and not a library that is known.
        "import math\ndef distance(x):\n    return math.tanh(x)",
        "x = F.relu(x)",
        // Arguments that the others do not take.
        "import torch.nn.functional as F\nx = F.gelu(x, approximate='tanh')",
        "from torch import nn\nx = nn.LayerNorm(d, bias=False)",
        "import torch\no = torch.optim.SGD(p, lr=1, nesterov=True)",
        "import torch\no = torch.optim.Adam(p, **settings)",
    ] {
        assert_eq!(shown(text), Vec::<String>::new(), "{text}");
    }
    assert_eq!(find("a.rs", TORCH), []);
}
