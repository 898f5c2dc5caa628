"""The problems of the demonstration, made from the data sets that scikit-learn carries."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from cycloid._cli.certificate import Problem

_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Case:
    """One row of the demonstration's table: solve ``problem`` at each of ``alphas``.

    With ``folds`` > 0 the strength is chosen among ``alphas`` by cross-validation first, and the
    solution is the one on all samples at that strength.
    """

    title: str
    data: str
    problem: Problem
    names: Sequence[str]
    alphas: npt.NDArray[np.float64]
    folds: int = 0
    drawn: bool = False  # in the picture

    @property
    def estimator(self) -> str:
        """The scikit-learn solver that takes this problem, the fastest where there are two."""
        if self.problem.loss == "squared":
            return "coordinate descent"
        # liblinear would penalise the intercept; saga is what remains with one.
        return "saga" if self.problem.fit_intercept else "liblinear"


def interactions(
    X: npt.NDArray[np.float64], names: Sequence[str], degree: int
) -> tuple[npt.NDArray[np.float64], list[str]]:
    """Return all products of up to ``degree`` standardised features, standardised, and their names.

    Left out: what does not vary, and powers of a feature with two values, which tell no more than
    the feature itself.
    """
    expand = PolynomialFeatures(degree, include_bias=False)
    products = expand.fit_transform(StandardScaler().fit_transform(X))
    binary = [len(np.unique(column)) <= 2 for column in X.T]
    kept = (expand.powers_[:, binary] <= 1).all(axis=1)
    kept &= products.std(axis=0) > 1e-10 * np.abs(products).max(axis=0)
    # PolynomialFeatures separates factors by spaces, which the names themselves contain.
    safe = [name.replace(" ", "\N{NO-BREAK SPACE}") for name in names]
    labels = expand.get_feature_names_out(safe)[kept]
    scaled = StandardScaler().fit_transform(products[:, kept])
    return np.asfortranarray(scaled), [_pretty(label) for label in labels]


def _pretty(label: str) -> str:
    """Turn "a^2 b" into "a² · b"."""
    powers = re.sub(r"\^(\d+)", lambda match: match[1].translate(_SUPERSCRIPTS), label)
    return powers.replace(" ", " · ").replace("\N{NO-BREAK SPACE}", " ")


@dataclass(frozen=True)
class _Data:
    """Features, target and their names, and what the table calls them."""

    label: str
    X: npt.NDArray[np.float64]
    y: npt.NDArray[np.float64]
    names: Sequence[str]


def _diabetes(degree: int) -> _Data:
    data = load_diabetes()
    X, names = interactions(data.data, data.feature_names, degree)
    y = (data.target - data.target.mean()) / data.target.std()
    return _Data(f"diabetes, order {degree}", X, y, names)


def _breast_cancer(degree: int) -> _Data:
    data = load_breast_cancer()
    X, names = interactions(data.data, list(data.feature_names), degree)
    y = np.where(data.target == 0, 1.0, -1.0)  # +1: malignant
    return _Data(f"cancer, order {degree}", X, y, names)


def _digits(degree: int, first: int, second: int) -> _Data:
    data = load_digits()
    rows = np.isin(data.target, (first, second))
    pixels = [f"pixel {j // 8},{j % 8}" for j in range(64)]
    X, names = interactions(data.data[rows], pixels, degree)
    y = np.where(data.target[rows] == first, 1.0, -1.0)
    return _Data(f"digits {first}/{second}, order {degree}", X, y, names)


def _case(
    title: str,
    data: _Data,
    ratio: float,
    n_alphas: int = 1,
    *,
    l1_ratio: float = 1.0,
    fit_intercept: bool = False,
    folds: int = 0,
    drawn: bool = False,
) -> Case:
    """A geometric grid from alpha_max down to ``ratio`` times it, or that last strength alone.

    A target of two values makes the loss logistic.
    """
    loss = "logistic" if len(np.unique(data.y)) == 2 else "squared"
    problem = Problem(data.X, data.y, loss, l1_ratio, fit_intercept)
    largest = problem.alpha_max()
    alphas = np.geomspace(ratio * largest, largest, n_alphas)[::-1]
    return Case(title, data.label, problem, data.names, alphas, folds, drawn)


def demonstration() -> list[Case]:
    """Return the rows of the table, from the squared loss to the logistic loss."""
    small, large, cancer, digits = _diabetes(3), _diabetes(5), _breast_cancer(3), _digits(2, 3, 8)
    return [
        _case("Lasso, 100 alphas", small, 2e-3, 100),
        _case("LassoCV, 5 folds", small, 1e-2, 100, folds=5),
        _case("Lasso, 50 alphas", large, 0.05, 50, drawn=True),
        _case("Elastic net, 50 alphas", large, 0.05, 50, l1_ratio=0.5),
        _case("L1-logistic", cancer, 0.01),
        _case("L1-logistic, intercept", cancer, 0.01, fit_intercept=True),
        _case("L1-logistic, 20 alphas", digits, 0.01, 20, drawn=True),
    ]
