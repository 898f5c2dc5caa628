#include <Eigen/QR>
#include <algorithm>
#include <cmath>

#include "cycloid/relu/pricing.hpp"

namespace cycloid::relu {
namespace {

// min |q + G mu| over mu >= 0, where column k of G is (2 D_kk - 1) x_k.
class ActiveSet {
public:
    ActiveSet(const MatrixView& x, const std::uint8_t* pattern, const Vector& q)
        : x_(x), pattern_(pattern), q_(q), v_(q) {}

    ConePoint run(const Context& context) {
        const Vector norms = x_.rowwise().norm();
        const double scale = q_.norm();
        for (Index k = 0; k < 3 * x_.cols() + 10 && !context.stop(); ++k) {
            const Vector products = x_ * v_;
            Index worst = -1;
            double violation = 1e-13 * scale;
            for (Index i = 0; i < x_.rows(); ++i) {
                const double outside = -sign(i) * products[i];
                if (norms[i] > 0 && outside > violation * norms[i] && !holds(i)) {
                    violation = outside / norms[i];
                    worst = i;
                }
            }
            if (worst < 0) break;
            walls_.push_back(worst);
            mu_.conservativeResize(mu_.size() + 1);
            mu_[mu_.size() - 1] = 0;
            if (!restore()) break;
        }
        return {v_, walls_};
    }

private:
    double sign(Index i) const { return pattern_[i] != 0 ? 1 : -1; }
    bool holds(Index i) const { return std::find(walls_.begin(), walls_.end(), i) != walls_.end(); }

    Matrix wall_matrix() const {
        Matrix g(x_.cols(), std::ssize(walls_));
        for (Index j = 0; j < g.cols(); ++j) {
            const Index i = walls_[static_cast<std::size_t>(j)];
            g.col(j) = sign(i) * x_.row(i).transpose();
        }
        return g;
    }

    // The least squares solution on the walls held, of which those with a multiplier that would
    // become negative are let go. False if rounding leaves nothing to do.
    bool restore() {
        while (!walls_.empty()) {
            const Matrix g = wall_matrix();
            const Vector wanted = g.colPivHouseholderQr().solve(-q_);
            double step = 1;
            for (Index j = 0; j < wanted.size(); ++j) {
                if (wanted[j] <= 0) step = std::min(step, mu_[j] / (mu_[j] - wanted[j]));
            }
            if (!(step >= 0)) step = 0;  // 0 / 0
            mu_ += step * (wanted - mu_);
            if (step >= 1) {
                v_ = q_ + g * mu_;
                return true;
            }
            const std::size_t before = walls_.size();
            release(wanted);
            if (walls_.size() == before) return false;
        }
        v_ = q_;
        return false;
    }

    void release(const Vector& wanted) {
        std::vector<Index> kept;
        Index count = 0;
        const double small = 1e-14 * mu_.cwiseAbs().maxCoeff();
        for (Index j = 0; j < mu_.size(); ++j) {
            if (wanted[j] <= 0 && mu_[j] <= small) continue;
            kept.push_back(walls_[static_cast<std::size_t>(j)]);
            mu_[count++] = mu_[j];
        }
        mu_.conservativeResize(count);
        walls_ = std::move(kept);
    }

    const MatrixView& x_;
    const std::uint8_t* pattern_;
    const Vector& q_;
    Vector v_;
    std::vector<Index> walls_;
    Vector mu_;
};

}  // namespace

ConePoint project_on_cone(const MatrixView& x, const std::uint8_t* pattern, const Vector& q,
                          const Context& context) {
    return ActiveSet(x, pattern, q).run(context);
}

}  // namespace cycloid::relu
