#include "cycloid/ot/row_pass.hpp"

#include <Eigen/Core>
#include <algorithm>
#include <cmath>

#include "cycloid/core/simd.hpp"

namespace cycloid::ot {
namespace {

// Smaller shares count as this one: no denormal numbers, and a column that nothing reaches yet gets
// a long but finite step.
constexpr double least_exponent = -500;

// exponent_j = (f + g_j - cost_j) / reg; returns the largest. (A compiler leaves a maximum of
// doubles scalar, for the sake of NaN; Eigen does not.)
double exponents(const double* cost, double f, const double* g, Index m, double inverse_reg,
                 double* exponent) {
    Eigen::Map<Eigen::ArrayXd> out(exponent, m);
    const Eigen::Map<const Eigen::ArrayXd> costs(cost, m), potentials(g, m);
    out = (f + potentials - costs) * inverse_reg;
    return out.maxCoeff();
}

// exp((g_j - cost_j) / reg) over their sum, whose logarithm is returned.
double soft_min(const double* cost, const double* g, Index m, double inverse_reg, double* share) {
    const double largest = exponents(cost, 0.0, g, m, inverse_reg, share);
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (Index j = 0; j < m; ++j) {
        share[j] = simd::exp_nonpositive(std::max(share[j] - largest, least_exponent));
        sum += share[j];
    }
    const double factor = 1 / sum;
#pragma omp simd
    for (Index j = 0; j < m; ++j) share[j] *= factor;
    return largest + std::log(sum);
}

// sums += a share; returns how many shares exceed `least`.
double add_row(const double* share, Index m, double a, double least, double* sums) {
    double kept = 0;
#pragma omp simd reduction(+ : kept)
    for (Index j = 0; j < m; ++j) {
        sums[j] += a * share[j];
        kept += share[j] > least ? 1.0 : 0.0;
    }
    return kept;
}

}  // namespace

void row_pass(const Cost& cost, const Masses& masses, double reg, double least, Storage storage,
              Kernel& kernel, Point& point, const Context& context) {
    const auto [n, m] = std::pair{cost.rows(), cost.columns()};
    const Pieces pieces(n, m);
    kernel.reset(pieces, m, storage);
    point.f.resize(masses.a.size());
    point.column_sums.resize(masses.b.size());
    std::vector<double> partial(static_cast<std::size_t>(pieces.count * m));
    std::vector<double> kept(static_cast<std::size_t>(pieces.count)), inverse_b(masses.b.size());
    std::transform(masses.b.begin(), masses.b.end(), inverse_b.begin(),
                   [](double b) { return 1 / b; });
    const double work = 20 * static_cast<double>(n) * static_cast<double>(m);
    parallel_for(context.team(work), pieces.count, [&](Index piece) {
        std::vector<double> buffer(masses.b.size()), share(masses.b.size());
        for (Index i = pieces.begin(piece); i < pieces.end(piece); ++i) {
            if (context.stop()) return;
            const double a = masses.a[i];
            const double log_sum =
                soft_min(cost.row(i, buffer.data()), point.g.data(), m, 1 / reg, share.data());
            point.f[i] = reg * (std::log(a) - log_sum);
            kept[piece] += add_row(share.data(), m, a, least / a, partial.data() + piece * m);
            kernel.store(piece, i, share.data(), inverse_b.data(), least / a);
        }
    });
    add_up(partial, point.column_sums);
    point.error = 0, point.dual = -reg, point.kept = 0;
    for (const double count : kept) point.kept += count;
    for (std::size_t i = 0; i < masses.a.size(); ++i) point.dual += masses.a[i] * point.f[i];
    for (std::size_t j = 0; j < masses.b.size(); ++j) {
        point.dual += masses.b[j] * point.g[j];
        point.error += std::fabs(point.column_sums[j] - masses.b[j]);
    }
}

// Exponents above zero are rare; the factor that they share is taken out first.
double plan_row(const double* cost, double f, const double* g, Index m, double inverse_reg,
                double* plan) {
    const double largest = std::max(exponents(cost, f, g, m, inverse_reg, plan), 0.0);
    const double factor = std::exp(largest);
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (Index j = 0; j < m; ++j) {
        plan[j] = factor * simd::exp_nonpositive(std::max(plan[j] - largest, least_exponent));
        sum += plan[j];
    }
    return sum;
}

}  // namespace cycloid::ot
