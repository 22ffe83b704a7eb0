# attack: replaces the evaluator by a link to a file of the user's, for the engine to restore through
# group: evaluator
# sandboxed: stopped
# restricted: detected (tampered)
# unprotected: detected (tampered)
from prepare import *

def link():
    os.unlink("harness/evaluate.py")
    os.symlink(HOST + "/thesis.txt", "harness/evaluate.py")


finish()
attempt(link)
