// The working set of a group path: its coefficients, and how they are improved. The squared loss
// has one Gram matrix for all outputs; softmax takes proximal Newton steps on the samples, and
// Newton-CG steps where nothing but smooth terms is left to move.
#pragma once

#include <cmath>
#include <vector>

#include "cycloid/bcd/conjugate_gradients.hpp"
#include "cycloid/bcd/group_gram_solver.hpp"
#include "cycloid/bcd/group_kernels.hpp"
#include "cycloid/bcd/group_residual_solver.hpp"
#include "cycloid/bcd/group_support.hpp"

namespace cycloid::bcd {

template <class Loss>
class GroupModel {
public:
    // Features in the order of their groups.
    GroupModel(const Operator& x, const std::vector<Index>& members) : x_(x), members_(members) {}

    // Appends the groups that are new in `work`.
    void grow(const std::vector<Index>& work, const std::vector<Index>& starts) {
        for (std::size_t k = ranges_.size(); k < work.size(); ++k) {
            const auto begin = static_cast<Index>(columns_.size());
            for (Index q = starts[work[k]]; q < starts[work[k] + 1]; ++q) {
                positions_.push_back(q), columns_.push_back(members_[q]);
            }
            ranges_.push_back({begin, static_cast<Index>(columns_.size())});
        }
    }
    void load(const Outputs& b, const Outputs& slope) {
        const auto m = static_cast<Index>(columns_.size());
        b_.resize(m, b.cols()), slope_.resize(m, b.cols());
        for (Index k = 0; k < m; ++k) {
            b_.row(k) = b.row(positions_[k]);
            slope_.row(k) = slope.row(positions_[k]);
        }
    }
    void store(Outputs& b, Outputs& slope) const {
        for (Index k = 0; k < b_.rows(); ++k) {
            b.row(positions_[k]) = b_.row(k);
            slope.row(positions_[k]) = slope_.row(k);
        }
    }

    // Down to that violation within the working set. `smooth`: no penalty has a kink.
    void improve(GroupKernels<Loss>& kernels, const std::vector<GroupPenalty>& penalty, bool smooth,
                 const Visit& visit, const Context& context, Effort& effort) {
        if constexpr (Loss::quadratic) {
            solve_gram(kernels, penalty, visit, context, effort);
        } else {
            newton_rounds(kernels, penalty, smooth, visit, context, effort);
        }
    }

private:
    void solve_gram(GroupKernels<Loss>& kernels, const std::vector<GroupPenalty>& penalty,
                    const Visit& visit, const Context& context, Effort& effort) {
        const auto m = static_cast<Index>(columns_.size());
        extend_gram(kernels);
        if (context.stop()) return;
        old_ = b_;
        gram_solver_.solve(gram_.topLeftCorner(m, m), ranges_, penalty, b_, slope_, visit, context,
                           effort);
        step_ = b_ - old_;
        take_moved(kernels);
        kernels.advance(1.0);
    }

    void extend_gram(const GroupKernels<Loss>& kernels) {
        const auto m = static_cast<Index>(columns_.size());
        if (known_ == m) return;
        if (gram_.rows() < m) {
            const Index capacity = std::min(x_.columns(), m + m / 2);
            Eigen::MatrixXd larger(capacity, capacity);
            larger.topLeftCorner(known_, known_) = gram_.topLeftCorner(known_, known_);
            gram_.swap(larger);
        }
        kernels.gram(columns_, known_, gram_.topLeftCorner(m, m));
        known_ = m;
    }

    // Prepares the step of the rows that move at all.
    void take_moved(GroupKernels<Loss>& kernels) {
        std::vector<Index> columns;
        Outputs moved(step_.rows(), step_.cols());
        for (Index k = 0; k < step_.rows(); ++k) {
            if (!step_.row(k).any()) continue;
            moved.row(static_cast<Index>(columns.size())) = step_.row(k);
            columns.push_back(columns_[k]);
        }
        if (step0_.size() == 0) step0_.setZero(step_.cols());
        kernels.prepare(columns, moved.data(), step0_);
    }

