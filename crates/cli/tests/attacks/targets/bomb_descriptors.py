# attack: opens files without end
# group: bomb
# sandboxed: stopped
# restricted: stopped
# unprotected: stopped
from prepare import *

import resource

resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
held = []
try:
    for _ in range(100_000):
        held.append(os.open("/dev/null", os.O_RDONLY))
except OSError as why:
    print(len(held), why)
for fd in held:
    os.close(fd)
finish()
