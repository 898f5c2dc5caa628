// The host loop for groups of coefficients: working sets with a duality-gap certificate, one alpha
// after another. The counterpart of path_solver.hpp, for a matrix of coefficients.
//
// Inside, features are ordered by group: position q stands for the feature members[q].
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <utility>

#include "cycloid/bcd/group_gram_solver.hpp"
#include "cycloid/bcd/group_kernels.hpp"
#include "cycloid/bcd/group_path.hpp"
#include "cycloid/bcd/softmax_dual_solver.hpp"
#include "group_model.hpp"

namespace cycloid::bcd {

template <class Loss>
class GroupPathSolver {
public:
    GroupPathSolver(const GroupProblem& problem, const GroupOptions& options, Monitor& monitor)
        : problem_(problem),
          options_(options),
          monitor_(monitor),
          context_{options.n_threads, &monitor},
          kernels_(problem.x, problem.response, problem.intercept, context_),
          model_(problem.x, problem.members),
          random_(static_cast<std::uint64_t>(options.seed)),
          n_groups_(static_cast<Index>(problem.starts.size()) - 1),
          n_outputs_(problem.response.n_outputs),
          b_(Outputs::Zero(problem.x.columns(), n_outputs_)),
          slope_(b_),
          mean_(problem.x.columns()),
          variance_(mean_),
          norm_(n_groups_),
          in_work_(n_groups_, 0) {}

    GroupPath run() {
        start();
        for (const double alpha : alphas()) {
            if (monitor_.stopped() && !path_.points.empty()) break;
            solve(alpha);
            path_.points.push_back(point());
        }
        return std::move(path_);
    }

private:
    // ---- the path -------------------------------------------------------------------------------

    void start() {
        path_.null_objective = kernels_.evaluate();
        kernels_.survey(mean_, variance_);
        if (!std::all_of(variance_.begin(), variance_.end(),
                         [](double v) { return std::isfinite(v); })) {
            throw std::invalid_argument(
                "X contains NaN, infinity or values whose squares overflow");
        }
        for (Index g = 0; g < n_groups_; ++g) {
            double sum = 0;
            for (const Index j : features(g)) sum += variance_[j];
            norm_[g] = std::sqrt(sum);
        }
        reset_alive();
        kernels_.balance();
        refresh(alive_);
        measured_ = true;
        path_.alpha_max = 0;
        null_violation_ = kernels_.intercept_violation();
        for (Index g = 0; g < n_groups_; ++g) {
            const GroupPenalty unit = penalty(g, 1);
            const auto slope = part(slope_, g);
            null_violation_ = std::max(null_violation_, GroupPenalty{}.excess(slope));
            if (unit.unpenalised() || !(null_violation_ > 0)) continue;
            const double most =
                unit.free() ? 0.0
                            : unit.feasible_scale(slope, std::numeric_limits<double>::infinity());
            path_.alpha_max = std::max(path_.alpha_max, 1 / most);
        }
        if (options_.coef != nullptr) start_from_given();
    }

    // A start that is worse than the null model is of no use.
    void start_from_given() {
        const Eigen::Map<const Outputs> given(options_.coef, b_.rows(), n_outputs_);
        Eigen::VectorXd b0 = Eigen::VectorXd::Zero(n_outputs_);
        if (options_.intercept != nullptr) {
            b0 = Eigen::Map<const Eigen::VectorXd>(options_.intercept, n_outputs_);
        }
        const Outputs null = b_;
        const Eigen::VectorXd null_intercept = kernels_.intercept(problem_.members, b_.data());
        for (Index q = 0; q < b_.rows(); ++q) b_.row(q) = given.row(problem_.members[q]);
        kernels_.start(problem_.members, b_.data(), b0);
        if (!(objective_at(alphas().front()) <= path_.null_objective)) {
            b_ = null;
            kernels_.start(problem_.members, b_.data(), null_intercept);
        }
        measured_ = false;
    }

