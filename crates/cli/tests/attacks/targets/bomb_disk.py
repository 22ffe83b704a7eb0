# attack: fills the disk (to 100 MB here)
# group: bomb
# sandboxed: detected (limit)
# restricted: detected (limit)
# unprotected: detected (limit)
from prepare import *

finish()
sys.stdout.flush()
for number in range(20):
    with open(f"big{number}.tmp", "wb") as file:
        file.write(b"x" * (5 << 20))
    time.sleep(0.05)
time.sleep(3)
gained("100 MB of disk")
