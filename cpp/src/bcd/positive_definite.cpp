#include "cycloid/bcd/positive_definite.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

#include "precondition.hpp"

namespace cycloid::bcd {
namespace {

using Vector = std::vector<double>;

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

// Vectors side by side: what happens to each of them in one pass over all.
class SideBySide {
public:
    explicit SideBySide(Index width) : width_(width) {}

    Vector dot(const Vector& a, const Vector& b) const {
        Vector sums(at(width_), 0.0);
        for (std::size_t k = 0; k < a.size(); k += at(width_)) {
            for (std::size_t c = 0; c < sums.size(); ++c) sums[c] += a[k + c] * b[k + c];
        }
        return sums;
    }
    // y += s x, with a number for each vector.
    void add(const Vector& s, const Vector& x, Vector& y) const {
        for (std::size_t k = 0; k < y.size(); k += s.size()) {
            for (std::size_t c = 0; c < s.size(); ++c) y[k + c] += s[c] * x[k + c];
        }
    }
    // y = x + s y
    void scale_add(const Vector& x, const Vector& s, Vector& y) const {
        for (std::size_t k = 0; k < y.size(); k += s.size()) {
            for (std::size_t c = 0; c < s.size(); ++c) y[k + c] = x[k + c] + s[c] * y[k + c];
        }
    }
    Vector norms(const Vector& x) const {
        Vector sums = dot(x, x);
        for (double& sum : sums) sum = std::sqrt(sum);
        return sums;
    }

private:
    Index width_;
};

class Solver {
public:
    Solver(const GraphSystem& system, const double* b, Index width,
           const PositiveDefiniteOptions& options, Monitor& monitor);

    PositiveDefiniteSolution run(double* x);

private:
    bool prepare();
    std::unique_ptr<Approximation> approximate_core(const Context& context) const;
    void correct();
    void descend(Vector& rhs);
    double update_residual();
    double ratio(const Vector& norms) const;
    bool is_done(const Vector& norms) const;
    void bound_errors();
    void end(Status status) { solution_.status = status; }

