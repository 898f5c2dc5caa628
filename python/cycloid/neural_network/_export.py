"""A trained network in the formats of other packages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def to_torch(coefs: Sequence[NDArray[Any]], intercepts: Sequence[NDArray[Any]]) -> Any:
    """``torch.nn.Sequential(Linear, ReLU, Linear)`` in double precision."""
    try:
        import torch
    except ImportError as error:
        raise ImportError(
            "to_torch needs PyTorch, which is not installed: pip install cycloid[torch]"
        ) from error

    layers: list[Any] = []
    for coef, intercept in zip(coefs, intercepts, strict=True):
        layer = torch.nn.Linear(*coef.shape, dtype=torch.float64)
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(np.ascontiguousarray(coef.T)))
            layer.bias.copy_(torch.from_numpy(np.ascontiguousarray(intercept)))
        layers += [layer, torch.nn.ReLU()]
    return torch.nn.Sequential(*layers[:-1])


def to_onnx(coefs: Sequence[NDArray[Any]], intercepts: Sequence[NDArray[Any]]) -> Any:
    """``Gemm, Relu, Gemm`` in double precision, input "X" and output "outputs"."""
    try:
        from onnx import TensorProto, checker, helper, numpy_helper
    except ImportError as error:
        raise ImportError(
            "to_onnx needs the package onnx, which is not installed: pip install cycloid[onnx]"
        ) from error

    names = ("hidden", "output")
    constants = [
        numpy_helper.from_array(np.ascontiguousarray(array, dtype=np.float64), f"{name}_{kind}")
        for name, coef, intercept in zip(names, coefs, intercepts, strict=True)
        for kind, array in (("coef", coef), ("intercept", intercept))
    ]
    nodes = [
        helper.make_node("Gemm", ["X", "hidden_coef", "hidden_intercept"], ["hidden"]),
        helper.make_node("Relu", ["hidden"], ["active"]),
        helper.make_node("Gemm", ["active", "output_coef", "output_intercept"], ["outputs"]),
    ]
    shapes = {"X": coefs[0].shape[0], "outputs": coefs[1].shape[1]}
    ends = {
        name: helper.make_tensor_value_info(name, TensorProto.DOUBLE, [None, width])
        for name, width in shapes.items()
    }
    graph = helper.make_graph(nodes, "cycloid", [ends["X"]], [ends["outputs"]], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)])
    model.ir_version = min(model.ir_version, 10)  # what runtimes of the last years read
    checker.check_model(model)
    return model
