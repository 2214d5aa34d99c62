// The convolution of one-channel images, tap by tap: with nine inputs per sum, Winograd's algorithm gains nothing.
#pragma once

#include "common.h"

INLINE int64_t bordered_size(const Shape &s) { return (s.height + 2) * (s.width + 2); }

// Copies an image into the middle of a black border one pixel wide.
static void add_border(const float *image, const Shape &s, float *to) {
    const int64_t pitch = s.width + 2;
    memset(to, 0, bordered_size(s) * sizeof(float));
    for (int64_t y = 0; y < s.height; y++) memcpy(to + (y + 1) * pitch + 1, image + y * s.width, s.width * sizeof(float));
}

// weight (out, tap) -> [tap][out]
static void turn_taps(const float *weight, int64_t out, float *taps) {
    for (int64_t o = 0; o < out; o++)
        for (int64_t t = 0; t < TAPS; t++) taps[t * out + o] = weight[o * TAPS + t];
}

// bordered image -> result [pixel][out]
static void convolve_one(const float *bordered, const Shape &s, const float *taps, const float *bias, float *result) {
    const int64_t pitch = s.width + 2;
    for (int64_t y = 0; y < s.height; y++)
        for (int64_t k = 0; k < s.out; k += LANES) {
            __m256 w[TAPS];
#pragma GCC unroll 9
            for (int t = 0; t < TAPS; t++) w[t] = load(taps + t * s.out + k);
            const float *p = bordered + y * pitch;
            float *to = result + y * s.width * s.out + k;
            for (int64_t x = 0; x < s.width; x++, p++, to += s.out) {
                __m256 sum = load(bias + k);
#pragma GCC unroll 9
                for (int t = 0; t < TAPS; t++) sum = _mm256_fmadd_ps(splat(p[t / 3 * pitch + t % 3]), w[t], sum);
                store(to, sum);
            }
        }
}

// sums [tap][out] += image * gradient [pixel][out]
static void convolve_one_backward(const float *bordered, const float *gradient, const Shape &s, float *sums) {
    const int64_t pitch = s.width + 2;
    for (int64_t y = 0; y < s.height; y++)
        for (int64_t k = 0; k < s.out; k += LANES) {
            __m256 acc[TAPS];
#pragma GCC unroll 9
            for (int t = 0; t < TAPS; t++) acc[t] = load(sums + t * s.out + k);
            const float *p = bordered + y * pitch, *from = gradient + y * s.width * s.out + k;
            for (int64_t x = 0; x < s.width; x++, p++, from += s.out) {
                const __m256 g = load(from);
#pragma GCC unroll 9
                for (int t = 0; t < TAPS; t++) acc[t] = _mm256_fmadd_ps(splat(p[t / 3 * pitch + t % 3]), g, acc[t]);
            }
#pragma GCC unroll 9
            for (int t = 0; t < TAPS; t++) store(sums + t * s.out + k, acc[t]);
        }
}

static void gather_stem_gradient(Scratch::Parts<float> sums, const Shape &s, float *grad_weight, int threads) {
    for (int64_t o = 0; o < s.out; o++)
        for (int64_t tap = 0; tap < TAPS; tap++) {
            float sum = 0;
            for (int t = 0; t < threads; t++) sum += sums[t][tap * s.out + o];
            grad_weight[o * TAPS + tap] = sum;
        }
}