    std::vector<double> alphas() const {
        if (!options_.alphas.empty()) return options_.alphas;
        // A response that nothing explains has alpha_max = 0; any positive alpha then gives zero.
        const double top = std::max(path_.alpha_max, 1e-15);
        std::vector<double> grid(static_cast<std::size_t>(options_.n_alphas), top);
        if (path_.alpha_max < 1e-15) return grid;
        const double steps = std::max<double>(1, static_cast<double>(grid.size()) - 1);
        for (std::size_t k = 1; k < grid.size(); ++k) {
            grid[k] = top * std::pow(options_.eps, static_cast<double>(k) / steps);
        }
        return grid;
    }

    void set_alpha(double alpha) {
        alpha_ = alpha;
        certifiable_ = true, ridge_ = false, smooth_ = true;
        for (Index g = 0; g < n_groups_; ++g) {
            const GroupPenalty here = penalty(g);
            certifiable_ &= !here.unpenalised();
            ridge_ |= here.l2 > 0;
            smooth_ &= here.free();
        }
        best_dual_ = -std::numeric_limits<double>::infinity();
        gap_ = std::numeric_limits<double>::infinity();
        best_violation_ = dual_from_ = gap_;
    }

    void reset_alive() {
        alive_.resize(static_cast<std::size_t>(n_groups_));
        std::iota(alive_.begin(), alive_.end(), Index{0});
    }

    // ---- one alpha ------------------------------------------------------------------------------

    void solve(double alpha) {
        const double begin = monitor_.seconds();
        const double previous = alpha_;
        set_alpha(alpha);
        reset_alive();
        effort_ = {};
        status_ = Status::MaxIter;
        double best_gap = std::numeric_limits<double>::infinity(), best_objective = best_gap;
        Index barren = 0;
        if (!path_.points.empty()) {
            // Slopes of the last alpha suggest the next working set: no pass over X until it is
            // solved.
            choose(std::max(2 * alpha - previous, 0.0));
            improve(0.01 * work_violation());
        }
        for (n_iter_ = 1; n_iter_ <= options_.max_iter; ++n_iter_) {
            if (!measure()) break;
            if (!std::isfinite(objective_)) {
                restore();
                status_ = Status::NumericalError;
                break;
            }
            if (gap_ < 0.9 * best_gap || saved_.size() == 0) backup();
            const bool done = converged();
            report(done);
            if (done) {
                status_ = Status::Converged;
                break;
            }
            if (monitor_.stopped()) break;
            screen();
            const bool grew = choose(alpha_);
            const double gain = best_objective - objective_;
            const bool progress =
                grew || gap_ < 0.9 * best_gap || violation_ < 0.9 * best_violation_ ||
                gain > std::max(1e-3 * std::min(gap_, objective_), 1e-9 * objective_);
            barren = progress ? 0 : barren + 1;
            best_gap = std::min(best_gap, gap_);
            best_objective = std::min(best_objective, objective_);
            best_violation_ = std::min(best_violation_, violation_);
            if (barren > 6) {
                status_ = Status::Stalled;
                break;
            }
            improve(to_the_end() ? 1e-12 * null_violation_
                    : grew       ? 0.3 * violation_
                                 : 0.1 * std::min(violation_, work_violation()));
        }
        n_iter_ = std::min(n_iter_, options_.max_iter);
        if (monitor_.stopped() && status_ != Status::Converged) {
            status_ = monitor_.reason();
            // The point may have moved since it was measured; the dual bound still holds.
            objective_ = objective_at(alpha_);
        }
        seconds_ = monitor_.seconds() - begin;
    }

    // A quadratic problem that is all there is solved at once. So is a small one of any kind:
    // nobody waits for it, and the same solution comes out whatever the way.
    bool to_the_end() const {
        return static_cast<Index>(work_.size()) == n_groups_ && (Loss::quadratic || small());
    }
    bool small() const {
        return static_cast<double>(problem_.x.rows()) * static_cast<double>(b_.size()) <= 1 << 16;
    }

