"""A ranker bundle as an MLflow model: a table of evidence in, probabilities out.

MLflow finds this module by its name in the model's own file. The service reads the bundle itself.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from models.artifacts.ranker_bundle import load_ranker_bundle
from models.rankers.fusion import TIE_BREAKERS, combined, usual_surprise

if TYPE_CHECKING:
    import pandas as pd

    from models.artifacts.ranker_bundle import RankerBundle


class RankerModel:
    """Turns the evidence against the items of some cases into probabilities."""

    def __init__(self, bundle: RankerBundle) -> None:
        self.bundle = bundle

    def predict(self, model_input: pd.DataFrame) -> pd.DataFrame:
        """Distribute belief among the items of each case.

        Parameters
        ----------
        model_input
            Columns case, item, meaning and surprise: −ln p of the observation, corrected and with its share,
            or 0 where a meaning found nothing. One row for every meaning that examined an item, in any order.

        Returns
        -------
        Columns case, item, log_odds and probability. The remainder to 1 in a case is belief in "nothing
        observed explains this". A traffic surge is not considered.
        """
        import pandas as pd  # noqa: PLC0415  MLflow installs it, the service does not need it

        surprises = model_input.groupby(["case", "item", "meaning"], sort=True)["surprise"].sum()
        usual = surprises.groupby(level=["case", "meaning"]).transform(
            lambda of_meaning: usual_surprise(of_meaning.to_numpy(dtype=np.float64))
        )
        meaning = surprises.index.get_level_values("meaning")
        items = pd.DataFrame(
            {
                "total": surprises * meaning.map(self.bundle.weights).fillna(1.0).to_numpy(),
                "usual": usual * ~meaning.isin(TIE_BREAKERS),
            }
        )
        parts = []
        for case, own in items.groupby(level=["case", "item"]).sum().groupby(level="case", sort=True):
            evidence = combined(own["total"].to_numpy(), own["usual"].to_numpy())
            belief = self.bundle.belief
            parts.append(
                pd.DataFrame(
                    {
                        "case": case,
                        "item": own.index.get_level_values("item"),
                        "log_odds": belief.log_odds(evidence),
                        "probability": belief.posterior(evidence, 0.0).candidates,
                    }
                )
            )
        return pd.concat(parts, ignore_index=True)


def _load_pyfunc(data_path: str) -> RankerModel:
    """Load a bundle for MLflow, which calls this function by its name."""
    return RankerModel(load_ranker_bundle(Path(data_path)))
