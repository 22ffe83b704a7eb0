# attack: hands over a model whose loading runs code in the sealed evaluator
# group: seal
# scoring: sealed
# sandboxed: detected (no metric)
# restricted: detected (no metric)
# unprotected: detected (no metric)
from prepare import *

import pickle


class Model:
    def __reduce__(self):
        return (eval, ("{'guess': 42.0}",))


with open("model.json", "wb") as file:
    pickle.dump(Model(), file)
