// The quadratic subproblem of groups of coefficients on a working set whose Gram matrix is in
// memory, for one output or several that share the matrix:
//
//     min_B  -<S, B - B0> + <B - B0, G (B - B0)> / 2 + sum_g penalty_g(B_g)
//
// Groups are relaxed in turn, each to its own minimum (block coordinate descent with matrix
// updates; Nutini, Laradji & Schmidt 2022, section 3): in the basis of eigenvectors of its part of
// G a group's problem has one unknown, the length of the solution (Qin, Scheinberg & Goldfarb
// 2013). Sweeps over the support are extrapolated; where it has settled and they are slow, Newton
// steps on it converge quadratically.
#pragma once

#include <Eigen/Core>
#include <span>
#include <vector>

#include "cycloid/bcd/anderson.hpp"
#include "cycloid/bcd/gram_solver.hpp"
#include "cycloid/bcd/group_support.hpp"

namespace cycloid::bcd {

class GroupGramSolver {
public:
    using Matrix = GramSolver<double>::Matrix;

    // G is symmetric and full, and may grow from call to call, but not change, until `forget`;
    // slope is minus the gradient of the smooth part at b. Both b and slope are updated.
    void solve(const Matrix& gram, std::span<const Range> groups,
               std::span<const GroupPenalty> penalty, Outputs& b, Outputs& slope,
               const Visit& visit, const Context& context, Effort& effort);

    void forget() { bases_.clear(); }

private:
    // Eigenvectors and eigenvalues of a group's part of G; of a large group the largest alone.
    struct Basis {
        Eigen::MatrixXd vectors;
        Eigen::VectorXd values;
    };

    struct Problem {
        const Matrix& gram;
        std::span<const Range> groups;
        std::span<const GroupPenalty> penalty;
        Outputs& b;
        Outputs& slope;

        std::span<const double> part(const Outputs& of, Index g) const {
            return bcd::part(of, groups[g]);
        }
    };

    void learn_bases(const Problem& problem);
    double sweep(const Problem& problem, std::span<const Index> gs, const Context& context);
    void relax(const Problem& problem, Index g);
    void extrapolate(const Problem& problem);
    bool newton(const Problem& problem, const Context& context);
    bool try_step(const Problem& problem);

    std::vector<Basis> bases_;
    std::vector<Index> all_, support_;
    bool support_changed_ = false;
    Outputs old_, step_, local_, curvature_, direction_, next_;
    Eigen::VectorXd point_, image_;
    Anderson anderson_;
};

}  // namespace cycloid::bcd
