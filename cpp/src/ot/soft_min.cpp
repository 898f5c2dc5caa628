#include "cycloid/ot/soft_min.hpp"

#include <algorithm>
#include <cmath>

#include "cycloid/core/simd.hpp"

namespace cycloid::ot {
namespace {

constexpr Index rows_at_once = 16;  // share one look at the largest exponent so far
constexpr double infinity = std::numeric_limits<double>::infinity();

double team_work(const Cost& cost) {
    return 20 * static_cast<double>(cost.rows()) * static_cast<double>(cost.columns());
}

void exponents(const double* cost, const double* g, const double* log_b, Index m, double inverse,
               double* z) {
#pragma omp simd
    for (Index j = 0; j < m; ++j) z[j] = (g[j] - cost[j]) * inverse + log_b[j];
}

double log_sum(const double* z, Index m) {
    double largest = -infinity, sum = 0;
#pragma omp simd reduction(max : largest)
    for (Index j = 0; j < m; ++j) largest = z[j] > largest ? z[j] : largest;
#pragma omp simd reduction(+ : sum)
    for (Index j = 0; j < m; ++j) sum += simd::exp_nonpositive(z[j] - largest);
    return largest + std::log(sum);
}

// log sum_i exp(z_i) of each column, rows of z coming in by and by.
class LogSums {
public:
    // Finite from the start: rows without mass are all -infinity, and the difference of two is NaN.
    explicit LogSums(std::size_t m)
        : largest_(m, std::numeric_limits<double>::lowest()), sum_(m, 0.0), top_(m) {}

    // `rows` rows, `z` one after the other.
    void add(const double* z, Index rows) {
        const auto m = std::ssize(sum_);
        std::copy(largest_.begin(), largest_.end(), top_.begin());
        for (Index r = 0; r < rows; ++r) {
            const double* row = z + r * m;
#pragma omp simd
            for (Index j = 0; j < m; ++j) top_[j] = std::max(top_[j], row[j]);
        }
#pragma omp simd
        for (Index j = 0; j < m; ++j) {
            const double fall = top_[j] > largest_[j] ? largest_[j] - top_[j] : 0.0;
            sum_[j] *= simd::exp_nonpositive(fall);
            largest_[j] = top_[j];
        }
        for (Index r = 0; r < rows; ++r) {
            const double* row = z + r * m;
#pragma omp simd
            for (Index j = 0; j < m; ++j) {
                sum_[j] += simd::exp_nonpositive(row[j] - largest_[j]);
            }
        }
    }
    double operator[](Index j) const { return largest_[j] + std::log(sum_[j]); }

private:
    std::vector<double> largest_, sum_, top_;
};

}  // namespace

void soft_min_rows(const Cost& cost, View g, View log_b, double reg, std::span<double> out,
                   const Context& context) {
    const Index n = cost.rows(), m = cost.columns();
    const Pieces pieces(n, m);
    const double inverse = 1 / reg;
    parallel_for(context.team(team_work(cost)), pieces.count, [&](Index piece) {
        std::vector<double> buffer(g.size()), z(g.size());
        for (Index i = pieces.begin(piece); i < pieces.end(piece); ++i) {
            const double* row = cost.row(i, buffer.data());
            exponents(row, g.data(), log_b.data(), m, inverse, z.data());
            out[i] = -reg * log_sum(z.data(), m);
        }
    });
}

void soft_min_columns(const Cost& cost, View f, View log_a, double reg, std::span<double> out,
                      const Context& context) {
    const Index n = cost.rows(), m = cost.columns();
    const Pieces pieces(n, m);
    const double inverse = 1 / reg;
    std::vector<LogSums> partial(static_cast<std::size_t>(pieces.count), LogSums(out.size()));
    parallel_for(context.team(team_work(cost)), pieces.count, [&](Index piece) {
        std::vector<double> buffer(out.size()), z(rows_at_once * out.size());
        Index held = 0;
        for (Index i = pieces.begin(piece); i < pieces.end(piece); ++i) {
            const double* row = cost.row(i, buffer.data());
            double* to = z.data() + held * m;
#pragma omp simd
            for (Index j = 0; j < m; ++j) to[j] = (f[i] - row[j]) * inverse + log_a[i];
            if (++held < rows_at_once && i + 1 < pieces.end(piece)) continue;
            partial[piece].add(z.data(), held);
            held = 0;
        }
    });
    LogSums whole(out.size());
    std::vector<double> row(out.size());
    for (const LogSums& sums : partial) {
        for (Index j = 0; j < m; ++j) row[j] = sums[j];
        whole.add(row.data(), 1);
    }
    for (Index j = 0; j < m; ++j) out[j] = -reg * whole[j];
}

}  // namespace cycloid::ot
