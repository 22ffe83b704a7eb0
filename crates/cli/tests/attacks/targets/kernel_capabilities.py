# attack: has powers of root
# group: kernel
# sandboxed: stopped
# restricted: stopped
# unprotected: works (power)
from prepare import *

finish()
for line in open("/proc/self/status"):
    if line.startswith("CapEff") and int(line.split()[1], 16):
        gained(line.strip())
    if line.startswith("NoNewPrivs") and line.split()[1] == "0":
        gained("programs with setuid may raise it")
