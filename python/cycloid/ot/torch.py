"""Differentiable transport values for PyTorch; needs ``pip install cycloid[torch]``.

The solves run on the CPU in double precision, whatever the tensors' type and device; values and
gradients come back in the type and on the device of the arguments. Gradients are those of the
envelope theorem: memory and time of the backward pass are those of one plan, and the number of
iterations does not matter. They are not differentiable a second time.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from cycloid.ot import _differentiable

try:
    import torch
    from torch.autograd.function import once_differentiable
except ImportError as error:
    raise ImportError(
        "cycloid.ot.torch needs PyTorch, which is not installed: pip install cycloid[torch]"
    ) from error

__all__ = ["points_transport_value", "sinkhorn_divergence", "transport_value"]


class _Envelope(torch.autograd.Function):
    """A value whose gradients are known once it is computed."""

    @staticmethod
    def forward(
        ctx: Any, evaluate: Callable[..., _differentiable.Evaluation], *tensors: Any
    ) -> torch.Tensor:
        arrays = [None if t is None else t.detach().cpu().numpy() for t in tensors]
        value, ctx.gradients = evaluate(*arrays)
        # Saved so that PyTorch notices if someone writes to them before the backward pass.
        ctx.save_for_backward(*tensors)
        like = next(t for t in tensors if t is not None)
        return like.new_tensor(value)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        parts = ctx.gradients(ctx.needs_input_grad[1:])
        pairs = zip(parts, ctx.saved_tensors, strict=True)
        return None, *(None if p is None else grad * t.new_tensor(p) for p, t in pairs)


def _apply(evaluate: Callable[..., Any], names: str, *tensors: Any) -> torch.Tensor:
    for name, tensor in zip(names, tensors, strict=True):
        absent = tensor is None and name in "ab"
        if not (absent or (isinstance(tensor, torch.Tensor) and tensor.is_floating_point())):
            raise TypeError(
                f"{name} must be a floating-point tensor; got {getattr(tensor, 'dtype', tensor)!r}"
            )
    value: torch.Tensor = _Envelope.apply(evaluate, *tensors)
    return value


def transport_value(
    a: torch.Tensor | None, b: torch.Tensor | None, M: torch.Tensor, reg: float, **options: Any
) -> torch.Tensor:
    """Value of entropic optimal transport, differentiable by the masses and the costs.

    The problem of `cycloid.ot.solve`: the smallest ``<M, P> + reg * sum(P * (log(P) - 1))`` over
    the plans with row sums a and column sums b. Its gradient by M is the plan; those by a and b
    are the potentials, with mean zero, since the totals of a and b must stay equal. At a bin
    without mass the slope is -inf.

    Parameters
    ----------
    a : Tensor of shape (n,) or None
        Masses of the rows, non-negative; None: 1/n each.
    b : Tensor of shape (m,) or None
        Masses of the columns, of the same total to half of the digits of its type.
    M : Tensor of shape (n, m)
        Costs, finite.
    reg : float
        Strength of the entropy term, > 0, in the unit of M; not differentiated.
    **options
        `tol`, `max_iter`, `n_threads` and the other keywords of `cycloid.ot.solve`.

    Returns
    -------
    Tensor of shape ()
        The value at the dual solution.

    Raises
    ------
    TypeError, ValueError
        If an argument has a wrong type, value or shape; the message names it.

    Warns
    -----
    ConvergenceWarning
        If `tol` was not reached.

    References
    ----------
    G. Peyre, M. Cuturi. Computational Optimal Transport. 2019, Proposition 4.6, Section 9.1.

    Examples
    --------
    >>> import torch
    >>> from cycloid.ot.torch import transport_value
    >>> M = torch.tensor([[0.0, 1.0], [1.0, 0.0]], requires_grad=True)
    >>> transport_value(None, None, M, reg=1.0).backward()
    >>> M.grad  # the plan
    tensor([[0.3655, 0.1345],
            [0.1345, 0.3655]])
    """
    return _apply(partial(_differentiable.transport_value, reg, options), "abM", a, b, M)


def points_transport_value(
    X: torch.Tensor,
    Y: torch.Tensor,
    a: torch.Tensor | None,
    b: torch.Tensor | None,
    reg: float,
    cost: str = "sqeuclidean",
    **options: Any,
) -> torch.Tensor:
    """Value of entropic optimal transport between points, differentiable by points and masses.

    `transport_value` for the costs M_ij = c(x_i, y_j).

    Parameters
    ----------
    X : Tensor of shape (n, n_dims)
        Points of the rows.
    Y : Tensor of shape (m, n_dims)
        Points of the columns.
    a, b, reg, **options
        As in `transport_value`.
    cost : {'sqeuclidean', 'euclidean'}, default='sqeuclidean'
        Cost c: |x - y|^2 or |x - y|, whose subgradient where points coincide is taken as zero.

    Returns
    -------
    Tensor of shape ()
        The value at the dual solution.

    Raises
    ------
    TypeError, ValueError
        If an argument has a wrong type, value or shape; the message names it.

    Warns
    -----
    ConvergenceWarning
        If `tol` was not reached.

    References
    ----------
    G. Peyre, M. Cuturi. Computational Optimal Transport. 2019, Section 9.1.3.

    Examples
    --------
    >>> import torch
    >>> from cycloid.ot.torch import points_transport_value
    >>> X = torch.tensor([[0.0]], requires_grad=True)
    >>> points_transport_value(X, torch.tensor([[2.0]]), None, None, reg=1.0).backward()
    >>> X.grad
    tensor([[-4.]])
    """
    evaluate = partial(_differentiable.points_transport_value, reg, cost, options)
    return _apply(evaluate, "XYab", X, Y, a, b)


def sinkhorn_divergence(
    X: torch.Tensor,
    Y: torch.Tensor,
    reg: float,
    a: torch.Tensor | None = None,
    b: torch.Tensor | None = None,
    cost: str = "sqeuclidean",
    **options: Any,
) -> torch.Tensor:
    """`cycloid.ot.sinkhorn_divergence`, differentiable by points and masses.

    Parameters
    ----------
    X, Y, a, b, reg, cost, **options
        As in `points_transport_value`. The gradients by a and b have mean zero, and are finite at
        bins without mass.

    Returns
    -------
    Tensor of shape ()
        The divergence.

    Raises
    ------
    TypeError, ValueError
        If an argument has a wrong type, value or shape; the message names it.

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
    >>> import torch
    >>> from cycloid.ot.torch import sinkhorn_divergence
    >>> X = torch.tensor([[0.0], [1.0]], requires_grad=True)
    >>> sinkhorn_divergence(X, X.detach() + 3, reg=1.0).backward()
    >>> X.grad
    tensor([[-3.],
            [-3.]])
    """
    evaluate = partial(_differentiable.divergence, reg, cost, options)
    return _apply(evaluate, "XYab", X, Y, a, b)