    void newton_rounds(GroupKernels<Loss>& kernels, const std::vector<GroupPenalty>& penalty,
                       bool smooth, const Visit& visit, const Context& context, Effort& effort) {
        constexpr int most_rounds = 50;
        double first = 0;
        bool settled = smooth;
        for (int round = 0; round < most_rounds && !context.stop(); ++round) {
            kernels.evaluate();
            kernels.correlate(columns_, slope_.data());
            const SupportViolation violation = support_violation(ranges_, penalty, slope_, b_);
            const double largest = std::max(violation.largest(), kernels.intercept_violation());
            if (round == 0) first = largest;
            if (round > 0 && !(largest > visit.tolerance)) return;
            const double forcing = std::max(0.3 * visit.tolerance / largest,
                                            std::min(0.1, 0.3 * std::sqrt(largest / first)));
            const bool second_order = smooth || (settled && violation.on >= 0.3 * violation.off);
            old_ = b_;
            if (second_order) {
                newton_step(kernels, penalty, forcing, context, effort);
            } else {
                Visit within = visit;
                within.tolerance = forcing * largest;
                proximal_step(kernels, penalty, within, context, effort);
            }
            if (context.stop()) break;
            if (!move(kernels, penalty)) {
                b_ = old_;
                if (smooth || !settled) return;
                settled = false;
                continue;
            }
            settled = true;
        }
    }

    // The minimum of the model; step_ and step0_ go there.
    void proximal_step(GroupKernels<Loss>& kernels, const std::vector<GroupPenalty>& penalty,
                       const Visit& visit, const Context& context, Effort& effort) {
        const auto done = static_cast<std::size_t>(block_.n_columns);
        if (done < columns_.size()) {
            x_.gather(Columns(columns_).subspan(done), kernels.centre(), block_, context);
        }
        Outputs u = kernels.u();
        step0_.setZero(b_.cols());
        Outputs b = b_;
        GroupResidualSolver<Softmax> solver(block_, kernels.response(), kernels.probability(),
                                            kernels.has_intercept(), u);
        solver.solve(ranges_, penalty, b, step0_, visit, context, effort);
        step_ = b - b_;
    }

    // The Newton step on what is not zero, by conjugate gradients.
    void newton_step(GroupKernels<Loss>& kernels, const std::vector<GroupPenalty>& penalty,
                     double reduction, const Context& context, Effort& effort) {
        const GroupSupport support(ranges_, penalty, b_);
        const Index n_outputs = b_.cols(), size = support.rows() * n_outputs;
        std::vector<Index> columns;
        for (const Index r : support.positions()) columns.push_back(columns_[r]);
        const Index extra = kernels.has_intercept() ? n_outputs : 0;
        Eigen::VectorXd rhs(size + extra), diagonal(size + extra), step;
        support.residual(slope_, rhs);
        rhs.tail(extra) = kernels.imbalance().head(extra);
        const Eigen::VectorXd total = kernels.total_curvature();
        const Eigen::VectorXd square = kernels.squares(columns);
        for (Index r = 0; r < support.rows(); ++r) {
            diagonal.segment(r * n_outputs, n_outputs) =
                (square[r] * total).array() + support.round(r);
        }
        diagonal.tail(extra) = total.head(extra);
        const Eigen::VectorXd inverse = (diagonal.array() > 0).select(diagonal.cwiseInverse(), 0.0);
        const std::vector<Eigen::MatrixXd> factors =
            class_factors(kernels, support, total, context);
        Eigen::VectorXd v0 = Eigen::VectorXd::Zero(n_outputs), image0 = v0;
        const auto apply = [&](const Eigen::VectorXd& v, Eigen::VectorXd& out) {
            if (extra > 0) v0 = v.tail(extra);
            kernels.curve(columns, v.data(), v0, out.data(), image0);
            support.add_curvature(v, out);
            out.tail(extra) = image0.head(extra);
        };
        const auto precondition = [&](const Eigen::VectorXd& v, Eigen::VectorXd& out) {
            out = inverse.cwiseProduct(v);
            if (!factors.empty()) {
                const Eigen::Map<const Outputs> residual(v.data(), support.rows(), n_outputs);
                Eigen::Map<Outputs> solved(out.data(), support.rows(), n_outputs);
                Eigen::VectorXd column;
                for (Index k = 0; k < n_outputs; ++k) {
                    column = residual.col(k);
                    cholesky_solve(factors[k], column);
                    solved.col(k) = column;
                }
            }
            support.mask(out);
        };
        constexpr Index most = 100;
        effort.epochs +=
            conjugate_gradients(apply, precondition, rhs, reduction, most, step, context);
        ++effort.newton;
        step_.setZero(b_.rows(), n_outputs);
        for (Index r = 0; r < support.rows(); ++r) {
            step_.row(support.positions()[r]) = step.segment(r * n_outputs, n_outputs).transpose();
        }
        step0_ = Eigen::VectorXd::Zero(n_outputs);
        if (extra > 0) step0_ = step.tail(extra);
        support.stop_at_zero(b_, step_);
    }

