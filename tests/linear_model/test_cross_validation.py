"""LassoCV and ElasticNetCV against scikit-learn's, and their threads."""

import numpy as np
import pytest
import sklearn.linear_model as sk
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.model_selection import GroupKFold, KFold, ShuffleSplit

from cycloid._inputs import thread_count
from cycloid.linear_model import ElasticNetCV, LassoCV
from cycloid.linear_model import _cross_validation as cross_validation

TIGHT = {"tol": 1e-10}
LAYOUTS = [np.asarray, np.asfortranarray, sparse.csc_array, sparse.csr_array]


def assert_same_choice(ours, theirs):
    assert_allclose(ours.alphas_, theirs.alphas_, rtol=1e-10)
    assert_allclose(ours.alpha_, theirs.alpha_, rtol=1e-10)
    assert ours.mse_path_.shape == theirs.mse_path_.shape
    assert_allclose(ours.mse_path_, theirs.mse_path_, rtol=1e-4)
    assert_allclose(ours.coef_, theirs.coef_, atol=1e-3)
    assert_allclose(ours.intercept_, theirs.intercept_, atol=1e-3)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
def test_lasso_cv(regression, layout, fit_intercept, weighted):
    X, y = regression
    w = np.linspace(0.5, 2, 60) if weighted else None
    parameters = {"alphas": np.geomspace(2, 0.01, 20), "fit_intercept": fit_intercept, **TIGHT}
    ours = LassoCV(**parameters).fit(layout(X), y, w)
    theirs = sk.LassoCV(max_iter=20_000, **parameters).fit(X, y, w)
    assert_same_choice(ours, theirs)


@pytest.mark.parametrize("l1_ratio", [0.5, [0.5], [0.2, 0.9]])
@pytest.mark.parametrize("positive", [True, False])
def test_elastic_net_cv(regression, l1_ratio, positive):
    X, y = regression
    parameters = {"l1_ratio": l1_ratio, "positive": positive, "cv": 3, "eps": 0.01, **TIGHT}
    ours = ElasticNetCV(alphas=15, **parameters).fit(X, y)
    theirs = sk.ElasticNetCV(max_iter=20_000, alphas=ours.alphas_ * 1.0, **parameters)
    if np.ndim(ours.alphas_) == 2:  # scikit-learn takes one grid for all, 1.6 no number of alphas
        theirs.set_params(alphas=np.unique(ours.alphas_)[::-1])
        ours = ElasticNetCV(alphas=theirs.alphas, **parameters).fit(X, y)
    theirs.fit(X, y)
    assert_same_choice(ours, theirs)
    assert ours.l1_ratio_ == theirs.l1_ratio_
    assert ours.result_.converged


def test_grids_of_several_l1_ratios(regression):
    X, y = regression
    model = ElasticNetCV(l1_ratio=[0.25, 1.0], alphas=10, eps=0.1).fit(X, y)
    assert model.alphas_.shape == (2, 10)
    assert model.mse_path_.shape == (2, 10, 5)
    assert_allclose(model.alphas_[0], 4 * model.alphas_[1])
    top = np.abs((X - X.mean(axis=0)).T @ (y - y.mean())).max() / 60
    assert_allclose(model.alphas_[1], top * np.geomspace(1, 0.1, 10))


@pytest.mark.parametrize(
    "cv",
    [
        KFold(4, shuffle=True, random_state=0),
        ShuffleSplit(3, train_size=0.5, test_size=0.2, random_state=0),
        [(np.arange(40), np.arange(40, 60)), (np.arange(20, 60), np.arange(20))],
        [(np.r_[np.arange(40), np.arange(10)], np.arange(40, 60))],  # some samples twice
    ],
)
def test_splitters(regression, cv):
    X, y = regression
    parameters = {"alphas": np.geomspace(2, 0.02, 10), "cv": cv, **TIGHT}
    ours = LassoCV(**parameters).fit(X, y)
    theirs = sk.LassoCV(max_iter=20_000, **parameters).fit(X, y)
    assert_same_choice(ours, theirs)


