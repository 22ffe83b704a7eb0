# attack: hands over a folder with a link in it as its model
# group: held_out
# scoring: sealed
# sandboxed: detected (no metric)
# restricted: detected (no metric)
# unprotected: detected (no metric)
from prepare import *

os.mkdir("model.json")
os.symlink(CHECKOUT + "/answers", "model.json/answers")
