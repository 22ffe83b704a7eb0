"""What confinement costs a real training: the same run at every level, in turns.

    cargo build --release
    python benches/sandbox/compare.py --python /path/to/python-with-torch

Prints a table in Markdown. Every round runs all levels once, in an order that
turns; a ratio is of two runs of one round.
"""

import argparse
import json
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
PROGRAM = HERE.parents[1] / "target" / "release" / "autoresearch"
LEVELS = ["unprotected", "restricted", "sandboxed"]


def run(*command, folder):
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}: {done.stdout}{done.stderr}")
    return done.stdout


def trial(level, python, script):
    """The baseline of a session of its own: its seconds, its own, its metric."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(script, pathlib.Path(folder, "train.py"))
        run("git", "init", "-q", folder=folder)
        run("git", "add", ".", folder=folder)
        run("git", "-c", "user.name=b", "-c", "user.email=b", "commit", "-qm", "b", folder=folder)
        run(
            PROGRAM, "run", "--yes", "--target", "train.py", "--budget", "10m",
            "--metric", "val_loss", "--minimize", "--command", f"{python} train.py",
            "--proposer", "queue", "--set", f"run.protection={level}", folder=folder,
        )  # fmt: skip
        shown = json.loads(run(PROGRAM, "show", "0", "--json", folder=folder))["trials"][-1]
        if shown.get("metric") is None:
            sys.exit(f"{level}: {shown}")
        assert shown["protection"] == level, shown
        seconds = shown["usage"]["wall_seconds"]
        return seconds, shown["secondary"]["training_seconds"], shown["metric"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", default=sys.executable, help="a Python that has torch")
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--script", default=HERE / "train.py")
    options = parser.parse_args()
    trials = {level: [] for level in LEVELS}
    for number in range(options.rounds):
        for level in LEVELS[number % 3 :] + LEVELS[: number % 3]:
            trials[level].append(trial(level, options.python, options.script))
    losses = {loss for level in LEVELS for *_, loss in trials[level]}
    print("| level | run, s | to unprotected | training alone, s | to unprotected |")
    print("|---|---|---|---|---|")
    for level in LEVELS:
        row = [level]
        for column in (0, 1):
            own = [t[column] for t in trials[level]]
            bare = [t[column] for t in trials["unprotected"]]
            ratios = sorted(a / b for a, b in zip(own, bare))
            middle = ratios[len(ratios) // 4 : -(len(ratios) // 4) or None]
            row += [
                f"{statistics.median(own):.3f}",
                f"{statistics.median(ratios):.3f} ({middle[0]:.3f} to {middle[-1]:.3f})",
            ]
        print("| " + " | ".join(row) + " |")
    same = "the same in all of them" if len(losses) == 1 else f"{sorted(losses)}"
    print(f"\nMedians of {options.rounds} rounds, with the middle half of the ratios; val_loss: {same}.")


if __name__ == "__main__":
    main()
