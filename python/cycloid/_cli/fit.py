"""Fitting a model to a data set that was read from a file."""

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.model_selection import KFold, StratifiedKFold

from cycloid._cli.errors import InputError
from cycloid._cli.read import Dataset, Matrix
from cycloid.linear_model import ElasticNetCV, PathResult, enet_path, logistic_path

Vector = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Request:
    """What to fit: the options of the command line that change the numbers."""

    model: str  # "lasso", "enet" or "logistic"
    alpha: float | None
    n_alphas: int
    eps: float
    folds: int
    l1_ratio: float
    fit_intercept: bool
    positive: bool
    standardize: bool
    rtol: float
    max_iter: int
    time_limit: float | None
    seed: int
    n_threads: int | None
    verbose: int

    @property
    def loss(self) -> str:
        """The loss of the model."""
        return "logistic" if self.model == "logistic" else "squared"


@dataclass(frozen=True)
class CrossValidation:
    """Loss on held-out samples, (n_alphas, n_folds), and the index of the alpha with the least.

    It is infinite where a time limit came first.
    """

    losses: Vector
    best: int

    @property
    def mean(self) -> Vector:
        """Mean over the folds."""
        return np.asarray(self.losses.mean(axis=1))

    @property
    def standard_error(self) -> float:
        """Standard error of the least mean, from the spread over the folds."""
        losses = self.losses[self.best]
        return float(losses.std(ddof=1) / np.sqrt(len(losses)))


@dataclass(frozen=True)
class Fit:
    """The solutions, in the units of the file.

    ``coefs`` are those of the features as they are in the file; ``scale`` holds the standard
    deviations that the features were divided by for the solve, None if they were not.
    ``explained`` is the part of the null model's loss that the fit removes: R2 for the squared
    loss. ``reported`` is the index of the solution that a summary is about. ``classes`` are the
    labels of a classifier, the second one positive.
    """

    request: Request
    path: PathResult
    coefs: sparse.csc_array
    scale: Vector | None
    explained: Vector
    reported: int
    cross_validation: CrossValidation | None
    classes: tuple[str, str] | None
    seconds: float

    @property
    def complete(self) -> bool:
        """Whether every alpha that was asked for is there and was solved to the tolerance."""
        wanted = 1 if self.request.alpha is not None else self.request.n_alphas
        return self.path.converged and len(self.path.alphas) == wanted


def fit(dataset: Dataset, request: Request) -> Fit:
    """Solve, choose alpha by cross-validation if asked to, and return to the file's units."""
    y, classes = _target(dataset, request)
    X, scale = _standardized(dataset) if request.standardize else (dataset.X, None)
    started = time.perf_counter()
    alphas = request.n_alphas if request.alpha is None else [request.alpha]
    path = _path(X, y, dataset.weights, request, alphas)
    if len(path.alphas) == 0:
        raise InputError("--time-limit: the time was over before the first solution")
    chosen = None
    if request.folds:
        chosen = _cross_validate(X, y, dataset.weights, request, path.alphas)
    seconds = time.perf_counter() - started
    coefs = path.coefs_sparse
    if scale is not None:
        coefs = sparse.csc_array(sparse.diags_array(1 / scale) @ coefs)
    return Fit(
        request=request,
        path=path,
        coefs=coefs,
        scale=scale,
        explained=_explained(path, request),
        reported=len(path.alphas) - 1 if chosen is None else chosen.best,
        cross_validation=chosen,
        classes=classes,
        seconds=seconds,
    )


def _target(dataset: Dataset, request: Request) -> tuple[Vector, tuple[str, str] | None]:
    where = f"{dataset.source}: target '{dataset.target}'"
    if request.loss == "squared":
        if dataset.y.dtype.kind in "US":
            raise InputError(f"{where} holds names, such as '{dataset.y[0]}'; it must be numbers")
        return dataset.y.astype(np.float64), None
    labels = np.unique(dataset.y)
    if len(labels) != 2:
        shown = ", ".join(f"{label:.12}" for label in labels[:4].astype(str))
        more = ", ..." if len(labels) > 4 else ""
        raise InputError(f"{where} has {len(labels)} classes ({shown}{more}); logistic needs two")
    names = (str(labels[0]), str(labels[1]))
    return np.where(dataset.y == labels[1], 1.0, -1.0), names


