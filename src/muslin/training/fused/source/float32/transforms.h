// Winograd's F(4x4, 3x3): 36 multiplications for 16 outputs of a 3x3 kernel instead of 144 (Lavin & Gray, "Fast
// Algorithms for Convolutional Neural Networks", 2016).
//
//   Y = A^T [ (G w G^T) * (B^T d B) ] A      d: a 6x6 patch of the input, w: the kernel, Y: 4x4 outputs, *: by element
//
// The element-wise products, summed over channels, are 36 matrix products. The backward pass is the same line read
// backwards, so its gradients are exactly those of the forward pass:
//
//   D = A dY A^T,   dd = B [ (G w G^T) * D ] B^T,   dw = G^T [ sum of D * (B^T d B) ] G
//
// A struct is one of the six one-dimensional transforms, FROM values to TO values, in eight channels at once.
#pragma once

#include "common.h"

constexpr int TILE = 4, PATCH = 6, POSITIONS = PATCH * PATCH;

struct Input {  // B^T
    static constexpr int FROM = 6, TO = 6;
    INLINE void line(const __m256 *d, __m256 *to) {
        const __m256 even = d[4] - 4.f * d[2], odd = d[3] - 4.f * d[1], difference = d[4] - d[2], twice = 2.f * (d[3] - d[1]);
        to[0] = 4.f * d[0] - 5.f * d[2] + d[4];
        to[1] = even + odd;
        to[2] = even - odd;
        to[3] = difference + twice;
        to[4] = difference - twice;
        to[5] = 4.f * d[1] - 5.f * d[3] + d[5];
    }
};

struct InputGradient {  // B
    static constexpr int FROM = 6, TO = 6;
    INLINE void line(const __m256 *m, __m256 *to) {
        const __m256 a = m[1] + m[2], b = m[1] - m[2], c = m[3] + m[4], d = 2.f * (m[3] - m[4]);
        to[0] = 4.f * m[0];
        to[1] = 4.f * (m[5] - b) - d;
        to[2] = -5.f * m[0] - 4.f * a - c;
        to[3] = b + d - 5.f * m[5];
        to[4] = m[0] + a + c;
        to[5] = m[5];
    }
};

struct Output {  // A^T
    static constexpr int FROM = 6, TO = 4;
    INLINE void line(const __m256 *m, __m256 *to) {
        const __m256 a = m[1] + m[2], b = m[1] - m[2], c = m[3] + m[4], d = 2.f * (m[3] - m[4]);
        to[0] = m[0] + a + c;
        to[1] = b + d;
        to[2] = a + 4.f * c;
        to[3] = b + 4.f * d + m[5];
    }
};

struct OutputGradient {  // A
    static constexpr int FROM = 4, TO = 6;
    INLINE void line(const __m256 *y, __m256 *to) {
        const __m256 a = y[0] + y[2], b = y[1] + y[3], c = y[0] + 4.f * y[2], d = 2.f * (y[1] + 4.f * y[3]);
        to[0] = y[0];
        to[1] = a + b;
        to[2] = a - b;
        to[3] = c + d;
        to[4] = c - d;
        to[5] = y[3];
    }
};

struct Weight {  // G
    static constexpr int FROM = 3, TO = 6;
    INLINE void line(const __m256 *w, __m256 *to) {
        const __m256 a = (-1 / 6.f) * (w[0] + w[2]), b = (1 / 6.f) * w[1], c = (1 / 24.f) * w[0] + (1 / 6.f) * w[2];
        to[0] = .25f * w[0];
        to[1] = a - b;
        to[2] = a + b;
        to[3] = c + .5f * b;
        to[4] = c - .5f * b;
        to[5] = w[2];
    }
};

struct WeightGradient {  // G^T
    static constexpr int FROM = 6, TO = 3;
    INLINE void line(const __m256 *u, __m256 *to) {
        const __m256 a = (1 / 6.f) * (u[1] + u[2]), c = (1 / 6.f) * (u[3] + u[4]);
        to[0] = .25f * (u[0] + c) - a;
        to[1] = (1 / 6.f) * (u[2] - u[1]) + (1 / 12.f) * (u[3] - u[4]);
        to[2] = c - a + u[5];
    }
};

// One transform down the columns, then along the rows: get(row, column) -> put(row, column, value). The loops over lines
// stay loops: unrolled, their addresses don't fit the registers, and a transform took 15% longer.
template <class T, class Get, class Put>
INLINE void transform(Get get, Put put) {
    __m256 half[T::TO][T::FROM], line[T::FROM], done[T::TO];
#pragma GCC unroll 1
    for (int x = 0; x < T::FROM; x++) {
#pragma GCC unroll 6
        for (int y = 0; y < T::FROM; y++) line[y] = get(y, x);
        T::line(line, done);
#pragma GCC unroll 6
        for (int y = 0; y < T::TO; y++) half[y][x] = done[y];
    }
#pragma GCC unroll 1
    for (int y = 0; y < T::TO; y++) {
        T::line(half[y], done);
#pragma GCC unroll 6
        for (int x = 0; x < T::TO; x++) put(y, x, done[x]);
    }
}
