#include <cmath>
#include <numbers>

#include "cycloid/core/random.hpp"
#include "cycloid/newton/inner.hpp"

namespace cycloid::newton {
namespace {

// z <- z - (S'r) / ||A S||^2 A S with r = A z - b and one random vector S a step: the projection of
// z on the hyperplane S'A z = S'b (Gower & Richtarik 2015, with one column).
class Projection : public LinearSolver {
public:
    explicit Projection(const InnerOptions& options) : options_(options), random_(options.seed) {}

    Inertia prepare(const System& system, const Context&) override {
        system_ = system;
        load();
        return Inertia::Unknown;
    }
    Index iterations() const override { return iterations_; }

    double solve(const Vector& b, double tolerance, Vector& z, const Context& context) override {
        const double scale = b.norm();
        if (!(scale > 0)) {
            z.setZero();
            return 0;
        }
        double reached = 0;
        for (Index left = options_.max_inner;;) {
            residual_ = system_.times(z) - b;
            reached = residual_.norm() / scale;
            if (!(reached > tolerance) || left <= 0 || context.stop()) break;
            // As much work as a few residuals, so that they are no burden.
            const Index steps = std::min(left, round());
            for (Index step = 0; step < steps; ++step) project(b, z, tolerance * scale);
            left -= steps;
            iterations_ += steps;
        }
        return std::isfinite(reached) ? reached : std::numeric_limits<double>::infinity();
    }

protected:
    virtual void load() = 0;          // what a step needs of the system
    virtual Index round() const = 0;  // steps between two residuals
    virtual void project(const Vector& b, Vector& z, double target) = 0;

    const System& system() const { return system_; }
    Vector& residual() { return residual_; }
    Random& random() { return random_; }

private:
    InnerOptions options_;
    Random random_;
    System system_;
    Vector residual_;
    Index iterations_ = 0;
};

class Gaussian final : public Projection {
public:
    using Projection::Projection;

private:
    void load() override {
        if (system().has_entries()) matrix_ = dense_matrix(system());
        sketch_.resize(system().n() + system().m());
    }
    Index round() const override { return 16; }

    void project(const Vector&, Vector& z, double target) override {
        // The residual is kept up to date here, so the step that meets the target can be the last.
        if (residual().norm() <= target) return;
        draw();
        times(sketch_, image_);
        const double square = image_.squaredNorm();
        if (!(square > 0)) return;
        const double length = sketch_.dot(residual()) / square;
        z -= length * image_;
        times(image_, sketch_);
        residual() -= length * sketch_;
    }

    void times(const Vector& v, Vector& out) const {
        if (matrix_.size() > 0) {
            out.noalias() = matrix_ * v;
        } else {
            out = system().times(v);
        }
    }

    void draw() {  // Box & Muller
        for (Index i = 0; i < sketch_.size(); i += 2) {
            const double radius = std::sqrt(-2 * std::log(1 - random().uniform()));
            const double angle = 2 * std::numbers::pi * random().uniform();
            sketch_[i] = radius * std::cos(angle);
            if (i + 1 < sketch_.size()) sketch_[i + 1] = radius * std::sin(angle);
        }
    }

    Matrix matrix_;
    Vector sketch_, image_;
};

class Kaczmarz final : public Projection {
public:
    using Projection::Projection;

private:
    void load() override {
        sparse_ = system().hessian->sparse() != nullptr && system().jacobian->sparse() != nullptr;
        if (sparse_) {
            rows_ = sparse_lower(system()).selfadjointView<Eigen::Lower>();
            squares_.resize(rows_.cols());
            for (Index i = 0; i < rows_.cols(); ++i) squares_[i] = rows_.col(i).squaredNorm();
        } else {
            matrix_ = dense_matrix(system());
            squares_ = matrix_.colwise().squaredNorm();
        }
    }
    Index round() const override { return 4 * squares_.size(); }

    void project(const Vector& b, Vector& z, double) override {
        const auto i = static_cast<Index>(random().below(static_cast<std::uint64_t>(b.size())));
        if (!(squares_[i] > 0)) return;
        // The matrix is symmetric: its columns are its rows.
        if (sparse_) {
            const double length = (rows_.col(i).dot(z) - b[i]) / squares_[i];
            for (SparseMatrix::InnerIterator it(rows_, i); it; ++it) {
                z[it.row()] -= length * it.value();
            }
        } else {
            z -= (matrix_.col(i).dot(z) - b[i]) / squares_[i] * matrix_.col(i);
        }
    }

    bool sparse_ = false;
    Matrix matrix_;
    SparseMatrix rows_;
    Vector squares_;
};

}  // namespace

std::unique_ptr<LinearSolver> make_gaussian(const InnerOptions& options) {
    return std::make_unique<Gaussian>(options);
}
std::unique_ptr<LinearSolver> make_kaczmarz(const InnerOptions& options) {
    return std::make_unique<Kaczmarz>(options);
}

}  // namespace cycloid::newton
