"""`SinkhornTransport` against POT's, against its own formula, and on what it is for."""

import tracemalloc
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from cycloid.ot import SinkhornTransport

METRICS = ["sqeuclidean", "euclidean", "cityblock", "cosine"]


@pytest.fixture
def clouds(rng):
    """Source, target and further points, no two at one place."""
    source = rng.standard_normal((40, 3))
    target = 0.6 * rng.standard_normal((55, 3)) + [2.0, 0.0, 1.0]
    return source, target, rng.standard_normal((17, 3))


@pytest.fixture
def labelled(rng):
    """Two classes that swap places between the domains; half of the target labels are known."""
    ys, yt = np.repeat([0, 1], 20), np.repeat([0, 1], 30)
    source = rng.standard_normal((40, 2)) * 0.4 + np.where(ys[:, None] == 0, [0, 0], [4, 0])
    target = rng.standard_normal((60, 2)) * 0.4 + np.where(yt[:, None] == 0, [4, 1], [0, 1])
    return source, ys, target, np.where(np.arange(60) % 2, yt, -1)


@pytest.mark.numerical
@pytest.mark.parametrize("norm", [None, "median", "max"])
@pytest.mark.parametrize("metric", METRICS)
def test_agrees_with_pot(clouds, metric, norm):
    da = pytest.importorskip("ot.da")
    source, target, more = clouds
    theirs = da.SinkhornTransport(0.5, metric=metric, norm=norm, tol=1e-13, max_iter=20_000)
    theirs.fit(Xs=source, Xt=target)
    ours = SinkhornTransport(0.5, metric=metric, norm=norm, tol=1e-12).fit(source, Xt=target)
    assert_allclose(ours.coupling_, theirs.coupling_, atol=1e-10)
    assert_allclose(ours.cost_, theirs.cost_, atol=1e-12)
    assert_allclose(ours.transform(source), theirs.transform(Xs=source), atol=1e-8)
    assert_allclose(ours.inverse_transform(target), theirs.inverse_transform(Xt=target), atol=1e-8)
    assert_allclose(ours.transform(more), theirs.transform(Xs=more), atol=1e-8)
    assert_allclose(ours.inverse_transform(more), theirs.inverse_transform(Xt=more), atol=1e-8)


@pytest.mark.numerical
def test_labels_as_in_pot(labelled):
    da = pytest.importorskip("ot.da")
    source, ys, target, yt = labelled
    theirs = da.SinkhornTransport(5.0, limit_max=10.0, tol=1e-12, max_iter=5000)
    theirs.fit(Xs=source, ys=ys, Xt=target, yt=yt)
    ours = SinkhornTransport(5.0, tol=1e-12).fit(source, ys, target, yt)
    assert_allclose(ours.cost_, theirs.cost_, rtol=1e-12)
    assert_allclose(ours.coupling_, theirs.coupling_, atol=1e-10)


@pytest.mark.parametrize("limit_max", [2.0, 10.0, 1000.0])
def test_known_classes_do_not_mix(labelled, limit_max):
    source, ys, target, yt = labelled
    model = SinkhornTransport(0.1, limit_max=limit_max).fit(source, ys, target, yt)
    known = yt >= 0
    differ = ys[:, None] != yt[known]
    assert model.coupling_[:, known][differ].sum() < 1e-12
    assert_allclose(model.fit_transform(source, ys, target, yt), barycentres(model), atol=1e-12)
    plain = SinkhornTransport(0.1).fit(source, ys, target)
    assert plain.coupling_[:, known][differ].sum() > 0.2
    # -1: not known, so as good as no labels at all.
    nothing = SinkhornTransport(0.1).fit(source, np.full(40, -1), target, yt)
    assert_array_equal(nothing.coupling_, plain.coupling_)


def test_classes_may_be_text(labelled):
    source, ys, target, _ = labelled
    yt = np.repeat([0, 1], 30)
    numbers = SinkhornTransport(0.1).fit(source, ys, target, yt)
    words = np.array(["no", "yes"])
    text = SinkhornTransport(0.1).fit(source, words[ys], target, words[yt])
    assert_array_equal(numbers.coupling_, text.coupling_)


