// The host loop: working sets with a duality-gap certificate, one alpha after another. It is long
// because its steps (measure, screen, choose, improve, move) share one state; each of them fits on
// a screen.
#pragma once

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <utility>

#include "cycloid/bcd/dual_solver.hpp"
#include "cycloid/bcd/gram_solver.hpp"
#include "cycloid/bcd/kernels.hpp"
#include "cycloid/bcd/path.hpp"
#include "cycloid/bcd/residual_solver.hpp"
#include "gram_cache.hpp"

namespace cycloid::bcd {

template <Kernels K>
class PathSolver {
public:
    PathSolver(K& kernels, const Problem& problem, const Options& options, bool quadratic,
               double smoothness, Monitor& monitor)
        : kernels_(kernels),
          problem_(problem),
          options_(options),
          quadratic_(quadratic),
          smoothness_(smoothness),
          monitor_(monitor),
          context_{options.n_threads, &monitor},
          p_(problem.x.columns()),
          random_(static_cast<std::uint64_t>(options.seed)),
          beta_(p_, 0.0),
          mean_(p_),
          variance_(p_),
          norm_(p_),
          slope_(p_),
          dual_slope_(p_),
          seen_(p_, 0.0),
          in_work_(p_, 0),
          double_(p_),
          single_(p_) {}

    Path run() {
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
        path_.null_objective = kernels_.evaluate({});
        kernels_.survey(mean_.data(), variance_.data(), slope_.data());
        for (const double v : variance_) {  // zeros where an interrupt left columns out
            if (!std::isfinite(v)) {
                throw std::invalid_argument(
                    "X contains NaN, infinity or values whose squares overflow");
            }
        }
        // Squares must neither overflow nor vanish in single precision.
        single_serves_ = std::all_of(variance_.begin(), variance_.end(),
                                     [](double v) { return v == 0 || (v > 1e-25 && v < 1e25); });
        for (Index j = 0; j < p_; ++j) norm_[j] = std::sqrt(variance_[j]);
        reset_alive();
        fresh_ = true;
        null_violation_ = 0;
        for (const double s : slope_) null_violation_ = std::max(null_violation_, std::fabs(s));
        set_alpha(std::numeric_limits<double>::infinity());
        if (!free_.empty()) solve(std::numeric_limits<double>::infinity());
        path_.alpha_max = 0;
        for (Index j = 0; j < p_; ++j) {
            const double v = family_.weight(j) * problem_.l1_ratio;
            const double size = problem_.positive ? slope_[j] : std::fabs(slope_[j]);
            if (family_.weight(j) > 0 && size > 0) {
                path_.alpha_max = std::max(path_.alpha_max, size / v);
            }
        }
        if (options_.coef == nullptr) return;
        // A start that is worse than the null model is of no use (and may lie where a logistic loss
        // has no curvature left).
        const std::vector<double> null = beta_;
        const double null_intercept = kernels_.intercept();
        std::vector<double> coef(options_.coef, options_.coef + p_);
        if (problem_.positive) {
            for (double& b : coef) b = std::max(b, 0.0);
        }
        start_from(coef, options_.intercept);
        const PenaltyFamily family = at_alpha(alphas().front());
        if (!(objective_at(family) <= path_.null_objective)) start_from(null, null_intercept);
        fresh_ = false;
    }

    void start_from(const std::vector<double>& coef, double intercept) {
        beta_ = coef;
        work_.clear();
        std::fill(in_work_.begin(), in_work_.end(), char{0});
        block_ = {};
        std::vector<Index> support;
        std::vector<double> values;
        for (Index j = 0; j < p_; ++j) {
            if (beta_[j] != 0) support.push_back(j), values.push_back(beta_[j]);
        }
        kernels_.start(support, values.data(), intercept);
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
        family_ = at_alpha(alpha);
        free_.clear();
        for (Index j = 0; j < p_; ++j) {
            const Penalty penalty = family_.at(j);
            if (penalty.free() && penalty.l2 == 0) free_.push_back(j);
        }
        // A dual point must be orthogonal to every unpenalised column. That is a small system for a
        // few of them; for very many, or with signs to keep, convergence is read off the violation.
        certifiable_ = free_.size() <= 1024;
        if (problem_.positive) {
            for (Index j = 0; j < p_; ++j) certifiable_ &= family_.at(j).l1 + family_.at(j).l2 > 0;
        }
        if (!certifiable_) free_.clear();
        best_dual_ = -std::numeric_limits<double>::infinity();
        gap_ = std::numeric_limits<double>::infinity();
        dual_from_ = gap_;
    }

