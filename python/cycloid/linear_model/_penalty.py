"""LogisticRegression's `penalty`, deprecated in scikit-learn 1.8, in terms of C and l1_ratio."""

from __future__ import annotations

import math
import warnings
from typing import Any

from cycloid._inputs import check_option, check_real


def elastic_net_form(penalty: Any, C: Any, l1_ratio: Any) -> tuple[float, float]:
    """`(C, l1_ratio)` of the objective, with the warnings and errors of scikit-learn 1.9."""
    C = check_real("C", C, open_low=True)
    if l1_ratio is not None:
        l1_ratio = check_real("l1_ratio", l1_ratio, high=1.0)
    if penalty == "deprecated":
        if l1_ratio is None:
            _warn(
                "l1_ratio=None is deprecated, as in scikit-learn 1.8; use a number in [0, 1], "
                "0 for an L2 penalty",
                FutureWarning,
            )
        return C, l1_ratio or 0.0
    check_option("penalty", penalty, ("l1", "l2", "elasticnet", None))
    _warn(
        "penalty is deprecated, as in scikit-learn 1.8; leave it out and use l1_ratio=0 for 'l2', "
        "l1_ratio=1 for 'l1', l1_ratio between 0 and 1 for 'elasticnet', C=inf for None",
        FutureWarning,
    )
    if penalty == "elasticnet":
        if l1_ratio is None:
            raise ValueError("l1_ratio must be given with penalty='elasticnet'; got None")
        return C, l1_ratio
    implied = {"l1": 1.0, "l2": 0.0, None: 0.0}[penalty]
    # As scikit-learn: its default l1_ratio=0 beside penalty='l1' is a contradiction too.
    if (penalty is not None and l1_ratio != implied) or (l1_ratio or 0.0) not in (0.0, 1.0):
        _warn(f"penalty={penalty!r} takes precedence over l1_ratio={l1_ratio!r}")
    if penalty is None and C != 1.0:
        _warn(f"penalty=None takes precedence over C={C:g} and l1_ratio")
    return math.inf if penalty is None else C, implied


def _warn(message: str, category: type[Warning] = UserWarning) -> None:
    # 4: this function, elastic_net_form, fit, the caller of fit.
    warnings.warn(message, category, stacklevel=4)
