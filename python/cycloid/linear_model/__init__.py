"""Linear models: sparse ones by block coordinate descent, smooth ones by Newton's method.

Functions `lasso_path`, `enet_path` and `logistic_path` give the solutions at a sequence of penalty
strengths; the estimators `Lasso`, `ElasticNet`, `LassoCV`, `ElasticNetCV` and `LogisticRegression`
have scikit-learn's names, parameters and objectives, so that only an import has to change; each
comes with a certificate of optimality. So do models whose coefficients come in groups:
`MultiTaskLasso` and `MultiTaskElasticNet` (several targets), `GroupLasso` and `SparseGroupLasso`,
their cross-validated forms, and `multi_task_path`, `group_lasso_path`, `multinomial_path`.
`PoissonRegressor` and `LogisticRegression(solver='newton-sketch')` are for many more samples than
features, `ConstrainedLogisticRegression` and `FairLogisticRegression` for equations that the
coefficients must satisfy.
"""

from cycloid._result import OutputsPathResult, OutputsResult, PathResult, Result, Status
from cycloid.linear_model._constrained import ConstrainedLogisticRegression
from cycloid.linear_model._elastic_net import ElasticNet, Lasso
from cycloid.linear_model._elastic_net_cv import ElasticNetCV, LassoCV
from cycloid.linear_model._fair import FairLogisticRegression
from cycloid.linear_model._finite_sum import NewtonResult
from cycloid.linear_model._group_lasso import GroupLasso, SparseGroupLasso, group_lasso_path
from cycloid.linear_model._group_lasso_cv import GroupLassoCV, SparseGroupLassoCV
from cycloid.linear_model._least_squares_path import enet_path, lasso_path
from cycloid.linear_model._logistic_path import logistic_path
from cycloid.linear_model._logistic_regression import LogisticRegression
from cycloid.linear_model._multi_task import MultiTaskElasticNet, MultiTaskLasso
from cycloid.linear_model._multi_task_cv import MultiTaskElasticNetCV, MultiTaskLassoCV
from cycloid.linear_model._multi_task_path import multi_task_path
from cycloid.linear_model._multinomial_path import multinomial_path
from cycloid.linear_model._poisson_regressor import PoissonRegressor

__all__ = [
    "ConstrainedLogisticRegression",
    "ElasticNet",
    "ElasticNetCV",
    "FairLogisticRegression",
    "GroupLasso",
    "GroupLassoCV",
    "Lasso",
    "LassoCV",
    "LogisticRegression",
    "MultiTaskElasticNet",
    "MultiTaskElasticNetCV",
    "MultiTaskLasso",
    "MultiTaskLassoCV",
    "NewtonResult",
    "OutputsPathResult",
    "OutputsResult",
    "PathResult",
    "PoissonRegressor",
    "Result",
    "SparseGroupLasso",
    "SparseGroupLassoCV",
    "Status",
    "enet_path",
    "group_lasso_path",
    "lasso_path",
    "logistic_path",
    "multi_task_path",
    "multinomial_path",
]
