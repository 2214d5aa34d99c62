// Epilogues: what follows a convolution, forward and backward, one image at a time while it is in the cache.
//
//   RELU        rectified                          out [pixel][channel]               note: none; out > 0 is enough
//   RELU_POOL   rectified, maximum of 2x2 pixels   out [window][channel]              note: a byte each: 0-3 for the first
//                                                  maximum in reading order, 4 if no value is positive
//   RELU_MEAN   rectified, mean over all pixels    out [channel]                      note: a bit each: 1 if positive
//   NONE        unchanged                          out [pixel][channel]               note: none
//
// "note" is what the backward pass needs in addition.
#pragma once

#include "common.h"

enum Tail { RELU = 0, RELU_POOL = 1, RELU_MEAN = 2, NONE = 3 };
constexpr int NOWHERE = 4;

// RELU and NONE output as many values as the convolution, which therefore writes directly to the output.
INLINE bool in_place(Tail tail) { return tail == RELU || tail == NONE; }

INLINE int64_t out_size(const Shape &s, Tail tail) {  // per image
    switch (tail) {
        case RELU_POOL: return (s.height / 2) * (s.width / 2) * s.out;
        case RELU_MEAN: return s.out;
        default: return s.pixels() * s.out;
    }
}

INLINE int64_t note_bytes(const Shape &s, Tail tail) {  // per image
    switch (tail) {
        case RELU_POOL: return out_size(s, tail);
        case RELU_MEAN: return s.pixels() * s.out / 8;
        default: return out_size(s, tail) * sizeof(float);
    }
}

INLINE __m256 rectify(__m256 v) { return _mm256_max_ps(_mm256_setzero_ps(), v); }  // this operand order propagates NaN
INLINE __m256 kept(__m256 v) { return _mm256_cmp_ps(v, _mm256_setzero_ps(), _CMP_NLE_UQ); }
INLINE void add_to(float *sums, __m256 v) { store(sums, load(sums) + v); }

// The largest of four values, rectified, and its index. NaN wins, so that it reaches the loss.
INLINE __m256 pool4(const __m256 values[4], uint8_t *where) {
    __m256 best = values[0];
    __m256i at = _mm256_setzero_si256();
#pragma GCC unroll 4
    for (int i = 1; i < 4; i++) {
        const __m256 more = _mm256_or_ps(_mm256_cmp_ps(values[i], best, _CMP_GT_OQ),
                                         _mm256_cmp_ps(values[i], values[i], _CMP_UNORD_Q));
        best = _mm256_blendv_ps(best, values[i], more);
        at = _mm256_blendv_epi8(at, _mm256_set1_epi32(i), _mm256_castps_si256(more));
    }
    at = _mm256_blendv_epi8(_mm256_set1_epi32(NOWHERE), at, _mm256_castps_si256(kept(best)));
    const __m128i halves = _mm_packs_epi32(_mm256_castsi256_si128(at), _mm256_extracti128_si256(at, 1));
    _mm_storel_epi64((__m128i *)where, _mm_packs_epi16(halves, halves));
    return rectify(best);
}

static void relu_forward(const Shape &s, float *out) {
    for (int64_t i = 0; i < s.pixels() * s.out; i += LANES) store(out + i, rectify(load(out + i)));
}

static void relu_backward(const float *grad, const float *out, const Shape &s, float *to, float *bias_sums) {
    for (int64_t pixel = 0; pixel < s.pixels(); pixel++)
        for (int64_t k = 0; k < s.out; k += LANES) {
            const int64_t at = pixel * s.out + k;
            const __m256 g = _mm256_and_ps(load(grad + at), kept(load(out + at)));
            store(to + at, g);
            add_to(bias_sums + k, g);
        }
}

static void pool_forward(const float *result, const Shape &s, float *out, uint8_t *note) {
    const int64_t c = s.out, row = s.width * c;
    for (int64_t y = 0; y < s.height / 2; y++)
        for (int64_t x = 0; x < s.width / 2; x++)
            for (int64_t k = 0; k < c; k += LANES, out += LANES, note += LANES) {
                const float *p = result + 2 * y * row + 2 * x * c + k;
                const __m256 values[4] = {load(p), load(p + c), load(p + row), load(p + row + c)};
                store(out, pool4(values, note));
            }
}

