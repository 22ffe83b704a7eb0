# attack: writes the supervisor's report of its own run
# group: ledger
# sandboxed: stopped
# restricted: stopped
# unprotected: stopped
from prepare import *

def write():
    path = SESSION + "/scratch/result.json"
    with open(path, "w") as file:
        json.dump({"exit": {"code": 0}, "readings": {"metric": 0.0}}, file)
    os.chmod(path, 0o444)


finish()
attempt(write)
