"""Sparse linear models by block coordinate descent, each with a certificate of optimality.

Functions `lasso_path`, `enet_path` and `logistic_path` give the solutions at a sequence of penalty
strengths; the estimators `Lasso`, `ElasticNet`, `LassoCV`, `ElasticNetCV` and `LogisticRegression`
have scikit-learn's names, parameters and objectives, so that only an import has to change.
"""

from cycloid._result import PathResult, Result, Status
from cycloid.linear_model._elastic_net import ElasticNet, Lasso
from cycloid.linear_model._elastic_net_cv import ElasticNetCV, LassoCV
from cycloid.linear_model._least_squares_path import enet_path, lasso_path
from cycloid.linear_model._logistic_path import logistic_path
from cycloid.linear_model._logistic_regression import LogisticRegression

__all__ = [
    "ElasticNet",
    "ElasticNetCV",
    "Lasso",
    "LassoCV",
    "LogisticRegression",
    "PathResult",
    "Result",
    "Status",
    "enet_path",
    "lasso_path",
    "logistic_path",
]
