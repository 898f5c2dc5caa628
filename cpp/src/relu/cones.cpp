#include "cycloid/relu/cones.hpp"

#include <Eigen/Jacobi>
#include <algorithm>
#include <cmath>
#include <numeric>

namespace cycloid::relu {
namespace {

// Relative to the point that is projected.
constexpr double violation_allowed = 1e-13;
// A row this close to the span of the active ones is in it.
constexpr double dependent = 1e-10;
constexpr int most_rounds = 200;

}  // namespace

// The constraints of one cone that are active, A_active' = Q R, with their multipliers.
class Cones::Face {
public:
    explicit Face(Index d) : d_(d), q_(d, 0) {}

    // The projection of x by the active constraints alone, of which those with negative multipliers
    // leave.
    void start(const Vector& x) {
        x_ = x;
        while (count() > 0) {
            const Vector wish = solve();
            const Index before = count();
            for (Index i = before - 1; i >= 0; --i) {
                if (wish[i] < 0) remove(i);
            }
            if (count() == before) {
                mu_ = wish;
                break;
            }
        }
        move();
    }

    // Adds the constraint a'v >= 0, which v violates; false if that does not help.
    bool add(Index row, const Vector& a) {
        if (count() == d_) return false;
        const Index k = count();
        if (q_.cols() <= k) {
            const Index room = std::min(d_, 2 * k + 4);
            q_.conservativeResize(d_, room);
            r_.conservativeResize(room, room);
        }
        Vector coefficients = Vector::Zero(k), rest = a;
        for (int pass = 0; pass < 2; ++pass) {
            const Vector part = q_.leftCols(k).transpose() * rest;
            rest.noalias() -= q_.leftCols(k) * part;
            coefficients += part;
        }
        const double norm = rest.norm();
        if (!(norm > dependent)) return false;
        q_.col(k) = rest / norm;
        r_.col(k).head(k) = coefficients;
        r_(k, k) = norm;
        active_.push_back(row);
        mu_.conservativeResize(k + 1);
        mu_[k] = 0;
        settle();
        move();
        return std::find(active_.begin(), active_.end(), row) != active_.end();
    }

    const Vector& point() const { return v_; }
    const std::vector<Index>& active() const { return active_; }
    const Vector& multipliers() const { return mu_; }

private:
    Index count() const { return std::ssize(active_); }

    // Multipliers that make all active constraints equalities.
    Vector solve() const {
        const Index k = count();
        const Vector right = -(q_.leftCols(k).transpose() * x_);
        return r_.topLeftCorner(k, k).triangularView<Eigen::Upper>().solve(right);
    }

    // Goes there as far as multipliers stay non-negative; what reaches zero leaves.
    void settle() {
        while (count() > 0) {
            const Vector wish = solve();
            double length = 1;
            Index first = -1;
            for (Index i = 0; i < count(); ++i) {
                if (wish[i] >= 0) continue;
                const double until = mu_[i] / (mu_[i] - wish[i]);
                if (until < length || first < 0) length = until, first = i;
            }
            if (first < 0) {
                mu_ = wish;
                return;
            }
            mu_ = (mu_ + length * (wish - mu_)).cwiseMax(0.0).eval();
            remove(first);
        }
    }

    void remove(Index i) {
        const Index k = count();
        for (Index j = i; j + 1 < k; ++j) {
            r_.col(j).head(k) = r_.col(j + 1).head(k);
            mu_[j] = mu_[j + 1];
            Eigen::JacobiRotation<double> rotation;
            rotation.makeGivens(r_(j, j), r_(j + 1, j));
            // The columns right of j still stand one place further.
            r_.col(j).head(k).applyOnTheLeft(j, j + 1, rotation.adjoint());
            for (Index column = j + 2; column < k; ++column) {
                auto rest = r_.col(column).head(k);
                rest.applyOnTheLeft(j, j + 1, rotation.adjoint());
            }
            q_.applyOnTheRight(j, j + 1, rotation);
        }
        active_.erase(active_.begin() + i);
        mu_.conservativeResize(k - 1);
    }

    void move() {
        const Index k = count();
        v_ = x_;
        // Twice: what rounding leaves of the first pass would be a violation.
        for (int pass = 0; pass < 2; ++pass) {
            const Vector part = q_.leftCols(k).transpose() * v_;
            v_.noalias() -= q_.leftCols(k) * part;
        }
    }

