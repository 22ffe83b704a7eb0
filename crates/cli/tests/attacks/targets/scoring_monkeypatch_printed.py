# attack: replaces the evaluator's function in its own process, where that scores
# group: scoring
# sandboxed: works (cheat)
# restricted: works (cheat)
# unprotected: works (cheat)
from prepare import *

import harness.evaluate

harness.evaluate.score = lambda: 45.0
finish()
