#include "cycloid/ot/local_problem.hpp"

#include <Eigen/SparseCholesky>
#include <algorithm>
#include <cmath>

namespace cycloid::ot {
namespace {

using Array = Eigen::ArrayXd;

constexpr double longest_step = 4;     // of one Newton step, in units of reg
constexpr double farthest = 18;        // of all steps, in units of reg, on a sparse kernel
constexpr double farthest_dense = 40;  // on a dense one, which lacks entries below 1e-30 alone
constexpr int most_halvings = 7;
constexpr double hidden = 1e-13;  // change of the objective that may be rounding
// Steps of conjugate gradients before a system is factored instead, and the entries a row or column
// up to which that is worth it: more would fill in a factor.
constexpr Index most_cg = 500, many_cg = 100;
constexpr double few_links = 12, most_links = 40;
constexpr double strongest = 1.95;                         // over-relaxation
constexpr double least_damping = 1e-3, most_damping = 10;  // times the error: Newton's shift
constexpr int window = 6;                                  // sweeps over which a rate is measured

View view(const Array& values) { return {values.data(), static_cast<std::size_t>(values.size())}; }
std::span<double> span(Array& values) {
    return {values.data(), static_cast<std::size_t>(values.size())};
}
Eigen::Map<const Array> map(const std::vector<double>& values) {
    return {values.data(), static_cast<Eigen::Index>(values.size())};
}

}  // namespace

// Solves with diag(d) - B' diag(w) B, B = K diag(x), by factoring [diag(1 / w), B; B', diag(d)],
// which stays as sparse as the plan: with few links it is nearly a forest, and however weak some
// of them are, elimination sees them.
class Factor {
public:
    explicit Factor(Index n) : n_(n) {}

