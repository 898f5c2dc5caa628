// What a solve tells the outside: a Status, a Trace of rows, and an Observer that may stop it.
#pragma once

#include <chrono>
#include <initializer_list>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace cycloid {

enum class Status : int {
    Converged = 0,       // the certificate met the tolerance
    MaxIter = 1,         // the iteration limit came first
    TimeLimit = 2,       // the time limit came first
    Stopped = 3,         // the observer asked to stop
    Stalled = 4,         // rounding errors hide any further progress
    NumericalError = 5,  // a non-finite value appeared; the last finite iterate is returned
    Infeasible = 6,      // no point nearby violates the constraints less
    Unbounded = 7,       // the objective falls without end
};

// Columns by name, one row an iteration.
class Trace {
public:
    explicit Trace(std::vector<std::string> names) : names_(std::move(names)) {}

    void push(std::initializer_list<double> row) { values_.insert(values_.end(), row); }
    const std::vector<std::string>& names() const { return names_; }
    std::size_t rows() const { return values_.size() / names_.size(); }
    std::span<const double> row(std::size_t i) const {
        return {values_.data() + i * names_.size(), names_.size()};
    }

private:
    std::vector<std::string> names_;
    std::vector<double> values_;
};

// The core never prints and never sees Python; whoever wants to look implements this.
class Observer {
public:
    virtual ~Observer() = default;
    virtual bool wants_stop(const Trace& trace) = 0;  // a new row stands at the end of the trace
    virtual bool interrupted() = 0;                   // polled from every long loop (Ctrl-C)
};

// The clock of one solve. Every long loop asks `stop()`; the observer hears of it at most each 50
// ms.
class Monitor {
public:
    explicit Monitor(Observer* observer = nullptr,
                     double time_limit = std::numeric_limits<double>::infinity())
        : observer_(observer), time_limit_(time_limit) {}

    double seconds() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }
    bool stop() {
        if (stopped_) return true;
        const double now = seconds();
        if (now > time_limit_) return halt(Status::TimeLimit);
        if (observer_ != nullptr && now - last_poll_ > poll_interval) {
            last_poll_ = now;
            if (observer_->interrupted()) {
                interrupted_ = true;
                return halt(Status::Stopped);
            }
        }
        return false;
    }
    // Called after a row was pushed; `force` marks rows that the observer must not miss.
    bool report(const Trace& trace, bool force) {
        if (stopped_) return true;
        const double now = seconds();
        if (observer_ != nullptr && (force || now - last_row_ > poll_interval)) {
            last_row_ = now;
            if (observer_->wants_stop(trace)) return halt(Status::Stopped);
        }
        return stop();
    }
    double time_limit() const { return time_limit_; }
    bool stopped() const { return stopped_; }
    // Nobody waits for a result any more.
    bool interrupted() const { return interrupted_; }
    // For what remains to be done after the end, which nothing but an interruption may cut short.
    Monitor afterwards() const { return Monitor(observer_); }
    Status reason() const { return reason_; }

private:
    using Clock = std::chrono::steady_clock;
    static constexpr double poll_interval = 0.05;

    bool halt(Status reason) {
        reason_ = reason;
        return stopped_ = true;
    }

    Observer* observer_;
    double time_limit_;
    Clock::time_point start_ = Clock::now();
    double last_poll_ = 0, last_row_ = -1;
    bool stopped_ = false, interrupted_ = false;
    Status reason_ = Status::Converged;
};

// What every kernel needs to know of its surroundings.
struct Context {
    int n_threads = 1;
    Monitor* monitor = nullptr;

    bool stop() const { return monitor != nullptr && monitor->stop(); }
    // Threads for a region of so many multiply-adds: waking a team costs as much as some 10^5 of
    // them.
    int team(double work) const { return work < 5e5 ? 1 : n_threads; }
};

}  // namespace cycloid
