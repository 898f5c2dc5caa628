from collections.abc import Callable
from enum import IntEnum
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

level: str
build_info: dict[str, str]
built_levels: tuple[str, ...]
supported_levels: tuple[str, ...]

class Status(IntEnum):
    CONVERGED = 0
    MAX_ITER = 1
    TIME_LIMIT = 2
    STOPPED = 3
    STALLED = 4
    NUMERICAL_ERROR = 5

def max_threads() -> int: ...
def solve_glm_path(
    X: Any,
    y: NDArray[np.float64],
    weights: NDArray[np.float64] | None,
    *,
    loss: Literal["squared", "logistic"],
    alphas: NDArray[np.float64] | None,
    n_alphas: int,
    eps: float,
    l1_ratio: float,
    penalty_weights: NDArray[np.float64] | None,
    positive: bool,
    fit_intercept: bool,
    standardize: bool,
    coef_init: NDArray[np.float64] | None,
    intercept_init: float,
    rtol: float,
    atol: float,
    max_iter: int,
    gram: Literal["auto", "always", "never"],
    seed: int,
    n_threads: int,
    time_limit: float,
    observer: Callable[[dict[str, float]], bool | None] | None,
) -> dict[str, Any]: ...
def solve_transport(
    a: NDArray[np.float64],
    b: NDArray[np.float64],
    M: NDArray[Any],
    reg: float,
    *,
    method: Literal["auto", "sinkhorn", "sns"],
    tol: float,
    max_iter: int,
    g: NDArray[np.float64] | None,
    n_sinkhorn: int,
    n_newton: int,
    density: float,
    n_threads: int,
    time_limit: float,
    observer: Callable[[dict[str, float]], bool | None] | None,
) -> dict[str, Any]: ...
def order_points(X: NDArray[np.float64]) -> NDArray[np.intp]: ...
def solve_points(
    a: NDArray[np.float64],
    b: NDArray[np.float64],
    X: NDArray[np.float64],
    Y: NDArray[np.float64],
    cost: str | Callable[[NDArray[np.intp]], NDArray[np.float64]],
    reg: float,
    *,
    method: Literal["auto", "sinkhorn", "sns"],
    tol: float,
    max_iter: int,
    g: NDArray[np.float64] | None,
    n_sinkhorn: int,
    n_newton: int,
    density: float,
    n_threads: int,
    time_limit: float,
    observer: Callable[[dict[str, float]], bool | None] | None,
) -> dict[str, Any]: ...
def solve_transport_batch(
    a: NDArray[np.float64],
    b: NDArray[np.float64],
    M: NDArray[Any],
    reg: float,
    *,
    count: int,
    method: Literal["auto", "sinkhorn", "sns"],
    tol: float,
    max_iter: int,
    g: NDArray[np.float64] | None,
    n_sinkhorn: int,
    n_newton: int,
    density: float,
    n_threads: int,
    time_limit: float,
    observer: Callable[[dict[str, float]], bool | None] | None,
) -> dict[str, Any]: ...
def solve_barycenter(
    a: NDArray[np.float64],
    M: NDArray[Any],
    reg: float,
    *,
    weights: NDArray[np.float64],
    tol: float,
    max_iter: int,
    g: NDArray[np.float64] | None,
    n_threads: int,
    time_limit: float,
    observer: Callable[[dict[str, float]], bool | None] | None,
) -> dict[str, Any]: ...
def solve_unbalanced(
    a: NDArray[np.float64],
    b: NDArray[np.float64],
    M: NDArray[Any],
    reg: float,
    *,
    rho_a: float,
    rho_b: float,
    tol: float,
    max_iter: int,
    g: NDArray[np.float64] | None,
    n_threads: int,
    time_limit: float,
    observer: Callable[[dict[str, float]], bool | None] | None,
) -> dict[str, Any]: ...
def soft_min(
    M: NDArray[Any],
    potential: NDArray[np.float64],
    log_mass: NDArray[np.float64],
    reg: float,
    *,
    of_rows: bool,
    n_threads: int,
) -> NDArray[np.float64]: ...
def relu_patterns(
    X: NDArray[np.float64],
    *,
    source: Literal["gaussian", "differences", "perturbed", "all"],
    n_patterns: int,
    radius: float,
    seed: int,
    n_threads: int,
    observer: Callable[[dict[str, float]], bool | None] | None,
) -> dict[str, NDArray[Any]]: ...
def relu_train(
    X: NDArray[np.float64],
    y: NDArray[np.float64],
    weights: NDArray[np.float64] | None,
    *,
    loss: Literal["squared", "logistic", "hinge", "squared_hinge", "huber", "quantile", "softmax"],
    loss_parameter: float,
    alpha: float,
    mode: Literal["refined", "random", "all"],
    n_neurons: int,
    n_restarts: int,
    n_patterns: int,
    max_rounds: int,
    tol: float,
    intercept: bool,
    start: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]] | None,
    most_work: float,
    seed: int,
    n_threads: int,
    time_limit: float,
    observer: Callable[[dict[str, float]], bool | None] | None,
) -> dict[str, Any]: ...
