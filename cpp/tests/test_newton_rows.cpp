#include "check.hpp"
#include "newton_sums.hpp"

using cycloid::Index;
using namespace cycloid::newton;

namespace {

// The same sparse matrix in every form that rows may have.
struct Forms {
    Forms(Index n, Index d) : x(sums::normal(n, d, 1)) {
        x = (x.array() > 0.3).select(x, 0.0);
        by_column = x;
        sparse = x.sparseView();
        transposed = by_column.sparseView();
        sparse.makeCompressed();
        transposed.makeCompressed();
        all.push_back(make_dense_rows(x.data(), n, d, d, 1));
        all.push_back(make_dense_rows(by_column.data(), n, d, 1, n));
        all.push_back(
            make_csr_rows(sparse.valuePtr(), sparse.innerIndexPtr(), sparse.outerIndexPtr(), n, d));
        all.push_back(make_csc_rows(transposed.valuePtr(), transposed.innerIndexPtr(),
                                    transposed.outerIndexPtr(), n, d));
        narrow = x.cast<float>();
        all.push_back(make_dense_rows(narrow.data(), n, d, d, 1));
    }

    RowMatrix<double> x;
    RowMatrix<float> narrow;
    Matrix by_column;
    Eigen::SparseMatrix<double, Eigen::RowMajor> sparse;
    Eigen::SparseMatrix<double> transposed;
    std::vector<std::unique_ptr<Rows>> all;
};

}  // namespace

TEST_CASE("rows: products of every form are those of the matrix") {
    for (const Index n : {1, 6, 103}) {
        for (const Index d : {1, 3, 11}) {
            const Forms forms(n, d);
            const Vector v = sums::normal(d, 1, 2), u = sums::normal(n, 1, 4);
            for (const auto& rows : forms.all) {
                CHECK(rows->rows() == n && rows->columns() == d);
                const Index begin = n / 3, end = n;
                Vector z(end - begin), g = Vector::Zero(d), squares = Vector::Zero(d);
                rows->multiply(begin, end, v.data(), z.data());
                rows->add_transposed(begin, end, u.data() + begin, g.data());
                rows->add_squares(begin, end, u.data() + begin, squares.data());
                const auto part = forms.x.middleRows(begin, end - begin);
                const auto weights = u.segment(begin, end - begin);
                CHECK((z - part * v).norm() < 1e-5);
                CHECK((g - part.transpose() * weights).norm() < 1e-5);
                CHECK((squares - part.cwiseAbs2().transpose() * weights).norm() < 1e-5);
            }
        }
    }
}

TEST_CASE("rows: packed and taken rows are rows of the matrix") {
    const Forms forms(40, 7);
    const std::vector<Index> which{0, 3, 17, 39};
    for (const auto& rows : forms.all) {
        RowMatrix<double> wide(4, 3);
        RowMatrix<float> narrow(4, 3);
        rows->pack(which.data(), 4, 2, 5, wide.data());
        rows->pack(which.data(), 4, 2, 5, narrow.data());
        const auto taken = rows->take(which);
        CHECK(taken->rows() == 4 && taken->columns() == 7 && taken->sparse() == rows->sparse());
        const Vector v = sums::normal(7, 1, 2);
        Vector z(4);
        taken->multiply(0, 4, v.data(), z.data());
        for (std::size_t i = 0; i < which.size(); ++i) {
            const auto row = forms.x.row(which[i]);
            CHECK((wide.row(i) - row.segment(2, 3)).norm() < 1e-6);
            CHECK((narrow.row(i).cast<double>() - row.segment(2, 3)).norm() < 1e-6);
            CHECK_CLOSE(z[i], row.dot(v), 1e-6);
        }
    }
}

TEST_CASE("rows: a sum over blocks has the same bits for every number of threads") {
    const Forms forms(5000, 40);
    const auto gram_diagonal = [&](int n_threads) {
        Vector total = Vector::Zero(40);
        const Vector ones = Vector::Ones(5000);
        sum_over_rows(*forms.all[0], 40, total.data(), {n_threads, nullptr},
                      [&](Index begin, Index end, double* out) {
                          forms.all[0]->add_squares(begin, end, ones.data() + begin, out);
                      });
        return total;
    };
    const Vector one = gram_diagonal(1);
    CHECK((one - gram_diagonal(2)).isZero(0));
    CHECK((one - gram_diagonal(3)).isZero(0));
    CHECK((one - forms.x.colwise().squaredNorm().transpose()).norm() < 1e-9);
}

TEST_CASE("rows: arrays of a compressed matrix are checked") {
    const std::vector<double> values{1, 2};
    const std::vector<std::int32_t> beyond{0, 9}, backwards{1, 0}, starts{0, 2};
    CHECK_THROWS(make_csr_rows(values.data(), beyond.data(), starts.data(), 1, 3));
    CHECK_THROWS(make_csr_rows(values.data(), backwards.data(), starts.data(), 1, 3));
    CHECK_THROWS(make_csc_rows(values.data(), beyond.data(), starts.data(), 3, 1));
}
