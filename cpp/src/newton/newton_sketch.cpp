#include "cycloid/newton/newton_sketch.hpp"

#include <cmath>

#include "cycloid/newton/projected_cg.hpp"

namespace cycloid::newton {
namespace {

constexpr Index sample_factor = 16;  // rows of the subsample for the start, by columns

// The duality gap at u = -loss'(z), which is a dual point wherever the derivative by the intercept
// vanishes: then it is ||g||^2 / (2 ridge) by the derivatives g of the coefficients. What the
// intercept still has to gain is added by its own Newton decrement.
double duality_gap(const FiniteSum& sum, const SumPoint& at) {
    if (sum.ridge <= 0) return INFINITY;
    const Index count = sum.coefficients();
    double gap = at.gradient.head(count).squaredNorm() / (2 * sum.ridge);
    if (!sum.intercept) return gap;
    for (Index k = 0; k < sum.outputs; ++k) {
        const Eigen::Map<const Eigen::ArrayXd> w(sum.weights, at.curvature.rows());
        const auto h = at.curvature.col(k).array();
        const double bend = sum.loss == LossKind::Multinomial ? (w * h * (1.0 - h)).sum() : h.sum();
        const double slope = at.gradient[count + k];
        if (slope != 0) gap += slope * slope / (2 * bend);
    }
    return gap;
}

// Adding one vector to the coefficients of all classes changes no probability. Kept out of the
// search, it does not slow it down: blocks of single classes know nothing of it.
void centre_classes(const FiniteSum& sum, Vector& point) {
    if (sum.loss != LossKind::Multinomial) return;
    Eigen::Map<Matrix> coefficients(point.data(), sum.x.columns(), sum.outputs);
    const Vector mean = coefficients.rowwise().mean();
    coefficients.colwise() -= mean;
    if (sum.intercept) point.tail(sum.outputs).array() -= point.tail(sum.outputs).mean();
}

class CentredPreconditioner final : public Preconditioner {
public:
    CentredPreconditioner(const FiniteSum& sum, const Preconditioner& inner)
        : sum_(sum), inner_(inner) {}
    bool factor(const CurvatureTerms&, const Context&) override { return true; }
    Vector solve(const Vector& r) const override {
        Vector out = inner_.solve(r);
        centre_classes(sum_, out);
        return out;
    }

private:
    const FiniteSum& sum_;
    const Preconditioner& inner_;
};

class NewtonSketch {
public:
    NewtonSketch(const FiniteSum& sum, const NewtonSketchOptions& options, const Context& context)
        : sum_(sum), options_(options), context_(context), schedule_(sum, options.seed) {}

    SumSolution run() {
        at_ = evaluate_completely(sum_, start(), context_);
        // A subsample may lack a class or a rare event, and lead astray.
        if (options_.start == nullptr && !(at_.value <= value_at_zeros())) {
            at_ = evaluate_completely(sum_, Vector::Zero(sum_.dimension()), context_);
        }
        while (!finished()) {
            const Vector step = direction();
            if (context_.stop()) break;
            if (!advance(step)) {
                // Where the function is flat to rounding, so is the gradient, nearly.
                solution_.status = Status::Stalled;
                break;
            }
            ++solution_.n_iter;
        }
        if (context_.stop()) solution_.status = context_.monitor->reason();
        solution_.point = at_.point;
        solution_.value = at_.value;
        solution_.largest_derivative = at_.gradient.lpNorm<Eigen::Infinity>();
        solution_.gap = duality_gap(sum_, at_);
        return std::move(solution_);
    }

private:
    Vector start() const;
    double value_at_zeros() const;
    bool finished();
    Vector direction();
    bool advance(const Vector& step);

