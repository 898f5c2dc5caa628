"""Fixtures that every test may use."""

import os
from pathlib import Path

import entries
import numpy as np
import pytest
from hypothesis import settings

# The same examples on every run, so that a failure is a change and not luck; set
# HYPOTHESIS_PROFILE=search to look for new ones.
settings.register_profile("suite", deadline=None, derandomize=True, max_examples=60)
settings.register_profile("search", deadline=None, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))


@pytest.fixture(scope="session")
def data_folder():
    """Folder of real data sets: CYCLOID_DATA, or shared/data beside the repository."""
    given = os.environ.get("CYCLOID_DATA")
    folder = Path(given) if given else Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no real data in {folder}; CYCLOID_DATA names another folder")
    return folder


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def regression():
    """(X, y) with five features that matter out of 40, n = 60."""
    rng = np.random.default_rng(7)
    X = rng.standard_normal((60, 40)) * rng.uniform(0.5, 2, 40) + rng.standard_normal(40)
    y = X[:, :5] @ [3.0, -2.0, 1.0, 0.5, -0.5] + 0.5 * rng.standard_normal(60) + 4
    return X, y


@pytest.fixture
def classification():
    """(X, y) with labels 'no' and 'yes' that overlap, n = 120, p = 20."""
    rng = np.random.default_rng(8)
    X = rng.standard_normal((120, 20)) * rng.uniform(0.5, 2, 20)
    score = X[:, :4] @ [1.0, -1.0, 0.5, 0.5] + rng.logistic(size=120) + 0.3
    return X, np.where(score > 0, "yes", "no")


@pytest.fixture(params=entries.ENTRIES)
def entry(request):
    return request.param


@pytest.fixture
def data(entry, regression):
    X, y = regression
    return X[:, :6].copy(), entries.signs(y) if entry in entries.CLASSIFIERS else y
