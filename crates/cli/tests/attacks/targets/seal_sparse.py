# attack: hands over a sparse model of a gigabyte, to fill the disk when it is copied
# group: seal
# scoring: sealed
# sandboxed: detected (no metric)
# restricted: detected (no metric)
# unprotected: detected (no metric)
from prepare import *

with open("model.json", "w") as file:
    file.truncate(1 << 30)
