#include "string.h"

#include <stdint.h>

#if defined(__GNUC__) && !defined(__clang__)
/* Else these loops would be taken for what they implement, and call it. */
#pragma GCC optimize("no-tree-loop-distribute-patterns")
#endif

enum {
    WORD = 4,
    LINE = 16
};

/* True if both addresses lie on words. */
static int aligned(const void *a, const void *b)
{
    return (((uintptr_t)a | (uintptr_t)b) & (WORD - 1u)) == 0;
}

/* Words are read and written through this type: what lies there may have any other. */
typedef uint32_t __attribute__((may_alias)) word;

void *memcpy(void *restrict to, const void *restrict from, size_t count)
{
    uint8_t *out = to;
    const uint8_t *in = from;
    if (aligned(to, from)) {
        for (; count >= LINE; count -= LINE, in += LINE, out += LINE) {
            const word *const w = (const word *)in;
            const word a = w[0], b = w[1], c = w[2], d = w[3];
            word *const v = (word *)out;
            v[0] = a;
            v[1] = b;
            v[2] = c;
            v[3] = d;
        }
        for (; count >= WORD; count -= WORD, in += WORD, out += WORD) {
            *(word *)out = *(const word *)in;
        }
    }
    while (count-- > 0) {
        *out++ = *in++;
    }
    return to;
}

void *memmove(void *to, const void *from, size_t count)
{
    uint8_t *out = to;
    const uint8_t *in = from;
    if ((uintptr_t)out <= (uintptr_t)in) {
        for (size_t i = 0; i < count; i++) {
            out[i] = in[i];
        }
    } else {
        while (count-- > 0) {
            out[count] = in[count];
        }
    }
    return to;
}

void *memset(void *to, int byte, size_t count)
{
    uint8_t *out = to;
    if (aligned(to, to)) {
        const word filled = (uint8_t)byte * 0x01010101u;
        for (; count >= LINE; count -= LINE, out += LINE) {
            word *const v = (word *)out;
            v[0] = filled;
            v[1] = filled;
            v[2] = filled;
            v[3] = filled;
        }
        for (; count >= WORD; count -= WORD, out += WORD) {
            *(word *)out = filled;
        }
    }
    while (count-- > 0) {
        *out++ = (uint8_t)byte;
    }
    return to;
}

int memcmp(const void *left, const void *right, size_t count)
{
    const uint8_t *a = left, *b = right;
    for (size_t i = 0; i < count; i++) {
        if (a[i] != b[i]) {
            return a[i] - b[i];
        }
    }
    return 0;
}

size_t strlen(const char *text)
{
    size_t count = 0;
    while (text[count] != '\0') {
        count++;
    }
    return count;
}
