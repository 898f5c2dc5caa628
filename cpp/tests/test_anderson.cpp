#include "check.hpp"
#include "cycloid/bcd/anderson.hpp"

using cycloid::bcd::Anderson;
using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

TEST_CASE("anderson: finds the fixed point of an affine map of few dimensions") {
    constexpr Index n = Anderson::window - 1;
    const VectorXd rates = VectorXd::LinSpaced(n, 0.3, 0.97);  // x <- rates x + 1
    const VectorXd fixed = (1 - rates.array()).inverse();
    const MatrixXd map = MatrixXd::Random(7, n);
    const VectorXd offset = VectorXd::Constant(7, 3.0);
    Anderson anderson;
    VectorXd x = VectorXd::Zero(n), found, image;
    for (int round = 0; round < 2; ++round) {
        anderson.forget();
        anderson.remember(x, map * x + offset);
        for (Index k = 0; k < Anderson::window; ++k) {
            CHECK(!anderson.extrapolate(found, image));
            x = (rates.array() * x.array() + 1).matrix();
            anderson.remember(x, map * x + offset);
        }
        CHECK(anderson.extrapolate(found, image));
        CHECK((found - fixed).norm() < 1e-6 * fixed.norm());
        CHECK((image - map * found - offset).norm() < 1e-9);
    }
}

TEST_CASE("anderson: an iteration that stands still stays where it is, or has no extrapolation") {
    const VectorXd x = VectorXd::LinSpaced(3, 1, 2);
    Anderson anderson;
    for (Index k = 0; k <= Anderson::window; ++k) anderson.remember(x, x);
    VectorXd found, image;
    if (anderson.extrapolate(found, image)) CHECK((found - x).norm() < 1e-14);
}
