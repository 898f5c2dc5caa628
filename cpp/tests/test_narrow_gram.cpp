#include "check.hpp"
#include "cycloid/core/narrow_gram.hpp"
#include "cycloid/core/random.hpp"

using cycloid::Context;
using cycloid::Index;

TEST_CASE("narrow Gram: X'X for any number of rows, the same bits for any number of threads") {
    for (const Index rows : {1, 7, 513, 5000}) {
        const Index m = 5;
        cycloid::Random random(3);
        Eigen::MatrixXd x(rows, m);
        for (Index k = 0; k < x.size(); ++k) x.data()[k] = random.uniform() - 0.5;
        const auto pack = [&](Index begin, Index end, double* out, Index stride) {
            for (Index k = 0; k < m; ++k) {
                for (Index i = begin; i < end; ++i) out[k * stride + i - begin] = x(i, k);
            }
        };
        Eigen::MatrixXd one = Eigen::MatrixXd::Zero(m, m), three = one;
        cycloid::narrow_gram<double>(rows, m, pack, one, Context{1, nullptr});
        cycloid::narrow_gram<double>(rows, m, pack, three, Context{3, nullptr});
        const Eigen::MatrixXd expected = x.transpose() * x;
        for (Index j = 0; j < m; ++j) {
            for (Index i = j; i < m; ++i) {
                CHECK_CLOSE(one(i, j), expected(i, j), 1e-13);
                CHECK(one(i, j) == three(i, j));
            }
        }
    }
}
