"""Labels for the unlabelled nodes of a graph: the exact solutions of scikit-learn's iterations.

:class:`LabelPropagation` and :class:`LabelSpreading` have scikit-learn's names and parameters, and
take sparse graphs as they are. :class:`LabelPropagationRegressor` does the same for real numbers,
and :func:`harmonic_function` is what is under all three.
"""

from cycloid._result import Status
from cycloid.semi_supervised._harmonic import HarmonicResult, harmonic_function
from cycloid.semi_supervised._label_propagation import LabelPropagation, LabelSpreading
from cycloid.semi_supervised._regressor import LabelPropagationRegressor

__all__ = [
    "HarmonicResult",
    "LabelPropagation",
    "LabelPropagationRegressor",
    "LabelSpreading",
    "Status",
    "harmonic_function",
]
