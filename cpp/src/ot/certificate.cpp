#include "cycloid/ot/certificate.hpp"

#include <Eigen/Core>
#include <algorithm>
#include <cmath>

namespace cycloid::ot {
namespace {

using Array = Eigen::ArrayXd;
using ConstMap = Eigen::Map<const Array>;

ConstMap map(View values) { return {values.data(), static_cast<Eigen::Index>(values.size())}; }

class Certifier {
public:
    Certifier(const Cost& cost, const Masses& masses, double reg, View f, View g,
              const Context& context)
        : cost_(cost),
          a_(map(masses.a)),
          b_(map(masses.b)),
          reg_(reg),
          f_(f),
          g_(g),
          context_(context),
          pieces_(cost.rows(), cost.columns()),
          rows_(a_.size()) {}

    Certificate run() {
        const Array scale = sum_plan();
        const double transport = moved_.sum();
        const double total = rows_.sum(), fa = (a_ * map(f_)).sum(), gb = (b_ * map(g_)).sum();
        Certificate out{};
        out.violation = (rows_ - a_).abs().sum() + (columns_ - b_).abs().sum();
        out.mass = total;
        out.transport_cost = transport;
        // On this plan the cost is f + g - reg log P.
        out.value = (rows_ * map(f_)).sum() + (columns_ * map(g_)).sum() - reg_ * total;
        out.dual = fa + gb - reg_ * total;
        out.gap = std::max(rounded_value(scale) - out.dual, 0.0);
        return out;
    }

private:
    // The marginals of the plan, its cost by rows, and the column sums of the plan whose rows that
    // are too heavy are scaled down, by the factors returned.
    Array sum_plan() {
        const Index m = cost_.columns();
        Array factors(a_.size());
        moved_.resize(a_.size());
        std::vector<double> sums(pieces_.count * m), scaled(pieces_.count * m);
        each_row([&](Index piece, Index i, const double* cost, const double* plan, double sum) {
            const ConstMap p(plan, m);
            rows_[i] = sum;
            moved_[i] = (p * ConstMap(cost, m)).sum();
            factors[i] = std::min(1.0, a_[i] / rows_[i]);
            Eigen::Map<Array>(sums.data() + piece * m, m) += p;
            Eigen::Map<Array>(scaled.data() + piece * m, m) += factors[i] * p;
        });
        columns_.resize(m), scaled_columns_.resize(m);
        add_up(sums, {columns_.data(), static_cast<std::size_t>(m)});
        add_up(scaled, {scaled_columns_.data(), static_cast<std::size_t>(m)});
        return factors;
    }

    // The objective at Q + e h' / |e| with Q = diag(x) P diag(y) and what Q lacks of the marginals,
    // e and h, from above: p (log p - 1) is convex, and no entry exceeds its row's or its column's
    // mass, so adding d to an entry q adds at most d log(min(a_i, b_j)).
    double rounded_value(const Array& x) {
        const Index m = cost_.columns();
        const Array y = (b_ / scaled_columns_).min(1.0);
        const Array h = (b_ - y * scaled_columns_).max(0.0);
        Array rows(a_.size()), spread(a_.size());
        each_row([&](Index, Index i, const double* cost, const double* plan, double) {
            rows[i] = x[i] * (ConstMap(plan, m) * y).sum();
            spread[i] = (h * ConstMap(cost, m)).sum();
        });
        const Array e = (a_ - rows).max(0.0);
        const double lacking = e.sum(), sum_h = h.sum();
        double value = (rows * (map(f_) + reg_ * x.log() - reg_)).sum() +
                       (y * scaled_columns_ * (map(g_) + reg_ * y.log())).sum();
        if (lacking > 0 && sum_h > 0) {
            const double entropy =
                std::min((e * a_.log()).sum(), (h * b_.log()).sum() * lacking / sum_h);
            value += (e * spread).sum() / sum_h + reg_ * entropy;
        }
        return value;
    }

    template <class Body>
    void each_row(const Body& body) const {
        const double work = 20 * static_cast<double>(cost_.rows()) * double(cost_.columns());
        parallel_for(context_.team(work), pieces_.count, [&](Index piece) {
            std::vector<double> buffer(g_.size()), plan(g_.size());
            for (Index i = pieces_.begin(piece); i < pieces_.end(piece); ++i) {
                const double* cost = cost_.row(i, buffer.data());
                const double sum =
                    plan_row(cost, f_[i], g_.data(), g_.size(), 1 / reg_, plan.data());
                body(piece, i, cost, plan.data(), sum);
            }
        });
    }

    const Cost& cost_;
    ConstMap a_, b_;
    double reg_;
    View f_, g_;
    const Context& context_;
    Pieces pieces_;
    Array rows_, columns_, scaled_columns_, moved_;
};

}  // namespace

Certificate certify(const Cost& cost, const Masses& masses, double reg, View f, View g,
                    const Context& context) {
    return Certifier(cost, masses, reg, f, g, context).run();
}

}  // namespace cycloid::ot
