#include "cycloid/relu/patterns.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <unordered_map>

#include "cycloid/core/parallel.hpp"
#include "cycloid/core/random.hpp"
#include "cycloid/relu/normal.hpp"

namespace cycloid::relu {
namespace {

constexpr double on_wall = 1e-12;  // |x_k'a| / (|x_k| |a|) of points that count as being on a wall
constexpr Index column_grain = 16;

std::uint64_t hash_of(const std::uint8_t* bytes, Index count) {
    std::uint64_t hash = static_cast<std::uint64_t>(count);
    for (Index i = 0; i < count; i += 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes + i, static_cast<std::size_t>(std::min<Index>(8, count - i)));
        hash = Random::mix(hash ^ word) + 0x9e3779b97f4a7c15ULL;
    }
    return hash;
}

// Columns seen so far, each once.
class DistinctColumns {
public:
    explicit DistinctColumns(Index rows) : kept_(rows, 0) {}

    // Its number, and whether it is new.
    std::pair<Index, bool> add(const std::uint8_t* column) {
        const Index rows = kept_.rows();
        const std::uint64_t hash = hash_of(column, rows);
        const auto [begin, end] = index_.equal_range(hash);
        for (auto it = begin; it != end; ++it) {
            if (std::equal(column, column + rows, kept_.col(it->second).data())) {
                return {it->second, false};
            }
        }
        if (count_ == kept_.cols()) {
            kept_.conservativeResize(Eigen::NoChange, std::max<Index>(16, 2 * count_));
        }
        std::copy_n(column, rows, kept_.col(count_).data());
        index_.emplace(hash, count_);
        return {count_++, true};
    }
    Mask take() {
        kept_.conservativeResize(Eigen::NoChange, count_);
        return std::move(kept_);
    }
    Index count() const { return count_; }

private:
    Mask kept_;
    Index count_ = 0;
    std::unordered_multimap<std::uint64_t, Index> index_;
};

// Moves a point off the walls it is on, by less than its distance from the others.
void leave_walls(const MatrixView& x, const Vector& norms, Eigen::Ref<Vector> point,
                 Eigen::Ref<Vector> products) {
    const Index n = x.rows();
    const double scale = point.norm();
    bool on_any = false;
    for (Index k = 0; k < n; ++k) {
        on_any = on_any || (norms[k] > 0 && std::abs(products[k]) <= on_wall * norms[k] * scale);
    }
    if (!on_any) return;
    const Vector direction = normal_matrix(x.cols(), 1, 0x77a11);
    const Vector change = x * direction;
    double length = scale > 0 ? scale / direction.norm() : 1;
    for (Index k = 0; k < n; ++k) {
        if (std::abs(products[k]) <= on_wall * norms[k] * scale) {
            products[k] = 0;
        } else if (change[k] != 0) {
            length = std::min(length, 0.5 * std::abs(products[k] / change[k]));
        }
    }
    point += length * direction;
    products += length * change;
}

}  // namespace

DistinctPatterns distinct_patterns(const MatrixView& x, Matrix points, const Context& context) {
    const Index n = x.rows(), count = points.cols();
    const Vector norms = x.rowwise().norm();
    Mask active(n, count);
    const double work = double(n) * double(x.cols()) * double(count);
    parallel_blocks(context.team(work), count, column_grain, [&](Index begin, Index end) {
        auto some = points.middleCols(begin, end - begin);
        Matrix products = x * some;
        for (Index j = 0; j < some.cols(); ++j) {
            leave_walls(x, norms, some.col(j), products.col(j));
            const double length = some.col(j).norm();
            if (length > 0) some.col(j) /= length;
        }
        active.middleCols(begin, end - begin) =
            (products.array() >= 0).template cast<std::uint8_t>();
    });
    DistinctPatterns out;
    DistinctColumns distinct(n);
    std::vector<Index> first;
    for (Index j = 0; j < count; ++j) {
        const auto [number, is_new] = distinct.add(active.col(j).data());
        out.pattern_of.push_back(number);
        if (is_new) first.push_back(j);
    }
    out.patterns.active = distinct.take();
    out.patterns.generators = points(Eigen::all, first);
    return out;
}

