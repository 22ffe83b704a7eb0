"""
Records learning curves of real training scripts: what the rules of early stopping
are compared on. Every variant is the script as it stands with one to three of its
constants changed, as a search changes them.

    python3 record.py char-lm examples/char-lm curves/char-lm.json
    python3 record.py digits  workloads/autograd-digits/work curves/digits.json
    python3 record.py rbm     workloads/digits-rbm/work curves/rbm.json

char-lm needs nothing but Python; the others need what their `requirements.txt` names.
Time is CPU time of the one thread, so that a busy machine changes nothing. What a
script does not print as it goes, a copy of it prints: see `instrument`.
Stop it at any time, and start it again: what is there is not run again.
"""

import json
import os
import random
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from shutil import copytree, ignore_patterns

VARIANTS = int(os.environ.get("VARIANTS", "60"))

# Constants with what a search may set them to; the script's own value is left out.
KNOBS = {
    "char-lm": {
        "MAX_ORDER": [2, 3, 5, 6],
        "WORD_FEATURES": [True],
        "TABLE_BITS": [12, 14, 18, 20],
        "LEARNING_RATE": [0.05, 0.1, 0.3, 0.4, 0.8],
        "ORDER_BOOST": [0.7, 0.85, 1.2, 1.5],
        "WARMDOWN_RATIO": [0.0, 0.25, 0.75, 1.0],
        "FINAL_LR_FRAC": [0.0, 0.1, 0.25, 1.0],
        "ADAGRAD_POWER": [0.0, 0.1, 0.35, 0.5],
        "ADAGRAD_EPS": [0.1, 0.3, 3.0],
        "WEIGHT_DECAY": [0.0, 0.003, 0.03],
    },
    "digits": {
        "layer_sizes": [[784, 50, 10], [784, 100, 10], [784, 400, 10], [784, 100, 100, 100, 10], [784, 300, 150, 10]],
        "L2_reg": [0.0, 0.1, 0.3, 3.0, 10.0],
        "param_scale": [0.01, 0.03, 0.2, 0.5],
        "batch_size": [32, 64, 128, 512, 1347],
        "step_size": [0.0001, 0.0003, 0.002, 0.005, 0.01],
        "activation": ["relu", "sigmoid", "softsign"],
        "optimizer": ["sgd", "rmsprop"],
        "schedule": ["linear", "cosine", "warmup"],
    },
    "rbm": {
        "learning_rate": [0.003, 0.01, 0.03, 0.1, 0.2],
        "n_components": [30, 60, 150, 200],
        "n_iter": [4, 6, 12, 16],
        "batch_size": [5, 20, 50, 100],
        "C": [1.0, 10.0, 100.0, 1000.0],
    },
}


def variants(target):
    """The script as it is, and so many changes of it; always the same ones."""
    rng, seen = random.Random(20260501), set()
    yield {}
    while len(seen) < VARIANTS:
        names = rng.sample(sorted(KNOBS[target]), rng.choice([1, 1, 1, 2, 2, 3]))
        change = {name: rng.choice(KNOBS[target][name]) for name in names}
        key = json.dumps(change, sort_keys=True)
        if key not in seen:
            seen.add(key)
            yield change


def put(text, old, new):
    if text.count(old) != 1:
        sys.exit(f"the script is not the one that this was written for: {text.count(old)} of {old!r}")
    return text.replace(old, new)


def constant(text, name, value):
    """Assigns another value to a constant, as the embedded search does."""
    new, count = re.subn(rf"(?m)^(\s*(?:\w+\.)?{name} = ).*?((?:\s+#.*)?)$", lambda m: f"{m[1]}{value!r}{m[2]}", text, count=1)
    if count != 1:
        sys.exit(f"the script has no constant {name}")
    return new


REPORT = 'print("POINT %.3f %d %.5f %.5f" % (__import__("time").process_time() - {start}, {step}, {value}, {second}), flush=True)'


