// Training against perturbed inputs, as a convex program.
//
// Each row x_k may move to any x_k + delta with |delta| <= radius in a norm whose dual is |.|_q. If
// every pattern is the same over the whole ball, then the worst case of a loss has a closed form:
// with z_k = sum_b d_kb g_b x_k' v_b + c and b_k = sum_b d_kb g_b v_b
//
//     minimise   sum_k weight_k l_rob(z_k, radius |b_k|_q)  +  alpha sum_b |v_b|
//     subject to (2 D_b - I) X v_b >= radius |v_b|_q  for every b
//
//     l_rob(z, r) = (1 - y z + r)_+              hinge (squared hinge: its square)
//                   log(1 + exp(-y z + r))       logistic
//                   (|z - y| + r)^2 / 2          squared
//
// (Bai, Gautam & Sojoudi, section 4.) The value is the network's worst case, exactly.
#pragma once

#include <vector>

#include "cycloid/relu/program.hpp"

namespace cycloid::relu {

enum class Norm { L2, Linf };

struct Ball {
    double radius;
    Norm norm;
    Index columns;  // the first so many columns of X are perturbed; a bias comes after them

    // Of the perturbed coordinates: the 1-norm for Linf, the 2-norm for L2.
    double dual_norm(const Eigen::Ref<const Vector>& v) const;
    // The norm itself.
    double norm_of(const Eigen::Ref<const Vector>& v) const;
    // v <- argmin_w threshold |w|_q + |w - v|^2 / 2.
    void shrink(double threshold, Eigen::Ref<Vector> v) const;
};

// One output, directions -1 and +1, no gates. Samples whose patterns agree share b_k: `rows` has
// d_kb g_b for each group of them.
class RobustProgram {
public:
    RobustProgram(const Program& program, const Ball& ball);

    Index groups() const { return rows.rows(); }
    // radius |b|_q of each group.
    Vector reach(const MatrixView& v) const;
    // sum_k weight_k l_rob(z_k, reach of k's group)
    double loss(const Vector& z, const Vector& reach) const;
    double objective(const MatrixView& v, const RowVector& c, const MatrixView& products,
                     const Context& context) const;
    // L*(a, gamma), where radius gamma is the norm of the dual of each group's b.
    double conjugate(const Vector& a, const Vector& gamma) const;
    // For one group: z minimises sum_k weight_k l_rob(z_k, reach) + penalty / 2 |z - start|^2.
    // Returns the derivative with respect to reach.
    double prox(Index group, double penalty, double reach, const Vector& start, Vector& z) const;

    const Program& program;
    Ball ball;
    Matrix rows;                              // groups x B
    std::vector<Index> group_of;              // each sample's
    std::vector<std::vector<Index>> members;  // each group's samples

private:
    bool squared() const { return program.loss.kind() == LossKind::Squared; }
};

// (2 D - I) X a - radius |a|_q of points a (d x P) at their own patterns: positive where a is
// inside the robust cone.
Matrix robust_margins(const MatrixView& x, const Mask& active, const MatrixView& points,
                      const Ball& ball, const Context& context);

// Moves each v_b along its generator into its robust cone, and updates the products; a block
// becomes zero where that does not help. `margins`: of the generators.
void robust_lift(const RobustProgram& robust, const Matrix& margins, Matrix& v, Matrix& products,
                 const Context& context);

// A point of the dual: a (n), the dual of each group's b (perturbed columns x groups), mu (n x B).
struct RobustDual {
    Vector a;
    Matrix b;
    Matrix multipliers;
};

// Makes the point feasible, and returns the lower bound that it proves.
double robust_bound(const RobustProgram& robust, RobustDual& dual, const Context& context);

struct RobustOptions {
    double rtol = 1e-6;  // on (objective - lower_bound) / objective
    Index max_iter = 20000;
};

// Alternating directions with own splits for predictions, b, cones and penalty. `start`: the v and
// c to begin with; either may be empty. The solution's v is in the robust cones, so the patterns'
// generators must be: see robust_generators.
Solution solve_robust(const RobustProgram& robust, const Point& start, const RobustOptions& options,
                      Monitor& monitor, int n_threads);

// For each pattern a unit vector deep inside its robust cone: at least half as deep as possible.
// Patterns whose cone has no interior are left out; so are those where max_iter did not find one.
Patterns robust_generators(const MatrixView& x, const Mask& active, const Ball& ball,
                           Index max_iter, const Context& context);

// Where column ball.columns of X is a constant bias: the pattern that is active everywhere, and for
// each direction (a column; its perturbed part counts) those of the `most` widest gaps between the
// data's balls. All distinct, with generators inside their robust cones. Empty without a bias.
Patterns gap_patterns(const MatrixView& x, const MatrixView& directions, const Ball& ball,
                      Index most, const Context& context);

// A network of so many neurons from a local search: the robust loss as if patterns were the same
// over each ball, with a penalty for balls that cross a neuron's hyperplane. Its neurons' patterns
// are worth offering to robust_generators; the network itself promises nothing.
Network search_robust(const MatrixView& x, const Loss& loss, double alpha, bool intercept,
                      const Ball& ball, Index neurons, Index max_iter, std::uint64_t seed,
                      const Context& context);

}  // namespace cycloid::relu
