#include "cycloid/relu/pricing.hpp"

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "cycloid/core/parallel.hpp"

namespace cycloid::relu {
namespace {

constexpr Index column_grain = 16;
constexpr double alike = 1e-9;  // 1 - cosine of directions that count as one

// Points of the unit sphere, one a column, and |A'(X u)_+| there.
struct Points {
    Matrix u;
    Matrix generator;  // a point inside a cone that u is in
    Vector size;
};

// Ascent of |A'(X u)_+| on the sphere from each column of `start`. The function is positively
// homogeneous, so its value is gradient'u; the step goes towards the gradient, all the way or half
// of the last way that was too long.
Points ascend(const MatrixView& x, const Matrix& dual, Matrix start, Index max_iter,
              const Context& context) {
    const Index count = start.cols();
    Points best{std::move(start), {}, Vector::Constant(count, -1)};
    Matrix gradient(x.cols(), count), trial = best.u;
    Vector step = Vector::Ones(count);
    std::vector<Index> active(static_cast<std::size_t>(count));
    std::iota(active.begin(), active.end(), 0);
    for (Index k = 0; k <= max_iter && !active.empty() && !context.stop(); ++k) {
        const Matrix products = x * trial;
        const Matrix outputs = dual.transpose() * products.cwiseMax(0.0);
        std::vector<Index> better, next;
        std::vector<Index> columns;  // of `trial`
        for (Index j = 0; j < trial.cols(); ++j) {
            const Index i = active[static_cast<std::size_t>(j)];
            const double size = outputs.col(j).norm();
            const double gain = size - best.size[i];
            if (gain > 0) {
                best.size[i] = size;
                best.u.col(i) = trial.col(j);
                better.push_back(i), columns.push_back(j);
                step[i] = std::min(1.0, 2 * step[i]);
            } else {
                step[i] *= 0.25;
            }
            if (gain > 1e-9 * size || (gain <= 0 && step[i] > 1e-4)) next.push_back(i);
        }
        if (!columns.empty()) {
            Matrix direction = outputs(Eigen::all, columns).colwise().normalized();
            Matrix back = dual * direction;
            back = (products(Eigen::all, columns).array() > 0).select(back, 0.0);
            gradient(Eigen::all, better) = x.transpose() * back;
        }
        active = std::move(next);
        trial.resize(x.cols(), std::ssize(active));
        for (Index j = 0; j < trial.cols(); ++j) {
            const Index i = active[static_cast<std::size_t>(j)];
            const double norm = gradient.col(i).norm();
            trial.col(j) = (1 - step[i]) * best.u.col(i);
            if (norm > 0) trial.col(j) += step[i] / norm * gradient.col(i);
            const double length = trial.col(j).norm();
            if (length > 0) trial.col(j) /= length;
        }
    }
    return best;
}

// The largest g'A'(X u)_+ over the closure of u's cell, then over the cells on the other side of
// the walls that hold it, until no neighbour is better.
void climb(const MatrixView& x, const Matrix& dual, Eigen::Ref<Vector> u, double& size,
           const Context& context) {
    constexpr int most_moves = 30;
    Vector output = dual.transpose() * (x * u).cwiseMax(0.0);
    if (!(output.norm() > 0)) return;
    const Vector weights = dual * output.normalized();
    Mask pattern = ((x * u).array() >= 0).cast<std::uint8_t>();
    const auto at = [&](const Mask& cell) {
        const Vector masked = weights.cwiseProduct(cell.col(0).cast<double>());
        const Vector q = x.transpose() * masked;
        return project_on_cone(x, cell.data(), q, context);
    };
    ConePoint here = at(pattern);
    for (int move = 0; move < most_moves && !context.stop(); ++move) {
        ConePoint better;
        Mask next;
        for (const Index wall : here.walls) {
            Mask neighbour = pattern;
            neighbour(wall, 0) ^= 1;
            ConePoint there = at(neighbour);
            if (there.v.norm() > std::max(better.v.norm(), here.v.norm()) * (1 + 1e-12)) {
                better = std::move(there);
                next = std::move(neighbour);
                if (x.cols() > 20) break;  // the first that is better will do
            }
        }
        if (better.v.size() == 0) break;
        here = std::move(better);
        pattern = std::move(next);
    }
    const double norm = here.v.norm();
    if (!(norm > 0)) return;
    const Vector point = here.v / norm;
    output = dual.transpose() * (x * point).cwiseMax(0.0);
    if (output.norm() > size) {
        size = output.norm();
        u = point;
    }
}

// The best of them, each once, with their directions.
Candidates select(const MatrixView& x, const Matrix& dual, const Points& found,
                  const PricingOptions& options) {
    std::vector<Index> order(static_cast<std::size_t>(found.size.size()));
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(),
                     [&](Index i, Index j) { return found.size[i] > found.size[j]; });
    Candidates out;
    std::vector<Index> kept;
    for (const Index i : order) {
        if (!(found.size[i] > options.above) || std::ssize(kept) >= options.most) break;
        const bool known = std::any_of(kept.begin(), kept.end(), [&](Index j) {
            return 1 - found.u.col(i).dot(found.u.col(j)) < alike;
        });
        if (!known) kept.push_back(i);
    }
    out.u = found.u(Eigen::all, kept);
    out.generator = found.generator(Eigen::all, kept);
    out.size = found.size(kept);
    // The objective falls against the derivative.
    const Matrix products = x * out.u;
    out.direction = -(dual.transpose() * products.cwiseMax(0.0)).colwise().normalized();
    if (!order.empty()) out.bound = std::max(0.0, found.size[order.front()]);
    return out;
}

}  // namespace

