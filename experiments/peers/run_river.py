"""Score streams with river's half-space trees; run by river's own interpreter, never imported.

Reads a seed and lists of rows as JSON from standard input; writes each row's score, and the cost, as JSON.
"""

import json
import sys
import time
from importlib import import_module


def main() -> None:
    """Score the streams on standard input."""
    scaler = import_module("river.preprocessing").MinMaxScaler
    trees = import_module("river.anomaly").HalfSpaceTrees
    question = json.load(sys.stdin)
    scores: list[list[float]] = []
    began = time.process_time()
    for rows in question["series"]:
        model = scaler() | trees(seed=question["seed"])
        own = []
        for row in rows:
            features = dict(enumerate(row))
            own.append(model.score_one(features))
            model.learn_one(features)
        scores.append(own)
    elapsed_s = time.process_time() - began
    n_rows = sum(map(len, question["series"]))
    json.dump({"scores": scores, "ns_per_row": elapsed_s / max(n_rows, 1) * 1e9}, sys.stdout)


if __name__ == "__main__":
    main()
