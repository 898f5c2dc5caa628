#include "cycloid/ot/batch.hpp"

#include <exception>
#include <mutex>

namespace cycloid::ot {
namespace {

// One monitor, asked by all threads in turn. The clock of each problem is one of its own, which
// hears from here when the whole batch is to end.
class SharedMonitor final : public Observer {
public:
    explicit SharedMonitor(Monitor& monitor) : monitor_(monitor) {}

    bool wants_stop(const Trace&) override { return false; }
    bool interrupted() override {
        const std::scoped_lock lock(mutex_);
        return monitor_.stop();
    }
    Monitor clock() { return Monitor(this, monitor_.time_limit() - monitor_.seconds()); }

    // The row of a problem that has ended.
    void report(Index k, Index count, Transport& problem, Trace& trace) {
        const std::scoped_lock lock(mutex_);
        if (problem.status == Status::Stopped) problem.status = monitor_.reason();
        ++done_;
        failed_ += problem.status == Status::Converged ? 0 : 1;
        trace.push({static_cast<double>(done_), monitor_.seconds(), static_cast<double>(k),
                    problem.violation, static_cast<double>(problem.n_iter),
                    static_cast<double>(problem.n_passes), static_cast<double>(failed_)});
        monitor_.report(trace, done_ == count);
    }
    // What a task threw: no exception may leave a parallel region.
    void keep(std::exception_ptr error) {
        const std::scoped_lock lock(mutex_);
        if (!error_) error_ = std::move(error);
    }
    bool failed() {
        const std::scoped_lock lock(mutex_);
        return static_cast<bool>(error_);
    }
    void rethrow() const {
        if (error_) std::rethrow_exception(error_);
    }

private:
    Monitor& monitor_;
    std::mutex mutex_;
    std::exception_ptr error_;
    Index done_ = 0, failed_ = 0;
};

}  // namespace

BatchResult solve_batch(const Batch& batch, const Options& options, Monitor& monitor) {
    BatchResult out;
    out.problems.resize(static_cast<std::size_t>(batch.count));
    const bool across = batch.count >= options.n_threads;
    SharedMonitor shared(monitor);
    parallel_for(across ? options.n_threads : 1, batch.count, [&](Index k) {
        Transport& problem = out.problems[k];
        if (shared.failed() || shared.interrupted()) {
            problem.status = monitor.reason();
            return;
        }
        try {
            Options own = options;
            own.g = batch.g[k];
            own.n_threads = across ? 1 : options.n_threads;
            Monitor clock = shared.clock();
            problem = solve({batch.cost, batch.a[k], batch.b[k], batch.reg}, own, clock);
            shared.report(k, batch.count, problem, out.trace);
        } catch (...) {
            shared.keep(std::current_exception());
        }
    });
    shared.rethrow();
    return out;
}

}  // namespace cycloid::ot
