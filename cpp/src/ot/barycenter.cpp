// Exact passes in the log domain, and between them scaling and Newton steps on stored kernels,
// while reg decreases to the one asked for.
#include "cycloid/ot/barycenter.hpp"

#include <algorithm>
#include <cmath>

#include "barycenter_local.hpp"
#include "cycloid/ot/certificate.hpp"

namespace cycloid::ot {
namespace {

using Table = Eigen::ArrayXXd;  // a column a histogram

constexpr double ladder = 4;                 // ratio of two regs on the way
constexpr double rough = 1e-3, fine = 1e-7;  // the error that is enough before the last of them
constexpr double dense_share = 0.15;         // of entries that matter: beyond it all are kept
constexpr double small = 2500;               // entries: too few to look for those that matter
constexpr Index sweeps_a_round = 60, newton_a_round = 30;
constexpr int most_rounds_in_vain = 20, patience = 40;
constexpr double most_rounding = 1e3;
constexpr double infinity = std::numeric_limits<double>::infinity();

class BarycenterSolver {
public:
    BarycenterSolver(const BarycenterProblem& problem, const BarycenterOptions& options,
                     Monitor& monitor)
        : problem_(problem), options_(options), context_{options.n_threads, &monitor} {
        const Index n = problem.cost.rows(), m = problem.cost.columns();
        const auto count = std::ssize(problem.weights);
        members_.resize(static_cast<std::size_t>(count));
        g_ = columns_ = Table::Zero(m, count);
        for (Index k = 0; k < count; ++k) {
            Member& member = members_[k];
            member.weight = problem.weights[k];
            const double* a = problem.a[k];
            total_ = 0;
            for (Index i = 0; i < n; ++i) {
                if (!(a[i] > 0)) continue;
                member.rows.push_back(i);
                member.masses.a.push_back(a[i]);
                total_ += a[i];
            }
            for (double& mass : member.masses.a) mass /= total_;
            member.masses.b.assign(static_cast<std::size_t>(m), 1 / static_cast<double>(m));
            member.cost = &problem.cost;
            if (std::ssize(member.rows) < n) {
                std::vector<Index> columns(static_cast<std::size_t>(m));
                for (Index j = 0; j < m; ++j) columns[j] = j;
                member.selected = make_selected_cost(problem.cost, member.rows, columns);
                member.cost = member.selected.get();
            }
            if (options.g.data != nullptr) std::copy_n(options.g[k], m, g_.col(k).data());
        }
        weights_ = Eigen::Map<const Eigen::ArrayXd>(problem.weights.data(), count);
        best_ = g_;
    }

    Barycenter run() {
        out_.status = solve();
        finish();
        return std::move(out_);
    }

private:
    // A rough error on the way down leaves bins of little mass far from where they belong at the
    // last reg. Most problems have no such bins; for the others the way is repeated.
    Status solve() {
        const bool started = options_.g.data != nullptr;
        Status status = started ? level(problem_.reg, patience) : Status::Stalled;
        for (const double error : {rough, fine}) {
            if (status != Status::Stalled || best_error_ < most_rounding * rounding(problem_.reg)) {
                break;
            }
            way_error_ = std::max(error, goal());
            status = descend(error == fine ? std::numeric_limits<int>::max() : patience);
        }
        return status;
    }

    Status descend(int rounds) {
        g_.setZero();
        Status status = Status::Converged;
        std::vector<double> regs{problem_.reg};
        while (spread() / 10 > ladder * regs.back()) regs.push_back(regs.back() * ladder);
        for (; !regs.empty() && status == Status::Converged; regs.pop_back()) {
            status = level(regs.back(), rounds);
        }
        return status;
    }

    // How far the costs of a row are above its least, on average over some rows.
    double spread() const {
        const Index n = problem_.cost.rows(), m = problem_.cost.columns();
        const Index step = std::max<Index>(n / 50, 1);
        std::vector<double> buffer(static_cast<std::size_t>(m));
        double sum = 0, count = 0;
        for (Index i = 0; i < n; i += step, ++count) {
            const Eigen::Map<const Eigen::ArrayXd> row(problem_.cost.row(i, buffer.data()), m);
            sum += row.mean() - row.minCoeff();
        }
        return sum / count;
    }

