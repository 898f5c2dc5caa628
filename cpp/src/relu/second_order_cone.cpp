#include "second_order_cone.hpp"

namespace cycloid::relu {

double cone_step(const ConeVectors& x, const ConeVectors& dx, double most) {
    double step = most;
    for (Index b = 0; b < x.count(); ++b) {
        // Roots of a s^2 + 2 b s + c, the determinant along the ray; c > 0.
        const auto v = x.tail.col(b);
        const auto dv = dx.tail.col(b);
        const double c = cone_determinant(x.head[b], v.norm());
        const double half = x.head[b] * dx.head[b] - v.dot(dv);
        const double a = cone_determinant(dx.head[b], dv.norm());
        const double discriminant = half * half - a * c;
        if (discriminant < 0) continue;
        const double root = -(half + std::copysign(std::sqrt(discriminant), half));
        for (const double s : {root != 0 ? c / root : -1, a != 0 ? root / a : -1}) {
            if (s > 0) step = std::min(step, s);
        }
    }
    return step;
}

void cone_product(const ConeVectors& u, const ConeVectors& v, ConeVectors& out) {
    out.resize(u.tail.rows(), u.count());
    for (Index b = 0; b < u.count(); ++b) {
        out.head[b] = u.head[b] * v.head[b] + u.tail.col(b).dot(v.tail.col(b));
        out.tail.col(b) = u.head[b] * v.tail.col(b) + v.head[b] * u.tail.col(b);
    }
}

void NesterovToddScaling::update(const ConeVectors& x, const ConeVectors& y) {
    w_.resize(x.tail.rows(), x.count());
    eta_.resize(x.count());
    for (Index b = 0; b < x.count(); ++b) {
        const double dx = cone_determinant(x.head[b], x.tail.col(b).norm());
        const double dy = cone_determinant(y.head[b], y.tail.col(b).norm());
        const double rx = std::sqrt(dx), ry = std::sqrt(dy);
        const double product = x.head[b] * y.head[b] + x.tail.col(b).dot(y.tail.col(b));
        const double gamma = std::sqrt(0.5 * (1 + product / (rx * ry)));
        w_.tail.col(b) = (x.tail.col(b) / rx - y.tail.col(b) / ry) / (2 * gamma);
        w_.head[b] = std::sqrt(1 + w_.tail.col(b).squaredNorm());
        eta_[b] = std::sqrt(rx / ry);
    }
    apply(y, lambda_);
}

void NesterovToddScaling::multiply(const ConeVectors& u, double sign, ConeVectors& out) const {
    out.resize(u.tail.rows(), u.count());
    for (Index b = 0; b < u.count(); ++b) {
        const auto w = w_.tail.col(b);
        const double inner = sign * w.dot(u.tail.col(b)), scale = sign > 0 ? eta_[b] : 1 / eta_[b];
        const double along = sign * (u.head[b] + inner / (1 + w_.head[b]));
        out.head[b] = scale * (w_.head[b] * u.head[b] + inner);
        out.tail.col(b) = scale * (u.tail.col(b) + along * w);
    }
}

void NesterovToddScaling::divide(const ConeVectors& u, ConeVectors& out) const {
    out.resize(u.tail.rows(), u.count());
    for (Index b = 0; b < u.count(); ++b) {
        const auto l = lambda_.tail.col(b);
        const double head = lambda_.head[b];
        const double determinant = cone_determinant(head, l.norm());
        out.head[b] = (head * u.head[b] - l.dot(u.tail.col(b))) / determinant;
        out.tail.col(b) = (u.tail.col(b) - out.head[b] * l) / head;
    }
}

}  // namespace cycloid::relu
