# attack: renames another file over the evaluator, and the old one back
# group: evaluator
# sandboxed: stopped
# restricted: detected (tampered)
# unprotected: detected (tampered)
from prepare import *

def mine():
    with open("mine.py", "w") as file:
        file.write("def score():\n    return 0.0\n")


def over():
    mine()
    os.rename("harness/evaluate.py", "old.py")
    os.rename("mine.py", "harness/evaluate.py")


def exchange():  # renameat2(RENAME_EXCHANGE)
    mine()
    syscall(316, -100, b"mine.py", -100, b"harness/evaluate.py", 2)


attempt(over)
if os.path.exists("old.py"):
    finish()
    os.rename("old.py", "harness/evaluate.py")
else:
    attempt(exchange)
    finish()
    attempt(exchange)
