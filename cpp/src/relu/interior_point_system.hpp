// The linear system of one interior-point iteration.
//
// Unknown are steps dv_b, da (n x c), dc, and theta (softmax alone):
//     M_b dv_b + X' D_b da g_b = p_b,       M_b = X' diag(mu_b / s_b) X + cone part
//     compliance o da - r = sum_b D_b X dv_b g_b' + 1 dc' + theta 1'
//     1' da = h,   da 1 = k
// Blocks of one pattern and of one direction up to sign are one unit: they enter the rest as
// N = sum_b M_b^-1 alone. Two ways on from there, chosen by size, output by output where no
// direction joins several outputs:
//   predictions: (compliance + sum_u D X N_u X' D g g') da = right-hand side, by Cholesky, n x n;
//   weights:     for smooth separable losses, (N^-1 + F' diag(1 / compliance) F) of d columns a
//                unit.
#pragma once

#include <Eigen/LU>
#include <vector>

#include "cycloid/relu/program.hpp"
#include "interior_point_loss.hpp"
#include "second_order_cone.hpp"

namespace cycloid::relu {

class KktSystem {
public:
    KktSystem(const Program& program, const Context& context);

    // Where the system is linear: what it needs of the iterate.
    struct Iterate {
        const ConeVectors& x;                // (t_b, v_b)
        const Matrix &values, &multipliers;  // s and mu, n x B (unused if gated)
        const NesterovToddScaling& scaling;
    };

    // False where a matrix is not what it should be, or when interrupted.
    bool factor(const Iterate& at, const LossPair& pair);
    // From now on the way of predictions, which keeps more digits; false if it was taken already,
    // or is too large.
    bool avoid_weights();
    // p: d x B, r: n x c. dv, da and dc solve the system with h = -1' A and k = -A 1.
    void solve(const Matrix& p, const Matrix& r, Matrix& dv, Matrix& da, RowVector& dc) const;

private:
    struct PackedPattern {
        std::vector<Index> rows;  // where it is 1
        Matrix xt;                // those rows of X, transposed
    };
    struct Unit {
        Index pattern, piece;
        Vector direction;  // on the piece's outputs
        std::vector<Index> blocks;
        std::vector<double> signs;
        Index main;      // the longest of the blocks
        Matrix half;     // d x active rows, X N X' = half' half (way of predictions)
        Matrix inverse;  // N^-1, reflected (way of weights)
    };
    // Outputs that directions join, and their matrix.
    struct Piece {
        std::vector<Index> outputs;
        std::vector<Index> units;
        bool by_weights = false;
        Matrix matrix;  // its Cholesky factor after factor()
        Matrix border;  // the units' steps for a unit intercept (weights)
    };

    void find_pieces();
    void find_units();
    Matrix reflected_block(const Iterate& at, Index b, const Vector& mirror, double sign) const;
    bool factor_blocks(const Iterate& at);
    void solve_block(Index b, Eigen::Ref<Vector> x) const;
    bool factor_units();
    bool factor_sum(Unit& unit) const;
    bool parallel_sum(Unit& unit) const;
    void unit_load(Index u, const Matrix& p, Eigen::Ref<Vector> out) const;
    bool factor_predictions(Piece& piece);
    bool factor_weights(Piece& piece);
    void add_products(Piece& piece, Index begin, Index end) const;
    bool factor_row_sums();
    bool factor_borders();

    // sum_u D_u X w_u g_u', and X' D_u y g_u, over the units of a piece (y: n x its outputs).
    void forward(const Piece& piece, const Matrix& w, Matrix& y) const;
    void backward(const Piece& piece, const Matrix& y, Matrix& w) const;
    // (compliance + F N F')^-1 rhs for right-hand sides n x c, with row sums as they come, and
    // with row sums `sums` where the loss wants those.
    void apply_inverse(const Matrix& rhs, Matrix& out) const;
    void restore_row_sums(const Vector& sums, Matrix& a) const;
    void unit_step(Index u, const Matrix& p, Eigen::Ref<Vector> out) const;
    void reflect_units(const Piece& piece, Matrix& w) const;
    void solve_weights(const Piece& piece, const Vector& r, Matrix& w,
                       Eigen::Ref<Vector> slopes) const;
    // da where dc = 0, and the units' steps of the pieces by weights.
    void solve_without_border(const Matrix& p, const Matrix& r, Matrix& da,
                              std::vector<Matrix>& steps) const;
    void weights_to_blocks(const Piece& piece, const Matrix& steps, Matrix& dv) const;

    const Program& program_;
    const Context& context_;
    Index n_, d_;
    Matrix xt_;
    std::vector<PackedPattern> patterns_;
    std::vector<Unit> units_;
    std::vector<Piece> pieces_;
    std::vector<Matrix> factors_;  // of M_b, reflected
    Matrix mirrors_;               // d x B
    std::vector<char> row_is_zero_;
    const LossPair* pair_ = nullptr;
    Matrix row_sums_;              // Cholesky factor of theta's matrix (softmax)
    std::vector<Matrix> borders_;  // da for a unit intercept of each output
    Eigen::PartialPivLU<Matrix> border_system_;
};

}  // namespace cycloid::relu
