# attack: fills the disk below its home, its temporary folder and its results (to 200 MB)
# group: bomb
# sandboxed: detected (limit)
# restricted: detected (limit)
# unprotected: detected (limit)
from prepare import *

import tempfile

finish()
sys.stdout.flush()
for folder in (os.environ["AUTORESEARCH_OUT"], tempfile.gettempdir(), os.path.expanduser("~")):
    try:
        for number in range(14):
            with open(f"{folder}/{KEY}-big{number}", "wb") as file:
                file.write(b"x" * (5 << 20))
            time.sleep(0.05)
    except OSError as why:
        print(why)
time.sleep(3)
gained("200 MB of disk")
