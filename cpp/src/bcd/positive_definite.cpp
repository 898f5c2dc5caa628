#include "cycloid/bcd/positive_definite.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
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
        for_width(width_, [&](auto w) {
            double* const sum = sums.data();
            for (std::size_t k = 0; k < a.size(); k += at(w)) {
                for (std::size_t c = 0; c < at(w); ++c) sum[c] += a[k + c] * b[k + c];
            }
        });
        return sums;
    }
    // y += s x, with a number for each vector.
    void add(const Vector& s, const Vector& x, Vector& y) const {
        for_width(width_, [&](auto w) {
            for (std::size_t k = 0; k < y.size(); k += at(w)) {
                for (std::size_t c = 0; c < at(w); ++c) y[k + c] += s[c] * x[k + c];
            }
        });
    }
    // y = x + s y
    void scale_add(const Vector& x, const Vector& s, Vector& y) const {
        for_width(width_, [&](auto w) {
            for (std::size_t k = 0; k < y.size(); k += at(w)) {
                for (std::size_t c = 0; c < at(w); ++c) y[k + c] = x[k + c] + s[c] * y[k + c];
            }
        });
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
    Vector b_, x_, residual_, noise_, norms_, scale_, tolerance_;
    Vector unit_;  // right-hand sides are divided by theirs
    Elimination eliminated_;
    GraphSystem core_;
    std::unique_ptr<Approximation> approximation_;
    PositiveDefiniteSolution solution_;
};

// A dominant matrix has a non-negative inverse, so |x - exact x| <= A^{-1} |residual|, and a vector
// z with A z >= s diag(A) bounds that by max(|residual| / diag(A)) z / s. One more right-hand side,
// of the diagonal, gives it.
Solver::Solver(const GraphSystem& system, const double* b, Index width,
               const PositiveDefiniteOptions& options, Monitor& monitor)
    : system_(system),
      options_(options),
      monitor_(monitor),
      n_(system.matrix.size()),
      given_(width),
      width_(width + (system.is_dominant() ? 1 : 0)),
      beside_(width_),
      b_(at(n_ * width_)),
      x_(b_.size(), 0.0),
      unit_(at(width_), 0.0) {
    for (Index i = 0; i < n_; ++i) {
        double* const row = b_.data() + i * width_;
        std::copy_n(b + i * given_, given_, row);
        if (width_ > given_) row[given_] = system.matrix.diagonal[at(i)];
        for (std::size_t c = 0; c < unit_.size(); ++c)
            unit_[c] = std::max(unit_[c], std::abs(row[c]));
    }
    // Powers of two near the largest entry, so that no norm overflows or vanishes.
    for (double& unit : unit_) {
        unit = std::ldexp(1.0, unit > 0 ? std::clamp(std::ilogb(unit), -1000, 1000) : 0);
    }
    for (std::size_t k = 0; k < b_.size(); k += unit_.size()) {
        for (std::size_t c = 0; c < unit_.size(); ++c) b_[k + c] /= unit_[c];
    }
    scale_ = beside_.norms(b_);
    tolerance_ = scale_;
    for (double& tolerance : tolerance_) tolerance *= options.rtol;
    if (width_ > given_) {
        const double least = std::ranges::min(system.matrix.diagonal);
        tolerance_.back() = 0.5 * (least / unit_.back());
    }
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

// residual = b - A x, or 0 where the rounding errors of that computation (`noise`) explain it;
// returns the worst relative norm.
double Solver::update_residual() {
    constexpr double epsilon = std::numeric_limits<double>::epsilon();
    residual_ = b_;
    noise_.resize(b_.size());
    for (Index i = 0; i < n_; ++i) {
        double* const r = residual_.data() + width_ * i;
        double* const size = noise_.data() + width_ * i;
        for (Index c = 0; c < width_; ++c) size[c] = std::abs(r[c]);
        const auto take = [&](double value, Index j) {
            const double* const from = x_.data() + width_ * j;
            for (Index c = 0; c < width_; ++c) {
                const double product = value * from[c];
                r[c] -= product;
                size[c] += std::abs(product);
            }
        };
        take(system_.matrix.diagonal[at(i)], i);
        const auto nodes = system_.matrix.neighbours(i);
        const auto values = system_.matrix.couplings(i);
        for (std::size_t q = 0; q < nodes.size(); ++q) take(values[q], nodes[q]);
        const double unit = epsilon * (static_cast<double>(nodes.size()) + 4);
        for (Index c = 0; c < width_; ++c) {
            size[c] *= unit;
            if (std::abs(r[c]) <= size[c]) r[c] = 0;
        }
    }
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
    // Residuals are updated, not recomputed: the factor is for what they lose by that, and what is
    // beyond the digits of one pass is left to the next.
    Vector target = tolerance_;
    for (std::size_t c = 0; c < target.size(); ++c) {
        target[c] = std::max(0.5 * tolerance_[c], 1e-15 * norms[c]);
    }
    const auto small = [&] { return std::ranges::equal(norms, target, std::less_equal<>()); };
    while (!small() && solution_.n_iter < options_.max_iter && solution_.positive_definite) {
        core_.matrix.multiply(direction.data(), width_, image.data());
        const Vector curvature = beside_.dot(direction, image);
        for (std::size_t c = 0; c < step.size(); ++c) {
            const bool moves = !(norms[c] <= target[c]);
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

void Solver::bound_errors() {
    double longest = 0, least = std::numeric_limits<double>::infinity();
    Vector largest(at(given_), 0.0);
    for (Index i = 0; i < n_; ++i) {
        const double diagonal = system_.matrix.diagonal[at(i)];
        for (Index c = 0; c < width_; ++c) {
            const auto k = at(width_ * i + c);
            const double error = std::abs(residual_[k]) + noise_[k];
            if (c < given_) {
                largest[at(c)] = std::max(largest[at(c)], error / diagonal);
            } else {
                least = std::min(least, 1 - error / b_[k]);
                longest = std::max(longest, std::abs(x_[k]) * unit_.back());
            }
        }
    }
    if (!(least > 0)) return;
    solution_.error_bound = 0;
    for (std::size_t c = 0; c < largest.size(); ++c) {
        const double bound = largest[c] * (longest / least) * unit_[c];
        solution_.error_bound = std::max(solution_.error_bound, bound);
    }
}

PositiveDefiniteSolution Solver::run(double* x) {
    double last = std::numeric_limits<double>::infinity();
    residual_ = b_;
    norms_ = scale_;
    solution_.violation = ratio(norms_);
    if (prepare()) {
        do {
            correct();
            const double now = update_residual();
            solution_.violation = now;
            if (!solution_.positive_definite || monitor_.stopped() || is_done(norms_)) break;
            if (solution_.n_iter >= options_.max_iter) {
                end(Status::MaxIter);
            } else if (!(now <= 0.5 * last)) {
                end(Status::Stalled);
            }
            last = now;
        } while (solution_.status == Status::Converged);
    }
    if (monitor_.stopped()) end(monitor_.reason());
    if (!solution_.positive_definite || !std::isfinite(solution_.violation)) {
        end(Status::NumericalError);
    }
    solution_.trace.push(
        {static_cast<double>(solution_.n_iter), monitor_.seconds(), solution_.violation});
    monitor_.report(solution_.trace, true);
    if (width_ > given_ && !noise_.empty()) bound_errors();
    for (Index i = 0; i < n_; ++i) {
        for (Index c = 0; c < given_; ++c) {
            x[i * given_ + c] = x_[at(width_ * i + c)] * unit_[at(c)];
        }
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
