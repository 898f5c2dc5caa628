// Mean losses of linear predictors, with what Newton's method asks of them in one pass over X each:
// value, gradient and curvature; a product with the Hessian.
#pragma once

#include "cycloid/newton/linear_map.hpp"
#include "cycloid/newton/rows.hpp"

namespace cycloid::newton {

enum class LossKind {
    Squared,      // (z - y)^2 / 2
    Logistic,     // log(1 + exp(-y z)), y = -1 or +1
    Poisson,      // exp(z) - y z
    Multinomial,  // log(sum_k exp(z_k)) - z_y, y = 0, 1, ... outputs - 1
};

// sum_i w_i loss(y_i, z_i) + ridge / 2 ||W||^2,  z_i = W x_i + b,  W outputs x columns of X.
// A point holds W row by row, then b where there is an intercept.
struct FiniteSum {
    const Rows& x;
    const double* y;
    const double* weights;  // they sum to 1
    LossKind loss = LossKind::Logistic;
    Index outputs = 1;
    double ridge = 0;
    bool intercept = false;

    Index coefficients() const { return outputs * x.columns(); }
    Index dimension() const { return coefficients() + (intercept ? outputs : 0); }
};

// What one pass finds out.
struct SumPoint {
    Vector point;
    double value = 0;
    Vector gradient;
    Matrix predictor;  // z, a row a sample
    Matrix curvature;  // w_i loss'' of one output; the probabilities of several
};

// What it returns after a stop means nothing.
SumPoint evaluate(const FiniteSum& sum, const Vector& point, const Context& context);
// Completed even where the time is up; only an interruption, after which nobody waits for a result,
// cuts it short.
SumPoint evaluate_completely(const FiniteSum& sum, const Vector& point, const Context& context);

// The value along a line, where the predictor at its origin and that of its direction are known: no
// pass over X. Nothing of the ridge.
double loss_on_line(const FiniteSum& sum, const Matrix& predictor, const Matrix& direction,
                    double step, const Context& context);

// W x_i + b for every sample.
Matrix predict(const FiniteSum& sum, const Vector& point, const Context& context);

// The Hessian at a point times v, the ridge included.
Vector hessian_times(const FiniteSum& sum, const SumPoint& at, const Vector& v,
                     const Context& context);

}  // namespace cycloid::newton