static void pool_backward(const float *grad, const uint8_t *note, const Shape &s, float *to, float *bias_sums) {
    const int64_t c = s.out, row = s.width * c;
    // An odd last row or column belongs to no window.
    if (s.height % 2 || s.width % 2) memset(to, 0, s.pixels() * c * sizeof(float));
    for (int64_t y = 0; y < s.height / 2; y++)
        for (int64_t x = 0; x < s.width / 2; x++)
            for (int64_t k = 0; k < c; k += LANES, grad += LANES, note += LANES) {
                const __m256i where = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)note));
                const __m256 g = load(grad);
                float *p = to + 2 * y * row + 2 * x * c + k;
                float *const places[4] = {p, p + c, p + row, p + row + c};
#pragma GCC unroll 4
                for (int i = 0; i < 4; i++)
                    store(places[i], _mm256_and_ps(g, _mm256_castsi256_ps(_mm256_cmpeq_epi32(where, _mm256_set1_epi32(i)))));
                add_to(bias_sums + k,
                       _mm256_and_ps(g, _mm256_castsi256_ps(_mm256_cmpgt_epi32(_mm256_set1_epi32(NOWHERE), where))));
            }
}

static void mean_forward(const float *result, const Shape &s, float *out, uint8_t *note) {
    for (int64_t k = 0; k < s.out; k += LANES) {
        __m256 sum = _mm256_setzero_ps();
        for (int64_t pixel = 0; pixel < s.pixels(); pixel++) {
            const __m256 v = load(result + pixel * s.out + k);
            note[(pixel * s.out + k) / 8] = (uint8_t)_mm256_movemask_ps(kept(v));
            sum += rectify(v);
        }
        store(out + k, sum * (1.f / (float)s.pixels()));
    }
}

static void mean_backward(const float *grad, const uint8_t *note, const Shape &s, float *to, float *bias_sums) {
    const __m256i bits = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
    for (int64_t k = 0; k < s.out; k += LANES) {
        const __m256 g = load(grad + k) * (1.f / (float)s.pixels());
        __m256 above = _mm256_setzero_ps();  // pixels; adding g for each would accumulate a systematic rounding error
        for (int64_t pixel = 0; pixel < s.pixels(); pixel++) {
            const __m256i set = _mm256_and_si256(_mm256_set1_epi32(note[(pixel * s.out + k) / 8]), bits);
            const __m256 here = _mm256_castsi256_ps(_mm256_cmpeq_epi32(set, bits));
            store(to + pixel * s.out + k, _mm256_and_ps(g, here));
            above += _mm256_and_ps(splat(1.f), here);
        }
        add_to(bias_sums + k, g * above);
    }
}

static void none_backward(const float *grad, const Shape &s, float *bias_sums) {
    for (int64_t pixel = 0; pixel < s.pixels(); pixel++)
        for (int64_t k = 0; k < s.out; k += LANES) add_to(bias_sums + k, load(grad + pixel * s.out + k));
}

static void tail_forward(const float *result, const Shape &s, Tail tail, float *out, uint8_t *note) {
    switch (tail) {
        case RELU: return relu_forward(s, out);
        case RELU_POOL: return pool_forward(result, s, out, note);
        case RELU_MEAN: return mean_forward(result, s, out, note);
        case NONE: return;
    }
}

// Gradient of the epilogue's output -> gradient of the convolution's, [pixel][channel], in the buffer `to` unless they are
// equal; bias_sums[channel] += its sum.
static const float *tail_backward(const float *grad, const void *note, const Shape &s, Tail tail, float *to,
                                  float *bias_sums) {
    switch (tail) {
        case RELU: relu_backward(grad, (const float *)note, s, to, bias_sums); return to;
        case RELU_POOL: pool_backward(grad, (const uint8_t *)note, s, to, bias_sums); return to;
        case RELU_MEAN: mean_backward(grad, (const uint8_t *)note, s, to, bias_sums); return to;
        default: none_backward(grad, s, bias_sums); return grad;
    }
}
