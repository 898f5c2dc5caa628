#include "cycloid/bcd/path.hpp"

#include "cycloid/bcd/loss.hpp"
#include "path_solver.hpp"

namespace cycloid::bcd {
namespace {

std::vector<Index> all_columns(const Operator& x) {
    std::vector<Index> js(static_cast<std::size_t>(x.columns()));
    std::iota(js.begin(), js.end(), Index{0});
    return js;
}

// Whether sufficient statistics cost less than the passes over X that they save. Building them
// takes p / 2 multiply-adds an entry at some 20 times the speed of a pass (dense), and a path saves
// several passes an alpha.
bool statistics_pay(const Problem& problem, const Options& options) {
    if (problem.loss != LossKind::Squared || options.gram == GramMode::Never) return false;
    if (options.gram == GramMode::Always) return true;
    const double p = static_cast<double>(problem.x.columns());
    const double n = static_cast<double>(problem.x.rows());
    const double points = options.alphas.empty() ? static_cast<double>(options.n_alphas)
                                                 : static_cast<double>(options.alphas.size());
    if (p > n) return false;
    if (problem.x.sparse()) {
        const double per_row = problem.x.nonzeros(all_columns(problem.x)) / n;
        return p <= 1500 && per_row <= 20 * std::max(points, 2.0);
    }
    return p <= std::min(4096.0, std::max(512.0, 20 * points));
}

StatisticsKernels statistics(const Problem& problem, const Context& context) {
    const Operator& x = problem.x;
    CpuKernels<Squared> data(x, problem.y, problem.w, problem.intercept, context);
    const double square = 2 * data.evaluate({});
    const double y_mean = data.intercept();
    const Index p = x.columns();
    Eigen::VectorXd mean(p), correlation(p);
    Eigen::MatrixXd gram(p, p);
    if (x.moments(problem.w, data.u().data(), problem.intercept, mean.data(), correlation.data(),
                  gram, context)) {
        mirror<double>(gram, 0, context);
    } else {
        Eigen::VectorXd variance(p);
        data.survey(mean.data(), variance.data(), correlation.data());
        data.freeze();
        gram.setZero();
        if (variance.allFinite()) data.gram(all_columns(x), 0, gram);
        gram.diagonal() = variance;  // carries non-finite values on, and the more careful sums
    }
    return {std::move(gram), std::move(correlation), square, y_mean, std::move(mean), context};
}

template <class Loss>
Path solve_on_samples(const Problem& problem, const Options& options, Monitor& monitor) {
    const Context context{options.n_threads, &monitor};
    CpuKernels<Loss> kernels(problem.x, problem.y, problem.w, problem.intercept, context);
    return PathSolver(kernels, problem, options, Loss::quadratic, Loss::smoothness, monitor).run();
}

// 1 / d_j. A column that is not finite keeps its values, for the solver to find.
std::vector<double> inverse_deviations(const Problem& problem, const Context& context) {
    const auto p = static_cast<std::size_t>(problem.x.columns());
    std::vector<double> mean(p), variance(p), correlation(p), scale(p, 1.0);
    problem.x.survey(problem.w, problem.w, problem.intercept, mean.data(), variance.data(),
                     correlation.data(), context);
    for (std::size_t j = 0; j < p; ++j) {
        if (variance[j] > 0 && std::isfinite(variance[j])) scale[j] = 1 / std::sqrt(variance[j]);
    }
    return scale;
}

// Solves for d_j b_j on the scaled columns.
Path solve_standardized(const Problem& problem, const Options& options, Monitor& monitor) {
    const std::vector<double> scale = inverse_deviations(problem, {options.n_threads, &monitor});
    const std::unique_ptr<Operator> x = make_scaled(problem.x, scale.data());
    const Problem scaled{*x,
                         problem.y,
                         problem.w,
                         problem.loss,
                         problem.l1_ratio,
                         problem.penalty_weights,
                         problem.positive,
                         problem.intercept};
    Options scaled_options = options;
    std::vector<double> coef;
    if (options.coef != nullptr) {
        for (std::size_t j = 0; j < scale.size(); ++j) coef.push_back(options.coef[j] / scale[j]);
        scaled_options.coef = coef.data();
    }
    Path path = solve_path(scaled, scaled_options, monitor);
    for (PathPoint& point : path.points) {
        for (std::size_t k = 0; k < point.values.size(); ++k) {
            point.values[k] *= scale[point.indices[k]];
        }
    }
    return path;
}

}  // namespace

Path solve_path(const Problem& problem, const Options& options, Monitor& monitor) {
    if (problem.standardize) return solve_standardized(problem, options, monitor);
    if (problem.loss == LossKind::Logistic) {
        return solve_on_samples<Logistic>(problem, options, monitor);
    }
    if (statistics_pay(problem, options)) {
        StatisticsKernels kernels = statistics(problem, {options.n_threads, &monitor});
        return PathSolver(kernels, problem, options, true, Squared::smoothness, monitor).run();
    }
    return solve_on_samples<Squared>(problem, options, monitor);
}

}  // namespace cycloid::bcd
