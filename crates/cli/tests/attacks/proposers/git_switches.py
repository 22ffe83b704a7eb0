# attack: checks out another branch on its desk
# group: proposer
# sandboxed: detected (refused)
# restricted: detected (refused)
# unprotected: detected (refused)
from prepare import *

import subprocess

attempt(lambda: subprocess.run(["git", "switch", "-q", "other"], check=True))
