"""SciPy's ways to write constraints, as terms that must be zero."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, NonlinearConstraint

from cycloid._inputs import Vector
from cycloid.optimize._arrays import Library
from cycloid.optimize._terms import Function, Term, linear_term, make_term

_KEYS = ("type", "fun", "jac", "hess", "args")
_ADVICE = (
    "this solver takes equalities only. Leave out inequalities that are not active at the solution "
    "and write the active ones as equalities, or use scipy.optimize.minimize with "
    "method='trust-constr', or an interior-point solver such as IPOPT"
)


def make_constraints(constraints: Any, x0: Vector, library: Library) -> list[Term]:
    """One term for each constraint; a single one need not stand in a list."""
    single = isinstance(constraints, Mapping | LinearConstraint | NonlinearConstraint)
    if not single and (isinstance(constraints, str) or not isinstance(constraints, Sequence)):
        raise TypeError(f"constraints must be {_KINDS}, or a list of these; got {constraints!r}")
    listed = [constraints] if single else list(constraints)
    return [
        _make_constraint(f"constraints[{i}]", constraint, x0, library)
        for i, constraint in enumerate(listed)
    ]


_KINDS = (
    "a scipy.optimize.LinearConstraint or NonlinearConstraint with lb == ub, or a dictionary with "
    "type 'eq'"
)


def refuse_bounds(bounds: Any) -> None:
    """Bounds that bind nothing pass."""
    if bounds is None:
        return
    try:
        pairs = [bounds.lb, bounds.ub] if isinstance(bounds, Bounds) else list(bounds)
        # None stands for infinity.
        limits = [np.array(pair, dtype=np.float64) for pair in pairs]
    except (TypeError, ValueError):
        raise TypeError(
            f"bounds must be None, scipy.optimize.Bounds or pairs (low, high); got {bounds!r}"
        ) from None
    if any(np.isfinite(limit).any() for limit in limits):
        raise ValueError(
            f"bounds must be None or infinite: {_ADVICE}. A variable that is fixed is a "
            "constraint: LinearConstraint(row of the identity, value, value)"
        )


def _make_constraint(name: str, constraint: Any, x0: Vector, library: Library) -> Term:
    if isinstance(constraint, LinearConstraint):
        return _linear(name, constraint, x0)
    if isinstance(constraint, NonlinearConstraint):
        return _nonlinear(name, constraint, x0, library)
    if isinstance(constraint, Mapping):
        return _dictionary(name, constraint, x0, library)
    raise TypeError(f"{name} must be {_KINDS}; got {constraint!r}")


def _linear(name: str, constraint: LinearConstraint, x0: Vector) -> Term:
    A = constraint.A
    A = sparse.csc_array(A) if sparse.issparse(A) else np.atleast_2d(np.asarray(A))
    if A.dtype.kind not in "biuf":
        raise TypeError(f"{name}.A must hold real numbers; got {A.dtype}")
    A = A.astype(np.float64, copy=not sparse.issparse(A))
    if A.ndim != 2 or A.shape[1] != x0.size:
        raise ValueError(f"{name}.A must have shape (m, {x0.size}); got {A.shape}")
    if not np.isfinite(A.data if sparse.issparse(A) else A).all():
        raise ValueError(f"{name}.A must be finite; got NaN or infinity")
    return linear_term(A, _right_side(name, constraint, A.shape[0]))


def _nonlinear(name: str, constraint: NonlinearConstraint, x0: Vector, library: Library) -> Term:
    for option in ("finite_diff_rel_step", "finite_diff_jac_sparsity"):
        if getattr(constraint, option, None) is not None:
            raise ValueError(f"{name}.{option} is not supported; give jac as a function")
    # '2-point' is what SciPy sets if the user says nothing: a missing derivative.
    jac = None if constraint.jac == "2-point" else constraint.jac
    given = Function(f"{name}.fun", constraint.fun, (), library)
    size = given(x0).size
    right_side = _right_side(name, constraint, size)
    term = make_term(given, jac, constraint.hess, x0)
    return Term(
        size, lambda x: term.value(x) - right_side, term.jacobian, term.hessian, term.approximated
    )


def _dictionary(name: str, constraint: Mapping[str, Any], x0: Vector, library: Library) -> Term:
    unknown = set(constraint) - set(_KEYS)
    if unknown or "fun" not in constraint or "type" not in constraint:
        raise ValueError(
            f"{name} must have the keys 'type' and 'fun', and may have 'jac', 'hess' and 'args'; "
            f"got {sorted(map(str, constraint))}"
        )
    kind = constraint["type"]
    if kind != "eq":
        if kind == "ineq":
            raise ValueError(f"{name} is of type 'ineq': {_ADVICE}")
        raise ValueError(f"{name}['type'] must be 'eq'; got {kind!r}")
    args = constraint.get("args", ())
    if not callable(constraint["fun"]):
        raise TypeError(f"{name}['fun'] must be callable; got {constraint['fun']!r}")
    given = Function(
        f"{name}['fun']", constraint["fun"], args if isinstance(args, tuple) else (args,), library
    )
    return make_term(given, constraint.get("jac"), constraint.get("hess"), x0)


def _right_side(name: str, constraint: LinearConstraint | NonlinearConstraint, m: int) -> Vector:
    if np.any(constraint.keep_feasible):
        raise ValueError(f"{name}.keep_feasible is not supported: iterates violate equalities")
    limits = []
    for side in ("lb", "ub"):
        value = np.asarray(getattr(constraint, side), dtype=np.float64)
        try:
            limits.append(np.broadcast_to(value, (m,)))
        except ValueError:
            raise ValueError(f"{name}.{side} must have shape ({m},); got {value.shape}") from None
    low, high = limits
    different = np.flatnonzero(~(low == high))  # NaN too
    if different.size:
        first = int(different[0])
        raise ValueError(
            f"{name} is no equality: lb[{first}] = {low[first]:g} and ub[{first}] = "
            f"{high[first]:g}; {_ADVICE}"
        )
    if not np.isfinite(low).all():
        raise ValueError(f"{name}.lb and ub must be finite; got {low[~np.isfinite(low)][0]:g}")
    return low.copy()
