"""Models whose coefficients come in groups: what goes into the core and what comes out."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_array

from cycloid import _core
from cycloid._inputs import Vector, as_strengths, check_integer
from cycloid._result import OutputsPathResult, PathResult, Reporter, Status
from cycloid.linear_model._solve import Controls


@dataclass(frozen=True, eq=False)
class Groups:
    """A partition of the features: group g is `members[starts[g]:starts[g + 1]]`."""

    members: NDArray[np.int64]
    starts: NDArray[np.int64]

    @property
    def sizes(self) -> NDArray[np.int64]:
        return np.diff(self.starts)

    def __len__(self) -> int:
        return len(self.starts) - 1

    @classmethod
    def of_size(cls, size: int, n_features: int) -> Groups:
        """Consecutive groups of one size."""
        if n_features % size:
            raise ValueError(
                f"groups={size} must divide the number of features, {n_features}; give a list of "
                "sizes for groups that differ"
            )
        return cls(np.arange(n_features), np.arange(0, n_features + 1, size))

    @classmethod
    def of_sizes(cls, sizes: NDArray[np.int64], n_features: int) -> Groups:
        """Consecutive groups of these sizes."""
        if (sizes < 1).any():
            raise ValueError(f"groups must have sizes >= 1; got {int(sizes.min())}")
        if sizes.sum() != n_features:
            raise ValueError(
                f"groups must have sizes that sum to the number of features, {n_features}; got "
                f"{int(sizes.sum())}"
            )
        return cls(np.arange(n_features), np.concatenate(([0], np.cumsum(sizes))))

    @classmethod
    def of_indices(cls, lists: list[NDArray[np.int64]], n_features: int) -> Groups:
        """Groups of these features."""
        for g, group in enumerate(lists):
            if group.ndim != 1 or group.size == 0:
                raise ValueError(f"groups must hold non-empty lists of features; not so group {g}")
        members = np.concatenate(lists)
        outside = members[(members < 0) | (members >= n_features)]
        if outside.size:
            raise ValueError(
                f"groups must hold features 0, ..., {n_features - 1}; got {int(outside[0])}"
            )
        count = np.bincount(members, minlength=n_features)
        if (count > 1).any():
            raise ValueError(
                f"groups must not overlap; feature {int(np.argmax(count > 1))} is in more than "
                "one. Repeat its column in X, once a group, to let groups share it"
            )
        if (count == 0).any():
            raise ValueError(
                f"groups must hold every feature; feature {int(np.argmin(count))} is in none"
            )
        return cls(members, np.concatenate(([0], np.cumsum([len(group) for group in lists]))))


def as_groups(groups: Any, n_features: int) -> Groups:
    """A partition from a size, a list of sizes, or a list of lists of features."""
    if isinstance(groups, bool | np.bool_):
        raise TypeError(f"groups must be an integer or a list; got {groups!r}")
    if isinstance(groups, Integral):
        return Groups.of_size(check_integer("groups", groups, low=1), n_features)
    if isinstance(groups, str) or not hasattr(groups, "__len__"):
        raise TypeError(
            "groups must be an integer (the size of all groups), a list of integers (the sizes) or "
            f"a list of lists (the features of each); got {type(groups).__name__}"
        )
    if len(groups) == 0:
        raise ValueError("groups must not be empty")
    if all(np.ndim(group) == 0 for group in groups):
        return Groups.of_sizes(_integers(groups), n_features)
    return Groups.of_indices([_integers(group) for group in groups], n_features)


def _integers(values: Any) -> NDArray[np.int64]:
    array = np.asarray(values)
    if array.dtype.kind not in "iu":
        raise TypeError(f"groups must hold integers; got {array.dtype}")
    return array.astype(np.int64)


def as_group_weights(group_weights: Any, groups: Groups) -> Vector:
    """Non-negative factors of the groups' norms: the roots of the sizes by default."""
    if group_weights is None:
        return np.sqrt(groups.sizes.astype(np.float64))
    factors = as_strengths("group_weights", group_weights)
    if len(factors) != len(groups):
        raise ValueError(
            f"group_weights must have length {len(groups)} (one factor a group); got {len(factors)}"
        )
    return factors


def as_targets(y: Any, n_samples: int, name: str = "Y") -> NDArray[np.float64]:
    """Real targets of shape (n_samples, n_targets), float64, row-major."""
    targets: NDArray[np.float64] = check_array(y, dtype=np.float64, input_name=name, order="C")
    if len(targets) != n_samples:
        raise ValueError(
            f"{name} must have length {n_samples} (one row of targets a row of X); "
            f"got {len(targets)}"
        )
    return targets