    PenaltyFamily at_alpha(double alpha) const {
        return {alpha, problem_.l1_ratio, problem_.penalty_weights, problem_.positive};
    }

    void reset_alive() {
        alive_.resize(static_cast<std::size_t>(p_));
        std::iota(alive_.begin(), alive_.end(), Index{0});
    }

    // ---- one alpha ------------------------------------------------------------------------------

    void solve(double alpha) {
        const double begin = monitor_.seconds();
        const double previous = family_.alpha();
        set_alpha(alpha);
        const bool continues = std::isfinite(previous) && !fresh_ && !path_.points.empty();
        reset_alive();
        effort_ = {};
        status_ = Status::MaxIter;
        inner_tolerance_ = 0;
        double best_gap = std::numeric_limits<double>::infinity(), best_objective = best_gap;
        Index barren = 0;
        if (continues) {
            // Slopes of the last alpha suggest the next working set: no pass over X until it is
            // solved.
            choose(std::max(2 * alpha - previous, 0.0), alive_);
            refresh(work_);
            violation_ = work_violation();
            inner_tolerance_ = 0.01 * violation_;
            improve();
        }
        for (n_iter_ = 1; n_iter_ <= options_.max_iter; ++n_iter_) {
            if (!measure()) break;
            if (!std::isfinite(objective_)) {
                restore();
                status_ = Status::NumericalError;
                break;
            }
            if (gap_ < 0.9 * best_gap) backup();
            const bool done = converged();
            report(done);
            if (done) {
                status_ = Status::Converged;
                break;
            }
            if (monitor_.stopped()) break;
            screen();
            const bool grew = choose(family_.alpha(), alive_);
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
            // While columns still come in, their slopes move with each other: no need to be exact.
            // A quadratic problem that is all there is solved at once.
            const bool whole = quadratic_ && work_.size() == beta_.size();
            inner_tolerance_ = whole  ? 1e-12 * null_violation_
                               : grew ? 0.3 * violation_
                                      : 0.1 * std::min(violation_, work_violation());
            improve();
            call_waiting();
        }
        n_iter_ = std::min(n_iter_, options_.max_iter);
        if (monitor_.stopped() && status_ != Status::Converged) {
            status_ = monitor_.reason();
            // The point may have moved since it was measured; the dual bound still holds.
            objective_ = objective_at(family_);
        }
        best_violation_ = std::numeric_limits<double>::infinity();
        seconds_ = monitor_.seconds() - begin;
        fresh_ = false;
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
        objective_ = kernels_.evaluate(free_);
        const bool apart = !free_.empty();
        const bool all = apart || !K::has_samples || !std::isfinite(family_.alpha());
        if (!fresh_) refresh_doubtful(all);
        fresh_ = false;
        if (apart) {
            buffer_.resize(alive_.size());
            kernels_.correlate_dual(alive_, buffer_.data());
            for (std::size_t k = 0; k < alive_.size(); ++k) dual_slope_[alive_[k]] = buffer_[k];
        }
        if (monitor_.stopped()) return false;
        const std::vector<double>& v = apart ? dual_slope_ : slope_;
        const bool exact = problem_.l1_ratio < 1 && family_.alpha() > 0;
        double c_max = exact ? 1.0 : std::numeric_limits<double>::max();
        double conjugates = 0;
        violation_ = kernels_.intercept_violation();
        n_active_ = 0;
        for (const Index j : alive_) {
            const Penalty penalty = family_.at(j);
            objective_ += penalty.value(beta_[j]);
            n_active_ += beta_[j] != 0;
            violation_ = std::max(violation_, penalty.violation(slope_[j], beta_[j]));
            if (penalty.free() && penalty.l2 == 0) continue;
            if (penalty.l2 > 0) {
                conjugates += penalty.conjugate(v[j]);
                continue;
            }
            const double size = (penalty.positive ? v[j] : std::fabs(v[j])) + slack(j);
            if (size > 0) c_max = std::min(c_max, penalty.l1 / size);
        }
        dual_ = -std::numeric_limits<double>::infinity();
        if (certifiable_) {
            const double value = kernels_.dual(c_max, exact, scale_);
            dual_ = value - conjugates;
        }
        best_dual_ = std::max(best_dual_, dual_);
        gap_ = std::max(objective_ - best_dual_, 0.0);
        return true;
    }

