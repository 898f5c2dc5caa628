// Every operator against the same dense matrix.
#include <cmath>
#include <numeric>

#include "check.hpp"
#include "cycloid/core/operator.hpp"

using cycloid::Context;
using cycloid::Index;
using cycloid::Operator;
using Eigen::MatrixXd;
using Eigen::VectorXd;
using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

namespace {

constexpr Index n = 97;
constexpr Index p = 13;

// About a third of the entries are not zero; all are small integers, exact in single precision.
MatrixXd example() {
    MatrixXd x(n, p);
    for (Index i = 0; i < n; ++i) {
        for (Index j = 0; j < p; ++j) {
            const Index k = (7 * i + 11 * j * j + i * j) % 17;
            x(i, j) = k < 6 ? static_cast<double>(k - 2) : 0.0;
        }
    }
    return x;
}

template <class StorageIndex>
struct Compressed {
    std::vector<double> values;
    std::vector<StorageIndex> indices;
    std::vector<StorageIndex> starts{0};

    explicit Compressed(const MatrixXd& x) {
        for (Index j = 0; j < x.cols(); ++j) {
            for (Index i = 0; i < x.rows(); ++i) {
                if (x(i, j) == 0) continue;
                values.push_back(x(i, j));
                indices.push_back(static_cast<StorageIndex>(i));
            }
            starts.push_back(static_cast<StorageIndex>(values.size()));
        }
    }
};

void check_operator(const Operator& op, const MatrixXd& x, const char* kind, int n_threads) {
    const int failures_before = check::failures;
    const Context context{.n_threads = n_threads};
    const VectorXd w = VectorXd::LinSpaced(n, 0.0, 2.0);  // one weight is zero
    const VectorXd u = VectorXd::LinSpaced(n, -1.0, 1.5);
    std::vector<Index> all(p);
    std::iota(all.begin(), all.end(), 0);
    const std::vector<Index> some{11, 0, 5, 4};

    CHECK(op.rows() == n);
    CHECK(op.columns() == p);

    for (const bool centred : {false, true}) {
        const VectorXd mean =
            centred ? VectorXd(x.transpose() * w / w.sum()) : VectorXd(VectorXd::Zero(p));
        const MatrixXd shifted = x.rowwise() - mean.transpose();
        VectorXd got_mean(p);
        VectorXd variance(p);
        VectorXd correlation(p);
        op.survey(w.data(), u.data(), centred, got_mean.data(), variance.data(), correlation.data(),
                  context);
        const VectorXd square = shifted.cwiseAbs2().transpose() * w;
        CHECK((got_mean - mean).norm() < 1e-12);
        CHECK((variance - square).norm() < 1e-10);
        CHECK((correlation - shifted.transpose() * u).norm() < 1e-10);

        // Sparse operators ignore the centre.
        const double* centre = centred ? mean.data() : nullptr;
        const MatrixXd seen = op.sparse() ? x : shifted;
        VectorXd slopes(4);
        op.correlate(u.data(), some, centre, slopes.data(), context);
        VectorXd image = u;
        const VectorXd coef = VectorXd::LinSpaced(4, -2, 1);
        op.accumulate(some, coef.data(), centre, image.data(), context);
        VectorXd expected = u;
        for (Index k = 0; k < 4; ++k) {
            CHECK_CLOSE(slopes[k], seen.col(some[k]).dot(u), 1e-12);
            expected += coef[k] * seen.col(some[k]);
        }
        CHECK((image - expected).norm() < 1e-11);

        for (const Index outputs : {1, 3, 37}) {
            RowMajor directions(n, outputs), factors(4, outputs), products(4, outputs);
            for (Index k = 0; k < outputs; ++k) {
                directions.col(k) = VectorXd::LinSpaced(n, double(k) - 2, 1.5);
                factors.col(k) = VectorXd::LinSpaced(4, -2, double(k));
            }
            op.correlate(directions.data(), outputs, some, centre, products.data(), context);
            RowMajor images = directions;
            op.accumulate(some, factors.data(), outputs, centre, images.data(), context);
            for (Index k = 0; k < 4; ++k) {
                CHECK((products.row(k) - seen.col(some[k]).transpose() * directions).norm() <
                      1e-10 * double(outputs));
                images -= seen.col(some[k]) * factors.row(k);
            }
            CHECK((images - directions).norm() < 1e-10 * double(outputs));
        }

        MatrixXd gram = MatrixXd::Constant(p, p, 77.0);
        op.gram(all, 3, w.data(), centre, gram, context);
        const MatrixXd full = seen.transpose() * w.asDiagonal() * seen;
        for (Index a = 3; a < p; ++a) {
            for (Index b = 0; b <= a; ++b) CHECK_CLOSE(gram(a, b), full(a, b), 1e-11);
        }
        Eigen::MatrixXf single = Eigen::MatrixXf::Constant(p, p, 77.0F);
        op.gram(all, 3, w.data(), centre, single, context);
        for (Index a = 3; a < p; ++a) {
            for (Index b = 0; b <= a; ++b) {
                const double scale = std::sqrt(full(a, a) * full(b, b));
                CHECK(std::fabs(double(single(a, b)) - full(a, b)) <= 1e-6 * scale);
            }
        }

        cycloid::ColumnBlock block;
        op.gather(cycloid::Columns(some).first(1), centre, block, context);
        op.gather(cycloid::Columns(some).subspan(1), centre, block, context);
        CHECK(block.sparse == op.sparse());
        CHECK(block.n_rows == n && block.n_columns == 4);
        for (Index k = 0; k < 4; ++k) {
            VectorXd column = VectorXd::Zero(n);
            if (block.sparse) {
                for (Index q = block.starts[k]; q < block.starts[k + 1]; ++q) {
                    column[block.rows[q]] = block.values[q];
                }
            } else {
                column = Eigen::Map<const VectorXd>(block.values.data() + k * n, n);
            }
            CHECK((column - seen.col(some[k])).norm() < 1e-13);
        }
    }
    cycloid::RowBlock rows;
    CHECK(op.gather_rows(rows) == op.sparse());
    if (op.sparse()) {
        MatrixXd copy = MatrixXd::Zero(n, p);
        for (Index i = 0; i < n; ++i) {
            for (const auto& entry : rows.row(static_cast<std::size_t>(i))) {
                copy(i, entry.column) = entry.value;
            }
        }
        CHECK((copy - x).norm() <= 1e-6 * x.norm());
    }
    if (check::failures != failures_before) {
        std::fprintf(stderr, "    operator: %s, threads: %d\n", kind, n_threads);
    }
}

}  // namespace

