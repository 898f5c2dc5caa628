#include "check.hpp"
#include "cycloid/core/trace.hpp"

using cycloid::Monitor;
using cycloid::Status;
using cycloid::Trace;

namespace {

struct Stopper final : cycloid::Observer {
    int rows = 0;
    bool interrupt = false;

    bool wants_stop(const Trace& trace) override {
        rows = static_cast<int>(trace.rows());
        return rows == 2;
    }
    bool interrupted() override { return interrupt; }
};

}  // namespace

TEST_CASE("trace: rows are kept in order") {
    Trace trace({"iteration", "gap"});
    trace.push({1, 0.5});
    trace.push({2, 0.25});
    CHECK(trace.rows() == 2);
    CHECK(trace.row(1)[0] == 2);
    CHECK(trace.row(1)[1] == 0.25);
}

TEST_CASE("monitor: the observer stops the solve, and it stays stopped") {
    Stopper stopper;
    Monitor monitor(&stopper);
    Trace trace({"iteration"});
    trace.push({1});
    CHECK(!monitor.report(trace, true));
    trace.push({2});
    CHECK(monitor.report(trace, true));
    CHECK(monitor.stopped() && monitor.stop());
    CHECK(monitor.reason() == Status::Stopped);
}

TEST_CASE("monitor: the time limit") {
    Monitor monitor(nullptr, 0.0);
    CHECK(monitor.stop());
    CHECK(monitor.reason() == Status::TimeLimit);
    CHECK(!Monitor().stop());
}
