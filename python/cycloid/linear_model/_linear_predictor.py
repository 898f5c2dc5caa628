"""What the regressors of this package share once they are fitted."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted, validate_data


class LinearPredictor(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Prediction with `coef_` and `intercept_`; dense and sparse X."""

    coef_: NDArray[Any]
    intercept_: Any

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict the target.

        Parameters
        ----------
        X : {array-like, sparse array} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_targets)
            `X @ coef_.T + intercept_`.
        """
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse=("csr", "csc"), reset=False)
        prediction: NDArray[Any] = X @ self.coef_.T + self.intercept_
        return prediction

    @property
    def sparse_coef_(self) -> sparse.csr_matrix:
        """`coef_` as a CSR matrix of shape (1, n_features) or (n_targets, n_features)."""
        return sparse.csr_matrix(np.atleast_2d(self.coef_))

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