Candidates price(const MatrixView& x, const Matrix& dual, const Matrix& starts,
                 const PricingOptions& options, const Context& context) {
    const Index count = starts.cols();
    Points found{starts.colwise().normalized(), {}, Vector::Constant(count, -1)};
    const double work = 2 * double(x.rows()) * double(x.cols()) * double(count);
    parallel_blocks(context.team(work), count, column_grain, [&](Index begin, Index end) {
        const Points some =
            ascend(x, dual, found.u.middleCols(begin, end - begin), options.max_iter, context);
        found.u.middleCols(begin, end - begin) = some.u;
        found.size.segment(begin, end - begin) = some.size;
    });
    std::vector<Index> order(static_cast<std::size_t>(count));
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(),
                     [&](Index i, Index j) { return found.size[i] > found.size[j]; });
    const Index refined = std::min(options.refined, count);
    parallel_for(context.team(work), refined, [&](Index r) {
        const Index i = order[static_cast<std::size_t>(r)];
        climb(x, dual, found.u.col(i), found.size[i], context);
    });
    found.generator = found.u;
    return select(x, dual, found, options);
}

Candidates price_cells(const MatrixView& x, const Matrix& dual, const Patterns& all,
                       const PricingOptions& options, const Context& context) {
    const Index count = all.count();
    // A cell's largest value is at most |X'D a|: the cells go in falling order of that until none
    // of the rest can matter.
    Vector limit(count);
    Matrix q(x.cols(), count);
    const double work = double(x.rows()) * double(x.cols()) * double(count);
    parallel_blocks(context.team(work), count, 256, [&](Index begin, Index end) {
        const Matrix masked = (all.active.middleCols(begin, end - begin).array() != 0)
                                  .select(dual.replicate(1, end - begin), 0.0);
        q.middleCols(begin, end - begin).noalias() = x.transpose() * masked;
        limit.segment(begin, end - begin) =
            q.middleCols(begin, end - begin).colwise().norm().transpose();
    });
    std::vector<Index> order(static_cast<std::size_t>(count));
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(),
                     [&](Index i, Index j) { return limit[i] > limit[j]; });
    Points found{Matrix(x.cols(), 2 * count), Matrix(x.cols(), 2 * count),
                 Vector::Constant(2 * count, -1)};
    const Index enough = 4 * options.most;
    Index used = 0;
    double bound = 0;
    for (const Index i : order) {
        if (context.stop()) break;
        if (limit[i] <= options.above || (limit[i] <= bound && used >= enough)) {
            bound = std::max(bound, std::min(limit[i], options.above));
            break;
        }
        for (const double sign : {1.0, -1.0}) {
            const ConePoint at =
                project_on_cone(x, all.active.col(i).data(), sign * q.col(i), context);
            const double norm = at.v.norm();
            bound = std::max(bound, norm);
            if (!(norm > 1e-9 * limit[i])) continue;
            found.u.col(used) = at.v / norm;
            found.generator.col(used) = all.generators.col(i);
            found.size[used++] = norm;
        }
    }
    found.u.conservativeResize(Eigen::NoChange, used);
    found.generator.conservativeResize(Eigen::NoChange, used);
    found.size.conservativeResize(used);
    Candidates out = select(x, dual, found, options);
    out.bound = bound;
    out.rigorous = !context.stop();
    return out;
}

double price_bound(const MatrixView& x, const Matrix& dual, const Context& context) {
    const double linear =
        dual.cols() == 1
            ? (x.transpose() * dual).norm()
            : std::sqrt(Eigen::SelfAdjointEigenSolver<Matrix>(
                            Matrix((x.transpose() * dual).transpose() * (x.transpose() * dual)),
                            Eigen::EigenvaluesOnly)
                            .eigenvalues()
                            .maxCoeff());
    const auto absolute = [&](const Vector& r) {
        const Matrix weighted = r.cwiseSqrt().asDiagonal() * x;
        const Matrix gram = weighted.transpose() * weighted;
        const Eigen::SelfAdjointEigenSolver<Matrix> eigen(gram, Eigen::EigenvaluesOnly);
        return std::sqrt(r.sum() * std::max(0.0, eigen.eigenvalues().maxCoeff()));
    };
    if (context.stop()) return std::numeric_limits<double>::infinity();
    if (dual.cols() > 1) return (linear + absolute(dual.rowwise().norm())) / 2;
    const Vector a = dual.col(0);
    return (linear + std::max(absolute(a.cwiseMax(0.0)), absolute((-a).cwiseMax(0.0)))) / 2;
}

}  // namespace cycloid::relu
