// Muon's update of one kernel, as in muslin/training/optimizers.py: momentum, the nearest semi-orthogonal matrix by an
// iteration on the Gram matrix, update.
//
// Kernels are small and each needs many operations in sequence; as separate calls, most of their time is call overhead. Rows
// are independent, so any number of threads gives the same bits.
#pragma once

#include <cmath>
#include <utility>

#include "products.h"

constexpr float QUINTIC[3] = {3.4445f, -4.7750f, 2.0315f};

// A matrix whose rows and columns are padded with zeros to whole vectors.
struct Padded {
    float *data;
    int64_t rows, columns;
    static int64_t whole(int64_t count) { return divide_up(count, LANES) * LANES; }
    int64_t pitch() const { return whole(columns); }
    float *operator[](int64_t row) const { return data + row * pitch(); }
};

// to = transpose of `from`
static void turn(const Padded &from, const Padded &to, int threads) {
    in_shares(divide_up(from.rows, LANES), threads, [&](int, int64_t block) {
        const int64_t row = block * LANES;
        for (int64_t column = 0; column < from.columns; column += LANES) {
            __m256 r[LANES];
#pragma GCC unroll 8
            for (int i = 0; i < LANES; i++) r[i] = load(from[row + i] + column);
            transpose8(r);
#pragma GCC unroll 8
            for (int i = 0; i < LANES; i++) store(to[column + i] + row, r[i]);
        }
    });
}

// to = a * b, then `finish(row)` for each row.
template <class F>
static void product(const Padded &a, const Padded &b, const Padded &to, int threads, F finish) {
    on_threads(threads, [&](int t) {
        const int64_t begin = to.rows * t / threads, end = to.rows * (t + 1) / threads;
        for (int64_t j = 0; j < to.pitch(); j += COLUMNS)
            if (j + LANES < to.pitch())
                strip<2, false>({a[begin], a.pitch(), 1}, end - begin, b.data + j, b.pitch(), a.columns, to[begin] + j, to.pitch());
            else
                strip<1, false>({a[begin], a.pitch(), 1}, end - begin, b.data + j, b.pitch(), a.columns, to[begin] + j, to.pitch());
        for (int64_t row = begin; row < end; row++) finish(row);
    });
}

static void product(const Padded &a, const Padded &b, const Padded &to, int threads) {
    product(a, b, to, threads, [](int64_t) {});
}

static void scale(float *row, int64_t count, float by) {
    for (int64_t i = 0; i < count; i++) row[i] *= by;
}

// factor = a I + b S + c S S
static void quintic(const Padded &s, const Padded &factor, int threads) {
    product(s, s, factor, threads, [&](int64_t row) {
        for (int64_t i = 0; i < s.columns; i++) factor[row][i] = QUINTIC[1] * s[row][i] + QUINTIC[2] * factor[row][i];
        factor[row][row] += QUINTIC[0];
    });
}

static float norm(const float *values, int64_t count) {
    double squares = 0;
    for (int64_t begin = 0; begin < count; begin += 64 * LANES) {
        __m256 sum = splat(0);
        const int64_t end = std::min(count, begin + 64 * LANES);
        int64_t i = begin;
        for (; i + LANES <= end; i += LANES) sum = _mm256_fmadd_ps(load(values + i), load(values + i), sum);
        for (int lane = 0; lane < LANES; lane++) squares += sum[lane];
        for (; i < end; i++) squares += values[i] * values[i];
    }
    return (float)std::sqrt(squares);
}

constexpr int64_t WORTH_SHARING = 1 << 22;  // minimum multiply-adds of the first product

// matrix and out: [row][column]. The iteration uses the shorter side.
static void orthogonalize(const float *matrix, float *out, int64_t rows, int64_t columns, int64_t iterations, int threads) {
    if (rows * columns * std::min(rows, columns) < WORTH_SHARING) threads = 1;
    const bool tall = rows > columns;
    const int64_t n = std::min(rows, columns), depth = std::max(rows, columns);
    const int64_t square = Padded::whole(n) * Padded::whole(n), oblong = Padded::whole(n) * Padded::whole(depth);
    const bool whole = rows % LANES == 0 && columns % LANES == 0;  // then no zero padding is needed
    float *room = scratch[PRODUCTS].whole<float>(3 * oblong + 5 * square);
    if (!whole) memset(room, 0, (3 * oblong + 5 * square) * sizeof(float));
    float *squares = room + 3 * oblong;
    Padded gram{squares, n, n}, factor{squares + square, n, n}, spare{squares + 2 * square, n, n};
    Padded polynomial{squares + 3 * square, n, n}, longer{squares + 4 * square, n, n};  // polynomial in the first Gram matrix
    const Padded given{whole ? const_cast<float *>(matrix) : room, rows, columns};
    const Padded turned{room + oblong, columns, rows};
    const Padded &x = tall ? turned : given, &upright = tall ? given : turned;
    const Padded result{whole && !tall ? out : room + 2 * oblong, n, depth};

    if (!whole)
        for (int64_t row = 0; row < rows; row++) memcpy(given[row], matrix + row * columns, columns * sizeof(float));
    turn(given, turned, threads);
    const float inverse = 1 / (norm(matrix, rows * columns) + 1e-7f);
    product(x, upright, gram, threads, [&](int64_t row) { scale(gram[row], n, inverse * inverse); });
    quintic(gram, polynomial, threads);
    for (int64_t i = 1; i < iterations; i++) {
        const Padded &last = i == 1 ? polynomial : factor;
        product(last, gram, spare, threads);
        product(spare, last, gram, threads);
        quintic(gram, factor, threads);
        product(factor, polynomial, longer, threads);
        std::swap(polynomial, longer);
    }
    product(polynomial, x, result, threads, [&](int64_t row) { scale(result[row], depth, inverse); });
    const Padded taken{whole ? out : room, rows, columns};
    if (tall) turn(result, taken, threads);
    if (!whole)
        for (int64_t row = 0; row < rows; row++)
            memcpy(out + row * columns, (tall ? taken : result)[row], columns * sizeof(float));
}

// kernel, gradient and momentum: [row][column]
static void muon_step(float *kernel, const float *gradient, float *momentum, int64_t rows, int64_t columns, float decay,
                      float rate, int64_t iterations, int threads) {
    const int64_t count = rows * columns;
    float *ahead = scratch[RESULT].whole<float>(2 * count), *direction = ahead + count;
    for (int64_t i = 0; i < count; i++) {
        momentum[i] = decay * momentum[i] + gradient[i];
        ahead[i] = gradient[i] + decay * momentum[i];
    }
    orthogonalize(ahead, direction, rows, columns, iterations, threads);
    for (int64_t i = 0; i < count; i++) kernel[i] -= rate * direction[i];
}
