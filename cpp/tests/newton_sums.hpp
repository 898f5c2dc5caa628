// Small finite sums for the tests of the newton engine.
#pragma once

#include <Eigen/Eigenvalues>
#include <cmath>

#include "cycloid/core/random.hpp"
#include "cycloid/newton/finite_sum.hpp"
#include "cycloid/newton/sketch.hpp"

namespace sums {

using cycloid::Index;
using cycloid::newton::FiniteSum;
using cycloid::newton::LossKind;
using cycloid::newton::Matrix;
using cycloid::newton::RowMatrix;
using cycloid::newton::Vector;

inline Matrix normal(Index rows, Index columns, std::uint64_t seed) {
    const cycloid::Random random(seed);
    Matrix out(rows, columns);
    for (Index i = 0; i < out.size(); ++i) out.data()[i] = random.normal(std::uint64_t(i));
    return out;
}

// X with columns of different sizes and means, weights that differ, labels of the kind of the loss.
struct Example {
    Example(LossKind loss, Index n, Index d, bool intercept, Index outputs = 1)
        : entries(normal(n, d, 3)),
          labels(n),
          weights(normal(n, 1, 5).cwiseAbs()),
          rows(cycloid::newton::make_dense_rows(entries.data(), n, d, d, 1)),
          sum{*rows, labels.data(), weights.data(), loss, outputs, 0.02, intercept} {
        for (Index j = 0; j < d; ++j) {
            entries.col(j) *= std::pow(0.5, double(j));
            entries.col(j).array() += 0.3 * double(j);
        }
        weights /= weights.sum();
        cycloid::Random random(7);
        for (double& label : labels) {
            const auto draw = static_cast<double>(
                random.below(loss == LossKind::Multinomial ? std::uint64_t(outputs) : 2));
            label = loss == LossKind::Logistic ? 2 * draw - 1 : draw;
        }
    }

    RowMatrix<double> entries;
    Vector labels, weights;
    std::unique_ptr<cycloid::newton::Rows> rows;
    FiniteSum sum;
};

inline Matrix hessian(const FiniteSum& sum, const cycloid::newton::SumPoint& at) {
    const Index size = sum.dimension();
    Matrix out(size, size);
    for (Index j = 0; j < size; ++j) {
        out.col(j) = hessian_times(sum, at, Vector::Unit(size, j), {});
    }
    return out;
}

}  // namespace sums
