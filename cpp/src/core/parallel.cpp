#include "cycloid/core/parallel.hpp"

#include <omp.h>
#ifndef _WIN32
#include <pthread.h>
#endif

#include <atomic>

namespace cycloid {
namespace {

std::atomic<bool> threads_used{false};
std::atomic<bool> forked{false};

#ifndef _WIN32
void after_fork_in_child() {
    if (threads_used.load()) forked.store(true);
}
const int registered = pthread_atfork(nullptr, nullptr, after_fork_in_child);
#endif

}  // namespace

int usable_threads(int requested) { return forked.load() || requested < 1 ? 1 : requested; }

int default_threads() { return forked.load() ? 1 : omp_get_max_threads(); }

void mark_threads_used() { threads_used.store(true, std::memory_order_relaxed); }

}  // namespace cycloid
