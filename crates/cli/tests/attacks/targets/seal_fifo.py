# attack: hands over a pipe that nobody writes to, for the engine to wait at
# group: seal
# scoring: sealed
# sandboxed: detected (no metric)
# restricted: detected (no metric)
# unprotected: detected (no metric)
from prepare import *

os.mkfifo("model.json")
