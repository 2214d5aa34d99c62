// The matrix product on which all operators are built: 6 rows x 16 columns of sums stay in 12 of the 16 registers.
//
//   c[row][column] (+)= sum over k of a[row, k] * b[k][column]
#pragma once

#include "common.h"

constexpr int ROWS = 6;

// Layout of a matrix in memory: distances between rows and between columns.
struct Matrix {
    const float *data;
    int64_t row, column;
};

template <int R, int V, bool ADD>
INLINE void tile(const Matrix &a, const float *b, int64_t b_row, int64_t depth, float *c, int64_t c_row) {
    __m256 sums[R][V];
#pragma GCC unroll 6
    for (int r = 0; r < R; r++)
#pragma GCC unroll 2
        for (int v = 0; v < V; v++) sums[r][v] = ADD ? load(c + r * c_row + v * LANES) : _mm256_setzero_ps();
    const float *from = a.data;
    for (int64_t k = 0; k < depth; k++, from += a.column, b += b_row) {
        __m256 right[V];
#pragma GCC unroll 2
        for (int v = 0; v < V; v++) right[v] = load(b + v * LANES);
#pragma GCC unroll 6
        for (int r = 0; r < R; r++) {
            const __m256 left = splat(from[r * a.row]);
#pragma GCC unroll 2
            for (int v = 0; v < V; v++) sums[r][v] = _mm256_fmadd_ps(left, right[v], sums[r][v]);
        }
    }
#pragma GCC unroll 6
    for (int r = 0; r < R; r++)
#pragma GCC unroll 2
        for (int v = 0; v < V; v++) store(c + r * c_row + v * LANES, sums[r][v]);
}

// All rows, in tiles of nearly equal height: 4 to 6 rows keep the multipliers busy; 1 or 2 would wait for their sums.
template <int V, bool ADD>
INLINE void strip(Matrix a, int64_t rows, const float *b, int64_t b_row, int64_t depth, float *c, int64_t c_row) {
    for (int64_t left = divide_up(rows, ROWS); left > 0; left--) {
        const int64_t some = divide_up(rows, left);
        switch (some) {
            case 6: tile<6, V, ADD>(a, b, b_row, depth, c, c_row); break;
            case 5: tile<5, V, ADD>(a, b, b_row, depth, c, c_row); break;
            case 4: tile<4, V, ADD>(a, b, b_row, depth, c, c_row); break;
            case 3: tile<3, V, ADD>(a, b, b_row, depth, c, c_row); break;
            case 2: tile<2, V, ADD>(a, b, b_row, depth, c, c_row); break;
            default: tile<1, V, ADD>(a, b, b_row, depth, c, c_row);
        }
        rows -= some;
        a.data += some * a.row;
        c += some * c_row;
    }
}

// `columns` is 16 or 8. a: [row][depth]; b: [depth][columns]; c: [row][columns].
static void multiply(const float *a, int64_t rows, int64_t depth, const float *b, int64_t columns, float *c) {
    if (columns == COLUMNS)
        strip<2, false>({a, depth, 1}, rows, b, COLUMNS, depth, c, COLUMNS);
    else
        strip<1, false>({a, depth, 1}, rows, b, LANES, depth, c, LANES);
}

// c[row][column] += sum over k of a[k][row] * b[k][column]; columns is a multiple of 8.
static void add_transposed(const float *a, int64_t rows, const float *b, int64_t columns, int64_t depth, float *c) {
    for (int64_t j = 0; j < columns; j += COLUMNS)
        if (j + LANES < columns)
            strip<2, true>({a, 1, rows}, rows, b + j, columns, depth, c + j, columns);
        else
            strip<1, true>({a, 1, rows}, rows, b + j, columns, depth, c + j, columns);
}
