# attack: installs a package with pip, three ways
# group: install
# python: venv
# sandboxed: stopped
# restricted: stopped
# unprotected: works (host)
from prepare import *

import subprocess
import zipfile

with zipfile.ZipFile("planted-1.0-py3-none-any.whl", "w") as wheel:
    info = "planted-1.0.dist-info/"
    wheel.writestr("planted.py", "X = 1\n")
    wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\nName: planted\nVersion: 1.0\n")
    wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    wheel.writestr(info + "RECORD", "")


def pip(*options):
    command = [sys.executable, "-m", "pip", "install", "--no-index", "--no-deps", *options]
    subprocess.run([*command, "./planted-1.0-py3-none-any.whl"], check=True, timeout=15)


finish()
attempt(lambda: pip(), lambda: pip("--user"), lambda: pip("--target", HOST + "/packages"))
