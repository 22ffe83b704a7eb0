# attack: installs a package with setup.py, as easy_install did
# group: install
# python: venv
# sandboxed: stopped
# restricted: stopped
# unprotected: works (host)
from prepare import *

import subprocess

with open("setup.py", "w") as file:
    file.write("from setuptools import setup\nsetup(name='planted', py_modules=['planted'])\n")
with open("planted.py", "w") as file:
    file.write("X = 1\n")
finish()
attempt(lambda: subprocess.run([sys.executable, "setup.py", "-q", "install"], check=True))