    bool converged() const {
        if (!certifiable_) return violation_ <= options_.rtol * null_violation_;
        const double tolerance = gap_tolerance();
        // The gap is quadratic in the error of a smooth part: what it rounds to zero, the violation
        // sees.
        const bool blind = tolerance < 1e-12 * path_.null_objective;
        return gap_ <= tolerance && (!blind || violation_ <= 1e-11 * null_violation_);
    }

    double gap_tolerance() const {
        return std::max(options_.atol, options_.rtol * path_.null_objective);
    }

    // Objective, dual value and violation at the current point; a pass over the columns still
    // alive. False when interrupted.
    bool measure() {
        if (!measured_) {
            objective_ = kernels_.evaluate();
            kernels_.balance();
            refresh(alive_);
        } else {
            objective_ = path_.null_objective;
        }
        measured_ = false;
        if (monitor_.stopped()) return false;
        double c_max = ridge_ ? 1.0 : std::numeric_limits<double>::infinity();
        double conjugates = 0;
        violation_ = kernels_.intercept_violation();
        n_active_ = 0;
        for (const Index g : alive_) {
            const GroupPenalty here = penalty(g);
            const auto b = part(b_, g), slope = part(slope_, g);
            objective_ += here.value(b);
            n_active_ += std::any_of(b.begin(), b.end(), [](double v) { return v != 0; });
            violation_ = std::max(violation_, here.violation(slope, b));
            if (here.l2 > 0) {
                conjugates += here.conjugate(slope);
            } else if (!here.unpenalised()) {
                c_max = std::min(c_max, here.feasible_scale(slope, c_max));
            }
        }
        dual_ = -std::numeric_limits<double>::infinity();
        if (certifiable_) dual_ = kernels_.dual(c_max, ridge_, scale_) - conjugates;
        best_dual_ = std::max(best_dual_, dual_);
        gap_ = std::max(objective_ - best_dual_, 0.0);
        return true;
    }

    // Gap-safe sphere (Ndiaye, Fercoq, Gramfort & Salmon 2017): no slope of the dual optimum is
    // further than `radius` times the norm of the group's columns from that of the dual point.
    void screen() {
        if (dual_ < best_dual_ || !std::isfinite(gap_) || alive_.size() < 32) return;
        const double floor = 1e-15 * std::max(objective_, path_.null_objective);
        const double radius = std::sqrt(2 * Loss::smoothness * std::max(gap_, floor));
        std::erase_if(alive_, [&](Index g) {
            const GroupPenalty here = penalty(g);
            if (in_work_[g] || here.free()) return false;
            const auto slope = part(slope_, g);
            double reach = 0;
            if (here.norm > 0) {
                reach = here.thresholded_length(slope, std::fabs(scale_));
            } else {
                for (const double s : slope) reach = std::max(reach, std::fabs(scale_ * s));
            }
            const double most = here.norm > 0 ? here.norm : here.l1;
            return reach + radius * norm_[g] < most * (1 - 1e-12) && !moved(g);
        });
    }

    // Grows the working set by the groups whose update would gain most, by a share of the support
    // at most. `level`: the alpha at which groups count as violating.
    bool choose(double level) {
        struct Candidate {
            double gain;
            Index g;
        };
        std::vector<Candidate> candidates;
        const std::size_t before = work_.size();
        for (const Index g : alive_) {
            const GroupPenalty here = penalty(g, level);
            if (in_work_[g]) continue;
            if (here.free() || moved(g) || b_.rows() <= 256) {
                add(g);
                continue;
            }
            const double excess = here.excess(part(slope_, g));
            if (excess > 0 && norm_[g] > 0) {
                candidates.push_back({excess / std::sqrt(norm_[g] * norm_[g] + here.l2), g});
            }
        }
        const Index step = std::clamp<Index>(problem_.x.rows() / 4, 32, 256) * n_groups_;
        const auto room = static_cast<std::size_t>(std::max(step / b_.rows() + 4, n_active_));
        if (candidates.size() > room) {
            std::nth_element(candidates.begin(),
                             candidates.begin() + static_cast<std::ptrdiff_t>(room),
                             candidates.end(), [](const Candidate& a, const Candidate& c) {
                                 return a.gain != c.gain ? a.gain > c.gain : a.g < c.g;
                             });
            candidates.resize(room);
        }
        std::sort(candidates.begin(), candidates.end(),
                  [](const Candidate& a, const Candidate& c) { return a.g < c.g; });
        for (const Candidate& c : candidates) add(c.g);
        return work_.size() > before;
    }

