// How images are cut into tiles, and which tiles go through the products together.
#pragma once

#include "transforms.h"

// A piece of an image: height x width pixels, of which those beyond the image's edge are computed for nothing.
struct Tile {
    int64_t image, top, left;
    int height, width;
};

// Images cut into tiles of 4x4 pixels; those at the right and lower edge may be smaller, but not below 2.
struct Tiling {
    int64_t height, width;
    int64_t rows() const { return divide_up(height, TILE); }
    int64_t columns() const { return divide_up(width, TILE); }
    int64_t an_image() const { return rows() * columns(); }
    int last_height() const { return last(height); }
    int last_width() const { return last(width); }

    Tile operator[](int64_t number) const {
        const int64_t within = number % an_image(), row = within / columns(), column = within % columns();
        return {number / an_image(), row * TILE, column * TILE, row + 1 < rows() ? TILE : last_height(),
                column + 1 < columns() ? TILE : last_width()};
    }

  private:
    static int last(int64_t length) { return (int)std::max<int64_t>(2, (length - 1) % TILE + 1); }
};

// Tiles first .. first + count, in the order in which they stand in the planes. Smaller tiles need some of the 36
// positions only, so they stand at the ends: narrow ones, whole ones, low ones, and last those that are low and narrow.
// Then the tiles that need a position are a run.
class Chunk {
  public:
    static constexpr int64_t MOST = 48;  // 16 to 96 make no difference beyond 3%

    Chunk(const Tiling &tiling, int64_t first, int64_t count) : tiling(tiling), count(count) {
        Tile all[MOST];
        for (int64_t i = 0; i < count; i++) all[i] = tiling[first + i];
        int64_t filled = 0;
        const auto take = [&](bool low, bool narrow) {
            for (int64_t i = 0; i < count; i++)
                if ((all[i].height < TILE) == low && (all[i].width < TILE) == narrow) tiles_[filled++] = all[i];
            return filled;
        };
        narrow_ = take(false, true);
        whole_ = take(false, false);
        low_ = take(true, false);
        take(true, true);
    }

    const Tile *begin() const { return tiles_; }
    const Tile *end() const { return tiles_ + count; }

    // The run of tiles that need a position.
    int64_t from(int position) const { return not_narrow(position) ? narrow_ : 0; }
    int64_t to(int position) const { return not_low(position) ? whole_ : not_narrow(position) ? low_ : count; }

    const Tiling tiling;
    const int64_t count;

  private:
    // Whether smaller tiles do without a position.
    bool not_low(int position) const { return without(position / PATCH, tiling.last_height()); }
    bool not_narrow(int position) const { return without(position % PATCH, tiling.last_width()); }
    static bool without(int value, int size) { return value > size && value < PATCH - 1; }

    Tile tiles_[MOST];
    int64_t narrow_, whole_, low_;  // where those end
};
