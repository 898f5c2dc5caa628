// Sinkhorn-Newton-Sparse as published: Tang, Shavlovsky, Rahmanian, Tardini, Thekumparampil, Xiao &
// Ying, ICLR 2024, algorithm 1. A fixed share of the plan's largest entries stays in the Hessian.
#include <Eigen/Core>
#include <algorithm>
#include <cmath>

#include "cycloid/ot/progress.hpp"

namespace cycloid::ot {
namespace {

using Array = Eigen::ArrayXd;

constexpr double cg_tolerance = 1e-8;
constexpr Index most_cg = 2000;
constexpr int most_halvings = 30;

struct Entry {
    Index row, column;
    double value;
};

// The dual objective f'a + g'b - reg sum P at z = (f, g), with the plan P it implies.
class DualPoint {
public:
    DualPoint(Progress& progress, double reg)
        : progress_(progress),
          reg_(reg),
          n_(progress.cost.rows()),
          m_(progress.cost.columns()),
          masses_(n_ + m_),
          plan_(static_cast<std::size_t>(n_ * m_)) {
        std::copy(progress.masses.a.begin(), progress.masses.a.end(), masses_.data());
        std::copy(progress.masses.b.begin(), progress.masses.b.end(), masses_.data() + n_);
    }

    void evaluate(const Array& z) {
        ++progress_.out.n_passes;
        const Pieces pieces(n_, m_);
        std::vector<double> partial(static_cast<std::size_t>(pieces.count * m_));
        marginals.resize(n_ + m_);
        const double work = 20 * static_cast<double>(n_) * static_cast<double>(m_);
        parallel_for(progress_.context.team(work), pieces.count, [&](Index piece) {
            std::vector<double> buffer(static_cast<std::size_t>(m_));
            Eigen::Map<Array> sums(partial.data() + piece * m_, m_);
            for (Index i = pieces.begin(piece); i < pieces.end(piece); ++i) {
                if (progress_.context.stop()) return;
                Eigen::Map<Array> row(plan_.data() + i * m_, m_);
                const double* cost = progress_.cost.row(i, buffer.data());
                marginals[i] = plan_row(cost, z[i], z.data() + n_, m_, 1 / reg_, row.data());
                sums += row;
            }
        });
        add_up(partial, {marginals.data() + n_, static_cast<std::size_t>(m_)});
        gradient = masses_ - marginals;
        error = gradient.abs().sum();
        objective = (masses_ * z).sum() - reg_ * marginals.head(n_).sum();
    }

    // The largest entries of the plan, so many.
    std::vector<Entry> largest(Index count) const {
        std::vector<double> sorted = plan_;
        count = std::clamp<Index>(count, 1, n_ * m_);
        std::nth_element(sorted.begin(), sorted.begin() + (count - 1), sorted.end(),
                         std::greater<>());
        const double least = sorted[count - 1];
        std::vector<Entry> entries;
        for (Index i = 0; i < n_; ++i) {
            for (Index j = 0; j < m_; ++j) {
                const double p = plan_[i * m_ + j];
                if (p >= least) entries.push_back({i, j, p});
            }
        }
        return entries;
    }

    Array marginals, gradient;
    double error = 0, objective = 0;

private:
    Progress& progress_;
    double reg_;
    Index n_, m_;
    Array masses_;
    std::vector<double> plan_;
};

// [diag(P 1), S; S', diag(P' 1)] v
Array multiply(const Array& marginals, Index n, const std::vector<Entry>& entries, const Array& v) {
    Array out = marginals * v;
    for (const Entry& e : entries) {
        out[e.row] += e.value * v[n + e.column];
        out[n + e.column] += e.value * v[e.row];
    }
    return out;
}

// Conjugate gradients with the diagonal as preconditioner.
Array newton_direction(const DualPoint& at, Index n, const std::vector<Entry>& entries,
                       Progress& progress) {
    Array x = Array::Zero(at.gradient.size()), r = at.gradient, scaled = r / at.marginals;
    Array p = scaled;
    double rho = (r * scaled).sum();
    const double enough = cg_tolerance * cg_tolerance * rho;
    for (Index k = 0; k < most_cg && rho > enough && !progress.context.stop(); ++k) {
        const Array product = multiply(at.marginals, n, entries, p);
        const double bend = (p * product).sum();
        if (!(bend > 0)) break;  // the null vector (1, -1), or rounding
        x += rho / bend * p;
        r -= rho / bend * product;
        scaled = r / at.marginals;
        const double next = (r * scaled).sum();
        p = scaled + next / rho * p;
        rho = next;
        ++progress.n_cg;
    }
    return x;
}

class SnsSolver {
public:
    SnsSolver(Progress& progress, double reg)
        : progress_(progress), reg_(reg), n_(progress.cost.rows()), m_(progress.cost.columns()) {}

    Status run() {
        const Options& options = progress_.options;
        const Index sinkhorn = std::min(options.n_sinkhorn, options.max_iter);
        const Status first = solve_sinkhorn(progress_, reg_, sinkhorn);
        if (first != Status::MaxIter) return first;
        Array z(n_ + m_);
        std::copy(progress_.f.begin(), progress_.f.end(), z.data());
        std::copy(progress_.g.begin(), progress_.g.end(), z.data() + n_);
        DualPoint at(progress_, reg_);
        at.evaluate(z);
        const double entries = static_cast<double>(n_) * static_cast<double>(m_);
        const auto count = static_cast<Index>(std::ceil(options.density * entries));
        for (Index k = 0; k < options.n_newton && !progress_.exhausted(); ++k) {
            if (!step(z, at, count)) return stopped(Status::Stalled);
            keep(z, at);
            const bool stop = progress_.report(reg_, at.error, at.objective, double(count));
            if (at.error <= progress_.goal()) return Status::Converged;
            if (stop) return progress_.context.monitor->reason();
        }
        return stopped(Status::MaxIter);
    }

private:
    // One sparse Newton step with Armijo's rule (lines 9 to 13); false if no length of it helps.
    bool step(Array& z, DualPoint& at, Index count) {
        const Array direction = newton_direction(at, n_, at.largest(count), progress_) * reg_;
        ++progress_.n_newton;
        ++progress_.out.n_iter;
        const double slope = (at.gradient * direction).sum(), before = at.objective;
        const double error = at.error;
        const Array from = z;
        double length = 1;
        for (int k = 0; k < most_halvings; ++k, length *= 0.5) {
            z = from + length * direction;
            at.evaluate(z);
            if (progress_.context.monitor->stopped()) return false;
            // Near the optimum rounding hides what the objective gains, but not the error's loss.
            if (at.objective >= before + 1e-4 * length * slope || at.error < 0.9 * error) {
                return true;
            }
        }
        return false;
    }

    void keep(const Array& z, const DualPoint& at) {
        if (!(at.error < progress_.error)) return;
        progress_.error = at.error;
        progress_.f.assign(z.data(), z.data() + n_);
        progress_.g.assign(z.data() + n_, z.data() + n_ + m_);
    }
    Status stopped(Status otherwise) const {
        const Monitor& monitor = *progress_.context.monitor;
        return monitor.stopped() ? monitor.reason() : otherwise;
    }

    Progress& progress_;
    double reg_;
    Index n_, m_;
};

}  // namespace

Status solve_sns(Progress& progress, double reg) { return SnsSolver(progress, reg).run(); }

}  // namespace cycloid::ot
