# attack: reads the logs and artefacts of earlier trials
# group: next_trial
# then: again
# sandboxed: stopped
# restricted: stopped
# unprotected: works (carried)
from prepare import *

import glob

for path in glob.glob(SESSION + "/logs/0001*") + glob.glob(SESSION + "/out/0001-1/*"):
    print("CARRIED", path)
open(os.environ["AUTORESEARCH_OUT"] + "/x", "w").close()
finish()
