#include "interior_point_start.hpp"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>

#include "cycloid/core/parallel.hpp"

namespace cycloid::relu {
namespace {

constexpr int most_newton = 50;
constexpr double close_enough = 1e-4;  // squared Newton decrement

// The cone's t for |v|, which makes t^2 - |v|^2 = t.
double best_head(double squared_norm) { return 0.5 + std::sqrt(0.25 + squared_norm); }

// Newton's method with a line search that stays inside.
class CentralWeight {
public:
    CentralWeight(const Matrix& xt, const Eigen::Ref<const Vector>& sign)
        : xt_(xt), sign_(sign), d_(xt.rows()) {}

    Vector find(const Vector& generator) {
        Vector v = generator / generator.norm() * static_cast<double>(xt_.cols());
        s_ = (xt_.transpose() * v).cwiseProduct(sign_);
        for (Index k = 0; k < s_.size(); ++k) {
            if (sign_[k] == 0) s_[k] = 1;  // bounds nothing: log(1) = 0, and no step changes it
            if (!(s_[k] > 0)) return Vector::Constant(d_, NAN);
        }
        for (int i = 0; i < most_newton && improve(v); ++i) {
        }
        return v;
    }

private:
    bool improve(Vector& v) {
        const double t = best_head(v.squaredNorm());
        const Matrix scaled = xt_ * sign_.cwiseQuotient(s_).asDiagonal();
        const Vector gradient = v / t - scaled.rowwise().sum();
        Matrix hessian = Matrix::Zero(d_, d_);
        hessian.selfadjointView<Eigen::Lower>().rankUpdate(scaled);
        hessian.diagonal().array() += 1 / t;
        hessian.selfadjointView<Eigen::Lower>().rankUpdate(v, -2 / (t * t * (2 * t - 1)));
        const Vector step = -hessian.selfadjointView<Eigen::Lower>().llt().solve(gradient);
        const double decrement = -step.dot(gradient);
        if (!(decrement > close_enough)) return false;
        const Vector ds = (xt_.transpose() * step).cwiseProduct(sign_);
        const double steepest = (-ds.cwiseQuotient(s_)).maxCoeff();
        const double height = value(v, s_);
        double length = steepest > 0 ? std::min(1.0, 0.9 / steepest) : 1.0;
        while (length > 1e-8 &&
               value(v + length * step, s_ + length * ds) > height - 0.1 * length * decrement) {
            length *= 0.5;
        }
        v += length * step;
        s_ += length * ds;
        return length > 1e-8;
    }

    static double value(const Vector& v, const Vector& s) {
        const double t = best_head(v.squaredNorm());
        double total = t - 0.5 * std::log(t);
        for (const double value : s) total -= std::log(value);
        return total;
    }

    const Matrix& xt_;
    Vector sign_, s_;
    Index d_;
};

}  // namespace

Matrix central_weights(const Program& program, const Matrix& signs, const Context& context) {
    const Matrix xt = program.x.transpose();
    const Index count = program.patterns.count();
    Matrix weights(xt.rows(), count);
    const double work = 10.0 * double(xt.size()) * double(xt.rows()) * double(count);
    parallel_for(context.team(work), count, [&](Index p) {
        weights.col(p) = CentralWeight(xt, signs.col(p)).find(program.patterns.generators.col(p));
    });
    return weights;
}

}  // namespace cycloid::relu
