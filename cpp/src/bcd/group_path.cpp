#include "cycloid/bcd/group_path.hpp"

#include "group_path_solver.hpp"

namespace cycloid::bcd {

GroupPath solve_group_path(const GroupProblem& problem, const GroupOptions& options,
                           Monitor& monitor) {
    if (problem.loss == OutputsLoss::Softmax) {
        return GroupPathSolver<Softmax>(problem, options, monitor).run();
    }
    return GroupPathSolver<SquaredOutputs>(problem, options, monitor).run();
}

}  // namespace cycloid::bcd