    // Gap-safe sphere (Ndiaye, Fercoq, Gramfort & Salmon 2017): the dual optimum lies within
    // sqrt(2 smoothness gap) of the dual point, so |x_j'u| + radius |x_j| < l1_j proves b_j = 0.
    void screen() {
        if (dual_ < best_dual_ || !std::isfinite(gap_) || alive_.size() < 32) return;
        const std::vector<double>& v = free_.empty() ? slope_ : dual_slope_;
        const double floor = 1e-15 * std::max(objective_, path_.null_objective);
        const double radius = std::sqrt(2 * smoothness_ * std::max(gap_, floor));
        std::erase_if(alive_, [&](Index j) {
            const Penalty penalty = family_.at(j);
            const double reach = penalty.positive ? scale_ * v[j] : std::fabs(scale_ * v[j]);
            const double most = reach + std::fabs(scale_) * slack(j) + radius * norm_[j];
            return beta_[j] == 0 && !in_work_[j] && most < penalty.l1 * (1 - 1e-12);
        });
    }

    // Grows the working set by those of the columns whose single update would gain most (the GSL-q
    // rule), by a share of the support at most; the next best wait. `level`: the alpha at which
    // columns count as violating.
    bool choose(double level, const std::vector<Index>& columns) {
        const PenaltyFamily family = at_alpha(level);
        struct Candidate {
            double gain;
            Index j;
        };
        std::vector<Candidate> candidates;
        const std::size_t before = work_.size();
        const auto support = static_cast<std::size_t>(n_active_);
        const bool everything = p_ <= 256 || !K::has_samples;
        for (const Index j : columns) {
            const Penalty penalty = family.at(j);
            if (in_work_[j]) continue;
            if (beta_[j] != 0 || penalty.free() || everything) {
                add(j);
                continue;
            }
            const double excess = penalty.excess(slope_[j]);
            if (excess > 0 && variance_[j] > 0) {
                candidates.push_back({excess * excess / (variance_[j] + penalty.l2), j});
            }
        }
        // Sparse columns are cheap to carry along. The Gram matrix of dense ones grows by the
        // square, and for a quadratic loss it holds the whole working set.
        const auto step =
            static_cast<std::size_t>(std::clamp<Index>(problem_.x.rows() / 4, 32, 256));
        const std::size_t room = problem_.x.sparse() ? std::max<std::size_t>(2048, 2 * support)
                                 : quadratic_        ? std::max(step, support / 4)
                                                     : std::max<std::size_t>(512, support);
        waiting_.clear();
        if (candidates.size() > room) {
            const auto better = [](const Candidate& a, const Candidate& b) {
                return a.gain != b.gain ? a.gain > b.gain : a.j < b.j;
            };
            const auto next = candidates.begin() + static_cast<std::ptrdiff_t>(room);
            std::nth_element(candidates.begin(), next, candidates.end(), better);
            const std::size_t most = std::min(candidates.size() - room, 4 * room);
            const auto last = next + static_cast<std::ptrdiff_t>(most);
            if (last != candidates.end()) std::nth_element(next, last, candidates.end(), better);
            for (auto it = next; it != last; ++it) waiting_.push_back(it->j);
            std::sort(waiting_.begin(), waiting_.end());
            candidates.resize(room);
        }
        std::sort(candidates.begin(), candidates.end(),
                  [](const Candidate& a, const Candidate& b) { return a.j < b.j; });
        for (const Candidate& c : candidates) add(c.j);
        return work_.size() > before;
    }

