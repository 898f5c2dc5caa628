#include "check.hpp"
#include "cycloid/core/cholesky.hpp"

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

// Positive definite, with off-diagonal entries of the size of its diagonal.
MatrixXd well_conditioned(Index n) {
    MatrixXd a(n, n);
    for (Index i = 0; i < n; ++i) {
        for (Index j = 0; j < n; ++j) a(i, j) = std::exp(-0.3 * std::abs(double(i - j)));
    }
    return a;
}

}  // namespace

TEST_CASE("cholesky: solves systems of all sizes around the block size") {
    for (const Index n : {1, 2, 7, 63, 64, 65, 130, 257}) {
        const MatrixXd a = well_conditioned(n);
        const VectorXd x = VectorXd::LinSpaced(n, -1, 2);
        MatrixXd factor = a;
        CHECK(cycloid::cholesky(factor, 1e-13, {}) == 0);
        VectorXd solved = a * x;
        cycloid::cholesky_solve(factor, solved);
        CHECK((solved - x).lpNorm<Eigen::Infinity>() < 1e-11);
    }
}

TEST_CASE("cholesky: in single precision, to its own accuracy") {
    for (const Index n : {1, 65, 257}) {
        const Eigen::MatrixXf a = well_conditioned(n).cast<float>();
        const Eigen::VectorXf x = Eigen::VectorXf::LinSpaced(n, -1, 2);
        Eigen::MatrixXf factor = a;
        CHECK(cycloid::cholesky(factor, 1e-6F, {}) == 0);
        Eigen::VectorXf solved = a * x;
        cycloid::cholesky_solve(factor, solved);
        CHECK((solved - x).lpNorm<Eigen::Infinity>() < 1e-3F);
    }
}

TEST_CASE("cholesky: the factor has the same bits for every number of threads") {
    MatrixXd one = well_conditioned(300);
    MatrixXd two = one;
    cycloid::cholesky(one, 1e-13, {.n_threads = 1});
    cycloid::cholesky(two, 1e-13, {.n_threads = 2});
    CHECK((one.triangularView<Eigen::Lower>().toDenseMatrix().array() ==
           two.triangularView<Eigen::Lower>().toDenseMatrix().array())
              .all());
}

TEST_CASE("cholesky: directions that the matrix does not see are counted and stay finite") {
    MatrixXd a = MatrixXd::Ones(5, 5);  // rank 1
    CHECK(cycloid::cholesky(a, 1e-13, {}) == 4);
    VectorXd x = VectorXd::Ones(5);
    cycloid::cholesky_solve(a, x);
    CHECK(x.allFinite());
    CHECK_CLOSE(x.sum(), 1.0, 1e-6);  // a solution of the consistent system
}