TEST_CASE("operator: dense in either order, in double and single precision, with gaps") {
    const MatrixXd x = example();
    const RowMajor rows = x;
    const Eigen::MatrixXf single = x.cast<float>();
    MatrixXd padded = MatrixXd::Constant(n + 3, p, -55.0);
    padded.topRows(n) = x;
    for (const int threads : {1, 2}) {
        check_operator(*cycloid::make_dense(x.data(), n, p, 1, n), x, "columns", threads);
        check_operator(*cycloid::make_dense(rows.data(), n, p, p, 1), x, "rows", threads);
        check_operator(*cycloid::make_dense(single.data(), n, p, 1, n), x, "single", threads);
        check_operator(*cycloid::make_dense(padded.data(), n, p, 1, n + 3), x, "gaps", threads);
    }
}

TEST_CASE("operator: sparse by columns and by rows, with 32- and 64-bit indices") {
    const MatrixXd x = example();
    const Compressed<std::int32_t> csc(x);
    const Compressed<std::int64_t> wide(x);
    const Compressed<std::int32_t> csr(x.transpose());
    for (const int threads : {1, 2}) {
        check_operator(
            *cycloid::make_csc(csc.values.data(), csc.indices.data(), csc.starts.data(), n, p), x,
            "csc", threads);
        check_operator(
            *cycloid::make_csc(wide.values.data(), wide.indices.data(), wide.starts.data(), n, p),
            x, "csc, 64-bit", threads);
        check_operator(
            *cycloid::make_csr(csr.values.data(), csr.indices.data(), csr.starts.data(), n, p), x,
            "csr", threads);
    }
}

