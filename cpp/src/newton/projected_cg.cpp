#include "cycloid/newton/projected_cg.hpp"

#include <cmath>

namespace cycloid::newton {

bool ProjectedCg::prepare(Product hessian, const Preconditioner& m, Matrix jacobian,
                          double relaxation) {
    hessian_ = std::move(hessian);
    m_ = &m;
    jacobian_ = std::move(jacobian);
    relaxation_ = relaxation;
    right_side_.resize(0);
    const Index count = jacobian_.rows();
    towards_.resize(jacobian_.cols(), count);
    for (Index j = 0; j < count; ++j) towards_.col(j) = m.solve(jacobian_.row(j).transpose());
    if (count == 0) return true;
    schur_ = jacobian_ * towards_;
    schur_.diagonal().array() += relaxation;
    schur_factor_.compute(0.5 * (schur_ + schur_.transpose()));
    const Vector pivots = schur_factor_.vectorD();
    return pivots.minCoeff() > 1e-12 * pivots.maxCoeff();
}

// P^{-1} r
Vector ProjectedCg::precondition(const Vector& r) const {
    const Index n = jacobian_.cols(), m = jacobian_.rows();
    Vector out(n + m);
    out.head(n) = m_->solve(r.head(n));
    if (m == 0) return out;
    // A factor in single precision is not quite symmetric, and the constraints want all digits.
    const Vector right = jacobian_ * out.head(n) - r.tail(m);
    out.tail(m) = schur_factor_.solve(right);
    out.tail(m) += schur_factor_.solve(right - schur_ * out.tail(m));
    out.head(n).noalias() -= towards_ * out.tail(m);
    return out;
}

void ProjectedCg::start(const Vector& b, const Vector& z) {
    const Index n = jacobian_.cols(), m = jacobian_.rows();
    reached_ = z;
    right_side_ = b;
    slope_ = b;
    const auto subtract = [&](const Vector& step) {
        if (step.isZero(0)) return;
        slope_.head(n) -= hessian_(step.head(n));
        slope_.head(n).noalias() -= jacobian_.transpose() * step.tail(m);
        slope_.tail(m).noalias() -= jacobian_ * step.head(n) - relaxation_ * step.tail(m);
    };
    subtract(z);
    if (m > 0 && slope_.tail(m).norm() > 0) {  // onto the constraints
        const Vector step = precondition(slope_);
        reached_ += step;
        subtract(step);
        slope_.tail(m).setZero();
    }
    direction_ = Vector::Zero(n + m);
    slope_descent_ = 0;
}

double ProjectedCg::residual(const Vector& b, const Vector& z) const {
    const Index n = jacobian_.cols(), m = jacobian_.rows();
    const Vector rest = b.tail(m) - jacobian_ * z.head(n) + relaxation_ * z.tail(m);
    return std::hypot(slope_.head(n).norm(), rest.norm());
}

double ProjectedCg::solve(const Vector& b, double tolerance, Vector& z, const Context& context) {
    constexpr Index longest = 1000, patience = 60;
    const Index n = jacobian_.cols(), m = jacobian_.rows();
    const double size = b.norm();
    negative_curvature_ = false;
    if (size == 0) {
        z.setZero(n + m);
        return 0;
    }
    if (right_side_.size() != b.size() || right_side_ != b || reached_ != z) start(b, z);
    z = reached_;
    double reached = residual(b, z) / size, best = reached;
    Index since_best = 0;
    Vector before;
    for (Index k = 0; k < longest && since_best < patience && !context.stop(); ++k) {
        Vector step = precondition(slope_);
        // Without a relaxation the step's multipliers are taken at once: else the part of the
        // residual that multipliers can take away would stay.
        if (relaxation_ == 0 && m > 0) {
            z.tail(m) += step.tail(m);
            slope_.head(n).noalias() -= jacobian_.transpose() * step.tail(m);
            step.tail(m).setZero();
        }
        reached = residual(b, z) / size;
        if (reached < 0.99 * best) {
            best = reached;
            since_best = 0;
        } else {
            ++since_best;
        }
        if (reached <= tolerance) break;
        // Polak and Ribiere's formula forgives that single precision is not quite linear.
        const double product = slope_.head(n).dot(step.head(n));
        const double turn =
            before.size() > 0 && slope_descent_ > 0
                ? std::max(0.0, (product - before.dot(step.head(n))) / slope_descent_)
                : (slope_descent_ > 0 ? product / slope_descent_ : 0.0);
        direction_ = step + turn * direction_;
        slope_descent_ = product;
        before = slope_.head(n);
        Vector image = hessian_(direction_.head(n));
        ++iterations_;
        image.noalias() += jacobian_.transpose() * direction_.tail(m);
        const double curvature = direction_.head(n).dot(image);
        if (!(curvature > 0)) {
            negative_curvature_ = true;
            break;
        }
        const double length = slope_.head(n).dot(direction_.head(n)) / curvature;
        z += length * direction_;
        slope_.head(n) -= length * image;
    }
    reached_ = z;
    return reached;
}

}  // namespace cycloid::newton