def test_classes_of_other_shares(labelled):
    """What the other class cannot take still has a plan."""
    source, ys, target, _ = labelled
    yt = np.repeat([0, 1], [45, 15])
    model = SinkhornTransport(0.1).fit(source, ys, target, yt)
    assert model.result_.converged
    assert model.coupling_[ys[:, None] != yt].sum() == pytest.approx(0.25, abs=1e-6)


def barycentres(model):
    plan = model.coupling_
    return plan @ model.Xt_ / plan.sum(axis=1, keepdims=True)


@pytest.mark.numerical
@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("reg", [1.0, 0.01])
def test_training_samples_move_to_barycentres(clouds, metric, reg):
    source, target, _ = clouds
    model = SinkhornTransport(reg, metric=metric, norm="median").fit(source, Xt=target)
    assert_allclose(model.transform(source), barycentres(model), atol=1e-9)
    plan = model.coupling_
    back = plan.T @ source / plan.sum(axis=0)[:, None]
    assert_allclose(model.inverse_transform(target), back, atol=1e-9)


@pytest.mark.numerical
def test_gaussians():
    """The entropic map between normal distributions in one dimension is linear, and known."""
    x = np.linspace(-12, 12, 601)
    reg, s, t = 0.5, 1.0, 1.5  # reg of the cost (x - y)^2, standard deviations
    model = SinkhornTransport(reg, tol=1e-12).fit(
        x[:, None],
        Xt=x[:, None] + 3,
        sample_weight=np.exp(-((x / s) ** 2) / 2),
        target_weight=np.exp(-((x / t) ** 2) / 2),
    )
    # Janati et al. 2020, theorem 1: the covariance of the plan, for the cost |x - y|^2 / 2.
    strength = reg / 2
    covariance = np.sqrt(s**2 * t**2 + strength**2 / 4) - strength / 2
    z = np.array([-2.0, -0.5, 0.0, 1.33])
    assert_allclose(model.transform(z[:, None])[:, 0], 3 + covariance / s**2 * z, atol=1e-6)


@pytest.mark.numerical
def test_small_regularization_is_the_monotone_map(rng):
    x, y = np.linspace(-2, 2, 30), np.geomspace(5, 90, 30)
    order = rng.permutation(30)
    images = SinkhornTransport(1e-4).fit(x[order, None], Xt=y[:, None]).transform(x[:, None])
    assert_allclose(images[:, 0], y, rtol=1e-9)


def test_weights_are_repetitions(clouds, rng):
    source, target, more = clouds
    a, b = rng.integers(0, 4, len(source)), rng.integers(0, 4, len(target))
    for norm in (None, "median", "max"):
        model = SinkhornTransport(0.3, norm=norm, tol=1e-12)
        weighted = model.fit(source, Xt=target, sample_weight=a, target_weight=b).transform(more)
        repeated = model.fit(np.repeat(source, a, axis=0), Xt=np.repeat(target, b, axis=0))
        assert_allclose(weighted, repeated.transform(more), atol=1e-9)


def test_classes_of_new_points(labelled):
    """A point of a class that is not known moves anywhere, one of a known class within it."""
    source, ys, target, _ = labelled
    yt = np.repeat([0, 1], 30)
    model = SinkhornTransport(0.1).fit(source, ys, target, yt)
    point = [[2.0, 0.5]]
    for label in (0, 1):
        inside = np.abs(model.transform(point, [label]) - target[yt == label].mean(axis=0)).max()
        assert inside < 1.5
        back = model.inverse_transform(point, [label]) - source[ys == label].mean(axis=0)
        assert np.abs(back).max() < 1.5
    assert_array_equal(model.transform(point, [-1]), model.transform(point))
    with pytest.raises(ValueError, match="yt must have length 1; got 2"):
        model.inverse_transform(point, [0, 1])


def test_one_point_and_twins():
    single = SinkhornTransport().fit([[1.0, 2.0]], Xt=[[3.0, 4.0]])
    assert_array_equal(single.transform([[9.0, 9.0]]), [[3.0, 4.0]])
    twins = SinkhornTransport(0.1).fit([[0.0], [0.0], [1.0]], Xt=[[5.0], [5.0], [6.0]])
    assert_allclose(twins.transform([[0.0], [0.0]]), [[5.0]] * 2, atol=1e-3)
    assert_allclose(twins.coupling_[0], twins.coupling_[1])


