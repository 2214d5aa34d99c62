// Threads that share the work of one call.
//
// A training step calls them every millisecond or two, and to wake a sleeping thread takes a tenth of that, and more on a
// virtual machine. So who waits stays awake for a while, but offers its core to others in every turn of waiting. If a turn
// takes long, somebody wanted that core: then they sleep while they wait, for that is what gets them back on it soonest.
#pragma once

#include <immintrin.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

class Team {
  public:
    explicit Team(int threads) : threads_(threads) {
        try {
            for (int t = 1; t < threads; t++) workers_.emplace_back([this, t] { work(t); });
        } catch (...) {
            dismiss();
            throw;
        }
    }
    Team(const Team &) = delete;
    Team &operator=(const Team &) = delete;
    ~Team() { dismiss(); }

    int threads() const { return threads_; }
    bool ours() const { return process_ == getpid(); }  // a forked child has none of its parent's threads

    // fn(thread) on every thread of the team; the one that calls is number 0.
    template <class F>
    void run(F &fn) {
        begin([](void *what, int thread) { (*static_cast<F *>(what))(thread); }, &fn);
        fn(0);
        wait([&] { return at_work_.load() == 0; }, done_);
    }

  private:
    using Work = void (*)(void *, int);
    using Clock = std::chrono::steady_clock;
    static constexpr std::chrono::milliseconds AWAKE{20};  // longer than what lies between two calls of a step
    static constexpr std::chrono::microseconds A_TURN{1000};  // of waiting; alone on a core it takes less than one
    static constexpr std::chrono::milliseconds BUSY{20};  // how long a machine counts as busy

    struct Bell {
        std::atomic<int> asleep{0};
        std::condition_variable rung;
    };

    void begin(Work work, void *what) {
        work_ = work;
        what_ = what;
        rounding_ = _mm_getcsr();  // and whether denormal numbers count as zero: as for the thread that calls
        at_work_.store((int)workers_.size());
        call_.fetch_add(1);
        ring(called_);
    }

    void work(int thread) {
        for (uint64_t seen = 0;; seen++) {
            wait([&] { return call_.load() != seen; }, called_);
            if (!work_) return;
            _mm_setcsr(rounding_);
            work_(what_, thread);
            if (at_work_.fetch_sub(1) == 1) ring(done_);
        }
    }

    template <class Ready>
    void wait(Ready ready, Bell &bell) {
        Clock::time_point now = Clock::now();
        const Clock::time_point until = now + AWAKE;
        while (!ready()) {
            if (now < until && now.time_since_epoch().count() >= busy_until_.load(std::memory_order_relaxed)) {
                const Clock::time_point before = now;
                sched_yield();
                now = Clock::now();
                if (now - before > A_TURN) busy_until_.store((now + BUSY).time_since_epoch().count(), std::memory_order_relaxed);
                continue;
            }
            std::unique_lock<std::mutex> lock(mutex_);
            bell.asleep.fetch_add(1);
            bell.rung.wait(lock, ready);
            bell.asleep.fetch_sub(1);
        }
    }

    void ring(Bell &bell) {
        if (!bell.asleep.load()) return;
        const std::lock_guard<std::mutex> lock(mutex_);
        bell.rung.notify_all();
    }

    void dismiss() {
        begin(nullptr, nullptr);
        for (std::thread &worker : workers_) worker.join();
    }

    const int threads_;
    const pid_t process_ = getpid();
    Work work_ = nullptr;
    void *what_ = nullptr;
    unsigned rounding_ = 0;
    std::atomic<uint64_t> call_{0};  // how many there were
    std::atomic<int> at_work_{0};
    std::atomic<int64_t> busy_until_{0};
    std::mutex mutex_;
    Bell called_, done_;
    std::vector<std::thread> workers_;
};

// Each calling thread has its own, as it has its own scratch memory.
static Team &team_of(int threads) {
    static thread_local std::unique_ptr<Team> team;
    if (team && !team->ours()) team.release();  // nothing of it is left but memory
    if (!team || team->threads() != threads) {
        team.reset();
        team.reset(new Team(threads));
    }
    return *team;
}

// fn(thread) on `threads` threads at once.
template <class F>
static void on_threads(int threads, F fn) {
    if (threads == 1) return fn(0);
    team_of(threads).run(fn);
}

// fn(thread, i) for i below `count`, on `threads` threads, each with a run of them: the same i's for the same numbers.
template <class F>
static void in_shares(int64_t count, int threads, F fn) {
    on_threads(threads, [&](int thread) {
        const int64_t share = count / threads, more = count % threads;  // the first `more` threads have one more
        const int64_t begin = thread * share + std::min<int64_t>(thread, more), end = begin + share + (thread < more);
        for (int64_t i = begin; i < end; i++) fn(thread, i);
    });
}

// The same, but whoever is free takes the next few: for what gives the same bits whichever thread does it.
template <class F>
static void in_turns(int64_t count, int threads, F fn) {
    const int64_t some = std::max<int64_t>(1, count / (16 * threads));
    std::atomic<int64_t> next{0};
    on_threads(threads, [&](int thread) {
        for (int64_t begin; (begin = next.fetch_add(some)) < count;)
            for (int64_t i = begin; i < std::min(count, begin + some); i++) fn(thread, i);
    });
}
