// The dual problem around one point, on the kernel taken there: g moves by reg z, and the rows'
// potentials follow. No exponential is taken but of z, so a step costs a product with the kernel.
#pragma once

#include <Eigen/Core>
#include <memory>

#include "cycloid/ot/row_pass.hpp"

namespace cycloid::ot {

class Factor;

struct Effort {
    Index sweeps = 0, newton = 0, cg = 0;
};

// How much to over-relax, from the rate at which the error falls: Young's relation between the
// rates of successive over-relaxation and of plain sweeps (Thibault et al. 2021, section 4).
class Relaxation {
public:
    double omega() const { return omega_; }
    void restart(double error);
    void observe(double error);

private:
    double omega_ = 1, first_ = 0, highest_ = 0;
    int seen_ = 0;
};

// What Newton's method learns about a problem and keeps for the next kernel.
struct NewtonMemory {
    double damping = 0.1;    // the shift of its systems, over the error
    bool factorize = false;  // conjugate gradients with the diagonal alone took too long
};

// What the kernel leaves out (entries dropped, digits lost to single precision) stays in the
// equations as a constant, so the residual at z = 0 is the exact one: what is lost only costs rate.
class LocalProblem {
public:
    LocalProblem(const Kernel& kernel, const Masses& masses, const Point& point,
                 const Context& context);
    ~LocalProblem();

    // Over-relaxed Sinkhorn sweeps, or truncated Newton steps, until the error here is at most
    // `target`, the kernel is stale, or nothing is gained any more.
    void scale(double target, Index most, Relaxation& relaxation, Effort& effort);
    void newton(double target, Index most, NewtonMemory& memory, Effort& effort);

    double error() const { return error_; }
    bool stale() const;  // too far from the point of the kernel to trust it
    double inactive_mass() const { return (b_ * (1 - active_)).sum(); }
    // z, a Sinkhorn step where the kernel holds too little of a column.
    Eigen::ArrayXd step() const;

private:
    void evaluate();  // x, s, y and the column sums at z; then assess()
    void assess();    // residual, error and objective from those
    bool newton_step(double target, NewtonMemory& memory, Effort& effort);
    Eigen::ArrayXd conjugate_gradients(double tolerance, NewtonMemory& memory, Effort& effort);
    Eigen::ArrayXd precondition(const Eigen::ArrayXd& r) const;

    const Kernel& kernel_;
    const Context& context_;
    Eigen::Map<const Eigen::ArrayXd> a_, b_, column_sums_;
    Eigen::ArrayXd row_target_;       // what the kernel's rows sum to at z = 0
    Eigen::ArrayXd target_;           // what its columns are to sum to
    Eigen::ArrayXd active_;           // 1 for a column that the kernel holds, else 0
    Eigen::ArrayXd z_, x_, s_, y_;    // x = b exp(z), s = K x, y = row_target / s
    Eigen::ArrayXd sums_, residual_;  // x (K'y); target - sums
    Eigen::ArrayXd diagonal_;         // of the Newton system
    std::unique_ptr<Factor> factor_;  // of the same; may be null
    double error_ = 0, objective_ = 0, farthest_ = 0;
};

}  // namespace cycloid::ot
