// Winograd's F(4x4, 3x3): 36 multiplications for 16 outputs of a 3x3 kernel instead of 144 (Lavin & Gray, "Fast
// Algorithms for Convolutional Neural Networks", 2016).
//
//   Y = A^T [ (G w G^T) * (B^T d B) ] A      d: a 6x6 patch of the input, w: the kernel, Y: 4x4 outputs, *: by element
//
// The element-wise products, summed over channels, are 36 matrix products. The backward pass is the transpose of the same
// expression, so its gradients are exactly those of the forward pass:
//
//   D = A dY A^T,   dd = B [ (G w G^T) * D ] B^T,   dw = G^T [ sum of D * (B^T d B) ] G
//
// A tile with M outputs per line, M = 4, 3 or 2, needs M + 2 of the points 0, 1, -1, 2, -2 and infinity at which both factors
// are evaluated as polynomials: the first M + 1 and the last. Tiles at an image's edge may therefore be smaller: at 14x14
// and 7x7 pixels this saves 16% of all products. The smaller transforms are scaled to match the weights of the large one.
//
// Each struct is a one-dimensional transform of FROM values to TO values, for eight channels at once.
#pragma once

#include "common.h"

constexpr int TILE = 4, PATCH = 6, POSITIONS = PATCH * PATCH;

// Index, among the six points, of value i of a line of M + 2.
template <int M>
constexpr int place(int i) {
    return i <= M ? i : PATCH - 1;
}

template <int M>
struct Input {  // B^T
    static constexpr int FROM = M + 2, TO = M + 2;
    INLINE void line(const __m256 *d, __m256 *to) {
        if constexpr (M == 4) {
            const __m256 even = d[4] - 4.f * d[2], odd = d[3] - 4.f * d[1], a = d[4] - d[2], b = 2.f * (d[3] - d[1]);
            to[0] = 4.f * d[0] - 5.f * d[2] + d[4];
            to[1] = even + odd;
            to[2] = even - odd;
            to[3] = a + b;
            to[4] = a - b;
            to[5] = 4.f * d[1] - 5.f * d[3] + d[5];
        } else if constexpr (M == 3) {
            const __m256 a = d[3] - d[1];
            to[0] = 4.f * (d[0] - d[2]) + 2.f * a;
            to[1] = 3.f * (d[3] - d[2]) - 6.f * d[1];
            to[2] = d[3] - 3.f * d[2] + 2.f * d[1];
            to[3] = 4.f * a;
            to[4] = d[4] - d[2] - 2.f * a;
        } else {
            to[0] = 4.f * (d[0] - d[2]);
            to[1] = -3.f * (d[1] + d[2]);
            to[2] = 3.f * (d[1] - d[2]);
            to[3] = d[3] - d[1];
        }
    }
};

template <int M>
struct InputGradient {  // B
    static constexpr int FROM = M + 2, TO = M + 2;
    INLINE void line(const __m256 *m, __m256 *to) {
        to[0] = 4.f * m[0];
        if constexpr (M == 4) {
            const __m256 a = m[1] + m[2], b = m[1] - m[2], c = m[3] + m[4], d = 2.f * (m[3] - m[4]);
            to[1] = 4.f * (m[5] - b) - d;
            to[2] = -5.f * m[0] - 4.f * a - c;
            to[3] = b + d - 5.f * m[5];
            to[4] = m[0] + a + c;
        } else if constexpr (M == 3) {
            const __m256 a = 2.f * m[0] + 4.f * m[3] - 2.f * m[4];
            to[1] = 2.f * m[2] - 6.f * m[1] - a;
            to[2] = -4.f * m[0] - 3.f * (m[1] + m[2]) - m[4];
            to[3] = a + 3.f * m[1] + m[2];
        } else {
            to[1] = 3.f * (m[2] - m[1]) - m[3];
            to[2] = -4.f * m[0] - 3.f * (m[1] + m[2]);
        }
        to[M + 1] = m[M + 1];
    }
};

template <int M>
struct Output {  // A^T
    static constexpr int FROM = M + 2, TO = M;
    INLINE void line(const __m256 *m, __m256 *to) {
        const __m256 a = m[1] + m[2], b = m[1] - m[2];
        if constexpr (M == 4) {
            const __m256 c = m[3] + m[4], d = 2.f * (m[3] - m[4]);
            to[0] = m[0] + a + c;
            to[1] = b + d;
            to[2] = a + 4.f * c;
            to[3] = b + 4.f * d + m[5];
        } else if constexpr (M == 3) {
            to[0] = m[0] + a + m[3];
            to[1] = b + 2.f * m[3];
            to[2] = a + 4.f * m[3] + m[4];
        } else {
            to[0] = m[0] + a;
            to[1] = b + m[3];
        }
    }
};

template <int M>
struct OutputGradient {  // A
    static constexpr int FROM = M, TO = M + 2;
    INLINE void line(const __m256 *y, __m256 *to) {
        to[0] = y[0];
        if constexpr (M == 4) {
            const __m256 a = y[0] + y[2], b = y[1] + y[3], c = y[0] + 4.f * y[2], d = 2.f * (y[1] + 4.f * y[3]);
            to[1] = a + b;
            to[2] = a - b;
            to[3] = c + d;
            to[4] = c - d;
        } else if constexpr (M == 3) {
            const __m256 a = y[0] + y[2];
            to[1] = a + y[1];
            to[2] = a - y[1];
            to[3] = y[0] + 2.f * y[1] + 4.f * y[2];
        } else {
            to[1] = y[0] + y[1];
            to[2] = y[0] - y[1];
        }
        to[M + 1] = y[M - 1];
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

// One transform down the columns, then another along the rows: get(row, column) -> put(row, column, value). The loops over
// lines must stay loops: unrolled, their addresses exceed the registers, and a transform took 15% longer.
template <class Down, class Along, class Get, class Put>
INLINE void transform(Get get, Put put) {
    __m256 half[Down::TO][Along::FROM], line[Down::FROM], down[Down::TO], along[Along::TO];
#pragma GCC unroll 1
    for (int x = 0; x < Along::FROM; x++) {
#pragma GCC unroll 6
        for (int y = 0; y < Down::FROM; y++) line[y] = get(y, x);
        Down::line(line, down);
#pragma GCC unroll 6
        for (int y = 0; y < Down::TO; y++) half[y][x] = down[y];
    }
#pragma GCC unroll 1
    for (int y = 0; y < Down::TO; y++) {
        Along::line(half[y], along);
#pragma GCC unroll 6
        for (int x = 0; x < Along::TO; x++) put(y, x, along[x]);
    }
}
