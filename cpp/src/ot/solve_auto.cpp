// The default method: exact passes in the log domain, and between them what the plan calls for,
// over-relaxed scaling where it is dense and truncated Newton steps where it is sparse.
#include <algorithm>
#include <cmath>
#include <utility>

#include "cycloid/ot/local_problem.hpp"
#include "cycloid/ot/progress.hpp"

namespace cycloid::ot {
namespace {

constexpr double ladder = 4;          // ratio of two regs of the ladder
constexpr double rough = 0.2;         // the error that is enough before the last of them
constexpr double close = 0.6;         // that of a start which need not go farther up
constexpr double dense_share = 0.25;  // of entries that matter: beyond it scaling is cheaper
constexpr double small = 2500;        // entries: too few to look for those that matter
constexpr Index sweeps_a_round = 300, newton_a_round = 30;
// Errors below these multiples of what rounding does may be, or surely are, all there is.
constexpr double most_rounding = 30, few_roundings = 3;
constexpr int most_rounds_in_vain = 20, patience = 40;

class AutoSolver {
public:
    AutoSolver(Progress& progress, double reg) : progress_(progress), reg_(reg) {
        const Options& options = progress.options;
        point_.g.assign(progress.masses.b.size(), 0.0);
        if (options.g != nullptr) std::copy_n(options.g, point_.g.size(), point_.g.begin());
    }

    // A rough error on the way down loses the flow of small groups of bins, which then have far to
    // go at the last reg. Most problems have no such groups; for the others the way is repeated.
    Status run() {
        Status status = Status::Stalled;
        for (const double error : {rough, 1e-3, 0.0}) {
            way_error_ = std::max(error, progress_.goal());
            patient_ = error == 0;
            std::vector<double> way = regs();
            if (error == rough && progress_.options.g != nullptr) join(way);
            status = descend(way);
            if (status != Status::Stalled || progress_.error < most_rounding * rounding(reg_))
                break;
            std::fill(point_.g.begin(), point_.g.end(), 0.0);
        }
        return status;
    }

private:
    Status descend(const std::vector<double>& regs) {
        for (const double reg : regs) {
            const Status status = level(reg);
            if (status != Status::Converged) return status;
        }
        return Status::Converged;
    }

    // From where the plan is blurred and scaling converges at once, down to the one asked for.
    std::vector<double> regs() const {
        std::vector<double> regs{reg_};
        const double start = spread() / 20;
        while (2 * start > ladder * regs.back()) regs.push_back(regs.back() * ladder);
        std::reverse(regs.begin(), regs.end());
        return regs;
    }

    // Given potentials join the way where they are about as good as those from the reg before, or
    // are given up.
    void join(std::vector<double>& regs) {
        for (auto reg = regs.end(); reg != regs.begin();) {
            if (!pass(*--reg) || point_.error < close) {
                if (storage_ == wanted() || point_.error <= progress_.goal()) joined_ = *reg;
                regs.erase(regs.begin(), reg);
                return;
            }
        }
        std::fill(point_.g.begin(), point_.g.end(), 0.0);
    }

    // Mean over some rows of the mean cost above the smallest.
    double spread() const {
        const Cost& cost = progress_.cost;
        const Index n = cost.rows(), m = cost.columns(), stride = std::max<Index>(1, n / 64);
        std::vector<double> buffer(static_cast<std::size_t>(m));
        double sum = 0, count = 0;
        for (Index i = 0; i < n; i += stride, ++count) {
            const double* c = cost.row(i, buffer.data());
            const Eigen::Map<const Eigen::ArrayXd> row(c, m);
            sum += row.mean() - row.minCoeff();
        }
        return sum / count;
    }

    // Solves at one reg: to the goal at the last, else as far as the next one profits.
    Status level(double reg) {
        const bool last = reg == reg_;
        scaling_is_slow_ = false;
        Point accepted;
        int in_vain = 0, scalings = 0, rounds = 0;
        double lowest = std::numeric_limits<double>::infinity();
        for (;;) {
            if (std::exchange(joined_, 0.0) != reg && !pass(reg)) return ended();
            const double goal = last ? progress_.goal() : way_error();
            if (last) progress_.keep_best(point_);
            const bool stop = progress_.report(reg, point_.error, point_.dual, point_.kept);
            if (point_.error <= goal) return Status::Converged;
            if (stop) return progress_.context.monitor->reason();
            if (!std::isfinite(point_.error)) return Status::NumericalError;
            if (progress_.exhausted()) return Status::MaxIter;
            in_vain = point_.error < 0.9 * lowest ? 0 : in_vain + 1;
            lowest = std::min(lowest, point_.error);
            const double roundings = point_.error / rounding(reg);
            const bool lost = (in_vain > most_rounds_in_vain && roundings < most_rounding) ||
                              (in_vain > 2 && roundings < few_roundings);
            if (lost || (!patient_ && ++rounds > patience)) return Status::Stalled;
            if (scalings > 0) {  // the plain, safe way, for some passes after a step that failed
                --scalings;
                sinkhorn_step(reg);
            } else if (point_.error > accepted.error && point_.dual < accepted.dual) {
                point_ = accepted;
                scalings = 1;
                dropped_ *= 1e-4;
                sinkhorn_step(reg);
                accepted = Point();
            } else {
                accepted = point_;
                local_steps(reg, goal);
            }
        }
    }

