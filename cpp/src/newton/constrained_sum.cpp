#include "cycloid/newton/constrained_sum.hpp"

#include <Eigen/QR>
#include <cmath>
#include <stdexcept>

#include "cycloid/newton/curvature_schedule.hpp"
#include "cycloid/newton/projected_cg.hpp"

namespace cycloid::newton {
namespace {

// X'DX + diagonal I + dense, the last two in the block of W.
class SumHessian final : public LinearMap {
public:
    SumHessian(const FiniteSum& sum, std::shared_ptr<const SumPoint> at, double diagonal,
               Matrix dense, Context context)
        : sum_(sum),
          at_(std::move(at)),
          diagonal_(diagonal),
          dense_(std::move(dense)),
          context_(context) {}

    Index rows() const override { return sum_.dimension(); }
    Index columns() const override { return sum_.dimension(); }
    Vector times(const Vector& v) const override {
        Vector out = hessian_times(sum_, *at_, v, context_);
        const Index count = sum_.coefficients();
        out.head(count) += diagonal_ * v.head(count);
        if (dense_.size() > 0) out.head(count).noalias() += dense_ * v.head(count);
        return out;
    }
    Vector transposed_times(const Vector& v) const override { return times(v); }
    bool finite() const override { return at_->curvature.allFinite(); }

    const SumPoint& point() const { return *at_; }
    // What a preconditioner has to add to the curvature of the losses.
    CurvatureTerms terms() const {
        return {sum_.ridge + diagonal_, dense_.size() > 0 ? &dense_ : nullptr, nullptr};
    }

private:
    const FiniteSum& sum_;
    std::shared_ptr<const SumPoint> at_;
    double diagonal_;
    Matrix dense_;
    Context context_;
};

class SumSolver final : public LinearSolver {
public:
    SumSolver(const FiniteSum& sum, std::uint64_t seed) : sum_(sum), schedule_(sum, seed) {}

    Inertia prepare(const System& system, const Context& context) override {
        hessian_ = std::dynamic_pointer_cast<const SumHessian>(system.hessian);
        const Matrix* jacobian = system.jacobian->dense();
        if (!hessian_ || jacobian == nullptr) {
            throw std::logic_error("a finite sum's solver serves its own problem alone");
        }
        Preconditioner* m = &schedule_.at(hessian_->point(), context);
        Inertia inertia = factor(*m, *jacobian, system.shift, context);
        // A source that has not seen all rows, or not here, may have missed what matters.
        if (inertia != Inertia::Correct && (schedule_.improve_to_all() || schedule_.is_old())) {
            schedule_.renew();
            m = &schedule_.at(hessian_->point(), context);
            inertia = factor(*m, *jacobian, system.shift, context);
        }
        if (inertia != Inertia::Correct) return inertia;
        const double shift = system.shift;
        const auto product = [hessian = hessian_, shift](const Vector& v) -> Vector {
            return hessian->times(v) + shift * v;
        };
        const bool full_rank = cg_.prepare(product, *m, *jacobian, system.relaxation);
        return full_rank ? inertia : Inertia::Singular;
    }

    double solve(const Vector& b, double tolerance, Vector& z, const Context& context) override {
        const Index before = cg_.iterations();
        const double reached = cg_.solve(b, tolerance, z, context);
        schedule_.note(cg_.iterations() - before);
        if (cg_.negative_curvature()) schedule_.renew();
        return reached;
    }

    Index iterations() const override { return cg_.iterations(); }

private:
    // The curvature need not be positive where the constraints leave no freedom: there it may be
    // raised without any effect on the step.
    Inertia factor(Preconditioner& m, const Matrix& jacobian, double shift,
                   const Context& context) const {
        CurvatureTerms terms = hessian_->terms();
        terms.diagonal += shift;
        if (m.factor(terms, context)) return Inertia::Correct;
        if (sum_.outputs > 1 || jacobian.rows() == 0) return Inertia::Wrong;
        const Index count = sum_.coefficients();
        const Matrix normals = jacobian.leftCols(count).transpose();
        const Index rank = std::min(count, normals.cols());
        Matrix raised = normals.householderQr().householderQ() * Matrix::Identity(count, rank);
        double size = std::abs(terms.diagonal);
        if (terms.dense != nullptr) size += terms.dense->diagonal().cwiseAbs().maxCoeff();
        raised *= std::sqrt(100 * (size + hessian_->point().curvature.sum()));
        terms.low_rank = &raised;
        return m.factor(terms, context) ? Inertia::Correct : Inertia::Wrong;
    }