def test_itself_is_a_target_only_with_a_warning(clouds):
    source, _, _ = clouds
    with pytest.warns(UserWarning, match="no target samples Xt"):
        alone = SinkhornTransport(0.3).fit(source)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        both = SinkhornTransport(0.3).fit(source, Xt=source)
    assert_array_equal(alone.coupling_, both.coupling_)
    assert_allclose(alone.coupling_, alone.coupling_.T, atol=1e-9)


def test_adapts_a_classifier(rng):
    """A classifier of the moved source samples recognises the target, one of the others not."""
    y = np.arange(240) % 3
    corners = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0]])
    source = corners[y] + 0.3 * rng.standard_normal((240, 2))
    turn = np.array([[np.cos(0.6), -np.sin(0.6)], [np.sin(0.6), np.cos(0.6)]])
    target = (corners[y] + 0.3 * rng.standard_normal((240, 2))) @ turn * 1.8 - 2.0
    plain = KNeighborsClassifier().fit(source, y).score(target, y)
    model = make_pipeline(SinkhornTransport(0.05, norm="median"), KNeighborsClassifier())
    model.fit(source, y, sinkhorntransport__Xt=target)
    assert model[-1].score(target, y) > 0.97 > 0.8 > plain


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_precision_and_frames(clouds, dtype):
    pd = pytest.importorskip("pandas")
    source, target, more = (pd.DataFrame(x.astype(dtype), columns=list("abc")) for x in clouds)
    model = SinkhornTransport(0.5).set_output(transform="pandas").fit(source, Xt=target)
    moved = model.transform(more)
    assert list(moved.columns) == ["a", "b", "c"]
    assert moved.to_numpy().dtype == dtype
    plain = SinkhornTransport(0.5).fit(clouds[0], Xt=clouds[1]).transform(clouds[2])
    assert_allclose(moved, plain, atol=1e-5 if dtype == np.float32 else 1e-12)
    with pytest.raises(ValueError, match="feature names"):
        model.fit(source, Xt=target[["b", "a", "c"]])


def test_input_is_left_alone(clouds):
    source, target, more = clouds
    for array in clouds:
        array.setflags(write=False)
    copies = [array.copy() for array in clouds]
    strided = np.asfortranarray(source)[::2]
    model = SinkhornTransport(0.5).fit(strided, Xt=target[:, ::1])
    assert_allclose(
        model.transform(more), SinkhornTransport(0.5).fit(source[::2], Xt=target).transform(more)
    )
    for array, copy in zip(clouds, copies, strict=True):
        assert_array_equal(array, copy)


def test_images_need_no_matrix(rng):
    """The weights of 30,000 x 1,000 would take 240 MB."""
    source, target = rng.random((50, 3)), rng.random((1000, 3))
    model = SinkhornTransport(0.1).fit(source, Xt=target)
    points = rng.random((30_000, 3))
    tracemalloc.start()
    model.transform(points)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10e6


