import argparse
import json

import numpy as np
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from prepare import load

N_ESTIMATORS = 100
MAX_DEPTH = 3
LEARNING_RATE = 0.1
SUBSAMPLE = 1.0
CLIP = 3.0
FOLDS = 5


def features(X):
    X = np.clip(X, -CLIP, CLIP)
    return X


def augment(X, y, rng):
    noise = rng.normal(0, 0.01, X.shape)
    return np.vstack([X, X + noise]), np.concatenate([y, y])


def build():
    model = GradientBoostingClassifier(
        n_estimators=N_ESTIMATORS,
        max_depth=MAX_DEPTH,
        learning_rate=LEARNING_RATE,
        subsample=SUBSAMPLE,
        random_state=0,
    )
    return make_pipeline(StandardScaler(), model)


def ensemble(probabilities):
    return np.mean(probabilities, axis=0)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bags", type=int, default=3)
    args = parser.parse_args()
    X, y, X_test, y_test = load()
    X, X_test = features(X), features(X_test)
    probabilities = []
    for bag in range(args.bags):
        rng = np.random.default_rng(bag)
        Xa, ya = augment(X, y, rng)
        probabilities.append(build().fit(Xa, ya).predict_proba(X_test))
    accuracy = (ensemble(probabilities).argmax(1) == y_test).mean()
    print(json.dumps({"accuracy": accuracy}))


main()
