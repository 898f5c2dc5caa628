"""What the logistic models of this package share: class weights, and all that follows a fit."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.special import expit, log_softmax, softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import Tags, compute_class_weight
from sklearn.utils.extmath import safe_sparse_dot
from sklearn.utils.validation import check_is_fitted, validate_data

from cycloid._inputs import (
    Vector,
    as_codes,
    as_weights,
    check_flag,
    check_option,
    check_real,
    viewable,
)
from cycloid.linear_model._finite_sum import SumProblem


class LogisticPredictor(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Prediction with `classes_`, `coef_` and `intercept_`; dense and sparse X.

    `coef_` has one row for two classes, else one row a class.
    """

    classes_: NDArray[Any]
    coef_: Any
    intercept_: NDArray[Any]

    def decision_function(self, X: Any) -> NDArray[Any]:
        """Scores of each sample: the log of the odds of `classes_[1]`, or one score a class.

        Parameters
        ----------
        X : {array-like, sparse array} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
            `X @ coef_.T + intercept_`, as a vector for two classes.
        """
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse=("csr", "csc"), reset=False)
        scores = safe_sparse_dot(X, self.coef_.T, dense_output=True) + self.intercept_
        return np.asarray(scores).ravel() if len(self.classes_) == 2 else np.asarray(scores)

    def predict(self, X: Any) -> NDArray[Any]:
        """The most probable class of each sample.

        Parameters
        ----------
        X : {array-like, sparse array} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        ndarray of shape (n_samples,)
            Labels out of `classes_`.
        """
        scores = self.decision_function(X)
        codes = (scores > 0).astype(np.intp) if scores.ndim == 1 else scores.argmax(axis=1)
        labels: NDArray[Any] = self.classes_[codes]
        return labels

    def predict_proba(self, X: Any) -> NDArray[Any]:
        """Probability of each class.

        Parameters
        ----------
        X : {array-like, sparse array} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Columns as in `classes_`; rows sum to 1.
        """
        scores = self.decision_function(X)
        if scores.ndim == 1:
            return np.column_stack([expit(-scores), expit(scores)])
        probabilities: NDArray[Any] = softmax(scores, axis=1)
        return probabilities

    def predict_log_proba(self, X: Any) -> NDArray[Any]:
        """Logarithm of the probability of each class, finite however small the probability.

        Parameters
        ----------
        X : {array-like, sparse array} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Columns as in `classes_`.
        """
        scores = self.decision_function(X)
        if scores.ndim == 1:
            return -np.column_stack([np.logaddexp(0, scores), np.logaddexp(0, -scores)])
        logarithms: NDArray[Any] = log_softmax(scores, axis=1)
        return logarithms

    def sparsify(self) -> Self:
        """Turn `coef_` into a CSR matrix, which pays when most coefficients are zero."""
        check_is_fitted(self)
        self.coef_ = sparse.csr_matrix(self.coef_)
        return self

    def densify(self) -> Self:
        """Turn `coef_` back into an array."""
        check_is_fitted(self)
        if sparse.issparse(self.coef_):
            self.coef_ = self.coef_.toarray()
        return self

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def class_weighted(
    class_weight: Any, weights: Vector | None, y: Any, classes: NDArray[Any]
) -> Vector | None:
    """Sample weights times class weights."""
    if class_weight is None:
        return weights
    codes = np.searchsorted(classes, y)
    if isinstance(class_weight, str):
        check_option("class_weight", class_weight, ("balanced",))
        totals = np.bincount(codes, weights=weights, minlength=len(classes)).astype(np.float64)
        factors = totals.sum() / (len(classes) * np.maximum(totals, np.finfo(np.float64).tiny))
    else:
        factors = compute_class_weight(class_weight, classes=classes, y=y)
    weighted = factors[codes] if weights is None else factors[codes] * weights
    return as_weights(weighted, len(codes))


def logistic_problem(
    estimator: Any, X: Any, y: Any, sample_weight: Any, C: Any
) -> tuple[SumProblem, NDArray[Any]]:
    """The losses and the penalty of a logistic estimator, checked, and its classes."""
    classes, codes = as_codes(y)
    weights = class_weighted(
        estimator.class_weight, as_weights(sample_weight, len(codes)), y, classes
    )
    shares = np.bincount(codes, weights=weights, minlength=len(classes)).astype(np.float64)
    two = len(classes) == 2
    if not shares.all():
        raise ValueError(
            f"sample_weight must leave samples of {'two' if two else 'all'} classes; got only "
            f"zeros for the class {classes[shares == 0][0]!r}"
        )
    problem = SumProblem(
        X=viewable(X),
        y=np.where(codes == 1, 1.0, -1.0) if two else codes.astype(np.float64),
        weights=weights,
        loss="logistic" if two else "multinomial",
        n_outputs=1 if two else len(classes),
        ridge=1.0 / (check_real("C", C, open_low=True) * shares.sum()),
        fit_intercept=check_flag("fit_intercept", estimator.fit_intercept),
    )
    return problem, classes