def instrument(target, text):
    """The script with a line of output whenever another twenty-fifth is done."""
    if target == "char-lm":
        # The first 800 held-out bytes; the end is scored on 6,000.
        text = put(text, "progress = smooth_loss = 0.0\n", """progress = smooth_loss = 0.0
import prepare
prepare.EVAL_BYTES, reported = 800, 0
""")
        text = put(text, "    smooth_loss = 0.95", f"""    if progress >= (reported + 1) / 25:
        reported += 1
        {REPORT.format(start="clock.cpu", step="step", value="evaluate_bpb(model.probability)", second="loss")}
    smooth_loss = 0.95""")
        return put(text, "val_bpb = evaluate", "prepare.EVAL_BYTES = 6000\nval_bpb = evaluate")
    if target == "digits":
        # The example trains for five epochs; here for a time, as a session does.
        text = put(text, "    num_epochs = 5\n", """    num_epochs = 100000
    activation = 'tanh'
    optimizer = 'adam'
    schedule = 'constant'
""")
        text = put(text, "inputs = np.tanh(outputs)", """inputs = {
            'tanh': np.tanh, 'relu': lambda x: np.maximum(x, 0), 'softsign': lambda x: x / (1 + np.abs(x)),
            'sigmoid': lambda x: 0.5 * (np.tanh(0.5 * x) + 1)}[activation](outputs)""")
        head, tail = text.split("    def print_perf")
        return head + f"""    import os
    import time
    from autograd.misc.flatten import flatten as flat
    budget, start, reported = float(os.environ["AUTORESEARCH_BUDGET_SECONDS"]), time.process_time(), 0
    x, unflatten = flat(init_params)
    m, v, i, progress = np.zeros(len(x)), np.zeros(len(x)), 0, 0.0
    while progress < 1:
        progress = (time.process_time() - start) / budget
        lr = step_size * {{'constant': 1, 'linear': 1 - progress, 'cosine': 0.5 + 0.5 * np.cos(np.pi * progress),
                          'warmup': min(1, 5 * progress)}}[schedule]
        g = flat(objective_grad(unflatten(x), i))[0]
        i += 1
        if optimizer == 'sgd':
            v = 0.9 * v + g
            x = x - 0.1 * lr * v
        elif optimizer == 'rmsprop':
            v = 0.9 * v + 0.1 * g * g
            x = x - lr * g / (np.sqrt(v) + 1e-8)
        else:
            m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
            x = x - lr * (m / (1 - 0.9 ** i)) / (np.sqrt(v / (1 - 0.999 ** i)) + 1e-8)
        if progress >= (reported + 1) / 30:
            reported += 1
            params = unflatten(x)
            nll = -np.mean(np.sum(neural_net_predict(params, test_images) * test_labels, axis=1))
            {REPORT.format(start="start", step="i", value="nll", second="accuracy(params, test_images, test_labels)")}
"""
    text = put(text, "tol=1)", "tol=1e-3)")  # as shipped it no longer converges
    text = put(text, "rbm.n_components = 100\n", "rbm.n_components = 100\nrbm.batch_size = 10\n")
    # Three points a pass: how likely the held-out images are under the features.
    return put(text, "rbm_features_classifier.fit(X_train, Y_train)", f"""
start, step, third = __import__("time").process_time(), 0, len(X_train) // 3
for _ in range(rbm.n_iter):
    for part in range(3):
        images = X_train[part * third:(part + 1) * third]
        for at in range(0, third, rbm.batch_size):
            rbm.partial_fit(images[at:at + rbm.batch_size])
        step += 1
        {REPORT.format(start="start", step="step", value="rbm.score_samples(X_test).mean()", second="0")}
logistic.fit(rbm.transform(X_train), Y_train)
print("FINAL %.6f %.3f" % (logistic.score(rbm.transform(X_test), Y_test), __import__("time").process_time() - start))
raise SystemExit
""")


def record(target, folder, change, budget):
    name = "neural_net.py" if target == "digits" else "train.py"
    with tempfile.TemporaryDirectory() as work:
        work = Path(work) / "w"
        copytree(folder, work, ignore=ignore_patterns(".git", ".autoresearch", "__pycache__"))
        text = instrument(target, (work / name).read_text())
        for knob, value in change.items():
            text = constant(text, knob, value)
        (work / name).write_text(text)
        env = dict(os.environ, AUTORESEARCH_BUDGET_SECONDS=str(budget), AUTORESEARCH_SEED="1", OMP_NUM_THREADS="1",
                   OPENBLAS_NUM_THREADS="1", MPLBACKEND="Agg", PYTHONWARNINGS="ignore")
        run = subprocess.run([sys.executable, name], cwd=work, env=env, capture_output=True, text=True, timeout=300)
    points = re.findall(r"POINT (\S+) (\S+) (\S+) (\S+)", run.stdout)
    if run.returncode or not points:
        return {"change": change, "error": run.stderr.strip().splitlines()[-1:]}
    one = {"change": change, "points": [[float(t), int(step), float(value)] for t, step, value, _ in points]}
    final = re.search(r"(?:FINAL|val_bpb:) +([\d.]+)(?: +([\d.]+))?", run.stdout)
    if target == "digits":
        one["second"] = [float(point[3]) for point in points]
        one["final"] = one["points"][-1][2]
    else:
        one["final"] = float(final[1])
        if final[2]:
            one["seconds"] = float(final[2])
    return one


def main():
    target, folder, out = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    budget = {"char-lm": 4, "digits": 2.5, "rbm": 0}[target]
    done = json.loads(out.read_text())["runs"] if out.exists() else []
    for change in list(variants(target))[len(done):]:
        done.append(record(target, folder, change, budget))
        direction = {"char-lm": "minimize", "digits": "minimize", "rbm": "maximize"}[target]
        lines = ",\n".join(json.dumps(run, separators=(",", ":")) for run in done)
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(f'{{"target":"{target}","direction":"{direction}","runs":[\n{lines}\n]}}\n')
        print(len(done), change, done[-1].get("final", done[-1].get("error")), file=sys.stderr, flush=True)


main()