    // Enough at a reg before the last. Where few entries are left, flows that are lost now are hard
    // to find again, and steps are cheap.
    double way_error() const {
        return storage_ == Storage::Sparse ? std::max(progress_.goal(), 0.05 * way_error_)
                                           : way_error_;
    }

    // One exact pass, the plan stored as the next steps will want it; false if it was cut short.
    bool pass(double reg) {
        const auto size = std::max(point_.g.size(), progress_.masses.a.size());
        do {
            storage_ = wanted();
            row_pass(progress_.cost, progress_.masses, reg, dropped_ / static_cast<double>(size),
                     storage_, kernel_, point_, progress_.context);
            ++progress_.out.n_passes;
            if (progress_.context.monitor->stopped()) return false;
        } while (storage_ == Storage::Dense && wanted() == Storage::Sparse &&
                 !(point_.error <= progress_.goal()));
        return true;
    }

    Storage wanted() const {
        const bool few = point_.kept > 0 && point_.kept < dense_share * entries();
        return few && entries() > small ? Storage::Sparse : Storage::Dense;
    }

    void local_steps(double reg, double goal) {
        LocalProblem local(kernel_, progress_.masses, point_, progress_.context);
        Effort effort;
        const Index left = progress_.options.max_iter - progress_.out.n_iter;
        if (local.inactive_mass() > 0.1) {
            sinkhorn_step(reg);
            return;
        }
        if (storage_ == Storage::Sparse || scaling_is_slow_) {
            local.newton(std::max(0.3 * goal, 1e-4 * point_.error), std::min(left, newton_a_round),
                         newton_, effort);
        } else {
            const double target = std::max(0.3 * goal, 1e-6 * point_.error);
            local.scale(target, std::min(left, sweeps_a_round), relaxation_, effort);
            scaling_is_slow_ = local.error() > target && !local.stale();
        }
        const Eigen::ArrayXd z = local.step();
        for (std::size_t j = 0; j < point_.g.size(); ++j) point_.g[j] += reg * z[j];
        progress_.out.n_iter += std::max<Index>(effort.sweeps + effort.newton, 1);
        progress_.out.n_passes += effort.sweeps;
        progress_.n_newton += effort.newton;
        progress_.n_cg += effort.cg;
    }

    void sinkhorn_step(double reg) {
        for (std::size_t j = 0; j < point_.g.size(); ++j) {
            point_.g[j] += reg * std::log(progress_.masses.b[j] / point_.column_sums[j]);
        }
        ++progress_.out.n_iter;
    }

    // What rounding the potentials does to the marginals.
    double rounding(double reg) const {
        double size = 0;
        for (std::size_t i = 0; i < point_.f.size(); ++i) {
            size += progress_.masses.a[i] * std::fabs(point_.f[i]);
        }
        for (std::size_t j = 0; j < point_.g.size(); ++j) {
            size += progress_.masses.b[j] * std::fabs(point_.g[j]);
        }
        return std::numeric_limits<double>::epsilon() * (1 + size / reg);
    }

    double entries() const {
        return static_cast<double>(point_.g.size()) *
               static_cast<double>(progress_.masses.a.size());
    }
    Status ended() const { return progress_.context.monitor->reason(); }

    Progress& progress_;
    double reg_;
    Point point_;
    Kernel kernel_;
    Relaxation relaxation_;
    NewtonMemory newton_;
    bool scaling_is_slow_ = false;  // at this reg
    double way_error_ = rough;      // enough before the last reg
    bool patient_ = false;
    double joined_ = 0;       // the reg at which the point is up to date already
    double dropped_ = 1e-12;  // entries below this, over max(n, m), are left out of steps
    Storage storage_ = Storage::Dense;
};

}  // namespace

Status solve_auto(Progress& progress, double reg) { return AutoSolver(progress, reg).run(); }

}  // namespace cycloid::ot
