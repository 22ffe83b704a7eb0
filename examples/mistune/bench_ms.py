"""How long mistune takes for its own benchmark cases: the fastest of several
passes of each, summed, in milliseconds of CPU time for 100 documents. CPU time,
since what else the machine does is nothing that a change of mistune can help."""

import pathlib
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT / "src"))

import mistune

CASES = [
    "atx", "setext", "normal_ul", "insane_ul", "normal_ol", "insane_ol", "blockquote",
    "blockhtml", "fenced", "paragraph", "emphasis", "auto_links", "std_links", "ref_links",
]
PASSES, DOCUMENTS = 40, 20

render = mistune.create_markdown(escape=False)
texts = [(ROOT / "benchmark" / "cases" / f"{name}.txt").read_text() for name in CASES]
fastest = [float("inf")] * len(texts)
# Pass by pass, so that a moment in which the machine was busy hits all cases a little.
for _ in range(PASSES):
    for at, text in enumerate(texts):
        began = time.process_time()
        for _ in range(DOCUMENTS):
            render(text)
        fastest[at] = min(fastest[at], time.process_time() - began)
for name, seconds in zip(CASES, fastest):
    print(f"{name}_ms: {seconds * 1000 * 100 / DOCUMENTS:.2f}")
print(f"bench_ms: {sum(fastest) * 1000 * 100 / DOCUMENTS:.2f}")
