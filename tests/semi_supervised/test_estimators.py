"""The estimators against scikit-learn's iterations and on real graphs."""

import numpy as np
import pytest
import sklearn.semi_supervised as sk
from numpy.testing import assert_allclose
from scipy import sparse
from sklearn.datasets import load_iris, make_moons
from sklearn.model_selection import cross_val_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from cycloid.semi_supervised import (
    LabelPropagation,
    LabelPropagationRegressor,
    LabelSpreading,
)

pytestmark = pytest.mark.numerical


# Their data are far apart for gamma = 20, and some samples see no label.
CHECKS = parametrize_with_checks(
    [
        LabelPropagation(),
        LabelPropagation("knn"),
        LabelSpreading(gamma=0.5),
        LabelPropagationRegressor(gamma=0.5),
        LabelPropagationRegressor("knn", strength=1.0),
    ]
)


# A list, since scikit-learn 1.6 gives a generator, which pytest 9 deprecates.
@pytest.mark.parametrize(CHECKS.args[0], list(CHECKS.args[1]), **CHECKS.kwargs)
@pytest.mark.filterwarnings("ignore:.*no path joins:UserWarning")
def test_scikit_learn_check(estimator, check):
    check(estimator)


@pytest.fixture
def moons():
    """Points of two moons, and labels 3 and 7 of one point in ten."""
    X, y = make_moons(200, noise=0.08, random_state=0)
    truth = np.where(y == 0, 3, 7)
    y = truth.copy()
    y[np.arange(200) % 10 != 0] = -1
    return X, y, truth


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (LabelPropagation(), sk.LabelPropagation(max_iter=10**5, tol=1e-12)),
        (LabelPropagation(gamma=5), sk.LabelPropagation(gamma=5, max_iter=10**5, tol=1e-12)),
        (LabelSpreading(), sk.LabelSpreading(max_iter=10**5, tol=1e-13)),
        (LabelSpreading(alpha=0.9), sk.LabelSpreading(alpha=0.9, max_iter=10**5, tol=1e-13)),
    ],
)
def test_where_scikit_learn_converges_to(ours, theirs, moons):
    X, y, _ = moons
    ours.fit(X, y)
    theirs.fit(X, y)
    assert np.array_equal(ours.classes_, theirs.classes_)
    assert_allclose(ours.label_distributions_, theirs.label_distributions_, atol=1e-8)
    assert np.array_equal(ours.transduction_, theirs.transduction_)
    new = X + 0.05
    assert_allclose(ours.predict_proba(new), theirs.predict_proba(new), atol=1e-7)
    assert np.array_equal(ours.predict(new), theirs.predict(new))


def connectivity(X, Y):
    """Weights of the kernel "knn", as a callable may give them: symmetric."""
    squares = ((X[:, None] - Y[None]) ** 2).sum(axis=2)
    return sparse.csr_array((squares < 0.3**2).astype(float))


@pytest.mark.parametrize("name", ["LabelPropagation", "LabelSpreading"])
def test_sparse_kernel_of_the_callers_own(name, moons):
    X, y, _ = moons
    from_kernel = getattr(sk, name)(kernel=lambda X, Y: connectivity(X, Y).toarray(),
                                    max_iter=10**5, tol=1e-13).fit(X, y)  # fmt: skip
    ours = globals()[name](kernel=connectivity).fit(X, y)
    assert_allclose(ours.label_distributions_, from_kernel.label_distributions_, atol=1e-8)
    given = globals()[name](affinity="precomputed").fit(connectivity(X, X), y)
    assert_allclose(given.label_distributions_, ours.label_distributions_, atol=1e-12)
    new = connectivity(X[:5] + 0.1, X)
    assert_allclose(given.predict_proba(new), ours.predict_proba(X[:5] + 0.1), atol=1e-12)
    dense = globals()[name](affinity="precomputed").fit(connectivity(X, X).toarray(), y)
    assert_allclose(dense.label_distributions_, ours.label_distributions_, atol=1e-8)


