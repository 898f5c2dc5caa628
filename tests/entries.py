"""Everything that takes X and y, and every layout that X may have."""

import numpy as np
from numpy.testing import assert_allclose
from scipy import sparse

from cycloid.linear_model import (
    ConstrainedLogisticRegression,
    ElasticNet,
    ElasticNetCV,
    FairLogisticRegression,
    GroupLasso,
    GroupLassoCV,
    Lasso,
    LassoCV,
    LogisticRegression,
    SparseGroupLasso,
    enet_path,
    group_lasso_path,
    lasso_path,
    logistic_path,
    multinomial_path,
)


def signs(y):
    return np.where(y > np.median(y), 1, -1)


def parts(X):
    """Groups for any number of features: the first one, and the rest."""
    p = (X.shape if sparse.issparse(X) else np.shape(X))[-1]
    return [1, p - 1] if p > 1 else 1


# As f(X, y, sample_weight).
ENTRIES = {
    "lasso_path": lambda X, y, w=None: lasso_path(X, y, alphas=3, sample_weight=w),
    "enet_path": lambda X, y, w=None: enet_path(X, y, alphas=3, sample_weight=w),
    "group_lasso_path": lambda X, y, w=None: group_lasso_path(
        X, y, parts(X), alphas=3, sample_weight=w
    ),
    "multinomial_path": lambda X, y, w=None: multinomial_path(
        X, y, l1_ratio=0.5, alphas=3, sample_weight=w
    ),
    "logistic_path": lambda X, y, w=None: logistic_path(X, y, alphas=3, sample_weight=w),
    "Lasso": lambda X, y, w=None: Lasso(alpha=0.1).fit(X, y, w),
    "ElasticNet": lambda X, y, w=None: ElasticNet(alpha=0.1).fit(X, y, w),
    "GroupLasso": lambda X, y, w=None: GroupLasso(parts(X), alpha=0.1).fit(X, y, w),
    "SparseGroupLasso": lambda X, y, w=None: SparseGroupLasso(parts(X), alpha=0.1).fit(X, y, w),
    "GroupLassoCV": lambda X, y, w=None: GroupLassoCV(parts(X), alphas=3, cv=2).fit(X, y, w),
    "LassoCV": lambda X, y, w=None: LassoCV(alphas=3, cv=2).fit(X, y, w),
    "ElasticNetCV": lambda X, y, w=None: ElasticNetCV(alphas=3, cv=2).fit(X, y, w),
    "LogisticRegression": lambda X, y, w=None: LogisticRegression().fit(X, y, w),
    "newton-sketch": lambda X, y, w=None: LogisticRegression(solver="newton-sketch").fit(X, y, w),
    "Constrained": lambda X, y, w=None: ConstrainedLogisticRegression(norm=1.0).fit(X, y, w),
    "Fair": lambda X, y, w=None: FairLogisticRegression(0).fit(X, y, w),
}
CLASSIFIERS = (
    "logistic_path",
    "multinomial_path",
    "LogisticRegression",
    "newton-sketch",
    "Constrained",
    "Fair",
)
BINARY = ("logistic_path", "Fair")

LAYOUTS = {
    "C": np.ascontiguousarray,
    "F": np.asfortranarray,
    "csc": sparse.csc_matrix,
    "csr": sparse.csr_array,
}


def assert_same(ours, expected, atol=1e-4):
    """Equal coefficients of two results or fitted estimators of one kind."""
    for name in ("coef_", "coefs"):
        if hasattr(expected, name):
            assert_allclose(getattr(ours, name), getattr(expected, name), rtol=0, atol=atol)
            return
    raise AssertionError(expected)