@pytest.mark.numerical
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(1, 20),
    m=st.integers(1, 20),
    log_reg=st.sampled_from([1, 0, -1, -2, -3]),
    twins=st.booleans(),
)
def test_any_samples(seed, n, m, log_reg, twins):
    """Images are the plan's barycentres, so they lie within the target; weights may be zero."""
    rng = np.random.default_rng(seed)
    source, target = rng.standard_normal((n, 2)), rng.standard_normal((m, 2))
    if twins:
        source[n // 2 :] = source[: n - n // 2]
    a, b = rng.integers(0, 3, n), rng.integers(0, 3, m)
    a[0] = b[0] = 1
    model = SinkhornTransport(10.0**log_reg, norm="max", tol=1e-10)
    model.fit(source, Xt=target, sample_weight=a, target_weight=b)
    plan = model.coupling_
    assert_allclose(plan.sum(axis=0), b / b.sum(), atol=2e-10)
    some = a > 0
    expected = plan[some] @ target / plan[some].sum(axis=1, keepdims=True)
    assert_allclose(model.transform(source[some]), expected, atol=1e-8)
    images = model.transform(10 * rng.standard_normal((5, 2)))
    inside = target[b > 0]
    assert (images >= inside.min(axis=0) - 1e-12).all()
    assert (images <= inside.max(axis=0) + 1e-12).all()


def test_not_converged(clouds):
    source, target, _ = clouds
    with pytest.warns(ConvergenceWarning, match=r"SinkhornTransport.fit: .*MAX_ITER"):
        model = SinkhornTransport(0.01, max_iter=1).fit(source, Xt=target)
    assert not model.result_.converged
    assert np.isfinite(model.transform(source)).all()


GOOD = {"X": np.ones((3, 2)), "Xt": np.arange(8.0).reshape(4, 2)}


@pytest.mark.parametrize(
    ("parameters", "changes", "error", "message"),
    [
        ({"reg_e": 0.0}, {}, ValueError, "reg_e must be a number > 0"),
        ({"reg_e": "small"}, {}, TypeError, "reg_e must be a number"),
        ({"metric": "minkowski"}, {}, ValueError, "metric must be one of"),
        ({"norm": "log"}, {}, ValueError, "norm must be one of None, 'median', 'max'"),
        ({"limit_max": np.inf}, {}, ValueError, "limit_max must be finite"),
        ({"tol": -1}, {}, ValueError, "tol"),
        ({"max_iter": 0}, {}, ValueError, "max_iter"),
        ({"n_threads": 0}, {}, ValueError, "n_threads"),
        ({}, {"X": np.ones((0, 2))}, ValueError, "0 sample"),
        ({}, {"X": np.array([[np.nan, 1]])}, ValueError, "Input X contains NaN"),
        ({}, {"Xt": np.array([[np.inf, 1]])}, ValueError, "Input Xt contains infinity"),
        ({}, {"Xt": np.ones((4, 3))}, ValueError, "Xt must have 2 features, as X has; got 3"),
        ({}, {"Xt": None, "yt": [0]}, ValueError, "got no Xt"),
        ({}, {"y": [0, 1], "yt": [0, 1, 1, 0]}, ValueError, "y must have length 3; got 2"),
        ({}, {"y": [0, 1, 1], "yt": [0, 1]}, ValueError, "yt must have length 4; got 2"),
        ({}, {"y": [0, 1, 1], "yt": list("abab")}, TypeError, "classes of one kind"),
        ({}, {"sample_weight": [1, 2]}, ValueError, "sample_weight must have length 3"),
        ({}, {"target_weight": [0, 0, 0, 0]}, ValueError, "target_weight must have a positive to"),
        ({}, {"sample_weight": [1, -2, 1]}, ValueError, "sample_weight must hold finite non-neg"),
        ({"metric": "cosine"}, {"X": np.zeros((3, 2))}, ValueError, "points that are zero"),
        ({"norm": "median"}, {"Xt": [[1, 1], [1, 1], [5, 5]]}, ValueError, "positive median"),
    ],
)
def test_bad_input(parameters, changes, error, message):
    with pytest.raises(error, match=message):
        SinkhornTransport(**parameters).fit(**{**GOOD, **changes})


def test_not_fitted():
    with pytest.raises(NotFittedError):
        SinkhornTransport().transform([[1.0]])
    with pytest.raises(NotFittedError):
        SinkhornTransport().inverse_transform([[1.0]])
    model = SinkhornTransport()
    with pytest.raises(ValueError, match="features"):
        model.fit([[1.0]], Xt=[[1.0, 2.0]])
    with pytest.raises(NotFittedError):
        model.transform([[1.0]])
    assert not hasattr(model, "coupling_")


def test_after_a_scaler(clouds):
    source, target, more = clouds
    scaler = StandardScaler().fit(source)
    model = make_pipeline(StandardScaler(), SinkhornTransport(0.5))
    model.fit(source, sinkhorntransport__Xt=scaler.transform(target))
    plain = SinkhornTransport(0.5).fit(scaler.transform(source), Xt=scaler.transform(target))
    assert_allclose(model.transform(more), plain.transform(scaler.transform(more)))
