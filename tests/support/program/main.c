/*
 * A model as a program of any machine: a request on stdin, the answer on stdout. Every number on the
 * line is little-endian, whatever the machine's own order.
 *
 * Request: what to do (0 a batch, 1 a stream), steps, arrays of the answer, their lengths; samples;
 * bytes of an element of the input, how many elements, the elements.
 * Answer: the number of results of a stream, or 0; the arrays in the order of the drivers' parameters.
 */
#include "binding.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_ARRAYS 8u

uint32_t driver_run(const uint8_t *x, uint32_t samples, uint32_t steps, int32_t *v, int32_t *scores,
                    int64_t *predictions, int64_t *made, uint32_t *out, uint32_t *spikes, int32_t *traced_u,
                    int32_t *traced_v);
uint32_t driver_stream(const int16_t *samples, uint32_t count, int64_t *when, int64_t *predictions,
                       int32_t *scores, uint32_t *out, int64_t *detections);

/* An array of the answer; `at` is NULL where nobody wants it. */
typedef struct {
    void *at;
    uint32_t count;
    uint32_t bytes;
} array;

static const uint32_t batch_bytes[MOST_ARRAYS] = {4u, 4u, 8u, 8u, 4u, 4u, 4u, 4u};

static uint64_t number(uint32_t bytes)
{
    uint64_t x = 0u;

    for (uint32_t b = 0u; b < bytes; b++) {
        const int byte = getchar();

        if (byte == EOF) {
            exit(EXIT_FAILURE);
        }
        x |= (uint64_t)byte << (8u * b);
    }
    return x;
}

static void *room(uint32_t count, uint32_t bytes)
{
    void *const at = calloc((size_t)count + 1u, bytes);

    if (at == NULL) {
        exit(EXIT_FAILURE);
    }
    return at;
}

/* The elements of the input, each in the order of this machine. */
static void *elements(void)
{
    const uint32_t bytes = (uint32_t)number(4u);
    const uint32_t count = (uint32_t)number(4u);
    uint8_t *const at = room(count, bytes);

    for (uint32_t i = 0u; i < count; i++) {
        const uint32_t x = (uint32_t)number(bytes);
        const uint16_t half = (uint16_t)x;
        const uint8_t byte = (uint8_t)x;
        const void *const from = bytes == 4u ? (const void *)&x : bytes == 2u ? (const void *)&half : &byte;

        (void)memcpy(at + (size_t)i * bytes, from, bytes);
    }
    return at;
}

static void tell(uint64_t x, uint32_t bytes)
{
    for (uint32_t b = 0u; b < bytes; b++) {
        (void)putchar((int)((x >> (8u * b)) & 255u));
    }
}

static void tell_array(const array *told)
{
    for (uint32_t i = 0u; i < told->count; i++) {
        uint64_t wide;
        uint32_t word;

        if (told->bytes == 8u) {
            (void)memcpy(&wide, (const uint8_t *)told->at + (size_t)i * 8u, 8u);
            tell(wide, 8u);
        } else {
            (void)memcpy(&word, (const uint8_t *)told->at + (size_t)i * 4u, 4u);
            tell(word, 4u);
        }
    }
}

int main(void)
{
    const uint32_t what = (uint32_t)number(4u);
    const uint32_t steps = (uint32_t)number(4u);
    const uint32_t arrays = (uint32_t)number(4u);
    array all[MOST_ARRAYS] = {{NULL, 0u, 4u}};
    uint32_t results = 0u;
    uint32_t samples;
    void *x;

    for (uint32_t i = 0u; (i < arrays) && (i < MOST_ARRAYS); i++) {
        all[i].count = (uint32_t)number(4u);
        all[i].bytes = what == 0u ? batch_bytes[i] : ((i < 2u) || (i == 4u)) ? 8u : 4u;
        all[i].at = (what == 0u) && (all[i].count == 0u) ? NULL : room(all[i].count, all[i].bytes);
    }
    samples = (uint32_t)number(4u);
    x = elements();
    if (what == 0u) {
        results = driver_run(x, samples, steps, all[0].at, all[1].at, all[2].at, all[3].at, all[4].at,
                             all[5].at, all[6].at, all[7].at);
    }
#if MODEL_SENSOR
    else {
        results = driver_stream(x, samples, all[0].at, all[1].at, all[2].at, all[3].at, all[4].at);
    }
#endif
    tell(results, 4u);
    for (uint32_t i = 0u; (i < arrays) && (i < MOST_ARRAYS); i++) {
        tell_array(&all[i]);
    }
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
