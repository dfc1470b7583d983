/* Lists of rows and runs of them: the loops of a core against portable C, on random maps of every density. */
#include <string.h>
#include "semihosting.h"

enum { MOST = 7 * 8 * 64, COLUMNS = 4 * 7 * 64, WIDTH = 12 };

static uint32_t seed = SEED;
static uint32_t plane[2 * 8 * 64 / 32 * 9 + 4];
static uint16_t list[2][MOST + 1];
static uint16_t at[2][10];
static uint32_t weights[2 * COLUMNS];
static uint32_t sums[2][WIDTH + 1];
static uint32_t carries[MOST / 8 + 3];

static uint32_t chance(uint32_t below)
{
    seed = seed * 1664525u + 1013904223u;
    return (uint32_t)(((uint64_t)seed * below) >> 32);
}

static void say(uint32_t number)
{
    char text[11] = "";
    char *digit = text + sizeof text - 1;

    do {
        *--digit = (char)('0' + number % 10u);
        number /= 10u;
    } while (number != 0u);
    (void)semihosting_write(semihosting_open_console(1), digit, (uint32_t)strlen(digit));
}

/* One case; 0 if the core's loops do what portable C does. */
static uint32_t differs(uint32_t unit)
{
    static const uint32_t densities[] = {0u, 1u, 4u, 13u, 40u, 90u, 100u};
    const uint32_t density = densities[chance(7u)];
    const uint32_t kernel = 1u + chance(7u), columns = 1u + chance(4u);
    const uint32_t channels = unit * (1u + chance(64u / unit));
    const uint32_t width = 1u + chance(8u), height = 1u + chance(8u);
    const uint32_t positions = 1u + chance(width), x0 = chance(width - positions + 1u);
    uint32_t rows = 1u + chance(kernel);
    uint32_t y0, n[2], wrong = 0u;

    rows = rows < height ? rows : height;
    y0 = chance(height - rows + 1u);
    memset(plane, 0, sizeof plane);
    for (uint32_t k = 0u; k < width * height * channels; k++) {
        plane[k / 32u] |= (uint32_t)(chance(100u) < density) << (k % 32u);
    }
    {
        const uint32_t from = chance(3u);
        const uint32_t extra = 8u * channels * chance(kernel - rows + 1u);
        const fast_rows fast = {(y0 * width + x0) * channels, rows, positions, width * channels, channels,
            extra, 8u * kernel * channels};
        slow_rows slow;

        memcpy(&slow, &fast, sizeof slow);
        memset(list, 0x55, sizeof list);
        memset(at, 0x55, sizeof at);
        if (unit == 8u) {
            n[0] = fast_list_rows8(plane, &fast, list[0], from, at[0]);
            n[1] = slow_list_rows8(plane, &slow, list[1], from, at[1]);
        } else if (unit == 16u) {
            n[0] = fast_list_rows16(plane, &fast, list[0], from, at[0]);
            n[1] = slow_list_rows16(plane, &slow, list[1], from, at[1]);
        } else {
            n[0] = fast_list_rows32(plane, &fast, list[0], from, at[0]);
            n[1] = slow_list_rows32(plane, &slow, list[1], from, at[1]);
        }
        wrong |= n[0] != n[1] || memcmp(at[0], at[1], sizeof at[0]) != 0;
    }
    for (uint32_t x = 0u; x < positions && wrong == 0u; x++) {
        const uint32_t last = x + columns < positions ? x + columns : positions;
        const uint32_t run = at[1][last] - at[1][x], first = 8u * x * kernel * channels;
        const uint32_t planes = 4u + chance(WIDTH - 3u);

        /* The order within a word is free: the sets are the same if the sums are, of random columns. */
        for (uint32_t b = 0u; b < WIDTH + 1u; b++) {
            sums[0][b] = sums[1][b] = chance(0xffffffffu);
        }
        fast_add_run(weights, first, list[0] + at[0][x], run, sums[0], planes, carries);
        slow_add_run(weights, first, list[1] + at[1][x], run, sums[1], planes, carries);
        wrong |= memcmp(sums[0], sums[1], sizeof sums[0]) != 0;
    }
    return wrong;
}

int main(void)
{
    static const uint32_t units[] = {8u, 16u, 32u};
    uint32_t wrong = 0u;

    for (uint32_t k = 0u; k < 2u * COLUMNS; k++) {
        weights[k] = k % 2u ? chance(0xffffffffu) & ~weights[k - 1u] : chance(0xffffffffu);
    }
    for (uint32_t turn = 0u; turn < TURNS; turn++) {
        wrong += differs(units[turn % 3u]);
    }
    say(wrong);
    semihosting_exit(wrong != 0u);
}
