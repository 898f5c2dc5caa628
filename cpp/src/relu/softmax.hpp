// log(sum_j exp z_j) - sum_j y_j z_j over the rows of Z. It does not see a constant added to a row.
#pragma once

#include "cycloid/relu/loss.hpp"

namespace cycloid::relu {

class Softmax final : public Loss {
public:
    Softmax(Matrix targets, Vector weights)
        : Loss(LossKind::Softmax, std::move(targets), std::move(weights), 0) {}

    double value(const Matrix& z) const override;
    void gradient(const Matrix& z, Matrix& out) const override;
    void curvature(const Matrix& z, Matrix& out) const override;
    double conjugate(const Matrix& a) const override;
    void prox(double step, Matrix& z) const override;
    RowVector best_intercept(const Matrix& z) const override;
    void to_domain(Matrix& a, bool centred) const override;
};

}  // namespace cycloid::relu
