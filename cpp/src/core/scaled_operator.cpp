// Columns scaled by factors, without a copy: what goes in or comes out has one value a column, and
// that is what gets multiplied.
#include <algorithm>
#include <cmath>

#include "cycloid/core/operator.hpp"

namespace cycloid {
namespace {

class Scaled final : public Operator {
public:
    Scaled(const Operator& x, const double* scale)
        : x_(x), scale_(scale), moderate_(std::all_of(scale, scale + x.columns(), [](double s) {
              return s == 0 || (std::fabs(s) > 1e-12 && std::fabs(s) < 1e12);
          })) {}

    Index rows() const override { return x_.rows(); }
    Index columns() const override { return x_.columns(); }
    bool sparse() const override { return x_.sparse(); }
    double nonzeros(Columns js) const override { return x_.nonzeros(js); }

    void survey(const double* w, const double* u, bool centred, double* mean, double* variance,
                double* correlation, const Context& context) const override {
        x_.survey(w, u, centred, mean, variance, correlation, context);
        for (Index j = 0; j < columns(); ++j) {
            mean[j] *= scale_[j];
            variance[j] = variance[j] * scale_[j] * scale_[j];  // the square alone may overflow
            correlation[j] *= scale_[j];
        }
    }

    void correlate(const double* u, Columns js, const double* centre, double* out,
                   const Context& context) const override {
        std::vector<double> centres;
        x_.correlate(u, js, unscaled(js, centre, centres), out, context);
        for (std::size_t k = 0; k < js.size(); ++k) out[k] *= scale_[js[k]];
    }

    void accumulate(Columns js, const double* coef, const double* centre, double* out,
                    const Context& context) const override {
        std::vector<double> scaled(js.size()), centres;
        for (std::size_t k = 0; k < js.size(); ++k) scaled[k] = scale_[js[k]] * coef[k];
        x_.accumulate(js, scaled.data(), unscaled(js, centre, centres), out, context);
    }

    void correlate(const double* u, Index n_outputs, Columns js, const double* centre, double* out,
                   const Context& context) const override {
        std::vector<double> centres;
        x_.correlate(u, n_outputs, js, unscaled(js, centre, centres), out, context);
        for (std::size_t k = 0; k < js.size(); ++k) {
            std::for_each_n(out + k * n_outputs, n_outputs,
                            [s = scale_[js[k]]](double& value) { value *= s; });
        }
    }

    void accumulate(Columns js, const double* coef, Index n_outputs, const double* centre,
                    double* out, const Context& context) const override {
        std::vector<double> scaled(coef, coef + js.size() * n_outputs), centres;
        for (std::size_t k = 0; k < js.size(); ++k) {
            std::for_each_n(scaled.begin() + static_cast<std::ptrdiff_t>(k) * n_outputs, n_outputs,
                            [s = scale_[js[k]]](double& value) { value *= s; });
        }
        x_.accumulate(js, scaled.data(), n_outputs, unscaled(js, centre, centres), out, context);
    }

    void gram(Columns js, Index first, const double* h, const double* centre,
              Eigen::Ref<Eigen::MatrixXd> gram, const Context& context) const override {
        scaled_gram<double>(js, first, h, centre, gram, context);
    }
    void gram(Columns js, Index first, const double* h, const double* centre,
              Eigen::Ref<Eigen::MatrixXf> gram, const Context& context) const override {
        if (moderate_) return scaled_gram<float>(js, first, h, centre, gram, context);
        Eigen::MatrixXd wide(gram.rows(), gram.cols());
        scaled_gram<double>(js, first, h, centre, wide, context);
        const Index rows = gram.rows() - first;
        gram.bottomRows(rows) = wide.bottomRows(rows).cast<float>();
    }

    void gather(Columns js, const double* centre, ColumnBlock& block,
                const Context& context) const override {
        const Index before = block.n_columns;
        std::vector<double> centres;
        x_.gather(js, unscaled(js, centre, centres), block, context);
        const auto start = [&](Index k) {
            return block.values.begin() + (block.sparse ? block.starts[k] : k * block.n_rows);
        };
        for (std::size_t k = 0; k < js.size(); ++k) {
            const Index column = before + static_cast<Index>(k);
            std::for_each(start(column), start(column + 1),
                          [s = scale_[js[k]]](double& value) { value *= s; });
        }
    }

    bool gather_rows(RowBlock& rows) const override {
        if (!moderate_ || !x_.gather_rows(rows)) return false;
        for (RowBlock::Entry& e : rows.all()) e.value *= static_cast<float>(scale_[e.column]);
        return true;
    }

private:
    template <class Real>
    void scaled_gram(Columns js, Index first, const double* h, const double* centre,
                     Eigen::Ref<Eigen::MatrixX<Real>> gram, const Context& context) const {
        std::vector<double> centres;
        x_.gram(js, first, h, unscaled(js, centre, centres), gram, context);
        const auto m = static_cast<Index>(js.size());
        for (Index b = 0; b < m; ++b) {
            for (Index a = std::max(b, first); a < m; ++a) {
                gram(a, b) = static_cast<Real>(gram(a, b) * scale_[js[a]] * scale_[js[b]]);
            }
        }
    }

    // The centres of the columns js of X, written to `centres`.
    const double* unscaled(Columns js, const double* centre, std::vector<double>& centres) const {
        if (centre == nullptr || sparse()) return nullptr;
        centres.resize(static_cast<std::size_t>(columns()));
        for (const Index j : js) centres[j] = scale_[j] == 0 ? 0.0 : centre[j] / scale_[j];
        return centres.data();
    }

    const Operator& x_;
    const double* scale_;
    bool moderate_;  // what it scales, too, is a number in single precision
};

}  // namespace

std::unique_ptr<Operator> make_scaled(const Operator& x, const double* scale) {
    return std::make_unique<Scaled>(x, scale);
}

}  // namespace cycloid
