"""What the documentation shows runs as it stands."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

from conftest import git

ROOT = Path(__file__).parents[2]


def first_lines(page: str) -> str:
    text = (ROOT / page).read_text(encoding="utf-8")
    lines = re.search(r"```python\n(.*?)```", text, re.DOTALL)
    assert lines is not None
    return lines[1]


def test_the_first_lines_of_the_page_are_a_real_experiment(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    shutil.copytree(ROOT / "examples" / "char-lm", clone / "examples" / "char-lm")
    git(clone, "init", "--quiet")
    git(clone, "add", "--all")
    git(clone, "commit", "--quiet", "--message", "a clone")
    code = first_lines("README.md")
    assert code == first_lines("docs/python.md")
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=clone / "examples",
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("<Outcome keep: val_bpb 2."), done.stdout
