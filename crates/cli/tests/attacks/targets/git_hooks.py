# attack: leaves hooks that git runs at the next commit
# group: git
# sandboxed: stopped
# restricted: stopped
# unprotected: works (checkout, planted)
from prepare import *

def hook(folder, name):
    path = f"{folder}/{name}"
    os.makedirs(folder, exist_ok=True)
    with open(path, "w") as file:
        file.write(f"#!/bin/sh\n# {MARK}\ntouch {HOST}/ran\n")
    os.chmod(path, 0o755)


finish()
for name in ("reference-transaction", "post-checkout", "post-commit", "post-index-change"):
    attempt(lambda: hook(CHECKOUT + "/.git/hooks", name))
