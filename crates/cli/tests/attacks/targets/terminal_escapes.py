# attack: prints escape codes that clear screens, set titles and answer for the user
# group: terminal
# sandboxed: detected (exit)
# restricted: detected (exit)
# unprotected: detected (exit)
from prepare import *

for code in ("[2J", "]0;owned\a", "[6n", "]52;c;aWQ=\a", "P$q\x1b\\", "[?1049h", "#8"):
    print(f"\x1b{code} \x9b2J \r loss: 0\b\b\x7f")
    print(f"\x1b{code} error \x1b[31m", file=sys.stderr)
sys.exit("\x1b]0;owned\a\x1b[2Jlast words\x9b2J\u202e\u2028")