def _standardized(dataset: Dataset) -> tuple[Matrix, Vector]:
    """Divide each column by its standard deviation; zeros of a sparse matrix stay zeros.

    The mean is not subtracted: an intercept does that, and without one it would change the model.
    """
    X = dataset.X
    weights = dataset.weights
    w = np.full(X.shape[0], 1 / X.shape[0]) if weights is None else weights / weights.sum()
    mean = w @ X
    if sparse.issparse(X):
        scale = np.sqrt(np.maximum(w @ X.power(2) - mean**2, 0))
    else:
        scale = np.sqrt(w @ np.square(X - mean, dtype=np.float64))
    # What is left of a constant column is rounding; it has no scale of its own.
    scale = np.where(scale > 1e-10 * np.abs(mean), scale, 1.0)
    if sparse.issparse(X):
        return sparse.csc_array(X @ sparse.diags_array(1 / scale)), scale
    return np.asfortranarray(X / scale.astype(X.dtype)), scale


def _path(
    X: Matrix, y: Vector, weights: Vector | None, request: Request, alphas: Any
) -> PathResult:
    solve = logistic_path if request.loss == "logistic" else enet_path
    return solve(
        X,
        y,
        l1_ratio=request.l1_ratio,
        alphas=alphas,
        eps=request.eps,
        fit_intercept=request.fit_intercept,
        positive=request.positive,
        sample_weight=weights,
        rtol=request.rtol,
        max_iter=request.max_iter,
        n_threads=request.n_threads,
        time_limit=request.time_limit,
        verbose=request.verbose,
    )


# ---------------------------------------------------------------------------------------------
# cross-validation


def _cross_validate(
    X: Matrix, y: Vector, weights: Vector | None, request: Request, alphas: Vector
) -> CrossValidation:
    if request.folds > len(y):
        raise InputError(f"--cv {request.folds} asks for more folds than samples ({len(y)})")
    if request.loss == "squared":
        losses = _squared_losses(X, y, weights, request, alphas)
    else:
        losses = _logistic_losses(X, y, weights, request, alphas)
    return CrossValidation(losses, int(np.argmin(losses.mean(axis=1))))


def _squared_losses(
    X: Matrix, y: Vector, weights: Vector | None, request: Request, alphas: Vector
) -> Vector:
    model = ElasticNetCV(
        l1_ratio=request.l1_ratio,
        alphas=alphas,
        cv=KFold(request.folds, shuffle=True, random_state=request.seed),
        fit_intercept=request.fit_intercept,
        positive=request.positive,
        tol=request.rtol / 2,  # scikit-learn's unit: twice the null objective
        max_iter=request.max_iter,
        n_jobs=-1,
        n_threads=request.n_threads,
        verbose=request.verbose,
    )
    model.fit(X, y, sample_weight=weights)
    return np.asarray(model.mse_path_).reshape(len(alphas), request.folds) / 2


def _logistic_losses(
    X: Matrix, y: Vector, weights: Vector | None, request: Request, alphas: Vector
) -> Vector:
    smaller = int(min((y > 0).sum(), (y < 0).sum()))
    if request.folds > smaller:
        raise InputError(f"--cv {request.folds}: the smaller class has {smaller} samples only")
    rows = X.tocsr() if sparse.issparse(X) else X
    w = np.ones(len(y)) if weights is None else weights
    folds = StratifiedKFold(request.folds, shuffle=True, random_state=request.seed)
    losses = np.full((len(alphas), request.folds), np.inf)
    for fold, (train, test) in enumerate(folds.split(y, y)):
        kept = np.zeros(len(y))  # weight zero leaves a sample out without a copy of X
        kept[train] = w[train]
        path = _path(X, y, kept, request, alphas)
        z = np.asarray(rows[test] @ path.coefs_sparse.toarray()) + path.intercepts
        loss = np.logaddexp(0, -y[test, np.newaxis] * z)
        losses[: len(path.alphas), fold] = np.average(loss, weights=w[test], axis=0)
    return losses


def _explained(path: PathResult, request: Request) -> Vector:
    """1 - loss / loss of the null model, with the loss as the objective less the penalty."""
    coefs = path.coefs_sparse
    l1 = np.asarray(abs(coefs).sum(axis=0)).ravel()
    l2 = np.asarray(coefs.power(2).sum(axis=0)).ravel()
    penalty = path.alphas * (request.l1_ratio * l1 + (1 - request.l1_ratio) / 2 * l2)
    if path.null_objective == 0:
        return np.zeros(len(path.alphas))
    return np.asarray(1 - (path.objectives - penalty) / path.null_objective)
