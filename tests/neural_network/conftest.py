"""Small problems for networks."""

import numpy as np
import pytest


@pytest.fixture
def bumps():
    """(X, y): 24 points in the plane, a function with kinks, some noise."""
    rng = np.random.default_rng(11)
    X = rng.standard_normal((24, 2))
    return X, np.abs(X[:, 0]) - np.maximum(X @ [0.5, 1.0], 0) + 0.1 * rng.standard_normal(24)
