"""Barycenters of histograms on a fixed support."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cycloid import _core
from cycloid._inputs import (
    Vector,
    check_finite_real,
    check_flag,
    check_integer,
    check_real,
    thread_count,
)
from cycloid._result import Callback, Status
from cycloid.ot._inputs import (
    as_costs,
    as_mass_rows,
    as_masses,
    as_potential_rows,
    check_totals_of_rows,
    stored_by_rows,
)
from cycloid.ot._measures import Matrix, warn_not_converged
from cycloid.ot._result import REMEDIES, Reporter, TransportResult


@dataclass(frozen=True, eq=False)
class BarycenterResult:
    """An entropic barycenter, and the transport of each histogram to it.

    ``result[k]`` is the `TransportResult` of histogram k, with ``plan()``; its trace is that of
    the whole.

    Attributes
    ----------
    b : ndarray of shape (m,)
        The barycenter: the weighted mean of the column sums of all plans. Its total is that of
        the histograms, and no entry is negative.
    f : ndarray of shape (n_hists, n)
        Potentials of each histogram's bins, in the unit of the costs; -inf where it has no mass.
    g : ndarray of shape (n_hists, m)
        Potentials of the support, with ``weights @ g == 0`` to rounding.
    weights : ndarray of shape (n_hists,)
        Weights, of sum one.
    reg : float
        Strength of the entropy term, in the unit of the costs.
    value : float
        The objective at the plans, ``sum_k weights[k] * result[k].value``.
    transport_cost : float
        Its part without entropy.
    dual_value : float
        A lower bound of the smallest value, for any barycenter.
    gap : float
        The objective at `b` is at most ``dual_value + gap``.
    violation : float
        Weighted mean over the histograms of the L1 distance of both marginals of plan k to
        histogram k and to `b`, as a share of the total mass: zero where all the plans reach one
        barycenter, which is what optimality takes.
    violations : ndarray of shape (n_hists,)
        That of each plan.
    tolerance : float
        The violation that was asked for.
    status : Status
        How the solve ended.
    n_iter : int
        Scaling sweeps and Newton steps.
    n_passes : int
        Exact passes over the costs for every histogram.
    trace : dict of str to ndarray
        One row a pass, with the columns of `TransportResult.trace`.
    """

    b: Vector = field(repr=False)
    f: Matrix = field(repr=False)
    g: Matrix = field(repr=False)
    weights: Vector = field(repr=False)
    reg: float
    value: float
    transport_cost: float
    dual_value: float
    gap: float
    violation: float
    tolerance: float
    status: Status
    n_iter: int
    n_passes: int
    trace: dict[str, Vector] = field(repr=False)
    _cost: NDArray[Any] = field(repr=False)

    @property
    def converged(self) -> bool:
        """Whether the violation reached the tolerance."""
        return self.status == Status.CONVERGED
