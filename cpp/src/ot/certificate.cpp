#include "cycloid/ot/certificate.hpp"

#include <Eigen/Core>
#include <algorithm>
#include <cmath>

namespace cycloid::ot {
namespace {

using Array = Eigen::ArrayXd;
using ConstMap = Eigen::Map<const Array>;

constexpr Index group_size = 32;  // rows that share what is within reach
constexpr double lost = 1e-16;    // of a row, beyond it

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
          rows_(a_.size()),
          densities_(map(g) / reg - b_.log()) {}

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
        each_row([&](Index piece, Index i, const Columns& columns, const Row& row) {
            rows_[i] = row.sum;
            moved_[i] = (row.plan * row.cost).sum();
            factors[i] = std::min(1.0, a_[i] / rows_[i]);
            columns.add(row.plan, 1, sums.data() + piece * m);
            columns.add(row.plan, factors[i], scaled.data() + piece * m);
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
        const Array y = (b_ / scaled_columns_).min(1.0);
        const Array h = (b_ - y * scaled_columns_).max(0.0);
        Array rows(a_.size());
        each_row([&](Index, Index i, const Columns& columns, const Row& row) {
            rows[i] = x[i] * columns.dot(row.plan, y.data());
        });
        const Array e = (a_ - rows).max(0.0);
        const double lacking = e.sum(), sum_h = h.sum();
        double value = (rows * (map(f_) + reg_ * x.log() - reg_)).sum() +
                       (y * scaled_columns_ * (map(g_) + reg_ * y.log())).sum();
        if (lacking > 0 && sum_h > 0) {
            const double entropy =
                std::min((e * a_.log()).sum(), (h * b_.log()).sum() * lacking / sum_h);
            value += cost_of(e, h) / sum_h + reg_ * entropy;
        }
        return value;
    }

    // sum_ij e_i h_j cost_ij
    double cost_of(const Array& e, const Array& h) const {
        Array sums = Array::Zero(e.size());
        parallel_for(team(2), pieces_.count, [&](Index piece) {
            std::vector<double> buffer(g_.size());
            for (Index i = pieces_.begin(piece); i < pieces_.end(piece); ++i) {
                if (context_.stop()) return;
                if (e[i] > 0) sums[i] = (h * ConstMap(cost_.row(i, buffer.data()), h.size())).sum();
            }
        });
        return (e * sums).sum();
    }

    // Some columns, whose numbers come one after the other.
    struct Columns {
        std::vector<Range> ranges;
        Index count = 0;

        template <class Body>
        void each(const Body& body) const {
            Index from = 0;
            for (const Range& range : ranges) {
                body(from, range.begin, range.end - range.begin);
                from += range.end - range.begin;
            }
        }
        void add(ConstMap values, double factor, double* sums) const {
            each([&](Index from, Index to, Index size) {
                Eigen::Map<Array>(sums + to, size) += factor * values.segment(from, size);
            });
        }
        double dot(ConstMap values, const double* other) const {
            double sum = 0;
            each([&](Index from, Index to, Index size) {
                sum += (values.segment(from, size) * ConstMap(other + to, size)).sum();
            });
            return sum;
        }
    };
    struct Row {
        ConstMap cost, plan;
        double sum;
    };

    template <class Body>
    void each_row(const Body& body) const {
        const Index size = cost_.ordered() ? group_size : cost_.rows();
        parallel_for(team(20), pieces_.count, [&](Index piece) {
            std::vector<double> buffer(g_.size()), plan(g_.size()), g(g_.size());
            const View densities{densities_.data(), g_.size()};
            const View b{b_.data(), g_.size()};
            for (Index first = pieces_.begin(piece); first < pieces_.end(piece);) {
                const Index next = std::min(first + size, pieces_.end(piece));
                Columns columns{cost_.reach(first, next, {densities, b, reg_, lost})};
                columns.each([&](Index from, Index to, Index count) {
                    std::copy_n(g_.data() + to, count, g.data() + from);
                    columns.count = from + count;
                });
                for (Index i = first; i < next; ++i) {
                    if (context_.stop()) return;
                    const double* cost = row(i, columns, buffer.data());
                    const double sum =
                        plan_row(cost, f_[i], g.data(), columns.count, 1 / reg_, plan.data());
                    body(piece, i, columns,
                         Row{{cost, columns.count}, {plan.data(), columns.count}, sum});
                }
                first = next;
            }
        });
    }

    const double* row(Index i, const Columns& columns, double* buffer) const {
        if (columns.count == cost_.columns()) return cost_.row(i, buffer);
        cost_.row(i, columns.ranges, buffer);
        return buffer;
    }

    int team(double work_an_entry) const {
        return context_.team(work_an_entry * static_cast<double>(cost_.rows()) *
                             static_cast<double>(cost_.columns()));
    }

    const Cost& cost_;
    ConstMap a_, b_;
    double reg_;
    View f_, g_;
    const Context& context_;
    Pieces pieces_;
    Array rows_, columns_, scaled_columns_, moved_, densities_;
};

}  // namespace

Certificate certify(const Cost& cost, const Masses& masses, double reg, View f, View g,
                    const Context& context) {
    return Certifier(cost, masses, reg, f, g, context).run();
}

}  // namespace cycloid::ot
