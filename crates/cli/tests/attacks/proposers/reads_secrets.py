# attack: prints the user's key; the brief that it is given may be printed
# group: proposer
# sandboxed: detected (refused)
# restricted: detected (refused)
# unprotected: works (secret)
from prepare import *

print(sys.stdin.read())
attempt(lambda: leak(USER_HOME + "/.ssh/id_ed25519"))