    // While a pass over all columns is what costs most: on dense data, and a small working set.
    bool waiting_pays() const {
        return K::has_samples && quadratic_ && free_.empty() && !problem_.x.sparse() &&
               !waiting_.empty() && 10 * work_.size() < alive_.size();
    }

    // Grows the working set twice more by the columns that wait, whose slopes alone are computed.
    void call_waiting() {
        for (int round = 0; round < 2 && waiting_pays() && !monitor_.stop(); ++round) {
            kernels_.evaluate({});
            travelled_ += kernels_.moved();
            const std::vector<Index> columns = std::exchange(waiting_, {});
            refresh(columns);
            for (const Index j : columns) seen_[j] = travelled_;
            if (!choose(family_.alpha(), columns)) return;
            refresh(work_);
            for (const Index j : work_) seen_[j] = travelled_;
            inner_tolerance_ = 0.3 * work_violation();
            improve();
        }
    }

    void add(Index j) {
        work_.push_back(j);
        in_work_[j] = 1;
    }

    // ---- the working set ------------------------------------------------------------------------

    // Solves the problem on the working set to inner_tolerance_: once for a quadratic loss, by
    // proximal Newton steps else.
    void improve() {
        if (dual_pays() && dual_step()) return;
        // A quadratic model is the truth, up to rounding. A working set of everything is measured
        // by the outer loop itself.
        const int rounds = quadratic_ && !in_single() ? 1 : work_.size() == beta_.size() ? 2 : 12;
        double first = 0;
        bool majorize = false;
        for (int round = 0; round < rounds && !monitor_.stop(); ++round) {
            if (round > 0) {
                kernels_.evaluate({}, majorize);
                refresh(work_);
            }
            const double violation = std::max(work_violation(), kernels_.intercept_violation());
            if (round == 0) first = violation;
            if (round > 0 && !(violation > inner_tolerance_)) return;
            const double forcing = std::min(0.1, std::sqrt(violation / first) * 0.1);
            const double target =
                quadratic_ ? std::max(inner_tolerance_, in_single() ? 1e-4 * violation : 0.0)
                           : std::max(forcing * violation, 0.1 * inner_tolerance_);
            const bool moved = model_step(target);
            if (moved ? rounds == 2 : majorize) return;
            // Where the curvature has vanished the model means nothing: step on the loss's upper
            // bound.
            majorize = !moved;
        }
    }

    // Whether to go on in the dual: every column has a ridge, the rows are sparse and not more than
    // the columns (else the dual is singular but for its entropy), and the last time at this alpha
    // brought the gap down.
    bool dual_pays() const {
        if (quadratic_ || problem_.l1_ratio != 0 || problem_.positive || !problem_.x.sparse()) {
            return false;
        }
        const double* v = problem_.penalty_weights;
        if (v != nullptr && !std::all_of(v, v + p_, [](double w) { return w > 0; })) return false;
        return problem_.x.rows() <= p_ && p_ <= std::numeric_limits<std::int32_t>::max() &&
               single_serves_ && !gram_pays() && std::isfinite(family_.alpha()) &&
               !(gap_ > 0.1 * dual_from_);
    }