Matrix sample_points(const MatrixView& x, PatternSource source, Index count, std::uint64_t seed) {
    if (source == PatternSource::Gaussian) return normal_matrix(x.cols(), count, seed);
    Matrix points(x.cols(), count);
    Random random(seed);
    const auto n = static_cast<std::uint64_t>(x.rows());
    for (Index j = 0; j < count; ++j) {
        const auto first = static_cast<Index>(random.below(n));
        const auto second = static_cast<Index>(random.below(n));
        const double share = random.uniform();
        const Vector difference = (x.row(first) - x.row(second)).transpose();
        const Vector between = (share * x.row(first) + (1 - share) * x.row(second)).transpose();
        const double size = between.squaredNorm();
        points.col(j) = difference;
        if (size > 0) points.col(j) -= between.dot(difference) / size * between;
    }
    return points;
}

Patterns sample_patterns(const MatrixView& x, PatternSource source, Index count, std::uint64_t seed,
                         const Context& context) {
    Matrix points(x.cols(), 0);
    Patterns found;
    // Patterns seen before are drawn again where there are few: each round draws as many as are
    // missing, and a round that finds nothing new is the last.
    for (std::uint64_t round = 0; found.count() < count && !context.stop(); ++round) {
        const Index missing = count - found.count(), before = found.count();
        const Matrix drawn =
            sample_points(x, source, std::max<Index>(missing, 8), Random(seed).at(round));
        Matrix all(x.cols(), before + drawn.cols());
        if (before > 0) all.leftCols(before) = found.generators;
        all.rightCols(drawn.cols()) = drawn;
        found = distinct_patterns(x, std::move(all), context).patterns;
        if (found.count() == before) break;
    }
    if (found.count() > count) {
        found.active.conservativeResize(Eigen::NoChange, count);
        found.generators.conservativeResize(Eigen::NoChange, count);
    }
    return found;
}

Patterns sample_perturbed_patterns(const MatrixView& x, double radius, Index count,
                                   std::uint64_t seed, const Context& context) {
    const Index n = x.rows(), d = x.cols();
    constexpr Index disturbances = 4;  // of X for each point
    DistinctColumns distinct(n);
    std::vector<Vector> generators;
    Index idle = 0;
    Mask column(n, 1);
    for (std::uint64_t round = 0; distinct.count() < count && idle < 20 && !context.stop();
         ++round, ++idle) {
        const std::uint64_t key = Random(seed).at(round);
        const Vector point = normal_matrix(d, 1, key).col(0).normalized();
        const Vector clean = x * point;
        for (Index repeat = 0; repeat < disturbances && distinct.count() < count; ++repeat) {
            const Random signs(key + 1 + static_cast<std::uint64_t>(repeat));
            bool same = true;
            for (Index k = 0; k < n; ++k) {
                double product = clean[k];
                for (Index j = 0; j < d; ++j) {
                    const auto bits = signs.at(static_cast<std::uint64_t>(k * d + j));
                    product += (bits >> 63) != 0 ? radius * point[j] : -radius * point[j];
                }
                column(k, 0) = product >= 0;
                same = same && (product >= 0) == (clean[k] >= 0);
            }
            if (!distinct.add(column.data()).second) continue;
            generators.push_back(same ? point : Vector::Zero(d));
            idle = 0;
        }
    }
    Patterns out;
    out.active = distinct.take();
    out.generators.resize(d, out.active.cols());
    for (std::size_t j = 0; j < generators.size(); ++j) {
        out.generators.col(static_cast<Index>(j)) = generators[j];
    }
    return out;
}

}  // namespace cycloid::relu
