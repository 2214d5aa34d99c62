// Number types and workspace used by every operator.
#pragma once

#include <immintrin.h>

#include "../common/memory.h"
#include "../common/team.h"

using bf16 = uint16_t;          // the upper half of a float32
constexpr int LANES = 16;       // float32 values in a vector register

INLINE __m512 widen(__m256i v) { return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(v), 16)); }
INLINE __m256i load16(const bf16 *p) { return _mm256_loadu_si256((const __m256i *)p); }
INLINE void store16(bf16 *p, __m256i v) { _mm256_storeu_si256((__m256i *)p, v); }
INLINE __m256i narrow(__m512 v) { return (__m256i)_mm512_cvtneps_pbh(v); }  // to nearest, ties to even

// Two rows of bfloat16 -> one row of pairs, the first in the lower halves, as VDPBF16PS expects.
INLINE __m512i pair(__m256i low, __m256i high) {
    return _mm512_or_si512(_mm512_cvtepu16_epi32(low), _mm512_slli_epi32(_mm512_cvtepu16_epi32(high), 16));
}

enum Purpose { WEIGHTS, PLANES, RESULT, GRADIENT, PAIRS_OF_INPUT, PAIRS_OF_GRADIENT, SUMS, BIAS_SUMS, PURPOSES };

// Each calling thread has its own workspace, so that two trainings in one process do not interfere.
static thread_local Scratch scratch[PURPOSES];
