// Epilogues: what follows a convolution, forward and backward, one image at a time while it is in the cache.
//
//   RELU        rectified                          out bf16 [pixel][channel]             note: none; out > 0 is enough
//   RELU_POOL   rectified, maximum of 2x2 pixels   out bf16 [window][channel]            note: a byte each: 0-3 for the first
//                                                  maximum in reading order, 4 if no value is positive
//   RELU_MEAN   rectified, mean over all pixels    out float32 [channel]                 note: a bit each: 1 if positive
//
// "note" is what the backward pass needs in addition.
#pragma once

#include "common.h"

enum Tail { RELU = 0, RELU_POOL = 1, RELU_MEAN = 2 };
constexpr int NOWHERE = 4;

INLINE int64_t out_bytes(const Shape &s, Tail tail) {  // per image
    switch (tail) {
        case RELU: return s.pixels() * s.out * 2;
        case RELU_POOL: return (s.height / 2) * (s.width / 2) * s.out * 2;
        default: return s.out * 4;
    }
}

INLINE int64_t note_bytes(const Shape &s, Tail tail) {  // per image
    switch (tail) {
        case RELU: return out_bytes(s, RELU);
        case RELU_POOL: return (s.height / 2) * (s.width / 2) * s.out;
        default: return s.pixels() * s.out / 8;
    }
}

// The largest of four values, rectified, and its index. NaN wins, so that it reaches the loss.
INLINE __m512 pool4(const __m512 values[4], __m128i *where) {
    __m512 best = values[0];
    __m512i at = _mm512_setzero_si512();
#pragma GCC unroll 4
    for (int i = 1; i < 4; i++) {
        const __mmask16 more = _mm512_cmp_ps_mask(values[i], best, _CMP_GT_OQ) | _mm512_cmp_ps_mask(values[i], values[i], _CMP_UNORD_Q);
        best = _mm512_mask_mov_ps(best, more, values[i]);
        at = _mm512_mask_mov_epi32(at, more, _mm512_set1_epi32(i));
    }
    const __m512 zero = _mm512_setzero_ps();
    at = _mm512_mask_mov_epi32(at, _mm512_cmp_ps_mask(best, zero, _CMP_LE_OQ), _mm512_set1_epi32(NOWHERE));
    *where = _mm512_cvtepi32_epi8(at);
    return _mm512_max_ps(zero, best);  // this operand order propagates NaN
}

static void relu_forward(const float *result, const Shape &s, bf16 *out) {
    const __m512 zero = _mm512_setzero_ps();
    for (int64_t i = 0; i < s.pixels() * s.out; i += LANES)
        store16(out + i, narrow(_mm512_max_ps(zero, _mm512_loadu_ps(result + i))));
}

static void relu_backward(const bf16 *grad, const bf16 *out, const Shape &s, bf16 *to, float *bias_sums) {
    for (int64_t pixel = 0; pixel < s.pixels(); pixel++)
        for (int64_t k = 0; k < s.out; k += LANES) {
            const int64_t at = pixel * s.out + k;
            const __mmask16 above = _mm256_cmpgt_epi16_mask(load16(out + at), _mm256_setzero_si256());
            const __m256i g = _mm256_maskz_loadu_epi16(above, grad + at);
            store16(to + at, g);
            _mm512_storeu_ps(bias_sums + k, _mm512_add_ps(_mm512_loadu_ps(bias_sums + k), widen(g)));
        }
}

static void pool_forward(const float *result, const Shape &s, bf16 *out, uint8_t *note) {
    const int64_t c = s.out, row = s.width * c;
    for (int64_t y = 0; y < s.height / 2; y++)
        for (int64_t x = 0; x < s.width / 2; x++)
            for (int64_t k = 0; k < c; k += LANES, out += LANES, note += LANES) {
                const float *p = result + 2 * y * row + 2 * x * c + k;
                const __m512 values[4] = {_mm512_loadu_ps(p), _mm512_loadu_ps(p + c), _mm512_loadu_ps(p + row),
                                          _mm512_loadu_ps(p + row + c)};
                __m128i where;
                store16(out, narrow(pool4(values, &where)));
                _mm_storeu_si128((__m128i *)note, where);
            }
}