def test_masks_for_folds(regression):
    X, y = regression
    test = np.arange(60) % 3 == 0
    by_mask = LassoCV(alphas=5, cv=[(~test, test)]).fit(X, y)
    by_index = LassoCV(alphas=5, cv=[(np.flatnonzero(~test), np.flatnonzero(test))]).fit(X, y)
    assert_array_equal(by_mask.mse_path_, by_index.mse_path_)


def test_groups(regression):
    X, y = regression
    groups = np.arange(60) // 12
    model = LassoCV(alphas=5, cv=GroupKFold(5)).fit(X, y, groups=groups)
    splits = list(GroupKFold(5).split(X, y, groups))
    assert_array_equal(model.mse_path_, LassoCV(alphas=5, cv=splits).fit(X, y).mse_path_)
    with pytest.raises(ValueError, match="groups"):
        LassoCV(alphas=5, cv=GroupKFold(5)).fit(X, y)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_result_is_the_same_for_any_number_of_jobs(regression, layout):
    X, y = regression
    models = [
        ElasticNetCV(l1_ratio=[0.5, 1.0], alphas=10, n_jobs=n_jobs, n_threads=n_threads).fit(
            layout(X), y
        )
        for n_jobs, n_threads in [(None, 1), (1, 2), (2, 2), (3, 4), (-1, None)]
    ]
    for model in models[1:]:
        assert_array_equal(model.mse_path_, models[0].mse_path_)
        assert_array_equal(model.coef_, models[0].coef_)


@pytest.mark.parametrize(
    ("n_jobs", "n_threads", "workers", "threads_each"),
    [(None, 4, 1, 4), (2, 4, 2, 2), (3, 4, 3, 1), (8, 4, 4, 1), (100, 100, 5, 20), (2, 1, 1, 1)],
)
def test_folds_share_the_threads(monkeypatch, regression, n_jobs, n_threads, workers, threads_each):
    seen = []
    fit_fold = cross_validation.PathProblem.fit_fold

    def spy(self, task, control):
        seen.append(control.n_threads)
        return fit_fold(self, task, control)

    pools = []
    pool = cross_validation.ThreadPoolExecutor
    monkeypatch.setattr(cross_validation.PathProblem, "fit_fold", spy)
    monkeypatch.setattr(
        cross_validation, "ThreadPoolExecutor", lambda size: pools.append(size) or pool(size)
    )
    LassoCV(alphas=3, n_jobs=n_jobs, n_threads=n_threads).fit(*regression)
    assert seen == [threads_each] * 5
    assert pools == ([workers] if workers > 1 else [])


def test_error_in_a_fold_ends_the_others(regression):
    X, y = regression
    w = np.ones(60)
    w[:12] = 0
    for n_jobs in (1, 2):
        with pytest.raises(ValueError, match="test samples have no weight"):
            LassoCV(alphas=3, n_jobs=n_jobs).fit(X, y, w)
    w = 1 - w
    with pytest.raises(ValueError, match="training samples have no weight"):
        LassoCV(alphas=3, n_jobs=2).fit(X, y, w)


def test_float32(regression):
    X, y = regression
    model = LassoCV(alphas=5).fit(X.astype(np.float32), y)
    assert model.coef_.dtype == model.intercept_.dtype == np.float32


def test_verbose_prints_a_line_a_fold(regression, capsys):
    LassoCV(alphas=3, verbose=1).fit(*regression)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines[:5]] == [f"fold {k}/5" for k in range(1, 6)]
    assert lines[5].split()[:2] == ["alpha", "iteration"]
    assert len(lines) == 7


def test_thread_count(monkeypatch):
    monkeypatch.setenv("CYCLOID_NUM_THREADS", "3")
    assert thread_count() == 3
    assert thread_count(5) == 5
    monkeypatch.delenv("CYCLOID_NUM_THREADS")
    cpus = thread_count(-1)
    assert 1 <= thread_count() <= cpus
    assert thread_count(-cpus - 5) == 1
    threadpoolctl = pytest.importorskip("threadpoolctl")
    with threadpoolctl.threadpool_limits(1):
        assert thread_count() == 1