    void add(Index g) {
        work_.push_back(g);
        in_work_[g] = 1;
    }

    // Whether to go on in the dual: every feature has the same ridge and nothing else, the rows are
    // sparse and not more than the columns (else the dual is singular but for its entropy), and the
    // last time at this alpha brought the gap down.
    bool dual_pays() const {
        const double* l2 = problem_.l2;
        return !Loss::quadratic && !small() && smooth_ && certifiable_ && problem_.x.sparse() &&
               n_groups_ == problem_.x.columns() && problem_.x.rows() <= n_groups_ &&
               n_groups_ <= std::numeric_limits<std::int32_t>::max() &&
               std::all_of(l2, l2 + n_groups_, [&](double v) { return v == l2[0]; }) &&
               !(gap_ > 0.1 * dual_from_);
    }

    // False, and back where it was, when that was not worth it.
    bool dual_step() {
        if (!dual_solver_) {
            dual_solver_.emplace(problem_.x, problem_.response, problem_.intercept);
        }
        if (!dual_solver_->usable()) return false;
        const double before = objective_at(alpha_), ridge = penalty(0).l2;
        const Eigen::VectorXd intercept = kernels_.intercept(problem_.members, b_.data());
        kernels_.balance();
        Outputs u = kernels_.u(), slope(b_.rows(), n_outputs_);
        for (Index q = 0; q < b_.rows(); ++q) slope.row(problem_.members[q]) = slope_.row(q);
        Eigen::VectorXd b0 = intercept;
        const double tolerance = std::max(gap_tolerance(), 1e-14 * path_.null_objective);
        const bool fast = dual_solver_->solve(ridge, u, slope, tolerance, b0, context_, effort_);
        dual_from_ = fast ? gap_ : 0.0;
        const Outputs old = b_;
        problem_.x.correlate(u.data(), n_outputs_, problem_.members, nullptr, b_.data(), context_);
        b_ /= ridge;
        kernels_.start(problem_.members, b_.data(), b0);
        if (objective_at(alpha_) <= before) return true;
        b_ = old;
        kernels_.start(problem_.members, b_.data(), intercept);
        return false;
    }

    // Solves the problem on the working set to the tolerance.
    void improve(double tolerance) {
        if (work_.empty() && !problem_.intercept) return;
        if (dual_pays() && dual_step()) return;
        model_.grow(work_, problem_.starts);
        std::vector<GroupPenalty> penalties;
        for (const Index g : work_) penalties.push_back(penalty(g));
        model_.load(b_, slope_);
        Visit visit;
        visit.tolerance = tolerance;
        visit.order = options_.seed >= 0 ? &random_ : nullptr;
        model_.improve(kernels_, penalties, smooth_, visit, context_, effort_);
        model_.store(b_, slope_);
    }

    // ---- small things ---------------------------------------------------------------------------