    // False, and back where it was, when that was not worth it.
    bool dual_step() {
        if constexpr (K::has_samples) {
            if (!dual_solver_) {
                dual_solver_.emplace(problem_.x, problem_.y, problem_.w, problem_.penalty_weights,
                                     problem_.intercept);
            }
            if (!dual_solver_->usable()) return false;
            const std::vector<double> beta = beta_, slope = slope_;
            const double before = objective_at(family_), intercept = kernels_.intercept();
            const double tolerance = std::max(gap_tolerance(), 1e-14 * path_.null_objective);
            double b0 = intercept;
            const bool fast = dual_solver_->solve(family_.alpha(), kernels_.u(), slope_, tolerance,
                                                  beta_, b0, context_, effort_);
            dual_from_ = fast ? gap_ : 0.0;
            kernels_.start(alive_, beta_.data(), b0);
            // Where epochs were slow and left a large gradient behind, Newton's method does better
            // from the old point.
            if (objective_at(family_) <= before && (fast || ridge_gap() <= path_.null_objective)) {
                return true;
            }
            beta_ = beta, slope_ = slope;
            kernels_.start(alive_, beta_.data(), intercept);
            kernels_.evaluate({});
            dual_from_ = 0;
        }
        return false;
    }

    // The duality gap at the point last evaluated when all columns have a ridge and no kink.
    double ridge_gap() {
        refresh(alive_);
        double gap = 0;
        for (const Index j : alive_) {
            const Penalty penalty = family_.at(j);
            const double excess = penalty.violation(slope_[j], beta_[j]);
            gap += 0.5 * excess * excess / penalty.l2;
        }
        return gap;
    }

    double work_violation() const {
        double largest = 0;
        for (const Index j : work_) {
            largest = std::max(largest, family_.at(j).violation(slope_[j], beta_[j]));
        }
        return largest;
    }

    // Minimizes the quadratic model (plus penalty) over the working set and moves there.
    bool model_step(double target) {
        if constexpr (K::has_samples) {
            if (!gram_pays()) return residual_step(target);
        }
        active_.clear();
        for (std::size_t k = 0; k < work_.size(); ++k) {
            const Index j = work_[k];
            const Penalty penalty = family_.at(j);
            if (quadratic_ || beta_[j] != 0 || penalty.free() || penalty.excess(slope_[j]) > 0) {
                active_.push_back(j);
            }
        }
        if (active_.empty()) {
            load();
            return move();
        }
        if constexpr (K::has_samples) {
            if (in_single()) {
                if (gram_step(single_, target)) return true;
                if (!single_.solver.imprecise()) return false;
                single_serves_ = false;
            }
        }
        return gram_step(double_, target);
    }

    // The Gram matrix of some columns and the solver that works on it, in one precision.
    template <class Real>
    struct GramModel {
        explicit GramModel(Index n_features) : cache(n_features) {}

        GramCache<K, Real> cache;
        GramSolver<Real> solver;
        std::vector<Index> active;  // of the last step
        double alpha = 0;
        Index version = -1;
    };

    // Single precision halves the cost of a large dense Gram matrix. A small one is better exact,
    // unless it stands for a curvature that moves anyway.
    bool in_single() const {
        const auto m = static_cast<double>(work_.size());
        const double work = quadratic_ ? 0.0 : m * m * static_cast<double>(problem_.x.rows());
        return single_serves_ && (m > 256 || work > 1e7) && !problem_.x.sparse();
    }

    template <class Real>
    bool gram_step(GramModel<Real>& model, double target) {
        if (last_model_ != &model) model.cache.forget();  // the curvature may have moved meanwhile
        last_model_ = &model;
        const auto gram = model.cache.of(kernels_, active_, context_);
        if (monitor_.stopped()) return false;
        load();
        Visit how = visit(target);
        how.same_system = model.active == active_ && model.alpha == family_.alpha() &&
                          model.version == model.cache.version();
        model.active = active_, model.alpha = family_.alpha(),
        model.version = model.cache.version();
        model.solver.solve(gram, penalty_, b_, s_, how, context_, effort_);
        return !model.solver.imprecise() && move();
    }

