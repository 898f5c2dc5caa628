"""Differentiable transport values for JAX; needs ``pip install cycloid[jax]``.

The solves run on the host in double precision, called back from compiled programs: under `jit`,
and one after the other under `vmap`. Values and gradients have the type of the arguments. Gradients
are those of the envelope theorem: memory and time of the backward pass are those of one plan. They
are of reverse mode, and not differentiable a second time.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from cycloid.ot import _differentiable

try:
    import jax
    import jax.numpy as jnp
    from jax.custom_derivatives import SymbolicZero
except ImportError as error:
    raise ImportError(
        "cycloid.ot.jax needs JAX, which is not installed: pip install cycloid[jax]"
    ) from error

__all__ = ["points_transport_value", "sinkhorn_divergence", "transport_value"]


def _apply(evaluate: Callable[..., _differentiable.Evaluation], *arrays: Any) -> jax.Array:
    """The value at the arrays, with a rule for its gradients."""
    arrays = tuple(jnp.asarray(x) for x in arrays)
    dtype = jnp.result_type(*arrays, float)
    arrays = tuple(x.astype(dtype) for x in arrays)

    def on_host(wanted: tuple[bool, ...], *given: Any) -> list[Any]:
        value, gradients = evaluate(*(np.asarray(x) for x in given))
        parts = [part for part in gradients(wanted) if part is not None] if any(wanted) else []
        return [np.asarray(part, dtype=dtype) for part in (value, *parts)]

    def call(wanted: tuple[bool, ...], *given: Any) -> list[Any]:
        shapes = [(), *(x.shape for x, want in zip(given, wanted, strict=True) if want)]
        results: list[Any] = jax.pure_callback(
            partial(on_host, wanted),
            [jax.ShapeDtypeStruct(shape, dtype) for shape in shapes],
            *given,
            vmap_method="sequential",
        )
        return results

    @jax.custom_vjp
    def value(*given: Any) -> Any:
        return call((False,) * len(given), *given)[0]

    def forward(*given: Any) -> tuple[Any, tuple[Any, ...]]:
        wanted = tuple(bool(x.perturbed) for x in given)
        result, *parts = call(wanted, *(x.value for x in given))
        left = iter(parts)
        return result, tuple(next(left) if want else None for want in wanted)

    def backward(parts: tuple[Any, ...], cotangent: Any) -> tuple[Any, ...]:
        if isinstance(cotangent, SymbolicZero):
            return (None,) * len(parts)
        return tuple(None if part is None else cotangent * part for part in parts)

    value.defvjp(forward, backward, symbolic_zeros=True)
    result: jax.Array = value(*arrays)
    return result


def _masses(masses: Any, costs_or_points: Any, axis: int = 0) -> Any:
    count = jnp.shape(costs_or_points)[axis]
    return jnp.full(count, 1 / count) if masses is None else masses


def transport_value(a: Any, b: Any, M: Any, reg: float, **options: Any) -> jax.Array:
    """Value of entropic optimal transport, differentiable by the masses and the costs.

    The problem of `cycloid.ot.solve`: the smallest ``<M, P> + reg * sum(P * (log(P) - 1))`` over
    the plans with row sums a and column sums b. Its gradient by M is the plan; those by a and b
    are the potentials, with mean zero, since the totals of a and b must stay equal. At a bin
    without mass the slope is -inf.

    Parameters
    ----------
    a : array of shape (n,) or None
        Masses of the rows, non-negative; None: 1/n each.
    b : array of shape (m,) or None
        Masses of the columns, of the same total to half of the digits of its type.
    M : array of shape (n, m)
        Costs, finite.
    reg : float
        Strength of the entropy term, > 0, in the unit of M: a Python number, not traced.
    **options
        `tol`, `max_iter`, `n_threads` and the other keywords of `cycloid.ot.solve`.

    Returns
    -------
    Array of shape ()
        The value at the dual solution.

    Raises
    ------
    TypeError, ValueError
        If an argument has a wrong type, value or shape. Within a compiled program JAX may wrap the
        error in one of its own.

    Warns
    -----
    ConvergenceWarning
        If `tol` was not reached.

    References
    ----------
    G. Peyre, M. Cuturi. Computational Optimal Transport. 2019, Proposition 4.6, Section 9.1.

    Examples
    --------
    >>> import jax
    >>> from cycloid.ot.jax import transport_value
    >>> M = jax.numpy.array([[0.0, 1.0], [1.0, 0.0]])
    >>> jax.grad(transport_value, argnums=2)(None, None, M, 1.0).round(4)  # the plan
    Array([[0.3655, 0.1345],
           [0.1345, 0.3655]], dtype=float32)
    """
    if jnp.ndim(M) != 2:
        raise ValueError(f"M must have shape (n, m); got {jnp.shape(M)}")
    evaluate = partial(_differentiable.transport_value, reg, options)
    return _apply(evaluate, _masses(a, M), _masses(b, M, 1), M)


def points_transport_value(
    X: Any, Y: Any, a: Any, b: Any, reg: float, cost: str = "sqeuclidean", **options: Any
) -> jax.Array:
    """Value of entropic optimal transport between points, differentiable by points and masses.

    `transport_value` for the costs M_ij = c(x_i, y_j).

    Parameters
    ----------
    X : array of shape (n, n_dims)
        Points of the rows.
    Y : array of shape (m, n_dims)
        Points of the columns.
    a, b, reg, **options
        As in `transport_value`.
    cost : {'sqeuclidean', 'euclidean'}, default='sqeuclidean'
        Cost c: |x - y|^2 or |x - y|, whose subgradient where points coincide is taken as zero.

    Returns
    -------
    Array of shape ()
        The value at the dual solution.

    Raises
    ------
    TypeError, ValueError
        As `transport_value`.

    Warns
    -----
    ConvergenceWarning
        If `tol` was not reached.

    References
    ----------
    G. Peyre, M. Cuturi. Computational Optimal Transport. 2019, Section 9.1.3.

    Examples
    --------
    >>> import jax
    >>> from cycloid.ot.jax import points_transport_value
    >>> X, Y = jax.numpy.array([[0.0]]), jax.numpy.array([[2.0]])
    >>> jax.grad(points_transport_value)(X, Y, None, None, 1.0)
    Array([[-4.]], dtype=float32)
    """
    evaluate = partial(_differentiable.points_transport_value, reg, cost, options)
    return _apply(evaluate, X, Y, _masses(a, X), _masses(b, Y))


def sinkhorn_divergence(
    X: Any,
    Y: Any,
    reg: float,
    a: Any = None,
    b: Any = None,
    cost: str = "sqeuclidean",
    **options: Any,
) -> jax.Array:
    """`cycloid.ot.sinkhorn_divergence`, differentiable by points and masses.

    Parameters
    ----------
    X, Y, a, b, reg, cost, **options
        As in `points_transport_value`. The gradients by a and b have mean zero, and are finite at
        bins without mass.

    Returns
    -------
    Array of shape ()
        The divergence.

    Raises
    ------
    TypeError, ValueError
        As `transport_value`.

    Warns
    -----
    ConvergenceWarning
        If one of the three problems did not reach `tol`.

    References
    ----------
    J. Feydy et al. Interpolating between Optimal Transport and MMD using Sinkhorn Divergences.
    AISTATS 2019, Eq. 3, Section 3.2.

    Examples
    --------
    >>> import jax
    >>> from cycloid.ot.jax import sinkhorn_divergence
    >>> X = jax.numpy.array([[0.0], [1.0]])
    >>> jax.grad(sinkhorn_divergence)(X, X + 3, 1.0).round(4)
    Array([[-3.],
           [-3.]], dtype=float32)
    """
    evaluate = partial(_differentiable.divergence, reg, cost, options)
    return _apply(evaluate, X, Y, _masses(a, X), _masses(b, Y))
