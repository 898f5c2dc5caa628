// Blocked Cholesky factorization that can be interrupted, shares its work among threads, and gives
// the same bits for every number of threads.
#pragma once

#include <Eigen/Core>

#include "cycloid/core/trace.hpp"

namespace cycloid {

// A = L L' in place (lower triangle; the upper one is neither read nor written). A pivot not above
// `floor` times its original diagonal entry is raised to that: directions that A does not see get a
// large but finite step. Returns the number of raised pivots, or -1 when interrupted.
Eigen::Index cholesky(Eigen::Ref<Eigen::MatrixXd> a, double floor, const Context& context);
Eigen::Index cholesky(Eigen::Ref<Eigen::MatrixXf> a, float floor, const Context& context);

// x <- A^{-1} x from that factor.
void cholesky_solve(const Eigen::Ref<const Eigen::MatrixXd>& factor, Eigen::Ref<Eigen::VectorXd> x);
void cholesky_solve(const Eigen::Ref<const Eigen::MatrixXf>& factor, Eigen::Ref<Eigen::VectorXf> x);

}  // namespace cycloid