    bool residual_step(double target) {
        active_.assign(work_.begin(), work_.end());
        const auto done = static_cast<std::size_t>(block_.n_columns);
        if (done < work_.size()) {
            problem_.x.gather(Columns(work_).subspan(done), kernels_.centre(), block_, context_);
        }
        load();
        std::vector<double> u(kernels_.u().begin(), kernels_.u().end());
        ResidualSolver solver(block_, kernels_.h(), problem_.intercept, context_);
        solver.solve(penalty_, {b_.data(), static_cast<std::size_t>(b_.size())}, u, visit(target),
                     context_, effort_);
        return move();
    }

    bool gram_pays() const {
        if (options_.gram != GramMode::Auto) return options_.gram == GramMode::Always;
        const auto m = static_cast<double>(work_.size());
        if (!problem_.x.sparse() || m <= 256) return m <= 6000;
        // A sweep costs m^2 on the Gram matrix and the stored values on the samples.
        return m <= 6000 && problem_.x.nonzeros(work_) >= m * m;
    }

    Visit visit(double target) {
        Visit visit;
        visit.tolerance = target;
        visit.order = options_.seed >= 0 ? &random_ : nullptr;
        return visit;
    }

    void load() {
        const auto m = static_cast<Index>(active_.size());
        b_.resize(m), s_.resize(m);
        for (Index k = 0; k < m; ++k) b_[k] = beta_[active_[k]], s_[k] = slope_[active_[k]];
        penalty_ = penalties(active_);
    }

    // From beta towards b_: the whole way for a quadratic loss, by an Armijo line search else.
    bool move() {
        changed_.clear(), delta_.clear();
        double predicted = 0, old_penalty = 0;
        for (std::size_t k = 0; k < active_.size(); ++k) {
            const Index j = active_[k];
            const double step = b_[static_cast<Index>(k)] - beta_[j];
            old_penalty += penalty_[k].value(beta_[j]);
            if (step == 0) continue;
            changed_.push_back(j), delta_.push_back(step);
            predicted += penalty_[k].change(beta_[j], step) - slope_[j] * step;
        }
        if (!std::isfinite(predicted)) return false;  // a model without curvature ran away
        if (changed_.empty() && !(kernels_.intercept_violation() > 0)) return false;
        kernels_.prepare(changed_, delta_.data());
        double length = 1;
        if (!quadratic_) {
            const double before = kernels_.value_along(0.0) + old_penalty;
            // Where rounding hides the fall, the Newton step is a refinement.
            const bool hidden = std::fabs(predicted) <= 1e-13 * std::fabs(before);
            const double slack = (hidden ? 1e-13 : 4e-16) * std::fabs(before);
            while (true) {
                double trial = kernels_.value_along(length) + old_penalty;
                for (std::size_t k = 0; k < changed_.size(); ++k) {
                    const Penalty penalty = family_.at(changed_[k]);
                    const double b = beta_[changed_[k]];
                    trial += penalty.change(b, length * delta_[k]);
                }
                if (trial <= before + 1e-4 * length * std::min(predicted, 0.0) + slack) break;
                length *= 0.5;
                if (length < 1e-9) return false;
            }
        }
        kernels_.advance(length);
        for (std::size_t k = 0; k < changed_.size(); ++k) {
            const Index j = changed_[k];
            // A coefficient that the step takes to zero must be exactly zero.
            beta_[j] = length == 1 ? target(j, k) : beta_[j] + length * delta_[k];
        }
        return true;
    }
    double target(Index j, std::size_t k) const {
        const double b = beta_[j] + delta_[k];
        return std::fabs(b) <= 1e-15 * std::fabs(beta_[j]) ? 0.0 : b;
    }

    // Slopes of the alive columns, save those that cannot have come to matter: since theirs was
    // computed, u has moved by no more than a known distance.
    void refresh_doubtful(bool all) {
        travelled_ += kernels_.moved();
        doubtful_.clear();
        for (const Index j : alive_) {
            const Penalty penalty = family_.at(j);
            const double size = penalty.positive ? slope_[j] : std::fabs(slope_[j]);
            if (all || in_work_[j] || !(size + slack(j) < penalty.l1 * (1 - 1e-12))) {
                doubtful_.push_back(j);
            }
        }
        refresh(doubtful_);
        for (const Index j : doubtful_) seen_[j] = travelled_;
    }

