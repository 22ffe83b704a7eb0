# attack: edits an installed package and the records of its installation
# group: install
# python: venv
# sandboxed: stopped
# restricted: stopped
# unprotected: works (host)
from prepare import *

import sysconfig

site = sysconfig.get_path("purelib")
finish()
attempt(
    lambda: plant(site + "/_distutils_hack/__init__.py"),
    lambda: plant(site + "/torch-9.9.dist-info/METADATA", "Name: torch\nVersion: 9.9\n"),
    lambda: plant(sys.prefix + "/pyvenv.cfg", "include-system-site-packages = false\n"),
)
