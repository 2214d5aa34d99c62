// Interface to the thread pool (source/team).
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

// Runs work(what, thread) on `threads` threads; the calling thread is number 0.
extern "C" void muslin_on_threads(int threads, void (*work)(void *, int), void *what);

// Runs fn(thread) on `threads` threads concurrently.
template <class F>
static void on_threads(int threads, F fn) {
    if (threads == 1) return fn(0);
    muslin_on_threads(threads, [](void *what, int thread) { (*static_cast<F *>(what))(thread); }, &fn);
}

// Runs fn(thread, i) for all i below `count` on `threads` threads; each thread has a fixed contiguous range.
template <class F>
static void in_shares(int64_t count, int threads, F fn) {
    on_threads(threads, [&](int thread) {
        const int64_t share = count / threads, more = count % threads;  // the first `more` threads get one more
        const int64_t begin = thread * share + std::min<int64_t>(thread, more), end = begin + share + (thread < more);
        for (int64_t i = begin; i < end; i++) fn(thread, i);
    });
}

// The same with dynamic scheduling: idle threads take the next few. For work whose bits do not depend on the thread.
template <class F>
static void in_turns(int64_t count, int threads, F fn) {
    const int64_t some = std::max<int64_t>(1, count / (16 * threads));
    std::atomic<int64_t> next{0};
    on_threads(threads, [&](int thread) {
        for (int64_t begin; (begin = next.fetch_add(some)) < count;)
            for (int64_t i = begin; i < std::min(count, begin + some); i++) fn(thread, i);
    });
}
