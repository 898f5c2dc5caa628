// The dual problem of a barycenter around one point, on the kernels taken there.
#pragma once

#include <Eigen/Core>
#include <memory>

#include "cycloid/ot/local_problem.hpp"

namespace cycloid::ot {

// One of the histograms: its rows with mass, its plan at one point, and that plan's kernel.
struct Member {
    double weight = 0;
    std::vector<Index> rows;
    Masses masses;                   // b is the unit in which the kernel's columns are stored
    std::unique_ptr<Cost> selected;  // the costs of `rows`, if these are not all
    const Cost* cost = nullptr;
    Point point;
    Kernel kernel;
    Storage storage = Storage::Dense;
};

// sum_k w_k of the columns k.
inline Eigen::ArrayXd mix(const Eigen::ArrayXXd& columns, const Eigen::ArrayXd& weights) {
    return (columns.matrix() * weights.matrix()).array();
}

// body(k, context) for every member: the threads share out the members, or the rows of each if
// there are fewer of these than threads.
template <class Body>
void each_member(const Context& context, double work, Index count, const Body& body) {
    const int team = context.team(work);
    const bool across = count >= team;
    const Context inner{across ? 1 : context.n_threads, context.monitor};
    parallel_for(across ? team : 1, count, [&](Index k) { body(k, inner); });
}

// The g of member k moves by reg z_k, a column of z, where sum_k w_k z_k = 0; the potentials of the
// rows follow. What the kernels leave out stays in the equations as a constant.
class BarycenterLocal {
public:
    BarycenterLocal(const std::vector<Member>& members, const Context& context);

    // Over-relaxed iterative Bregman projections, or truncated Newton steps, until the error here
    // is at most `target`, the kernels are stale, or nothing is gained any more.
    void scale(double target, Index most, Relaxation& relaxation, Effort& effort);
    void newton(double target, Index most, double& damping, Effort& effort);

    double error() const { return error_; }
    double inactive_mass() const { return inactive_mass_; }
    // z, a plain projection where a kernel holds too little of a column.
    Eigen::ArrayXXd step() const;

private:
    using Table = Eigen::ArrayXXd;  // a column a member
    using Array = Eigen::ArrayXd;

    template <class Row>
    void apply(const Table& x, const Row& row, Table& out) const;
    void evaluate();
    void assess();
    bool newton_step(double& damping, Effort& effort);
    Table conjugate_gradients(double tolerance, double damping, Effort& effort);
    Table precondition(const Table& r) const;
    double inner(const Table& u, const Table& v) const;
    void project();
    bool stale() const;

    const std::vector<Member>& members_;
    const Context& context_;
    Array weights_, unit_, active_;
    Table z_, x_, sums_, left_out_, columns_, diagonal_, plain_;
    std::vector<Array> row_target_, s_, y_;
    double error_ = 0, objective_ = 0, inactive_mass_ = 0, work_ = 0;
};

}  // namespace cycloid::ot
