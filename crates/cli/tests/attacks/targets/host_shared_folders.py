# attack: leaves files where everybody may write
# group: host
# sandboxed: stopped
# restricted: works (host)
# unprotected: works (host)
from prepare import *

finish()
for folder in ("/tmp", "/var/tmp", "/dev/shm", "/run/lock"):
    attempt(lambda: plant(f"{folder}/{KEY}-left"))