TEST_CASE("operator: scaled columns are those of the scaled matrix") {
    const MatrixXd x = example();
    const RowMajor rows = x;
    const Eigen::MatrixXf single = x.cast<float>();
    const Compressed<std::int32_t> csc(x);
    const Compressed<std::int64_t> csr(x.transpose());
    VectorXd scale = VectorXd::LinSpaced(p, -1.5, 2.0);
    scale[4] = 0;
    const MatrixXd scaled = x * scale.asDiagonal();
    const auto check_scaled = [&](const std::unique_ptr<Operator>& op, const char* kind) {
        const std::unique_ptr<Operator> view = cycloid::make_scaled(*op, scale.data());
        const std::vector<Index> some{3, 7};
        CHECK(view->nonzeros(some) == op->nonzeros(some));
        for (const int threads : {1, 2}) check_operator(*view, scaled, kind, threads);
    };
    check_scaled(cycloid::make_dense(x.data(), n, p, 1, n), "scaled columns");
    check_scaled(cycloid::make_dense(rows.data(), n, p, p, 1), "scaled rows");
    check_scaled(cycloid::make_dense(single.data(), n, p, 1, n), "scaled, single");
    check_scaled(cycloid::make_csc(csc.values.data(), csc.indices.data(), csc.starts.data(), n, p),
                 "scaled csc");
    check_scaled(cycloid::make_csr(csr.values.data(), csr.indices.data(), csr.starts.data(), n, p),
                 "scaled csr");
}

TEST_CASE("operator: a column that is not finite has a variance that is not finite") {
    MatrixXd x = example();
    x(40, 2) = NAN;
    x(41, 5) = INFINITY;
    const VectorXd w = VectorXd::Ones(n);
    VectorXd mean(p);
    VectorXd variance(p);
    VectorXd correlation(p);
    for (const bool centred : {false, true}) {
        cycloid::make_dense(x.data(), n, p, 1, n)
            ->survey(w.data(), w.data(), centred, mean.data(), variance.data(), correlation.data(),
                     {});
        for (Index j = 0; j < p; ++j) CHECK(std::isfinite(variance[j]) == (j != 2 && j != 5));
    }
}

TEST_CASE("operator: moments in one pass, unless a mean is far from the first value") {
    MatrixXd x = example();
    x.col(3).setConstant(0.1);
    x.col(4).array() += 1000.0;
    const RowMajor by_rows = x;
    const VectorXd w = VectorXd::LinSpaced(n, 0.0, 2.0);
    const VectorXd u = w.cwiseProduct(VectorXd::LinSpaced(n, -1.0, 1.5));
    const Context context{.n_threads = 2};
    const auto columns = cycloid::make_dense(x.data(), n, p, 1, n);
    const auto rows = cycloid::make_dense(by_rows.data(), n, p, p, 1);
    for (const Operator* op : {columns.get(), rows.get()}) {
        for (const bool centred : {false, true}) {
            VectorXd mean(p), correlation(p);
            MatrixXd gram(p, p);
            CHECK(op->moments(w.data(), u.data(), centred, mean.data(), correlation.data(), gram,
                              context));
            const VectorXd true_mean =
                centred ? VectorXd(x.transpose() * w / w.sum()) : VectorXd(VectorXd::Zero(p));
            const MatrixXd shifted = x.rowwise() - true_mean.transpose();
            const MatrixXd full = shifted.transpose() * w.asDiagonal() * shifted;
            CHECK((mean - true_mean).cwiseAbs().maxCoeff() < 1e-12);
            CHECK((correlation - shifted.transpose() * u).norm() < 1e-9);
            for (Index a = 0; a < p; ++a) {
                for (Index b = 0; b <= a; ++b) {
                    CHECK_CLOSE(gram(a, b), full(a, b), centred ? 1e-10 : 1e-4);
                }
            }
            if (centred) CHECK(gram(3, 3) == 0.0);
        }
    }
    x(0, 7) = 1e6;
    x(0, 8) = std::nan("");
    VectorXd mean(p), correlation(p);
    MatrixXd gram(p, p);
    CHECK(!columns->moments(w.data(), u.data(), true, mean.data(), correlation.data(), gram,
                            context));
}