static void pool_backward(const bf16 *grad, const uint8_t *note, const Shape &s, bf16 *to, float *bias_sums) {
    const int64_t c = s.out, row = s.width * c;
    // An odd last row or column belongs to no window.
    if (s.height % 2 || s.width % 2) memset(to, 0, s.pixels() * c * sizeof(bf16));
    for (int64_t y = 0; y < s.height / 2; y++)
        for (int64_t x = 0; x < s.width / 2; x++)
            for (int64_t k = 0; k < c; k += LANES, grad += LANES, note += LANES) {
                const __m128i where = _mm_loadu_si128((const __m128i *)note);
                const __m256i g = load16(grad);
                bf16 *p = to + 2 * y * row + 2 * x * c + k;
                bf16 *const places[4] = {p, p + c, p + row, p + row + c};
#pragma GCC unroll 4
                for (int i = 0; i < 4; i++)
                    store16(places[i], _mm256_maskz_mov_epi16(_mm_cmpeq_epi8_mask(where, _mm_set1_epi8((char)i)), g));
                const __m256i used = _mm256_maskz_mov_epi16(_mm_cmpneq_epi8_mask(where, _mm_set1_epi8(NOWHERE)), g);
                _mm512_storeu_ps(bias_sums + k, _mm512_add_ps(_mm512_loadu_ps(bias_sums + k), widen(used)));
            }
}

static void mean_forward(const float *result, const Shape &s, float *out, uint16_t *note) {
    const __m512 zero = _mm512_setzero_ps();
    for (int64_t k = 0; k < s.out; k += LANES) {
        __m512 sum = zero;
        for (int64_t pixel = 0; pixel < s.pixels(); pixel++) {
            const __m512 v = _mm512_loadu_ps(result + pixel * s.out + k);
            note[(pixel * s.out + k) / LANES] = _mm512_cmp_ps_mask(v, zero, _CMP_NLE_UQ);
            sum = _mm512_add_ps(sum, _mm512_max_ps(zero, v));
        }
        _mm512_storeu_ps(out + k, _mm512_mul_ps(sum, _mm512_set1_ps(1.0f / (float)s.pixels())));
    }
}

static void mean_backward(const float *grad, const uint16_t *note, const Shape &s, bf16 *to, float *bias_sums) {
    const __m512 share = _mm512_set1_ps(1.0f / (float)s.pixels());
    for (int64_t k = 0; k < s.out; k += LANES) {
        const __m512 wide = _mm512_mul_ps(_mm512_loadu_ps(grad + k), share);
        const __m256i g = narrow(wide);
        __m512 sum = _mm512_loadu_ps(bias_sums + k);
        for (int64_t pixel = 0; pixel < s.pixels(); pixel++) {
            const __mmask16 above = note[(pixel * s.out + k) / LANES];
            store16(to + pixel * s.out + k, _mm256_maskz_mov_epi16(above, g));
            sum = _mm512_mask_add_ps(sum, above, sum, wide);
        }
        _mm512_storeu_ps(bias_sums + k, sum);
    }
}

static void tail_forward(const float *result, const Shape &s, Tail tail, void *out, void *note) {
    switch (tail) {
        case RELU: return relu_forward(result, s, (bf16 *)out);
        case RELU_POOL: return pool_forward(result, s, (bf16 *)out, (uint8_t *)note);
        default: return mean_forward(result, s, (float *)out, (uint16_t *)note);
    }
}

// Gradient of the epilogue's output -> gradient of the convolution's, bf16 [pixel][channel]; bias_sums[channel] += its sum.
static void tail_backward(const void *grad, const void *note, const Shape &s, Tail tail, bf16 *to, float *bias_sums) {
    switch (tail) {
        case RELU: return relu_backward((const bf16 *)grad, (const bf16 *)note, s, to, bias_sums);
        case RELU_POOL: return pool_backward((const bf16 *)grad, (const uint8_t *)note, s, to, bias_sums);
        default: return mean_backward((const float *)grad, (const uint16_t *)note, s, to, bias_sums);
    }
}