    const FiniteSum& sum_;
    NewtonSketchOptions options_;
    Context context_;
    CurvatureSchedule schedule_;
    SumPoint at_;
    ProjectedCg cg_;
    double gradient_before_ = 0, last_step_ = 0;
    SumSolution solution_;
};

// The solution for a subsample is as near as its noise allows.
Vector NewtonSketch::start() const {
    if (options_.start != nullptr) {
        Vector given = *options_.start;
        centre_classes(sum_, given);
        return given;
    }
    const Index n = sum_.x.rows(), count = sample_factor * sum_.x.columns();
    if (4 * count > n) return Vector::Zero(sum_.dimension());
    const std::vector<Index> which = draw(n, count, options_.seed + 1);
    const auto rows = sum_.x.take(which);
    Vector y(count), weights(count);
    for (Index i = 0; i < count; ++i) {
        y[i] = sum_.y[which[i]];
        weights[i] = sum_.weights[which[i]];
    }
    if (!(weights.sum() > 0)) return Vector::Zero(sum_.dimension());
    weights /= weights.sum();
    const FiniteSum part{*rows,        y.data(),   weights.data(), sum_.loss,
                         sum_.outputs, sum_.ridge, sum_.intercept};
    const Vector zeros = Vector::Zero(sum_.dimension());
    NewtonSketchOptions options;
    options.gradient_tolerance = 1e-2 * evaluate(part, zeros, context_).gradient.norm() /
                                 std::sqrt(static_cast<double>(zeros.size()));
    options.max_iter = 15;
    options.seed = options_.seed;
    options.start = &zeros;
    options.report = false;
    const Vector found = NewtonSketch(part, options, context_).run().point;
    return found.allFinite() ? found : zeros;
}

double NewtonSketch::value_at_zeros() const {
    const Matrix zeros = Matrix::Zero(sum_.x.rows(), sum_.outputs);
    return loss_on_line(sum_, zeros, zeros, 0, context_);
}

bool NewtonSketch::finished() {
    const double largest = at_.gradient.lpNorm<Eigen::Infinity>(), gap = duality_gap(sum_, at_);
    const double seconds = context_.monitor != nullptr ? context_.monitor->seconds() : 0;
    solution_.n_inner = cg_.iterations();
    solution_.trace.push({double(solution_.n_iter), seconds, at_.value, gap, largest,
                          double(solution_.n_inner), last_step_});
    const bool done =
        largest <= options_.gradient_tolerance || gap <= options_.gap_tolerance || largest == 0;
    if (done) solution_.status = Status::Converged;
    if (!std::isfinite(at_.value) || !std::isfinite(largest)) {
        solution_.status = Status::NumericalError;
        return true;
    }
    const bool last = done || solution_.n_iter >= options_.max_iter;
    if (context_.monitor == nullptr || !options_.report) return last || context_.stop();
    return context_.monitor->report(solution_.trace, last) || last;
}

// H step = -gradient, to a relative residual that tightens with the square of the progress
// (Eisenstat & Walker, SIAM J. Sci. Comput. 17, 1996, choice 2).
Vector NewtonSketch::direction() {
    const double size = at_.gradient.norm();
    const double progress = gradient_before_ > 0 ? size / gradient_before_ : 1.0;
    double forcing = std::min(0.1, 0.9 * progress * progress);
    if (options_.gradient_tolerance > 0) {
        // No more than the last step needs.
        const double largest = at_.gradient.lpNorm<Eigen::Infinity>();
        forcing = std::max(forcing, 0.2 * options_.gradient_tolerance / largest);
    }
    forcing = std::clamp(forcing, 1e-10, 0.1);
    gradient_before_ = size;
    CurvatureTerms terms;
    terms.diagonal = sum_.ridge;
    Preconditioner* m = &schedule_.at(at_, context_);
    while (!m->factor(terms, context_) && !context_.stop()) {
        // Rounding alone makes this matrix indefinite.
        if (!schedule_.improve()) {
            terms.diagonal = std::max(2 * terms.diagonal, 1e-12 * at_.curvature.sum() + 1e-300) * 8;
        }
        m = &schedule_.at(at_, context_);
    }
    const auto product = [this](const Vector& v) -> Vector {
        return hessian_times(sum_, at_, v, context_);
    };
    const CentredPreconditioner centred(sum_, *m);
    cg_.prepare(product, centred, Matrix(0, sum_.dimension()), 0);
    Vector step = Vector::Zero(sum_.dimension());
    const Index before = cg_.iterations();
    cg_.solve(-at_.gradient, forcing, step, context_);
    schedule_.note(cg_.iterations() - before);
    return step;
}

// The whole step is tried first, with its gradient, since it is nearly always taken. Shorter ones
// need no pass over X but one for the predictor of the direction.
bool NewtonSketch::advance(const Vector& step) {
    const double slope = at_.gradient.dot(step);
    if (!(slope < 0)) return false;
    const double rounding = 1e-14 * std::abs(at_.value);
    SumPoint next = evaluate(sum_, at_.point + step, context_);
    last_step_ = 1;
    if (!(next.value <= at_.value + 1e-4 * slope + rounding)) {
        const Matrix along = predict(sum_, step, context_);
        const Index count = sum_.coefficients();
        const auto w = at_.point.head(count);
        const auto dw = step.head(count);
        const auto value = [&](double length) {
            return loss_on_line(sum_, at_.predictor, along, length, context_) +
                   0.5 * sum_.ridge * (w + length * dw).squaredNorm();
        };
        double length = 0.5;
        while (!(value(length) <= at_.value + 1e-4 * length * slope)) {
            length /= 2;
            if (length < 1e-12 || context_.stop()) return false;
        }
        last_step_ = length;
        next = evaluate(sum_, at_.point + length * step, context_);
    } else if (next.value >= at_.value && !(next.gradient.norm() < 0.9 * at_.gradient.norm())) {
        return false;
    }
    if (context_.stop()) return false;
    at_ = std::move(next);
    return true;
}

}  // namespace

SumSolution solve_newton_sketch(const FiniteSum& sum, const NewtonSketchOptions& options,
                                const Context& context) {
    return NewtonSketch(sum, options, context).run();
}

}  // namespace cycloid::newton