@pytest.mark.parametrize("estimator", [LabelPropagation("knn"), LabelSpreading("knn", alpha=0.9)])
def test_neighbours(estimator, moons):
    X, y, truth = moons
    model = estimator.fit(X, y)
    assert (model.transduction_ == truth).mean() > 0.97
    assert (model.predict(X + 0.01) == truth).mean() > 0.97
    assert_allclose(model.label_distributions_.sum(axis=1), 1)
    assert_allclose(model.predict_proba(X).sum(axis=1), 1)
    assert model.result_.converged
    assert model.score(X, truth) > 0.97


def test_labels_of_strings_and_objects(moons):
    X, y, truth = moons
    words = np.where(y == -1, -1, np.where(y == 3, "three", "seven").astype(object))
    model = LabelPropagation("knn").fit(X, words)
    assert set(model.classes_) == {"three", "seven"}
    expected = LabelPropagation("knn").fit(X, y).transduction_
    assert np.array_equal(model.transduction_ == "three", expected == 3)
    named = np.where(truth == 3, "a", "b")
    assert np.array_equal(LabelPropagation("knn").fit(X, named).transduction_, named)


def test_points_far_from_all_others(moons):
    X, y, _ = moons
    far = np.vstack([X, [[1e3, 1e3]]])
    with pytest.warns(UserWarning, match="no path joins 1 of 201 samples"):
        model = LabelPropagation().fit(far, np.append(y, -1))
    shares = [(y == 3).sum(), (y == 7).sum()] / (y != -1).sum()
    assert_allclose(model.label_distributions_[-1], shares)
    # A new sample far away belongs to the nearest of the fit, whatever underflows.
    near = LabelPropagation(gamma=1e4).fit(X[y != -1], y[y != -1])
    assert np.array_equal(near.predict(X[y != -1] + 0.001), y[y != -1])
    assert np.isfinite(near.predict_proba([[1e3, -1e3]])).all()


def test_isolated_nodes(moons):
    W = sparse.csr_array((4, 4))
    with pytest.warns(UserWarning, match="no path joins 2 of 4"):
        model = LabelSpreading(affinity="precomputed").fit(W, [5, 5, -1, -1])
    assert np.array_equal(model.transduction_, [5, 5, 5, 5])
    assert np.array_equal(model.predict(sparse.csr_array((2, 4))), [5, 5])


def test_real_values():
    X = np.sort(np.random.default_rng(0).uniform(0, 1, 300))[:, None]
    truth = np.sin(6 * X[:, 0])
    y = np.where(np.arange(300) % 5 == 0, truth, np.nan)
    for kernel in ("knn", "rbf"):
        model = LabelPropagationRegressor(kernel, gamma=3e4).fit(X, y)
        assert np.abs(model.transduction_ - truth).max() < 0.1
        assert model.score(X, truth) > 0.99
    two = np.column_stack([y, -y])
    both = LabelPropagationRegressor("knn").fit(X, two)
    one = LabelPropagationRegressor("knn").fit(X, y)
    assert_allclose(both.transduction_, np.column_stack([one.transduction_, -one.transduction_]))
    assert_allclose(both.predict(X[:3])[:, 0], one.predict(X[:3]))
    soft = LabelPropagationRegressor("knn", strength=1e-3).fit(X, y)
    assert np.ptp(soft.transduction_) < np.ptp(one.transduction_)
    with pytest.warns(UserWarning, match="no path joins 1 of 3 samples.*the mean"):
        lone = LabelPropagationRegressor(affinity="precomputed").fit(
            sparse.csr_array((3, 3)), [1.0, 2.0, np.nan]
        )
    assert lone.transduction_.tolist() == [1, 2, 1.5]


def test_cross_validation_slices_a_precomputed_graph():
    X, y = load_iris(return_X_y=True)
    W = np.exp(-((X[:, None] - X[None]) ** 2).sum(axis=2))
    scores = cross_val_score(LabelPropagation(affinity="precomputed"), W, y)
    assert scores.mean() > 0.9


