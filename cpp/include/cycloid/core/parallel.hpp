// Threads. The only header that knows OpenMP; with one thread no OpenMP runtime is touched at all.
#pragma once

#include <cstddef>

namespace cycloid {

using Index = std::ptrdiff_t;

// Threads this process may use when the caller asks for `requested` of them. It is 1 in a child
// forked after the parent ran threads: libgomp would wait there for workers that fork() did not
// copy.
int usable_threads(int requested);

// Processors that OpenMP would use by itself.
int default_threads();

// Notes that worker threads exist from now on (for usable_threads in a later fork).
void mark_threads_used();

// body(i) for i in [0, count). Which thread runs which i is left open, so a result is the same for
// every number of threads as long as body(i) depends on i alone. body must not throw.
template <class Body>
void parallel_for(int n_threads, Index count, const Body& body) {
    const int team = n_threads < count ? n_threads : static_cast<int>(count);
    if (team <= 1) {
        for (Index i = 0; i < count; ++i) body(i);
        return;
    }
    mark_threads_used();
#pragma omp parallel for num_threads(team) schedule(dynamic, 1)
    for (Index i = 0; i < count; ++i) body(i);
}

// body(begin, end) over fixed pieces of at most `grain` consecutive indices.
template <class Body>
void parallel_blocks(int n_threads, Index count, Index grain, const Body& body) {
    const Index pieces = (count + grain - 1) / grain;
    parallel_for(n_threads, pieces, [&](Index piece) {
        const Index begin = piece * grain;
        const Index end = begin + grain < count ? begin + grain : count;
        body(begin, end);
    });
}

}  // namespace cycloid
