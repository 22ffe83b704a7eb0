# attack: leaves files in temporary folders and in its home for the next trial
# group: next_trial
# then: again
# sandboxed: stopped
# restricted: works (carried, host)
# unprotected: works (carried, host)
from prepare import *

import tempfile

home = os.path.expanduser("~")
FOLDERS = ("/tmp", "/var/tmp", "/dev/shm", tempfile.gettempdir(), home, home + "/.cache")
for folder in FOLDERS:
    if os.path.exists(f"{folder}/{KEY}-left"):
        print("CARRIED", folder)
for folder in FOLDERS:
    attempt(lambda: plant(f"{folder}/{KEY}-left"))
finish()
