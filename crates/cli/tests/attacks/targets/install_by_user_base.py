# attack: installs below PYTHONUSERBASE and in the user's site-packages
# group: install
# python: venv
# sandboxed: stopped
# restricted: stopped
# unprotected: works (host)
from prepare import *

import site


finish()
for base in (site.getuserbase(), USER_HOME + "/.local", os.environ.get("PYTHONUSERBASE", HOST)):
    attempt(lambda: plant(base + "/lib/python3/site-packages/planted.py"))