    // Solves at one reg: to the goal at the last, else roughly. Stalled if so many rounds are not
    // enough.
    Status level(double reg, int rounds) {
        const bool last = reg == problem_.reg;
        const Monitor& monitor = *context_.monitor;
        scaling_is_slow_ = false;
        Table accepted;
        double accepted_error = infinity, accepted_dual = -infinity, lowest = infinity;
        int in_vain = 0;
        for (;;) {
            pass(reg);
            if (monitor.stopped()) return monitor.reason();
            const double enough = last ? goal() : way_error_;
            if (last && error_ < best_error_) {
                best_ = g_, best_error_ = error_, best_is_here_ = true;
            }
            const bool stop = report(reg);
            if (error_ <= enough) return Status::Converged;
            if (stop) return monitor.reason();
            if (!std::isfinite(error_)) return Status::NumericalError;
            if (out_.n_iter >= options_.max_iter) return Status::MaxIter;
            in_vain = error_ < 0.9 * lowest ? 0 : in_vain + 1;
            lowest = std::min(lowest, error_);
            const bool lost =
                in_vain > most_rounds_in_vain && error_ < most_rounding * rounding(reg);
            if (lost || --rounds < 0) return Status::Stalled;
            if (error_ > accepted_error && dual_ < accepted_dual) {
                g_ = accepted;
                dropped_ *= 1e-4;
                accepted_error = infinity, accepted_dual = -infinity;
                pass(reg);
                if (monitor.stopped()) return monitor.reason();
                project(reg);
            } else {
                accepted = g_, accepted_error = error_, accepted_dual = dual_;
                local_steps(reg, enough);
            }
        }
    }

    // The plans of g, exact in the log domain, their kernels, and how far the second marginals are
    // from their mean.
    void pass(double reg) {
        const Index m = g_.rows(), count = g_.cols();
        const double work = 20 * static_cast<double>(problem_.cost.rows() * m * count);
        g_.colwise() -= mix(g_, weights_);
        best_is_here_ = false;
        each_member(context_, work, count, [&](Index k, const Context& context) {
            Member& member = members_[k];
            Point& point = member.point;
            point.g.assign(g_.col(k).data(), g_.col(k).data() + m);
            const auto entries = static_cast<double>(member.cost->rows() * m);
            const bool few = point.kept > 0 && point.kept < dense_share * entries;
            member.storage = few && entries > small ? Storage::Sparse : Storage::Dense;
            const auto size = static_cast<double>(std::max(problem_.cost.rows(), m));
            row_pass(*member.cost, member.masses, reg, dropped_ / size, member.storage,
                     member.kernel, point, context);
            columns_.col(k) =
                Eigen::Map<const Eigen::ArrayXd>(point.column_sums.data(), std::ssize(point.g));
        });
        ++out_.n_passes;
        const Eigen::ArrayXd mean = mix(columns_, weights_);
        error_ = 0, dual_ = -reg, kept_ = 0;
        for (Index k = 0; k < count; ++k) {
            const Member& member = members_[k];
            error_ += member.weight * (columns_.col(k) - mean).abs().sum();
            kept_ += member.point.kept;
            for (std::size_t i = 0; i < member.masses.a.size(); ++i) {
                dual_ += member.weight * member.masses.a[i] * member.point.f[i];
            }
        }
    }

    void local_steps(double reg, double enough) {
        BarycenterLocal local(members_, context_);
        if (local.inactive_mass() > 0.1) {
            project(reg);
            return;
        }
        Effort effort;
        const Index left = options_.max_iter - out_.n_iter;
        if (!scaling_is_slow_) {
            const double target = std::max(0.3 * enough, 1e-6 * error_);
            local.scale(target, std::min(left, sweeps_a_round), relaxation_, effort);
            scaling_is_slow_ = local.error() > target;
        } else {
            const double target = std::max(0.3 * enough, 1e-5 * error_);
            local.newton(target, std::min(left, newton_a_round), damping_, effort);
            scaling_is_slow_ = effort.newton > 1;  // or the first step failed: then it is as good
        }
        g_ += reg * local.step();
        out_.n_iter += std::max<Index>(effort.sweeps + effort.newton, 1);
        n_newton_ += effort.newton;
        n_cg_ += effort.cg;
    }