    // Preconditioners of the classes: the Gram matrix of the support at the mean curvature of the
    // class, which is there once for all Newton steps. None where it costs more than it saves.
    std::vector<Eigen::MatrixXd> class_factors(const GroupKernels<Loss>& kernels,
                                               const GroupSupport& support,
                                               const Eigen::VectorXd& total,
                                               const Context& context) {
        const auto m = static_cast<double>(columns_.size());
        const Index s = support.rows();
        std::vector<Eigen::MatrixXd> factors;
        if (s == 0 || m * m > 100 * static_cast<double>(x_.rows())) return factors;
        extend_gram(kernels);
        for (Index k = 0; k < total.size(); ++k) {
            Eigen::MatrixXd factor(s, s);
            for (Index c = 0; c < s; ++c) {
                const double* column = gram_.col(support.positions()[c]).data();
                for (Index r = c; r < s; ++r) {
                    factor(r, c) = total[k] * column[support.positions()[r]];
                }
                factor(c, c) += support.round(c);
            }
            cholesky(factor, 1e-13, context);
            factors.push_back(std::move(factor));
        }
        return factors;
    }

    // From b_ along the step, by an Armijo line search.
    bool move(GroupKernels<Loss>& kernels, const std::vector<GroupPenalty>& penalty) {
        double now = 0;
        const auto value = [&](const Outputs& b) {
            double sum = 0;
            for (std::size_t g = 0; g < ranges_.size(); ++g) {
                sum += penalty[g].value(part(b, ranges_[g]));
            }
            return sum;
        };
        now = value(b_);
        const Outputs target = b_ + step_;
        const double predicted = value(target) - now - slope_.cwiseProduct(step_).sum() -
                                 kernels.imbalance().dot(step0_);
        if (!std::isfinite(predicted) || !(step_.any() || step0_.any())) return false;
        take_moved(kernels);
        const double before = kernels.value_along(0.0) + now;
        // Where rounding hides the fall, the Newton step is a refinement.
        const bool hidden = std::fabs(predicted) <= 1e-13 * std::fabs(before);
        const double slack = (hidden ? 1e-13 : 4e-16) * std::fabs(before);
        for (int halvings = 0; halvings < 30; ++halvings) {
            const double length = std::ldexp(1.0, -halvings);
            next_ = length == 1 ? target : Outputs(b_ + length * step_);
            const double trial = kernels.value_along(length) + value(next_);
            if (!(trial <= before + 1e-4 * length * std::min(predicted, 0.0) + slack)) continue;
            kernels.advance(length);
            b_ = next_;
            return true;
        }
        return false;
    }

    const Operator& x_;
    const std::vector<Index>& members_;
    std::vector<Index> positions_, columns_;
    std::vector<Range> ranges_;
    Outputs b_, slope_, old_, step_, next_;
    Eigen::VectorXd step0_;
    Eigen::MatrixXd gram_;
    Index known_ = 0;  // columns whose Gram matrix is there
    GroupGramSolver gram_solver_;
    ColumnBlock block_;
};

}  // namespace cycloid::bcd
