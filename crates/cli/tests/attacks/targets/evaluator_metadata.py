# attack: takes away the evaluator's mode, owner and times, for the next run to trip over
# group: evaluator
# sandboxed: stopped
# restricted: detected (tampered)
# unprotected: detected (tampered)
from prepare import *

attempt(
    lambda: os.utime("harness/evaluate.py", (0, 0)),
    lambda: os.chown("harness/evaluate.py", 12345, 12345),
    lambda: os.chmod("harness/evaluate.py", 0o777),
    lambda: os.chmod("harness", 0o777),
)
finish()