    // One iterative Bregman projection.
    void project(double reg) {
        const Table logs = columns_.log();
        g_ -= reg * (logs.colwise() - mix(logs, weights_));
        ++out_.n_iter;
    }

    bool report(double reg) {
        out_.trace.push({static_cast<double>(out_.n_iter), context_.monitor->seconds(), reg, error_,
                         dual_, kept_, static_cast<double>(n_newton_), static_cast<double>(n_cg_),
                         static_cast<double>(out_.n_passes)});
        return context_.monitor->report(out_.trace, error_ <= goal());
    }

    double goal() const { return 0.8 * options_.tol; }  // rounding may add to it at the end

    // What rounding the potentials does to the marginals.
    double rounding(double reg) const {
        const double size = (g_.abs() * columns_).matrix().colwise().sum().dot(weights_.matrix());
        return std::numeric_limits<double>::epsilon() * (1 + 2 * size / reg);
    }

    // The barycenter and the certificate at the best potentials; see `solve` for the total.
    void finish() {
        context_.monitor = nullptr;
        if (!best_is_here_) {
            g_ = best_;
            pass(problem_.reg);
        }
        const Index n = problem_.cost.rows(), m = g_.rows(), count = g_.cols();
        const double reg = problem_.reg, shift = reg * std::log(total_);
        Eigen::ArrayXd b = mix(columns_, weights_);
        b /= b.sum();
        std::vector<Certificate> sure(members_.size());
        const double work = 40 * static_cast<double>(n * m * count);
        each_member(context_, work, count, [&](Index k, const Context& context) {
            Member& member = members_[k];
            member.masses.b.assign(b.data(), b.data() + m);
            sure[k] =
                certify(*member.cost, member.masses, reg, member.point.f, member.point.g, context);
        });
        out_.n_passes += 2;
        for (Index k = 0; k < count; ++k) {
            const Member& member = members_[k];
            const double weight = member.weight;
            out_.violation += weight * sure[k].violation;
            out_.transport_cost += weight * total_ * sure[k].transport_cost;
            out_.value += weight * total_ * (sure[k].value + shift * sure[k].mass);
            out_.gap += weight * total_ * sure[k].gap;
            std::vector<double> f(static_cast<std::size_t>(n), -infinity);
            for (std::size_t i = 0; i < member.rows.size(); ++i) {
                f[member.rows[i]] = member.point.f[i] + shift;
            }
            out_.f.push_back(std::move(f));
            out_.g.push_back(member.point.g);
        }
        out_.dual = total_ * (dual_ + shift);
        b *= total_;
        out_.b.assign(b.data(), b.data() + m);
        if (out_.violation <= options_.tol) {
            out_.status = Status::Converged;
        } else if (out_.status == Status::Converged) {
            out_.status = Status::Stalled;
        }
    }

    const BarycenterProblem& problem_;
    const BarycenterOptions& options_;
    Context context_;
    std::vector<Member> members_;
    Eigen::ArrayXd weights_;
    Table g_, best_, columns_;
    double total_ = 1, error_ = infinity, dual_ = -infinity, kept_ = 0, best_error_ = infinity;
    double way_error_ = rough, damping_ = 0.1;
    double dropped_ = 1e-12;  // entries below this, over max(n, m), are left out of steps
    bool scaling_is_slow_ = false, best_is_here_ = false;  // here: at the last pass
    Relaxation relaxation_;
    Index n_newton_ = 0, n_cg_ = 0;
    Barycenter out_;
};

}  // namespace

Barycenter solve_barycenter(const BarycenterProblem& problem, const BarycenterOptions& options,
                            Monitor& monitor) {
    return BarycenterSolver(problem, options, monitor).run();
}

}  // namespace cycloid::ot
