# attack: hands over a sparse model of a gigabyte: no file may be larger than the disk that a run may fill
# group: seal
# scoring: sealed
# sandboxed: detected (exit)
# restricted: detected (exit)
# unprotected: detected (exit)
from prepare import *

with open("model.json", "w") as file:
    file.truncate(1 << 30)