def as_coef_matrix(coef_init: Any, n_outputs: int, n_features: int) -> Vector | None:
    """Coefficients of shape (n_outputs, n_features), as the core has them: by features."""
    if coef_init is None:
        return None
    coef = check_array(coef_init, dtype=np.float64, input_name="coef_init")
    if coef.shape != (n_outputs, n_features):
        raise ValueError(
            f"coef_init must have shape {(n_outputs, n_features)} (outputs, features); "
            f"got {coef.shape}"
        )
    return np.ascontiguousarray(coef.T).ravel()


@dataclass(frozen=True, eq=False, kw_only=True)
class GroupProblem:
    """The data of a model; its penalty is alpha times the sum over groups g of
    l1_g |B_g|_1 + norm_g |B_g|_2 + l2_g / 2 |B_g|_2^2. Nothing is checked here."""

    X: Any
    y: Vector
    weights: Vector | None
    loss: Literal["squared", "softmax"]
    n_outputs: int
    groups: Groups
    l1: Vector
    norm: Vector
    l2: Vector
    fit_intercept: bool

    def solve(self, weights: Vector | None, control: Controls, **path: Any) -> PathResult:
        """The path of a single output."""
        raw, rest = self._solve(weights, control, **path)
        return PathResult.from_core(raw, n_features=self.X.shape[1], **rest)

    def solve_outputs(
        self, weights: Vector | None, control: Controls, **path: Any
    ) -> OutputsPathResult:
        """The path of several outputs."""
        raw, rest = self._solve(weights, control, **path)
        return OutputsPathResult.from_outputs(
            raw, n_features=self.X.shape[1], n_outputs=self.n_outputs, **rest
        )

    def _solve(
        self,
        weights: Vector | None,
        control: Controls,
        *,
        alphas: Vector | None,
        n_alphas: int = 100,
        eps: float = 1e-3,
        coef_init: Vector | None = None,
        intercept_init: Vector | None = None,
    ) -> tuple[Mapping[str, Any], dict[str, Any]]:
        n_asked = n_alphas if alphas is None else len(alphas)
        reporter = Reporter(control.callback, control.verbose, control.progress, n_asked)
        try:
            raw = _core.solve_group_path(
                self.X,
                self.y.ravel(),
                weights,
                n_outputs=self.n_outputs,
                loss=self.loss,
                members=self.groups.members,
                starts=self.groups.starts,
                l1=self.l1,
                norm=self.norm,
                l2=self.l2,
                alphas=alphas,
                n_alphas=n_alphas,
                eps=eps,
                fit_intercept=self.fit_intercept,
                coef_init=coef_init,
                intercept_init=intercept_init,
                rtol=control.rtol,
                atol=control.tol,
                max_iter=control.max_iter,
                seed=control.seed,
                n_threads=control.n_threads,
                time_limit=max(0.0, control.deadline - time.perf_counter()),
                observer=reporter.observer,
            )
        finally:
            reporter.close()
        return raw, {
            "n_missing": n_asked - len(raw["alphas"]),
            "cut": Status.STOPPED if reporter.asked_to_stop else Status.TIME_LIMIT,
            "tolerance": max(control.tol, control.rtol * raw["null_objective"]),
        }


def elastic_net_rows(
    l1_ratio: float, penalty_weights: Vector | None, n_features: int, *, rows: bool
) -> dict[str, Any]:
    """Every feature a group: v_j (l1_ratio * (norm or L1) + (1 - l1_ratio) / 2 * square)."""
    factors = np.ones(n_features) if penalty_weights is None else penalty_weights
    kink, zero = l1_ratio * factors, np.zeros(n_features)
    return {
        "groups": Groups.of_size(1, n_features),
        "l1": zero if rows else kink,
        "norm": kink if rows else zero,
        "l2": (1 - l1_ratio) * factors,
    }


def group_penalty(groups: Groups, weights: Vector, l1_ratio: float) -> dict[str, Any]:
    """l1_ratio * L1 + (1 - l1_ratio) v_g * norm, as the sparse-group Lasso has it."""
    return {
        "groups": groups,
        "l1": np.full(len(groups), l1_ratio),
        "norm": (1 - l1_ratio) * weights,
        "l2": np.zeros(len(groups)),
    }
