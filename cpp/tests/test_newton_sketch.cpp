#include "check.hpp"
#include "cycloid/newton/sketch.hpp"
#include "newton_sums.hpp"

using cycloid::Index;
using namespace cycloid::newton;

namespace {

constexpr SketchKind kinds[] = {SketchKind::Gaussian, SketchKind::SparseSign, SketchKind::Srht};

// S itself: the sketch of the identity.
RowMatrix<double> entries(const Sketch& sketch) {
    const RowMatrix<double> identity = RowMatrix<double>::Identity(sketch.columns, sketch.columns);
    const auto rows =
        make_dense_rows(identity.data(), sketch.columns, sketch.columns, sketch.columns, 1);
    return apply<double>(sketch, *rows, nullptr, {});
}

}  // namespace

TEST_CASE("sketch: the product is that with its entries, weighted or not") {
    const Index n = 700, d = 130;
    const RowMatrix<double> x = sums::normal(n, d, 1);
    const Vector root = sums::normal(n, 1, 2);
    const auto rows = make_dense_rows(x.data(), n, d, d, 1);
    for (const SketchKind kind : kinds) {
        const Sketch sketch{kind, 50, n, 11, 4};
        const RowMatrix<double> s = entries(sketch);
        const RowMatrix<double> weighted = s * root.asDiagonal() * x;
        CHECK((apply<double>(sketch, *rows, nullptr, {}) - s * x).norm() < 1e-9);
        CHECK((apply<double>(sketch, *rows, root.data(), {}) - weighted).norm() < 1e-9);
        const RowMatrix<float> narrow = apply<float>(sketch, *rows, nullptr, {});
        CHECK((narrow.cast<double>() - s * x).norm() < 1e-5 * (s * x).norm());
        const Eigen::SparseMatrix<double, Eigen::RowMajor> sparse = x.sparseView();
        const auto csr =
            make_csr_rows(sparse.valuePtr(), sparse.innerIndexPtr(), sparse.outerIndexPtr(), n, d);
        CHECK((apply<double>(sketch, *csr, nullptr, {}) - s * x).norm() < 1e-9);
    }
}

TEST_CASE("sketch: the same bits for every number of threads, others for another seed") {
    const Index n = 900, d = 300;
    const RowMatrix<double> x = sums::normal(n, d, 1);
    const auto rows = make_dense_rows(x.data(), n, d, d, 1);
    for (const SketchKind kind : kinds) {
        Sketch sketch{kind, 64, n, 5};
        const RowMatrix<double> one = apply<double>(sketch, *rows, nullptr, {1, nullptr});
        CHECK((one - apply<double>(sketch, *rows, nullptr, {3, nullptr})).isZero(0));
        ++sketch.seed;
        CHECK((one - apply<double>(sketch, *rows, nullptr, {1, nullptr})).norm() > 1);
    }
}

TEST_CASE("sketch: the mean of S'S is the identity") {
    const Index n = 24, draws = 2000;
    for (const SketchKind kind : kinds) {
        Matrix mean = Matrix::Zero(n, n);
        for (Index k = 0; k < draws; ++k) {
            const RowMatrix<double> s = entries({kind, 8, n, std::uint64_t(1000 * k), 2});
            mean += s.transpose() * s / double(draws);
        }
        // Entries of S'S have deviations of at most about 1/2 here.
        CHECK((mean - Matrix::Identity(n, n)).cwiseAbs().maxCoeff() < 5 * 0.5 / std::sqrt(2000.0));
    }
}

TEST_CASE("sketch: a column of sparse signs has its entries in different rows") {
    const RowMatrix<double> s = entries({SketchKind::SparseSign, 10, 60, 3, 4});
    for (Index j = 0; j < 60; ++j) {
        CHECK((s.col(j).array() != 0).count() == 4);
        CHECK_CLOSE(s.col(j).squaredNorm(), 1.0, 1e-14);
    }
    // No more layers than rows.
    CHECK((entries({SketchKind::SparseSign, 3, 5, 3, 8}).array() != 0).all());
}

TEST_CASE("sketch: all rows of a Hadamard transform are orthogonal") {
    CHECK(transform_length(1) == 1 && transform_length(5) == 8 && transform_length(8) == 8);
    const RowMatrix<double> s = entries({SketchKind::Srht, 16, 11, 3});
    CHECK((s.transpose() * s - Matrix::Identity(11, 11)).norm() < 1e-12);
    const RowMatrix<double> one = RowMatrix<double>::Ones(11, 1);
    const auto rows = make_dense_rows(one.data(), 11, 1, 1, 1);
    CHECK_THROWS(apply<double>({SketchKind::Srht, 17, 11, 3}, *rows, nullptr, {}));
    CHECK_THROWS(apply<double>({SketchKind::Srht, 4, 12, 3}, *rows, nullptr, {}));
}

TEST_CASE("sketch: draws have no repetition and come in order") {
    const std::vector<Index> some = draw(1000, 300, 9);
    CHECK(some.size() == 300);
    for (std::size_t k = 1; k < some.size(); ++k) CHECK(some[k - 1] < some[k]);
    CHECK(some.front() >= 0 && some.back() < 1000);
    CHECK(draw(5, 9, 1).size() == 5);
}