    const GraphSystem& system_;
    const PositiveDefiniteOptions& options_;
    Monitor& monitor_;
    Index n_, given_, width_;  // right-hand sides given, and with the one that bounds errors
    SideBySide beside_;
    Vector b_, x_, residual_, norms_, scale_, tolerance_;
    Elimination eliminated_;
    GraphSystem core_;
    std::unique_ptr<Approximation> approximation_;
    PositiveDefiniteSolution solution_;
};

// A dominant matrix has a non-negative inverse, so |x - exact x| <= A^{-1} |residual|, and a vector
// z with A z >= s > 0 bounds that by max |residual| z / s. One more right-hand side, of ones, gives
// it.
Solver::Solver(const GraphSystem& system, const double* b, Index width,
               const PositiveDefiniteOptions& options, Monitor& monitor)
    : system_(system),
      options_(options),
      monitor_(monitor),
      n_(system.matrix.size()),
      given_(width),
      width_(width + (system.is_dominant() ? 1 : 0)),
      beside_(width_),
      b_(at(n_ * width_), 1.0),
      x_(b_.size(), 0.0) {
    for (Index i = 0; i < n_; ++i) {
        std::copy_n(b + i * given_, given_, b_.begin() + static_cast<Index>(i * width_));
    }
    scale_ = beside_.norms(b_);
    tolerance_ = scale_;
    for (double& tolerance : tolerance_) tolerance *= options.rtol;
    if (width_ > given_) tolerance_.back() = 0.5;
}

bool Solver::prepare() {
    if (options_.preconditioner == Preconditioner::Sampled && !system_.is_dominant()) {
        throw std::invalid_argument(
            "preconditioner='sampled' needs a diagonally dominant A without positive entries off "
            "its diagonal");
    }
    const Context context{1, &monitor_};
    eliminated_ = eliminate(system_, options_.limits, context, core_);
    solution_.n_eliminated = std::ssize(eliminated_.order);
    solution_.n_factor = std::ssize(eliminated_.values) + solution_.n_eliminated;
    solution_.positive_definite = eliminated_.positive;
    if (monitor_.stopped() || !eliminated_.positive) return false;
    if (eliminated_.kept.empty()) return true;
    approximation_ = approximate_core(context);
    if (monitor_.stop()) return false;
    solution_.positive_definite = approximation_->positive();
    return solution_.positive_definite;
}

std::unique_ptr<Approximation> Solver::approximate_core(const Context& context) const {
    const SparseSymmetric& a = core_.matrix;
    Preconditioner choice = options_.preconditioner;
    if (choice == Preconditioner::Auto) {
        // A factorization against some forty steps of conjugate gradients, in multiply-adds of
        // products of dense blocks and of single ones.
        const auto m = static_cast<double>(a.size());
        const auto entries = static_cast<double>(a.values.size()) * static_cast<double>(width_);
        if (m * m * m < 5e3 * entries && m < 5e3) return make_dense_factor(a, context);
        choice = core_.is_dominant() ? Preconditioner::Sampled : Preconditioner::Forest;
    }
    return choice == Preconditioner::Sampled ? make_sampled(core_, context) : make_forest_sweep(a);
}

double Solver::ratio(const Vector& norms) const {
    double worst = 0;
    for (std::size_t c = 0; c < at(given_); ++c) {
        if (norms[c] > 0) worst = std::max(worst, norms[c] / scale_[c]);
    }
    return worst;
}

bool Solver::is_done(const Vector& norms) const {
    for (std::size_t c = 0; c < at(given_); ++c) {
        if (!(norms[c] <= tolerance_[c])) return false;
    }
    return true;
}

// residual = b - A x; returns the worst relative norm.
double Solver::update_residual() {
    residual_.resize(x_.size());
    system_.matrix.multiply(x_.data(), width_, residual_.data());
    for (std::size_t k = 0; k < x_.size(); ++k) residual_[k] = b_[k] - residual_[k];
    norms_ = beside_.norms(residual_);
    return ratio(norms_);
}

// Preconditioned conjugate gradients on the core, from zero; rhs becomes the solution.
void Solver::descend(Vector& rhs) {
    Vector x(rhs.size(), 0.0), direction(rhs.size()), image(rhs.size()), step(at(width_));
    Vector& r = rhs;
    approximation_->apply(r.data(), width_, direction.data());
    Vector inner = beside_.dot(r, direction), before;
    Vector norms = beside_.norms(r);
    Vector& z = image;  // never needed while the image is
    // Residuals are updated, not recomputed: the margin is for what they lose by that.
    const auto small = [&] {
        return std::ranges::equal(norms, tolerance_,
                                  [](double norm, double limit) { return norm <= 0.5 * limit; });
    };
    while (!small() && solution_.n_iter < options_.max_iter && solution_.positive_definite) {
        core_.matrix.multiply(direction.data(), width_, image.data());
        const Vector curvature = beside_.dot(direction, image);
        for (std::size_t c = 0; c < step.size(); ++c) {
            const bool moves = norms[c] > 0.5 * tolerance_[c];
            if (moves && !(curvature[c] > 0)) solution_.positive_definite = false;
            step[c] = moves ? inner[c] / curvature[c] : 0.0;
        }
        beside_.add(step, direction, x);
        for (double& s : step) s = -s;
        beside_.add(step, image, r);
        norms = beside_.norms(r);
        ++solution_.n_iter;
        solution_.trace.push(
            {static_cast<double>(solution_.n_iter), monitor_.seconds(), ratio(norms)});
        if (monitor_.report(solution_.trace, small())) break;
        approximation_->apply(r.data(), width_, z.data());
        before = std::exchange(inner, beside_.dot(r, z));
        for (std::size_t c = 0; c < step.size(); ++c) {
            step[c] = before[c] > 0 ? inner[c] / before[c] : 0.0;
        }
        beside_.scale_add(z, step, direction);
    }
    rhs = std::move(x);
}

// x += the solution of A d = residual, as well as one pass gives it.
void Solver::correct() {
    Vector work = residual_;
    for (std::size_t c = 0; c < norms_.size(); ++c) {
        if (norms_[c] > tolerance_[c]) continue;
        for (auto k = c; k < work.size(); k += norms_.size()) work[k] = 0;
    }
    eliminated_.forward(work.data(), width_);
    if (approximation_) {
        Vector core(eliminated_.kept.size() * at(width_));
        const auto kept = [&](std::size_t k) {
            return work.begin() + eliminated_.kept[k] * width_;
        };
        for (std::size_t k = 0; k < eliminated_.kept.size(); ++k) {
            std::copy_n(kept(k), width_, core.begin() + static_cast<Index>(k) * width_);
        }
        descend(core);
        for (std::size_t k = 0; k < eliminated_.kept.size(); ++k) {
            std::copy_n(core.begin() + static_cast<Index>(k) * width_, width_, kept(k));
        }
    }
    eliminated_.backward(work.data(), width_);
    for (std::size_t k = 0; k < x_.size(); ++k) x_[k] += work[k];
}

// The rounding errors of the residual itself count as residual.
void Solver::bound_errors() {
    constexpr double epsilon = std::numeric_limits<double>::epsilon();
    double largest = 0, longest = 0, least = std::numeric_limits<double>::infinity();
    for (Index i = 0; i < n_; ++i) {
        const auto nodes = system_.matrix.neighbours(i);
        const auto values = system_.matrix.couplings(i);
        const double unit = epsilon * (static_cast<double>(nodes.size()) + 4);
        for (Index c = 0; c < width_; ++c) {
            const auto k = at(width_ * i + c);
            double size = std::abs(b_[k]) + system_.matrix.diagonal[at(i)] * std::abs(x_[k]);
            for (std::size_t q = 0; q < nodes.size(); ++q) {
                size += std::abs(values[q] * x_[at(width_ * nodes[q] + c)]);
            }
            if (c < given_) {
                largest = std::max(largest, std::abs(residual_[k]) + unit * size);
            } else {
                least = std::min(least, 1 - residual_[k] - unit * size);
                longest = std::max(longest, std::abs(x_[k]));
            }
        }
    }
    if (least > 0) solution_.error_bound = largest * longest / least;
}

PositiveDefiniteSolution Solver::run(double* x) {
    double last = std::numeric_limits<double>::infinity();
    solution_.violation = update_residual();
    if (prepare()) {
        while (!is_done(norms_)) {
            correct();
            const double now = update_residual();
            const bool worse = !(now < last);
            solution_.violation = now;
            if (!solution_.positive_definite || monitor_.stopped() || is_done(norms_)) break;
            if (solution_.n_iter >= options_.max_iter) {
                end(Status::MaxIter);
                break;
            }
            if (worse || (now > 0.5 * last)) {
                end(Status::Stalled);
                break;
            }
            last = now;
        }
    }
    if (monitor_.stopped()) end(monitor_.reason());
    if (!std::isfinite(solution_.violation)) end(Status::NumericalError);
    solution_.trace.push(
        {static_cast<double>(solution_.n_iter), monitor_.seconds(), solution_.violation});
    monitor_.report(solution_.trace, true);
    if (width_ > given_) bound_errors();
    for (Index i = 0; i < n_; ++i) {
        std::copy_n(x_.begin() + static_cast<Index>(i * width_), given_, x + i * given_);
    }
    return std::move(solution_);
}

}  // namespace

PositiveDefiniteSolution solve_positive_definite(const GraphSystem& system, const double* b,
                                                 Index width, double* x,
                                                 const PositiveDefiniteOptions& options,
                                                 Monitor& monitor) {
    return Solver(system, b, width, options, monitor).run(x);
}

}  // namespace cycloid::bcd
