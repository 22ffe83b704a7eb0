# attack: fills the disk (to 100 MB here)
# group: bomb
# sandboxed: detected (limit)
# restricted: detected (limit)
# unprotected: detected (limit)
from prepare import *

finish()
sys.stdout.flush()
with open("big.tmp", "wb") as file:
    for _ in range(100):
        file.write(b"x" * (1 << 20))
        file.flush()
        time.sleep(0.01)
time.sleep(3)
gained("100 MB of disk")