    Index d_;
    std::vector<Index> active_;
    Vector mu_, x_, v_;
    Matrix q_, r_;
};

Cones::Cones(const Program& program, const Context& context)
    : program_(program), context_(context) {
    if (program.gated) return;
    rows_ = program.x.transpose();
    norms_ = rows_.colwise().norm().transpose();
    for (Index k = 0; k < rows_.cols(); ++k) {
        if (norms_[k] > 0) rows_.col(k) /= norms_[k];
    }
    faces_.assign(static_cast<std::size_t>(program.blocks.count()), Face(program.x.cols()));
}

Cones::~Cones() = default;

// Adds constraints that the point of block b, whose products with X are given, violates.
bool Cones::tighten(Index b, const double* product, double size, double enough) {
    const Index n = rows_.cols(), d = rows_.rows();
    Face& face = faces_[b];
    const auto* active = program_.patterns.active.col(program_.blocks.pattern[b]).data();
    const double allowed = -violation_allowed * size, *norms = norms_.data();
    // Most blocks violate nothing: that is seen without a branch.
    double least_slack = 0;
#pragma omp simd reduction(min : least_slack)
    for (Index k = 0; k < n; ++k) {
        const double value = active[k] != 0 ? product[k] : -product[k];
        least_slack = std::min(least_slack, value - allowed * norms[k]);
    }
    if (least_slack == 0) return false;
    std::vector<std::pair<double, Index>> violated;
    for (Index k = 0; k < n; ++k) {
        const double value = active[k] != 0 ? product[k] : -product[k];
        if (value < allowed * norms[k]) violated.emplace_back(value / norms[k], k);
    }
    const auto most = std::min(std::ssize(violated), 2 * d);
    std::nth_element(violated.begin(), violated.begin() + most, violated.end());
    violated.resize(static_cast<std::size_t>(most));
    bool changed = false;
    // A limit that only rounding errors reach.
    for (Index adds = 0; adds < 20 * d && face.point().norm() > enough; ++adds) {
        auto worst = violated.end();
        double least = allowed;
        for (auto it = violated.begin(); it != violated.end(); ++it) {
            const double sign = active[it->second] != 0 ? 1 : -1;
            it->first = sign * rows_.col(it->second).dot(face.point());
            if (it->first < least) least = it->first, worst = it;
        }
        if (worst == violated.end()) break;
        const double sign = active[worst->second] != 0 ? 1 : -1;
        if (face.add(worst->second, sign * rows_.col(worst->second))) {
            changed = true;
        } else {
            violated.erase(worst);
        }
    }
    return changed;
}

bool Cones::project(Matrix& x, double enough) {
    if (program_.gated) return true;
    const Index d = rows_.rows();
    std::vector<Index> open(x.cols());  // blocks whose points may violate constraints
    std::iota(open.begin(), open.end(), Index{0});
    const double work = double(d) * double(d);
    parallel_for(context_.team(work * double(x.cols())), x.cols(),
                 [&](Index b) { faces_[b].start(x.col(b)); });
    const Vector sizes = x.colwise().norm().transpose();
    Matrix points, products;
    for (int round = 0; round < most_rounds; ++round) {
        std::erase_if(open, [&](Index b) { return faces_[b].point().norm() <= enough; });
        if (open.empty()) break;
        if (context_.stop()) return false;
        points.resize(d, std::ssize(open));
        for (Index i = 0; i < std::ssize(open); ++i) points.col(i) = faces_[open[i]].point();
        multiply(program_, points, context_, products);
        std::vector<char> changed(open.size(), 0);
        parallel_for(context_.team(double(products.size()) * 10), std::ssize(open), [&](Index i) {
            changed[i] = tighten(open[i], products.col(i).data(), sizes[open[i]], enough) ? 1 : 0;
        });
        std::vector<Index> still;
        for (std::size_t i = 0; i < open.size(); ++i) {
            if (changed[i] != 0) still.push_back(open[i]);
        }
        open = std::move(still);
    }
    for (Index b = 0; b < x.cols(); ++b) x.col(b) = faces_[b].point();
    return true;
}

Matrix Cones::multipliers() const {
    if (program_.gated) return {};
    Matrix mu = Matrix::Zero(rows_.cols(), std::ssize(faces_));
    for (Index b = 0; b < mu.cols(); ++b) {
        const Face& face = faces_[b];
        for (std::size_t i = 0; i < face.active().size(); ++i) {
            const Index k = face.active()[i];
            mu(k, b) = std::max(0.0, face.multipliers()[static_cast<Index>(i)]) / norms_[k];
        }
    }
    return mu;
}

}  // namespace cycloid::relu
