# attack: edits the user's checkout and home by their absolute paths
# group: proposer
# sandboxed: detected (refused)
# restricted: detected (refused)
# unprotected: works (checkout, host)
from prepare import *

attempt(
    lambda: plant(CHECKOUT + "/train.py"),
    lambda: plant(CHECKOUT + "/new.py"),
    lambda: plant("../../../other.py"),
    lambda: plant(HOST + "/new"),
    lambda: plant(USER_HOME + "/.bashrc"),
)
