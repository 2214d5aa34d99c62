// Numbers, shapes and scratch memory that every operator uses.
#pragma once

#include <immintrin.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>

#define INLINE static inline __attribute__((always_inline))

using bf16 = uint16_t;          // the upper half of a float32
constexpr int LANES = 16;       // float32 values in a vector register
constexpr int TAPS = 9;         // of a 3x3 kernel

INLINE __m512 widen(__m256i v) { return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(v), 16)); }
INLINE __m256i load16(const bf16 *p) { return _mm256_loadu_si256((const __m256i *)p); }
INLINE void store16(bf16 *p, __m256i v) { _mm256_storeu_si256((__m256i *)p, v); }
INLINE __m256i narrow(__m512 v) { return (__m256i)_mm512_cvtneps_pbh(v); }  // to nearest, ties to even

// Two rows of bfloat16 -> one of pairs: the first in the lower halves, as VDPBF16PS takes them.
INLINE __m512i pair(__m256i low, __m256i high) {
    return _mm512_or_si512(_mm512_cvtepu16_epi32(low), _mm512_slli_epi32(_mm512_cvtepu16_epi32(high), 16));
}

// A batch of images entering a 3x3 convolution, and the channels leaving it.
struct Shape {
    int64_t images, height, width, in, out;
    int64_t pixels() const { return height * width; }
};

INLINE int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

// One block of memory for a purpose, cut into equal parts for the threads of one call. It only grows, so a training
// step allocates nothing. Nothing is read from it that the same call has not written.
class Scratch {
  public:
    template <class T>
    class Parts {
      public:
        Parts(char *start, size_t stride) : start_(start), stride_(stride) {}
        T *operator[](int thread) const { return reinterpret_cast<T *>(start_ + thread * stride_); }

      private:
        char *start_;
        size_t stride_;
    };

    Scratch() = default;
    Scratch(const Scratch &) = delete;
    Scratch &operator=(const Scratch &) = delete;
    ~Scratch() { free(data_); }

    template <class T>
    Parts<T> parts(int threads, size_t count) {
        const size_t stride = (count * sizeof(T) + PAGE - 1) / PAGE * PAGE;  // no two threads write to one cache line
        if (stride * threads > size_) {
            free(data_);
            size_ = 0;
            data_ = aligned_alloc(PAGE, stride * threads);
            if (!data_) throw std::bad_alloc();
            size_ = stride * threads;
        }
        return Parts<T>(static_cast<char *>(data_), stride);
    }

    template <class T>
    T *whole(size_t count) {
        return parts<T>(1, count)[0];
    }

  private:
    static constexpr size_t PAGE = 4096;
    void *data_ = nullptr;
    size_t size_ = 0;
};

enum Purpose { WEIGHTS, PLANES, RESULT, GRADIENT, PAIRS_OF_INPUT, PAIRS_OF_GRADIENT, SUMS, BIAS_SUMS, PURPOSES };

// Each calling thread has its own, so that two trainings in one process don't meet.
static thread_local Scratch scratch[PURPOSES];