@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        ({"kernel": "linear"}, ValueError),
        ({"kernel": 3}, ValueError),
        ({"gamma": -1}, ValueError),
        ({"gamma": np.inf}, ValueError),
        ({"kernel": "knn", "n_neighbors": 0}, ValueError),
        ({"kernel": "knn", "n_neighbors": 1.5}, TypeError),
        ({"affinity": "graph"}, ValueError),
        ({"tol": -1}, ValueError),
        ({"max_iter": 0}, ValueError),
        ({"time_limit": "long"}, TypeError),
        ({"callback": 3}, TypeError),
        ({"alpha": 0.0}, ValueError),
        ({"alpha": 1.0}, ValueError),
        ({"strength": 0.0}, ValueError),
    ],
)
def test_parameter_that_is_wrong(parameters, error, moons):
    X, y, _ = moons
    name = list(parameters)[-1]
    for kind in (LabelPropagation, LabelSpreading, LabelPropagationRegressor):
        if name in kind().get_params():
            labels = np.where(y == -1, np.nan, y) if kind is LabelPropagationRegressor else y
            with pytest.raises(error, match=name):
                kind(**parameters).fit(X, labels)


def test_nothing_labelled(moons):
    X, _, _ = moons
    for kind in (LabelPropagation, LabelSpreading):
        with pytest.raises(ValueError, match="y must have a label other than -1"):
            kind().fit(X, np.full(200, -1))
    with pytest.raises(ValueError, match="y must have a known value"):
        LabelPropagationRegressor().fit(X, np.full(200, np.nan))


def test_kernel_of_the_wrong_shape_or_sign(moons):
    X, y, _ = moons
    with pytest.raises(ValueError, match=r"kernel\(X, X\) must have shape"):
        LabelPropagation(kernel=lambda X, Y: np.ones((2, 2))).fit(X, y)
    with pytest.raises(ValueError, match=r"kernel\(X, X\) must hold non-negative"):
        LabelPropagation(kernel=lambda X, Y: -np.ones((len(X), len(Y)))).fit(X, y)


# ----------------------------------------------------------------------------------- real graphs


def load(folder, name):
    path = folder / "graphs" / f"{name}.npz"
    if not path.exists():
        pytest.skip(f"no {path.name}")
    data = np.load(path)
    parts = data["data"].astype(float), data["indices"], data["indptr"]
    return sparse.csr_matrix(parts, shape=data["shape"]), data


@pytest.mark.parametrize("name", ["cora", "citeseer"])
@pytest.mark.filterwarnings("ignore:LabelPropagation. no path joins:UserWarning")
def test_citations(data_folder, name):
    W, data = load(data_folder, name)
    y = np.where(data["is_train"], data["y"], -1)
    model = LabelPropagation(affinity="precomputed").fit(W, y)
    assert model.result_.converged
    assert model.result_.error_bound < 1e-10
    _, component = sparse.csgraph.connected_components(W)
    free = np.flatnonzero(np.isin(component, component[y != -1]) & (y == -1))
    held = np.flatnonzero(y != -1)
    A = np.diag(np.asarray(W.sum(axis=1)).ravel()[free]) - W[free][:, free].toarray()
    expected = np.linalg.solve(A, W[free][:, held] @ (y[held, None] == model.classes_))
    assert_allclose(model.label_distributions_[free], expected, rtol=0, atol=1e-10)


def test_roads(data_folder):
    # Coordinates as real-valued labels of one node in ten.
    W, data = load(data_folder, "minnesota_road")
    xy = data["xy"].astype(float)
    y = np.where((np.arange(len(xy)) % 10 == 0)[:, None], xy, np.nan)
    _, component = sparse.csgraph.connected_components(W)
    main = component == np.bincount(component).argmax()
    W, xy, y = W[main][:, main], xy[main], y[main]
    model = LabelPropagationRegressor(affinity="precomputed").fit(W, y)
    assert model.result_.error_bound < 1e-10 * np.abs(xy).max()
    error = np.linalg.norm(model.transduction_ - xy, axis=1)
    assert np.median(error) < 0.05 * np.ptp(xy)
