# attack: leaves files with every unpleasant name there is
# group: bomb
# sandboxed: stopped
# restricted: stopped
# unprotected: stopped
from prepare import *

finish()
for name in (b"new\nline", b"\x1b[2J", b"\xff\xfe", b"-rf", b" ", b"a" * 255, b"*", b"$(id)"):
    attempt(lambda: open(name, "w").close())
    attempt(lambda: open(os.environ["AUTORESEARCH_OUT"].encode() + b"/" + name, "w").close())