    bool compute(const Kernel& kernel, const Array& x, const Array& weight, const Array& diagonal) {
        const Index size = n_ + diagonal.size();
        std::vector<Eigen::Triplet<double>> entries;
        entries.reserve(static_cast<std::size_t>(kernel.stored()) + size);
        const Array root = weight.sqrt();  // scales rows: their diagonal is one
        for (Index i = 0; i < size; ++i)
            entries.emplace_back(int(i), int(i), i < n_ ? 1.0 : diagonal[i - n_]);
        kernel.each_entry([&](Index i, Index j, double k) {
            entries.emplace_back(int(n_ + j), int(i), root[i] * k * x[j]);
        });
        Eigen::SparseMatrix<double> lower(size, size);
        lower.setFromTriplets(entries.begin(), entries.end());
        if (!analyzed_) solver_.analyzePattern(lower);
        analyzed_ = true;
        solver_.factorize(lower);
        return solver_.info() == Eigen::Success && (solver_.vectorD().array() > 0).all();
    }
    Array solve(const Array& r) const {
        Eigen::VectorXd right = Eigen::VectorXd::Zero(n_ + r.size());
        right.tail(r.size()) = r.matrix();
        return solver_.solve(right).tail(r.size()).array();
    }

private:
    Index n_;
    bool analyzed_ = false;
    Eigen::SimplicialLDLT<Eigen::SparseMatrix<double>> solver_;
};

LocalProblem::~LocalProblem() = default;

void Relaxation::restart(double error) {
    seen_ = 0;
    highest_ = 100 * error;
}

void Relaxation::observe(double error) {
    if (error > highest_) {
        omega_ = 1 + 0.5 * (omega_ - 1);
        restart(error);
    }
    // What a change of omega stirs up first is no rate yet.
    const int settling = static_cast<int>(2 / (2 - omega_));
    if (++seen_ <= settling + window) {
        if (seen_ == settling + 1) first_ = error;
        return;
    }
    const double rate = std::pow(error / first_, 1.0 / window);
    seen_ = 0;
    if (!(rate < 1) || rate <= omega_ - 1) return;
    const double plain = std::pow(rate + omega_ - 1, 2) / (rate * omega_ * omega_);
    const double best = 2 / (1 + std::sqrt(std::max(1 - plain, 0.0)));
    omega_ = std::clamp(best, omega_, strongest);
}

LocalProblem::LocalProblem(const Kernel& kernel, const Masses& masses, const Point& point,
                           const Context& context)
    : kernel_(kernel),
      context_(context),
      a_(map(masses.a)),
      b_(map(masses.b)),
      column_sums_(map(point.column_sums)),
      row_target_(a_.size()),
      active_(b_.size()),
      z_(Array::Zero(b_.size())),
      x_(b_),
      s_(a_.size()),
      y_(a_),
      sums_(b_.size()),
      diagonal_(b_.size()) {
    kernel_.apply(
        view(x_),
        [&](Index i, double s) {
            s_[i] = s;
            return a_[i];
        },
        span(sums_), context_);
    sums_ *= x_;
    row_target_ = a_ * s_;
    const Array left_out = column_sums_ - sums_;
    active_ = (sums_ > 0.5 * column_sums_ && b_ - left_out > 0.1 * b_).cast<double>();
    target_ = (active_ > 0).select(b_ - left_out, sums_);
    assess();
    farthest_ = farthest_dense;
    if (kernel_.storage() == Storage::Sparse) {
        // What is left out grows with exp(z): as far as it stays below the error.
        const double room = error_ / std::max(left_out.sum(), 1e-300);
        farthest_ = std::clamp(std::log(room), 2.0, farthest);
    }
}

void LocalProblem::evaluate() {
    x_ = b_ * z_.exp();
    kernel_.apply(
        view(x_),
        [&](Index i, double s) {
            s_[i] = s;
            return y_[i] = s > 0 ? row_target_[i] / s : 0;
        },
        span(sums_), context_);
    sums_ *= x_;
    assess();
}

void LocalProblem::assess() {
    residual_ = active_ * (target_ - sums_);
    error_ = residual_.abs().sum();
    objective_ = (target_ * z_).sum() - (s_ > 0).select(row_target_ * s_.log(), 0.0).sum();
}

bool LocalProblem::stale() const { return z_.abs().maxCoeff() > farthest_; }

Array LocalProblem::step() const {
    const Array sinkhorn = (b_ / column_sums_).log().max(-longest_step).min(longest_step);
    return (active_ > 0).select(z_, sinkhorn);
}

void LocalProblem::scale(double target, Index most, Relaxation& relaxation, Effort& effort) {
    relaxation.restart(error_);
    double best = error_;
    Index since_best = 0;
    for (Index k = 0; k < most && error_ > target && !stale() && !context_.stop(); ++k) {
        const double omega = relaxation.omega();
        kernel_.apply(
            view(x_),
            [&](Index i, double s) {
                if (!(s > 0)) return 0.0;
                s_[i] = y_[i] * s - row_target_[i];
                const double ratio = row_target_[i] / (y_[i] * s);
                return y_[i] *= omega == 1 ? ratio : std::pow(ratio, omega);
            },
            span(sums_), context_);
        sums_ *= x_;
        error_ = s_.abs().sum() + (active_ * (target_ - sums_)).abs().sum();
        z_ += (active_ > 0).select(omega * (target_ / sums_).log(), 0.0);
        x_ = b_ * z_.exp();
        relaxation.observe(error_);
        ++effort.sweeps;
        since_best = error_ < 0.9 * best ? 0 : since_best + 1;
        best = std::min(best, error_);
        // Over-relaxation may first raise the error, for the longer the stronger it is.
        if (static_cast<double>(since_best) > 20 + 10 / (2 - omega)) break;
    }
}

void LocalProblem::newton(double target, Index most, NewtonMemory& memory, Effort& effort) {
    for (Index k = 0; k < most && error_ > target && !stale() && !context_.stop(); ++k) {
        ++effort.newton;
        if (!newton_step(target, memory, effort)) break;
    }
}

// One step with backtracking; false if no length of it helped.
bool LocalProblem::newton_step(double target, NewtonMemory& memory, Effort& effort) {
    // Superlinear, but no more accurate than what is left to do.
    const double forcing = std::max(std::min(0.1, error_), 0.1 * target / error_);
    Array direction = conjugate_gradients(forcing, memory, effort);
    const double longest = direction.abs().maxCoeff();
    if (!(longest > 0) || !std::isfinite(longest)) return false;
    const double allowed = std::min(longest_step, farthest_);
    memory.damping = longest > allowed ? std::min(4 * memory.damping, most_damping)
                                       : std::max(memory.damping / 4, least_damping);
    // Groups of columns that hardly any mass links want to move far; the others should not wait.
    direction = direction.min(allowed).max(-allowed);
    const double before = error_, objective = objective_;
    const double slope = (residual_ * direction).sum();
    const Array from = z_;
    double length = 1;
    for (int k = 0; k < most_halvings; ++k, length *= 0.5) {
        z_ = from + length * direction;
        evaluate();
        // Near the optimum rounding hides what the objective gains, but not what the error loses.
        if (objective_ > objective + 1e-4 * length * slope) return true;
        if (error_ < before && objective_ > objective - hidden) return true;
        if (context_.stop()) break;
    }
    z_ = from;
    evaluate();
    return false;
}

// (diag(sums) - x K' diag(y / s) K x + shift diag(b)) direction = residual, over active columns.
Array LocalProblem::conjugate_gradients(double tolerance, NewtonMemory& memory, Effort& effort) {
    const double shift = memory.damping * std::min(error_, 1e-2);
    const Array weight = (s_ > 0).select(y_ / s_, 0.0);
    const Array own = sums_ + shift * b_;
    kernel_.spread(view(x_), view(weight), view(s_), span(diagonal_), context_);
    diagonal_ = (x_ * diagonal_).max(1e-12 * sums_) + shift * b_;
    const double links = kernel_.stored() / static_cast<double>(a_.size() + b_.size());
    const bool factors = kernel_.storage() == Storage::Sparse && links < most_links;
    if (factors && memory.factorize) {
        if (!factor_) factor_ = std::make_unique<Factor>(a_.size());
        if (!factor_->compute(kernel_, x_, weight, own)) factor_.reset();
    }
    const Index most = factors && !memory.factorize && links < few_links ? many_cg : most_cg;
    Array direction = Array::Zero(b_.size()), product(b_.size());
    Array r = residual_, scaled = precondition(r), p = scaled;
    double rho = (r * scaled).sum();
    const double enough = tolerance * tolerance * rho;
    Index k = 0;
    for (; k < most && rho > enough && !context_.stop(); ++k) {
        const Array moved = x_ * p;
        kernel_.apply(
            view(moved), [&](Index i, double s) { return weight[i] * s; }, span(product), context_);
        product = active_ * (own * p - x_ * product);
        const double bend = (p * product).sum();
        if (!(bend > 0)) break;
        const double length = rho / bend;
        direction += length * p;
        r -= length * product;
        scaled = precondition(r);
        const double next = (r * scaled).sum();
        p = scaled + (next / rho) * p;
        rho = next;
    }
    effort.cg += k;
    memory.factorize |= factors && k == most;
    return direction;
}

Array LocalProblem::precondition(const Array& r) const {
    return factor_ ? Array(active_ * factor_->solve(r)) : Array(r / diagonal_);
}

}  // namespace cycloid::ot