    // How much larger than slope_[j] the true slope can be.
    double slack(Index j) const { return norm_[j] * (travelled_ - seen_[j]); }

    // ---- small things ---------------------------------------------------------------------------

    // Slopes of the columns js at the current point.
    void refresh(const std::vector<Index>& js) {
        if (&js == &doubtful_ && static_cast<Index>(js.size()) == p_) {  // in their order
            kernels_.correlate(js, slope_.data());
            return;
        }
        buffer_.resize(js.size());
        kernels_.correlate(js, buffer_.data());
        for (std::size_t k = 0; k < js.size(); ++k) slope_[js[k]] = buffer_[k];
    }
    std::vector<Penalty> penalties(const std::vector<Index>& js) const {
        std::vector<Penalty> all(js.size());
        for (std::size_t k = 0; k < js.size(); ++k) all[k] = family_.at(js[k]);
        return all;
    }
    double objective_at(const PenaltyFamily& family) {
        double objective = kernels_.evaluate({});
        for (Index j = 0; j < p_; ++j) objective += family.at(j).value(beta_[j]);
        return objective;
    }
    void backup() { saved_ = beta_, saved_intercept_ = kernels_.intercept(); }
    void restore() {  // the last finite iterate
        if (!saved_.empty()) start_from(saved_, saved_intercept_);
    }
    void report(bool force) {
        path_.trace.push(
            {family_.alpha(), static_cast<double>(n_iter_), monitor_.seconds(), objective_, gap_,
             violation_, static_cast<double>(n_active_), static_cast<double>(work_.size()),
             static_cast<double>(p_ - static_cast<Index>(alive_.size())),
             static_cast<double>(effort_.epochs), static_cast<double>(effort_.newton)});
        monitor_.report(path_.trace, force);
    }
    PathPoint point() const {
        PathPoint point;
        point.alpha = family_.alpha();
        for (Index j = 0; j < p_; ++j) {
            if (beta_[j] == 0) continue;
            point.indices.push_back(j);
            point.values.push_back(beta_[j]);
        }
        point.intercept = kernels_.intercept();
        point.objective = objective_, point.dual = best_dual_, point.violation = violation_;
        point.seconds = seconds_, point.n_iter = n_iter_, point.status = status_;
        return point;
    }

    K& kernels_;
    const Problem& problem_;
    const Options& options_;
    bool quadratic_;
    double smoothness_;
    Monitor& monitor_;
    Context context_;
    Index p_;
    Random random_;
    PenaltyFamily family_ = at_alpha(std::numeric_limits<double>::infinity());
    Path path_;

    std::vector<double> beta_, mean_, variance_, norm_, slope_, dual_slope_, buffer_, saved_;
    std::vector<double> seen_;  // travelled_ when the slope was computed
    double travelled_ = 0;      // the length of the way that u has gone
    std::vector<Index> alive_, doubtful_, free_, work_, waiting_, active_, changed_;
    std::vector<char> in_work_;
    std::vector<double> delta_;
    std::vector<Penalty> penalty_;
    Eigen::VectorXd b_, s_;
    GramModel<double> double_;
    GramModel<float> single_;
    const void* last_model_ = nullptr;
    bool single_serves_ = false;
    ColumnBlock block_;
    std::optional<DualSolver> dual_solver_;
    Effort effort_;

    Index n_active_ = 0, n_iter_ = 0;
    bool fresh_ = false, certifiable_ = true;
    Status status_ = Status::Converged;
    double objective_ = 0, dual_ = 0, best_dual_ = 0, gap_ = 0, violation_ = 0, scale_ = 1;
    double inner_tolerance_ = 0, null_violation_ = 0, saved_intercept_ = 0, seconds_ = 0;
    double dual_from_ = 0;  // the gap from which the dual solver last set out; 0: it gained little
    double best_violation_ = std::numeric_limits<double>::infinity();
};

}  // namespace cycloid::bcd
