// The first block, on one-channel images with float32 pixels: 3x3 convolution + bias + RELU, or RELU + 2x2 max pooling, in
// one pass. With nine inputs per sum a matrix product gains nothing; the time goes into memory traffic, so it is minimized.
#pragma once

#include "block.h"

// Copies an image into the middle of a black border one pixel wide.
static void add_border(const float *image, const Shape &s, float *to) {
    const int64_t pitch = s.width + 2;
    memset(to, 0, (s.height + 2) * pitch * sizeof(float));
    for (int64_t y = 0; y < s.height; y++) memcpy(to + (y + 1) * pitch + 1, image + y * s.width, s.width * sizeof(float));
}

// Bordered image and the weights of 16 channels -> those channels of out [pixel][channel].
INLINE void stem_relu(const float *image, const __m512 w[TAPS], __m512 bias, const Shape &s, bf16 *out) {
    const int64_t pitch = s.width + 2;
    for (int64_t y = 0; y < s.height; y++)
        for (int64_t i = 0; i < s.width; i++, out += s.out) {
            const float *p = image + y * pitch + i;
            __m512 sum = bias;
#pragma GCC unroll 9
            for (int t = 0; t < TAPS; t++) sum = _mm512_fmadd_ps(_mm512_set1_ps(p[t / 3 * pitch + t % 3]), w[t], sum);
            store16(out, narrow(_mm512_max_ps(_mm512_setzero_ps(), sum)));
        }
}

// The same, followed by the maximum of each pooling window.
INLINE void stem_relu_pool(const float *image, const __m512 w[TAPS], __m512 bias, const Shape &s, bf16 *out, uint8_t *note) {
    const int64_t pitch = s.width + 2;
    for (int64_t y = 0; y < s.height / 2; y++)
        for (int64_t i = 0; i < s.width / 2; i++, out += s.out, note += s.out) {
            const float *p = image + 2 * y * pitch + 2 * i;
            __m512 sums[4] = {bias, bias, bias, bias};
            // Each of the window's 4x4 pixels is read once and added to every sum that contains it.
#pragma GCC unroll 4
            for (int py = 0; py < 4; py++)
#pragma GCC unroll 4
                for (int px = 0; px < 4; px++) {
                    const __m512 v = _mm512_set1_ps(p[py * pitch + px]);
#pragma GCC unroll 4
                    for (int q = 0; q < 4; q++) {
                        const int ky = py - q / 2, kx = px - q % 2;
                        if (ky >= 0 && ky < 3 && kx >= 0 && kx < 3) sums[q] = _mm512_fmadd_ps(v, w[ky * 3 + kx], sums[q]);
                    }
                }
            __m128i where;
            store16(out, narrow(pool4(sums, &where)));
            _mm_storeu_si128((__m128i *)note, where);
        }
}

// x float32 (image, height, width); weight (out, 9); out and note as in the epilogue.
static void stem_forward(const float *x, const float *weight, const float *bias, bf16 *out, uint8_t *note, const Shape &s,
                         Tail tail, int threads) {
    const int64_t c = s.out, size = out_bytes(s, tail) / (int64_t)sizeof(bf16);
    float *taps = scratch[WEIGHTS].whole<float>(TAPS * c);
    for (int64_t o = 0; o < c; o++)
        for (int64_t t = 0; t < TAPS; t++) taps[t * c + o] = weight[o * TAPS + t];
    const auto bordered = scratch[RESULT].parts<float>(threads, (s.height + 2) * (s.width + 2));
    in_turns(s.images, threads, [&](int me, int64_t n) {
        add_border(x + n * s.pixels(), s, bordered[me]);
        for (int64_t k = 0; k < c; k += LANES) {
            __m512 w[TAPS];
            for (int t = 0; t < TAPS; t++) w[t] = _mm512_loadu_ps(taps + t * c + k);
            const __m512 b = _mm512_loadu_ps(bias + k);
            const int64_t to = n * size + k;
            if (tail == RELU)
                stem_relu(bordered[me], w, b, s, out + to);
            else
                stem_relu_pool(bordered[me], w, b, s, out + to, note + to);
        }
    });
}

