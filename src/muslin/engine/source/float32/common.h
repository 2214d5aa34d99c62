// Number types and workspace used by every operator.
#pragma once

#include <immintrin.h>

#include "../common/memory.h"
#include "../common/team.h"

constexpr int LANES = 8;             // float32 values in a vector register; arithmetic on __m256 is element-wise
constexpr int COLUMNS = 2 * LANES;  // output channels of one matrix product

INLINE __m256 load(const float *p) { return _mm256_loadu_ps(p); }
INLINE void store(float *p, __m256 v) { _mm256_storeu_ps(p, v); }
INLINE __m256 splat(float v) { return _mm256_set1_ps(v); }

// 8x8 transposition, in registers.
INLINE void transpose8(__m256 r[8]) {
    __m256 t[8];
#pragma GCC unroll 8
    for (int i = 0; i < 8; i += 2) {
        t[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
        t[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
    }
#pragma GCC unroll 8
    for (int i = 0; i < 8; i += 4) {
        r[i] = _mm256_shuffle_ps(t[i], t[i + 2], 0x44);
        r[i + 1] = _mm256_shuffle_ps(t[i], t[i + 2], 0xee);
        r[i + 2] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0x44);
        r[i + 3] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0xee);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        t[i] = _mm256_permute2f128_ps(r[i], r[i + 4], 0x20);
        t[i + 4] = _mm256_permute2f128_ps(r[i], r[i + 4], 0x31);
    }
#pragma GCC unroll 8
    for (int i = 0; i < 8; i++) r[i] = t[i];
}

enum Purpose { WEIGHTS, RESULT, GRADIENT, INPUT_PLANES, GRADIENT_PLANES, PRODUCTS, OUTSIDE, SUMS, BIAS_SUMS, PURPOSES };

// Each calling thread has its own workspace, so that two trainings in one process do not interfere.
static thread_local Scratch scratch[PURPOSES];
