#include "cycloid/bcd/group_gram_solver.hpp"

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "cycloid/bcd/conjugate_gradients.hpp"
#include "cycloid/core/cholesky.hpp"

namespace cycloid::bcd {
namespace {

constexpr Index largest_basis = 300;   // coefficients of a group up to which eigenvectors pay
constexpr Index local_passes = 10;     // proximal gradient steps on a group without closed form
constexpr Index unsettled_sweeps = 3;  // on the support, while it still changes
constexpr Index most_conjugate = 200;
constexpr double pivot_floor = 1e-13;

std::span<double> all(Outputs& m) { return {m.data(), static_cast<std::size_t>(m.size())}; }

}  // namespace

void GroupGramSolver::solve(const Matrix& gram, std::span<const Range> groups,
                            std::span<const GroupPenalty> penalty, Outputs& b, Outputs& slope,
                            const Visit& visit, const Context& context, Effort& effort) {
    const Problem problem{gram, groups, penalty, b, slope};
    learn_bases(problem);
    all_.resize(groups.size());
    std::iota(all_.begin(), all_.end(), Index{0});
    Index barren = 0, patience = Anderson::window + 1;
    const Index limit = effort.epochs + visit.max_epochs;
    double best = INFINITY;
    while (effort.epochs < limit && !context.stop()) {
        if (visit.order != nullptr) visit.order->shuffle(std::span<Index>(all_));
        support_changed_ = false;
        const double violation = sweep(problem, all_, context);
        ++effort.epochs;
        if (!(violation > visit.tolerance)) break;
        const bool settled = !support_changed_;
        support_.clear();
        for (const Index g : all_) {
            if (penalty[g].free() || b.middleRows(groups[g].begin, groups[g].size()).any()) {
                support_.push_back(g);
            }
        }
        const double goal = std::max(visit.tolerance, 0.1 * violation);
        const Index most = settled ? patience : unsettled_sweeps;
        double within = INFINITY;
        anderson_.forget();
        for (Index k = 0; k < most && within > goal && !context.stop(); ++k) {
            anderson_.remember(Eigen::Map<Eigen::VectorXd>(b.data(), b.size()),
                               Eigen::Map<Eigen::VectorXd>(slope.data(), slope.size()));
            extrapolate(problem);
            within = sweep(problem, support_, context);
            ++effort.epochs;
        }
        if (settled && within > goal) {
            ++effort.newton;
            if (!newton(problem, context)) patience = std::min<Index>(2 * patience, 200);
        }
        barren = violation < 0.9 * best ? 0 : barren + 1;
        best = std::min(best, violation);
        if (barren > 50) break;
    }
}

// Of the groups that are new.
void GroupGramSolver::learn_bases(const Problem& problem) {
    for (std::size_t g = bases_.size(); g < problem.groups.size(); ++g) {
        const Range range = problem.groups[g];
        Basis basis;
        if (range.size() > 1) {
            const bool vectors = range.size() <= largest_basis;
            const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(
                problem.gram.block(range.begin, range.begin, range.size(), range.size()),
                vectors ? Eigen::ComputeEigenvectors : Eigen::EigenvaluesOnly);
            basis.values = solver.eigenvalues().cwiseMax(0.0);
            if (vectors) basis.vectors = solver.eigenvectors();
        }
        bases_.push_back(std::move(basis));
    }
}

// Relaxes the groups in turn; returns the largest violation met.
double GroupGramSolver::sweep(const Problem& problem, std::span<const Index> gs,
                              const Context& context) {
    double largest = 0;
    Index visited = 0;
    for (const Index g : gs) {
        if ((++visited & 63) == 0 && context.stop()) break;
        const std::span<const double> b = problem.part(problem.b, g);
        const double violation = problem.penalty[g].violation(problem.part(problem.slope, g), b);
        largest = std::max(largest, violation);
        if (violation > 0) relax(problem, g);
    }
    return largest;
}

void GroupGramSolver::relax(const Problem& problem, Index g) {
    const auto [begin, end] = problem.groups[g];
    const Index size = end - begin;
    const GroupPenalty& penalty = problem.penalty[g];
    const Basis& basis = bases_[g];
    auto b = problem.b.middleRows(begin, size);
    auto slope = problem.slope.middleRows(begin, size);
    old_ = b;
    if (size == 1) {
        const double curvature = problem.gram(begin, begin);
        local_ = slope + curvature * old_;
        curvature_.setConstant(1, old_.cols(), curvature);
        penalty.prox(all(local_), all(curvature_));
        b = local_;
    } else if (penalty.l1 == 0 && basis.vectors.size() > 0) {
        local_.noalias() = basis.vectors.transpose() * old_;
        local_ = basis.values.asDiagonal() * local_;
        local_.noalias() += basis.vectors.transpose() * slope;
        curvature_ = basis.values.replicate(1, old_.cols());
        penalty.prox(all(local_), all(curvature_));
        b.noalias() = basis.vectors * local_;
    } else {
        // Where the thresholded length decides, b_g = 0 is seen at once; else proximal steps.
        const double bound = basis.values.maxCoeff();
        const auto part = problem.gram.block(begin, begin, size, size);
        curvature_.setConstant(size, old_.cols(), bound);
        Outputs local_slope = slope;
        for (Index pass = 0; pass < local_passes; ++pass) {
            local_ = local_slope + bound * b;
            penalty.prox(all(local_), all(curvature_));
            const Outputs step = local_ - b;
            b = local_;
            const double moved = step.cwiseAbs().maxCoeff();
            if (moved == 0 || moved <= 1e-3 * (b - old_).cwiseAbs().maxCoeff()) break;
            local_slope.noalias() -= part * step;
        }
    }
    step_ = b - old_;
    if (!step_.any()) return;
    support_changed_ |= b.any() != old_.any();
    if (penalty.l1 > 0) {
        support_changed_ |= ((b.array() == 0) != (old_.array() == 0)).any();
    }
    problem.slope.noalias() -= problem.gram.middleCols(begin, size) * step_;
}

// Moves to the extrapolated point if the objective is lower there.
void GroupGramSolver::extrapolate(const Problem& problem) {
    if (!anderson_.extrapolate(point_, image_)) return;
    const Eigen::Map<Outputs> point(point_.data(), problem.b.rows(), problem.b.cols());
    const Eigen::Map<Outputs> image(image_.data(), problem.b.rows(), problem.b.cols());
    double change = -0.5 * (point - problem.b).cwiseProduct(problem.slope + image).sum();
    next_ = point;
    for (std::size_t g = 0; g < problem.groups.size(); ++g) {
        const Index k = static_cast<Index>(g);
        change += problem.penalty[g].value(problem.part(next_, k)) -
                  problem.penalty[g].value(problem.part(problem.b, k));
    }
    if (!(change < 0)) return;
    problem.b = next_;
    problem.slope = image;
}

namespace {

// G of the rows of a support.
Eigen::MatrixXd gram_of(const GroupSupport& support, const GroupGramSolver::Matrix& gram) {
    const std::vector<Index>& rows = support.positions();
    Eigen::MatrixXd part(support.rows(), support.rows());
    for (Index c = 0; c < support.rows(); ++c) {
        const double* column = gram.col(rows[c]).data();
        for (Index r = 0; r < support.rows(); ++r) part(r, c) = column[rows[r]];
    }
    return part;
}

// One output: by a Cholesky factorization.
Eigen::VectorXd direct_step(const GroupSupport& support, const GroupGramSolver::Matrix& gram,
                            const Eigen::VectorXd& rhs, const Context& context) {
    std::vector<Index> moving;
    for (Index r = 0; r < support.rows(); ++r) {
        if (support.moves(r, 0)) moving.push_back(r);
    }
    const auto s = static_cast<Index>(moving.size());
    const Outputs& b = support.coefficients();
    Eigen::MatrixXd hessian(s, s);
    Eigen::VectorXd step(s);
    for (Index c = 0; c < s; ++c) {
        const Index column = moving[c];
        const double* values = gram.col(support.positions()[column]).data();
        for (Index r = c; r < s; ++r) {
            hessian(r, c) = values[support.positions()[moving[r]]] -
                            support.inner(moving[r], column) * b(moving[r], 0) * b(column, 0);
        }
        hessian(c, c) += support.round(column);
        step[c] = rhs[column];
    }
    if (cholesky(hessian, pivot_floor, context) < 0) return {};
    cholesky_solve(hessian, step);
    Eigen::VectorXd whole = Eigen::VectorXd::Zero(support.rows());
    for (Index c = 0; c < s; ++c) whole[moving[c]] = step[c];
    return whole;
}

// Several outputs: by conjugate gradients, preconditioned by what the outputs share: G and the
// round part of the penalty.
Eigen::VectorXd shared_step(const GroupSupport& support, const GroupGramSolver::Matrix& gram,
                            const Eigen::VectorXd& rhs, const Context& context) {
    const Index a = support.rows(), n_outputs = rhs.size() / a;
    const Eigen::MatrixXd part = gram_of(support, gram);
    Eigen::MatrixXd factor = part;
    for (Index r = 0; r < a; ++r) factor(r, r) += support.round(r);
    if (cholesky(factor, pivot_floor, context) < 0) return {};
    const auto apply = [&](const Eigen::VectorXd& v, Eigen::VectorXd& out) {
        Eigen::Map<Outputs>(out.data(), a, n_outputs).noalias() =
            part * Eigen::Map<const Outputs>(v.data(), a, n_outputs);
        support.add_curvature(v, out);
    };
    const auto precondition = [&](const Eigen::VectorXd& v, Eigen::VectorXd& out) {
        Eigen::MatrixXd columns = Eigen::Map<const Outputs>(v.data(), a, n_outputs);
        for (Index k = 0; k < n_outputs; ++k) cholesky_solve(factor, columns.col(k));
        Eigen::Map<Outputs>(out.data(), a, n_outputs) = columns;
        support.mask(out);
    };
    Eigen::VectorXd step;
    conjugate_gradients(apply, precondition, rhs, 1e-6, most_conjugate, step, context);
    return step;
}

}  // namespace

// The Newton step on the coefficients that are not zero: there the penalty is smooth. Whether it
// was taken whole.
bool GroupGramSolver::newton(const Problem& problem, const Context& context) {
    const GroupSupport support(problem.groups, problem.penalty, problem.b);
    if (support.rows() == 0) return false;
    const Index n_outputs = problem.b.cols();
    Eigen::VectorXd rhs(support.rows() * n_outputs);
    support.residual(problem.slope, rhs);
    const Eigen::VectorXd step = n_outputs == 1 ? direct_step(support, problem.gram, rhs, context)
                                                : shared_step(support, problem.gram, rhs, context);
    if (step.size() == 0 || !step.allFinite() || context.stop()) return false;
    const Eigen::Map<const Outputs> rows(step.data(), support.rows(), n_outputs);
    direction_.setZero(problem.b.rows(), n_outputs);
    for (Index r = 0; r < support.rows(); ++r) {
        direction_.row(support.positions()[r]) = rows.row(r);
    }
    for (const double length : {1.0, 0.5, 0.25, 0.125}) {
        step_ = length * direction_;
        support.stop_at_zero(problem.b, step_);
        if (try_step(problem)) return length == 1;
    }
    return false;
}

// Goes there unless the objective rises.
bool GroupGramSolver::try_step(const Problem& problem) {
    next_ = problem.b + step_;
    double change = 0, scale = 0;
    for (const Index g : all_) {
        const double now = problem.penalty[g].value(problem.part(problem.b, g));
        const double then = problem.penalty[g].value(problem.part(next_, g));
        change += then - now;
        scale += now + then;
    }
    const Outputs image = problem.gram * step_;
    const double linear = problem.slope.cwiseProduct(step_).sum();
    change += 0.5 * image.cwiseProduct(step_).sum() - linear;
    if (!(change <= 1e-14 * (scale + std::fabs(linear)))) return false;
    problem.b = next_;
    problem.slope -= image;
    return true;
}

}  // namespace cycloid::bcd
