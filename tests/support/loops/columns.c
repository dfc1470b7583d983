/* Columns of codes: the loops of a core against portable C, on columns of any length and any values. */
#include <string.h>
#include "semihosting.h"

enum { MOST = 70, GUARDS = 2 };

static uint32_t seed = SEED;
static uint8_t codes8[MOST];
static int16_t codes16[MOST];
static int32_t totals[2][MOST + GUARDS];

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

/* One column; 0 if the core's loop leaves the totals, and what lies behind them, as portable C does. */
static uint32_t differs(uint32_t n, int32_t x, uint32_t bits)
{
    for (uint32_t j = 0u; j < MOST; j++) {
        codes8[j] = (uint8_t)chance(256u);
        codes16[j] = (int16_t)((int32_t)chance(2u * 900u) - 900);
    }
    for (uint32_t j = 0u; j < MOST + GUARDS; j++) {
        totals[0][j] = totals[1][j] = (int32_t)chance(1u << 20) - (1 << 19);
    }
    if (bits == 2u) {
        for (uint32_t j = 0u; j < MOST; j++) {
            codes8[j] &= (uint8_t)~((codes8[j] & 0xaau) & ((~(uint32_t)codes8[j] & 0x55u) << 1)); /* no -2 */
        }
        fast_add_column2(totals[0], codes8, n, x);
        slow_add_column2(totals[1], codes8, n, x);
    } else if (bits == 4u) {
        fast_add_column4(totals[0], codes8, n, x);
        slow_add_column4(totals[1], codes8, n, x);
    } else if (bits == 8u) {
        fast_add_column8(totals[0], (const int8_t *)codes8, n, x);
        slow_add_column8(totals[1], (const int8_t *)codes8, n, x);
    } else {
        fast_add_column16(totals[0], codes16, n, x);
        slow_add_column16(totals[1], codes16, n, x);
    }
    return memcmp(totals[0], totals[1], sizeof totals[0]) != 0;
}

int main(void)
{
    static const int32_t values[] = {1, 1, 2, 3, 7, 15, 255, -1, -8, -128};
    uint32_t wrong = 0u;

    for (uint32_t turn = 0u; turn < TURNS; turn++) {
        for (uint32_t bits = 2u; bits <= 16u; bits *= 2u) {
            wrong += differs(turn % MOST + 1u, values[chance(10u)], bits);
        }
    }
    say(wrong);
    semihosting_exit(wrong != 0u);
}