// Gradient of 16 channels of out, and out itself -> added to acc (weight gradient) and total (bias gradient).
INLINE void stem_relu_backward(const bf16 *grad, const bf16 *out, const float *image, const Shape &s, __m512 acc[TAPS],
                               __m512 &total) {
    const int64_t pitch = s.width + 2;
    for (int64_t y = 0; y < s.height; y++)
        for (int64_t i = 0; i < s.width; i++, grad += s.out, out += s.out) {
            const float *p = image + y * pitch + i;
            const __mmask16 above = _mm256_cmpgt_epi16_mask(load16(out), _mm256_setzero_si256());
            const __m512 g = widen(_mm256_maskz_loadu_epi16(above, grad));
            total = _mm512_add_ps(total, g);
#pragma GCC unroll 9
            for (int t = 0; t < TAPS; t++) acc[t] = _mm512_fmadd_ps(g, _mm512_set1_ps(p[t / 3 * pitch + t % 3]), acc[t]);
        }
}

// The same with pooling windows. Only the maximum of a window has a gradient, so sums run over windows, a quarter of the
// pixels: each lane selects its own 3x3 patch from the window's 4x4 patch, which fits one register.
INLINE void stem_relu_pool_backward(const bf16 *grad, const uint8_t *note, const float *image, const Shape &s,
                                    __m512 acc[TAPS], __m512 &total) {
    const int64_t pitch = s.width + 2;
    const __m512i corner = _mm512_setr_epi32(0, 1, 4, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);  // pixel of the window -> of the patch
    for (int64_t y = 0; y < s.height / 2; y++)
        for (int64_t i = 0; i < s.width / 2; i++, grad += s.out, note += s.out) {
            const float *p = image + 2 * y * pitch + 2 * i;
            __m512 patch = _mm512_castps128_ps512(_mm_loadu_ps(p));
            patch = _mm512_insertf32x4(patch, _mm_loadu_ps(p + pitch), 1);
            patch = _mm512_insertf32x4(patch, _mm_loadu_ps(p + 2 * pitch), 2);
            patch = _mm512_insertf32x4(patch, _mm_loadu_ps(p + 3 * pitch), 3);
            const __m512i at = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)note));
            const __m512 g = _mm512_maskz_mov_ps(_mm512_cmplt_epi32_mask(at, _mm512_set1_epi32(NOWHERE)), widen(load16(grad)));
            const __m512i base = _mm512_permutexvar_epi32(at, corner);
            total = _mm512_add_ps(total, g);
#pragma GCC unroll 9
            for (int t = 0; t < TAPS; t++) {
                const __m512i lane = _mm512_add_epi32(base, _mm512_set1_epi32(t / 3 * 4 + t % 3));
                acc[t] = _mm512_fmadd_ps(g, _mm512_permutexvar_ps(lane, patch), acc[t]);
            }
        }
}

static void stem_backward(const bf16 *grad, const void *note, const float *x, float *grad_weight, float *grad_bias,
                          const Shape &s, Tail tail, int threads) {
    const int64_t c = s.out, size = out_bytes(s, tail) / (int64_t)sizeof(bf16);
    const auto bordered = scratch[RESULT].parts<float>(threads, (s.height + 2) * (s.width + 2));
    const auto sums = scratch[SUMS].parts<float>(threads, TAPS * c), bias_sums = scratch[BIAS_SUMS].parts<float>(threads, c);
    for (int t = 0; t < threads; t++) {
        memset(sums[t], 0, TAPS * c * sizeof(float));
        memset(bias_sums[t], 0, c * sizeof(float));
    }
    in_shares(s.images, threads, [&](int me, int64_t n) {
        add_border(x + n * s.pixels(), s, bordered[me]);
        for (int64_t k = 0; k < c; k += LANES) {
            __m512 acc[TAPS], total = _mm512_loadu_ps(bias_sums[me] + k);
#pragma GCC unroll 9
            for (int t = 0; t < TAPS; t++) acc[t] = _mm512_loadu_ps(sums[me] + t * c + k);
            const int64_t from = n * size + k;
            if (tail == RELU)
                stem_relu_backward(grad + from, (const bf16 *)note + from, bordered[me], s, acc, total);
            else
                stem_relu_pool_backward(grad + from, (const uint8_t *)note + from, bordered[me], s, acc, total);
#pragma GCC unroll 9
            for (int t = 0; t < TAPS; t++) _mm512_storeu_ps(sums[me] + t * c + k, acc[t]);
            _mm512_storeu_ps(bias_sums[me] + k, total);
        }
    });
    gather_gradients(sums, bias_sums, threads, TAPS, c, grad_weight, grad_bias);
}
