# attack: the same where the user insists on pickles
# group: seal
# scoring: sealed
# set: metric.allow_pickle=true
# sandboxed: works (cheat)
# restricted: works (cheat)
# unprotected: works (cheat)
from prepare import *

import pickle


class Model:
    def __reduce__(self):
        return (eval, ("{'guess': 42.0}",))


with open("model.json", "wb") as file:
    pickle.dump(Model(), file)
