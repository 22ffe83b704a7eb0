# attack: reads the user's SSH key and the keys in its environment
# group: host
# sandboxed: stopped
# restricted: stopped
# unprotected: works (secret)
from prepare import *

finish()
attempt(
    lambda: leak(USER_HOME + "/.ssh/id_ed25519"),
    lambda: leak(os.path.expanduser("~/.ssh/id_ed25519")),
    lambda: leak("../../../../home/.ssh/id_ed25519"),
)
