#include "incumbent.hpp"

#include <cmath>
#include <utility>

namespace cycloid::relu {

Incumbent::Incumbent(const Program& program, const Context& context)
    : program_(program), context_(context), cones_(program, context) {
    if (!program.gated) margins_ = generator_margins(program, context);
    const Index n = program.x.rows(), outputs = program.blocks.direction.rows();
    point_.objective = std::numeric_limits<double>::infinity();
    point_.lower_bound = -point_.objective;
    offer_primal(Matrix::Zero(program.x.cols(), program.blocks.count()));
    offer_dual(Matrix::Zero(n, outputs));
}

void Incumbent::offer_primal(Matrix v) {
    if (!v.allFinite()) return;
    Matrix products, z;
    multiply(program_, v, context_, products);
    lift(program_, margins_, v, products, context_);
    RowVector c = RowVector::Zero(program_.blocks.direction.rows());
    predictions(program_, products, c, context_, z);
    if (program_.intercept) {
        c = program_.loss.best_intercept(z);
        z.rowwise() += c;
    }
    const double value = program_.loss.value(z) + program_.alpha * penalty(v);
    if (!(value < point_.objective)) return;
    point_.objective = value;
    point_.point.v = std::move(v);
    point_.point.c = std::move(c);
}

// min over mu >= 0 of |F_b'a - A_b'mu| is the norm of the projection of -F_b'a onto the cone.
void Incumbent::offer_dual(Matrix a) {
    if (!a.allFinite()) return;
    program_.loss.to_domain(a, program_.intercept);
    Matrix slopes;
    adjoint(program_, a, context_, slopes);
    slopes *= -1;
    if (!cones_.project(slopes, program_.alpha)) return;
    const double norm = slopes.colwise().norm().maxCoeff();
    const double scale = norm > program_.alpha ? program_.alpha / norm : 1;
    a *= scale;
    const double bound = -program_.loss.conjugate(a);
    if (!(bound > point_.lower_bound)) return;
    point_.lower_bound = bound;
    point_.point.dual = std::move(a);
    point_.point.cone_multipliers = scale * cones_.multipliers();
}

bool Incumbent::report(Index iteration, double tol) {
    if (context_.monitor == nullptr) return false;
    point_.trace.push({static_cast<double>(iteration), context_.monitor->seconds(),
                       point_.objective, point_.lower_bound});
    return context_.monitor->report(point_.trace, certified(tol));
}

Solution Incumbent::finish(Status status, Index n_iter) {
    point_.status = status;
    point_.n_iter = n_iter;
    return std::move(point_);
}

}  // namespace cycloid::relu
