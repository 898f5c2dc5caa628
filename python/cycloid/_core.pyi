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
    INFEASIBLE = 6
    UNBOUNDED = 7

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
def relu_solve(
    X: NDArray[np.float64],
    y: NDArray[np.float64],
    weights: NDArray[np.float64] | None,
    *,
    loss: Literal["squared", "logistic", "hinge", "squared_hinge", "huber", "quantile", "softmax"],
    parameter: float,
    patterns: NDArray[np.uint8],
    generators: NDArray[np.float64],
    block_pattern: list[int],
    directions: NDArray[np.float64],
    alpha: float,
    intercept: bool,
    gated: bool,
    method: Literal["auto", "admm", "interior_point", "published", "rbcd"],
    tol: float,
    max_iter: int,
    warm: dict[str, Any] | None,
    seed: int,
    n_threads: int,
    time_limit: float,
    observer: Callable[[dict[str, float]], bool | None] | None,
) -> dict[str, Any]: ...
def solve_robust_relu(
    X: NDArray[np.float64],
    y: NDArray[np.float64],
    weights: NDArray[np.float64] | None,
    *,
    active: NDArray[np.uint8],
    generators: NDArray[np.float64],
    pattern: NDArray[np.intp],
    direction: NDArray[np.float64],
    loss: Literal["squared", "logistic", "hinge", "squared_hinge"],
    alpha: float,
    intercept: bool,
    radius: float,
    norm: Literal["linf", "l2"],
    n_perturbed: int,
    v: NDArray[np.float64] | None,
    c: float,
    rtol: float,
    max_iter: int,
    n_threads: int,
    time_limit: float,
    observer: Callable[[dict[str, float]], bool | None] | None,
) -> dict[str, Any]: ...
def robust_generators(
    X: NDArray[np.float64],
    active: NDArray[np.uint8],
    *,
    radius: float,
    norm: Literal["linf", "l2"],
    n_perturbed: int,
    max_iter: int,
    n_threads: int,
    observer: Callable[[dict[str, float]], bool | None] | None,
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]: ...
def gap_patterns(
    X: NDArray[np.float64],
    directions: NDArray[np.float64],
    *,
    radius: float,
    norm: Literal["linf", "l2"],
    n_perturbed: int,
    most: int,
    observer: Callable[[dict[str, float]], bool | None] | None,
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]: ...
def search_robust_relu(
    X: NDArray[np.float64],
    y: NDArray[np.float64],
    weights: NDArray[np.float64] | None,
    *,
    n_neurons: int,
    loss: Literal["squared", "logistic", "hinge", "squared_hinge"],
    alpha: float,
    intercept: bool,
    radius: float,
    norm: Literal["linf", "l2"],
    n_perturbed: int,
    max_iter: int,
    seed: int,
    n_threads: int,
    observer: Callable[[dict[str, float]], bool | None] | None,
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]: ...
def attack_relu(
    X: NDArray[np.float64],
    labels: NDArray[np.intp],
    *,
    u: NDArray[np.float64],
    a: NDArray[np.float64],
    c: NDArray[np.float64],
    radius: float,
    norm: Literal["linf", "l2"],
    n_perturbed: int,
    steps: int,
    restarts: int,
    seed: int,
    low: float,
    high: float,
    n_threads: int,
    observer: Callable[[dict[str, float]], bool | None] | None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]: ...
def certify_relu(
    X: NDArray[np.float64],
    labels: NDArray[np.intp],
    *,
    u: NDArray[np.float64],
    a: NDArray[np.float64],
    c: NDArray[np.float64],
    radius: float,
    norm: Literal["linf", "l2"],
    n_perturbed: int,
    max_nodes: int,
    n_threads: int,
    observer: Callable[[dict[str, float]], bool | None] | None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]: ...
def relu_patterns(
    X: NDArray[np.float64],
    *,
    source: Literal["gaussian", "differences", "perturbed", "all"],
    n_patterns: int,
    radius: float,
    seed: int,
    n_threads: int,
    observer: Callable[[dict[str, float]], bool | None] | None,
) -> dict[str, Any]: ...
def relu_train(
    X: NDArray[np.float64],
    y: NDArray[np.float64],
    weights: NDArray[np.float64] | None,
    *,
    loss: str,
    loss_parameter: float,
    alpha: float,
    mode: Literal["refined", "random", "all"],
    n_neurons: int,
    n_restarts: int,
    n_patterns: int,
    max_rounds: int,
    tol: float,
    intercept: bool,
    start: tuple[NDArray[np.float64], ...] | None,
    most_work: float,
    seed: int,
    n_threads: int,
    time_limit: float,
    observer: Callable[[dict[str, float]], bool | None] | None,
) -> dict[str, Any]: ...

# Of a problem: n, m, and at a point objective(x), constraints(x), gradient(x), jacobian(x) (m x n)
# and hessian(x, y) of the Lagrangian f + y'c; the last two as arrays, as sparse matrices, or None:
# then jacobian_product(x, v), jacobian_transpose_product(x, w) and hessian_product(x, y, v) are
# called. Values that are not finite shorten the step; what it raises passes through.
def newton_minimize(
    problem: Any,
    x0: NDArray[np.float64],
    y0: NDArray[np.float64] | None,
    *,
    inner: Literal["auto", "ldlt", "minres", "gaussian", "kaczmarz"],
    accuracy: Literal["forcing", "adaptive"],
    tol: float,
    max_iter: int,
    max_inner: int,
    eta1: float,
    eta2: float,
    delta: float,
    seed: int,
    n_threads: int,
    time_limit: float,
    observer: Callable[[dict[str, float]], bool | None] | None,
) -> dict[str, Any]: ...