    Columns features(Index g) const {
        return Columns(problem_.members)
            .subspan(problem_.starts[g], problem_.starts[g + 1] - problem_.starts[g]);
    }
    std::span<const double> part(const Outputs& of, Index g) const {
        const Index begin = problem_.starts[g], end = problem_.starts[g + 1];
        return {of.data() + begin * n_outputs_,
                static_cast<std::size_t>((end - begin) * n_outputs_)};
    }
    bool moved(Index g) const {
        const auto b = part(b_, g);
        return std::any_of(b.begin(), b.end(), [](double v) { return v != 0; });
    }
    GroupPenalty penalty(Index g) const { return penalty(g, alpha_); }
    GroupPenalty penalty(Index g, double alpha) const {
        return {alpha * problem_.l1[g], alpha * problem_.norm[g], alpha * problem_.l2[g]};
    }
    // Slopes of some groups at the current point.
    void refresh(const std::vector<Index>& gs) {
        if (static_cast<Index>(gs.size()) == n_groups_) {
            return kernels_.correlate(problem_.members, slope_.data());
        }
        std::vector<Index> columns, positions;
        for (const Index g : gs) {
            for (Index q = problem_.starts[g]; q < problem_.starts[g + 1]; ++q) {
                columns.push_back(problem_.members[q]), positions.push_back(q);
            }
        }
        Outputs slopes(static_cast<Index>(columns.size()), n_outputs_);
        kernels_.correlate(columns, slopes.data());
        for (std::size_t k = 0; k < positions.size(); ++k) {
            slope_.row(positions[k]) = slopes.row(static_cast<Index>(k));
        }
    }
    double work_violation() const {
        double largest = 0;
        for (const Index g : work_) {
            largest = std::max(largest, penalty(g).violation(part(slope_, g), part(b_, g)));
        }
        return largest;
    }
    double objective_at(double alpha) {
        double objective = kernels_.evaluate();
        for (Index g = 0; g < n_groups_; ++g) objective += penalty(g, alpha).value(part(b_, g));
        return objective;
    }
    void backup() {
        saved_ = b_;
        saved_intercept_ = kernels_.intercept(problem_.members, b_.data());
    }
    void restore() {  // the last finite iterate
        if (saved_.size() == 0) return;
        b_ = saved_;
        kernels_.start(problem_.members, b_.data(), saved_intercept_);
    }
    void report(bool force) {
        path_.trace.push(
            {alpha_, static_cast<double>(n_iter_), monitor_.seconds(), objective_, gap_, violation_,
             static_cast<double>(n_active_), static_cast<double>(work_.size()),
             static_cast<double>(n_groups_ - static_cast<Index>(alive_.size())),
             static_cast<double>(effort_.epochs), static_cast<double>(effort_.newton)});
        monitor_.report(path_.trace, force);
    }
    GroupPathPoint point() const {
        GroupPathPoint point;
        point.alpha = alpha_;
        for (Index q = 0; q < b_.rows(); ++q) {
            for (Index k = 0; k < n_outputs_; ++k) {
                if (b_(q, k) == 0) continue;
                point.indices.push_back(problem_.members[q] * n_outputs_ + k);
                point.values.push_back(b_(q, k));
            }
        }
        const Eigen::VectorXd b0 = kernels_.intercept(problem_.members, b_.data());
        point.intercept.assign(b0.begin(), b0.end());
        point.objective = objective_, point.dual = best_dual_, point.violation = violation_;
        point.seconds = seconds_, point.n_iter = n_iter_, point.status = status_;
        return point;
    }

    const GroupProblem& problem_;
    const GroupOptions& options_;
    Monitor& monitor_;
    Context context_;
    GroupKernels<Loss> kernels_;
    GroupModel<Loss> model_;
    Random random_;
    Index n_groups_, n_outputs_;
    GroupPath path_;

    Outputs b_, slope_, saved_;
    std::vector<double> mean_, variance_, norm_;
    std::vector<Index> alive_, work_;
    std::vector<char> in_work_;
    Eigen::VectorXd saved_intercept_;
    std::optional<SoftmaxDualSolver> dual_solver_;
    Effort effort_;

    Index n_active_ = 0, n_iter_ = 0;
    bool measured_ = false, certifiable_ = true, ridge_ = false, smooth_ = false;
    Status status_ = Status::Converged;
    double alpha_ = 0, objective_ = 0, dual_ = 0, best_dual_ = 0, gap_ = 0, violation_ = 0;
    double dual_from_ = 0;  // the gap from which the dual solver last set out; 0: it gained little
    double scale_ = 1, null_violation_ = 0, best_violation_ = 0, seconds_ = 0;
};

}  // namespace cycloid::bcd
