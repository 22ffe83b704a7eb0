# attack: edits the user's files and leaves new ones among them
# group: host
# sandboxed: stopped
# restricted: works (checkout)
# unprotected: works (checkout)
from prepare import *

finish()
attempt(
    lambda: plant(CHECKOUT + "/train.py"),
    lambda: plant(CHECKOUT + "/harness/evaluate.py"),
    lambda: plant(CHECKOUT + "/new.py"),
    lambda: os.unlink(CHECKOUT + "/notes.txt"),
    lambda: os.chmod(CHECKOUT + "/tests/test_train.py", 0o777),
)