    const FiniteSum& sum_;
    CurvatureSchedule schedule_;
    std::shared_ptr<const SumHessian> hessian_;
    ProjectedCg cg_;
};

}  // namespace

namespace {

// The least t > 0 at which the first nonlinear constraint holds at w + t v; 0 if there is none.
double first_crossing(const SumConstraints& constraints, const Vector& w, const Vector& v) {
    double square, slope, value;  // square t^2 + slope t + value
    if (constraints.squared_norm) {
        square = v.squaredNorm();
        slope = 2 * w.dot(v);
        value = w.squaredNorm() - *constraints.squared_norm;
    } else if (!constraints.quadratics.empty()) {
        const Quadratic& q = constraints.quadratics.front();
        square = v.dot(q.curvature * v) / 2;
        slope = v.dot(q.curvature * w + q.slope);
        value = w.dot(q.curvature * w) / 2 + q.slope.dot(w) - q.value;
    } else {
        return 0;
    }
    const double root = std::sqrt(slope * slope - 4 * square * value);
    // Either end of the interval, without cancellation; NaN where no end is real.
    const double half = -0.5 * (slope + std::copysign(root, slope));
    double best = 0;
    for (const double t : {half / square, value / half}) {
        if (std::isfinite(t) && t > 0 && (best == 0 || t < best)) best = t;
    }
    return best;
}

}  // namespace

Vector first_point(const FiniteSum& sum, const SumConstraints& constraints,
                   const Context& context) {
    Vector point = Vector::Zero(sum.dimension());
    const Index count = sum.coefficients();
    const Eigen::CompleteOrthogonalDecomposition<Matrix> linear(constraints.a);
    if (constraints.a.rows() > 0) point.head(count) = linear.solve(constraints.b);
    if (!constraints.squared_norm && constraints.quadratics.empty()) return point;
    Vector descent = -evaluate(sum, point, context).gradient.head(count);
    if (constraints.a.rows() > 0) {
        const Vector normal = constraints.a * descent;
        descent -= linear.solve(normal);
    }
    point.head(count) += first_crossing(constraints, point.head(count), descent) * descent;
    return point;
}

const SumPoint& ConstrainedSum::at(const Vector& x) {
    if (!last_ || last_->point != x) {
        last_ = std::make_shared<const SumPoint>(evaluate_completely(sum_, x, context_));
    }
    return *last_;
}

Vector ConstrainedSum::constraints(const Vector& x) {
    const auto w = x.head(sum_.coefficients());
    const Index linear = constraints_.a.rows();
    Vector out(m());
    if (linear > 0) out.head(linear) = constraints_.a * w - constraints_.b;
    Index row = linear;
    if (constraints_.squared_norm) out[row++] = w.squaredNorm() - *constraints_.squared_norm;
    for (const Quadratic& q : constraints_.quadratics) {
        out[row++] = 0.5 * w.dot(q.curvature * w) + q.slope.dot(w) - q.value;
    }
    return out;
}

Map ConstrainedSum::jacobian(const Vector& x) {
    const auto w = x.head(sum_.coefficients());
    const Index linear = constraints_.a.rows(), count = sum_.coefficients();
    Matrix out = Matrix::Zero(m(), n());
    if (linear > 0) out.topLeftCorner(linear, count) = constraints_.a;
    Index row = linear;
    if (constraints_.squared_norm) out.row(row++).head(count) = 2 * w.transpose();
    for (const Quadratic& q : constraints_.quadratics) {
        out.row(row++).head(count) = (q.curvature * w + q.slope).transpose();
    }
    return make_map(std::move(out));
}

Map ConstrainedSum::hessian(const Vector& x, const Vector& y) {
    at(x);
    Index row = constraints_.a.rows();
    const double diagonal = constraints_.squared_norm ? 2 * y[row++] : 0.0;
    Matrix dense;
    for (const Quadratic& q : constraints_.quadratics) {
        if (dense.size() == 0) dense = Matrix::Zero(sum_.coefficients(), sum_.coefficients());
        dense += y[row++] * q.curvature;
    }
    return std::make_shared<SumHessian>(sum_, last_, diagonal, std::move(dense), context_);
}

std::unique_ptr<LinearSolver> ConstrainedSum::make_solver() {
    return std::make_unique<SumSolver>(sum_, seed_);
}

}  // namespace cycloid::newton
