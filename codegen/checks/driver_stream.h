/*
 * Sends raw samples through a model that has a sensor: the host side of the check of streams. A part of
 * driver.c: a source of its own would start the compiler once more for each model that is checked.
 */
#ifndef DRIVER_STREAM_H
#define DRIVER_STREAM_H

#include "binding.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

uint32_t driver_stream(const int16_t *samples, uint32_t count, int64_t *when, int64_t *predictions,
    int32_t *scores, uint32_t *out, int64_t *detections);

#if MODEL_PUSH
/* Whether blocks of all sizes give the results that samples one by one gave. */
static int same_in_blocks(model_stream *stream, const int16_t *samples, uint32_t count, uint32_t results,
    const int64_t *when, const int64_t *predictions, const int32_t *scores, const uint32_t *out)
{
    int32_t own[MODEL_OUTPUTS + 1u];
    uint32_t spikes[MODEL_SPIKE_WORDS];
    uint32_t at = 0u;
    uint32_t found = 0u;

    model_stream_reset(stream);
    for (uint32_t block = 1u; at < count; block = block * 5u % 1021u + 1u) {
        const uint32_t n = block < count - at ? block : count - at;
        int32_t winner = -1;
        int came = 0;
        const uint32_t taken = model_push(stream, samples + at, n, &came, &winner, own, spikes);

        if (taken == 0u || taken > n || (came == 0 && taken != n)) {
            return 0;
        }
        at += taken;
        if (came == 0) {
            continue;
        }
        if (found == results || when[found] != (int64_t)at - 1 || predictions[found] != winner) {
            return 0;
        }
        if (MODEL_OUTPUTS == 0u ? memcmp(spikes, out + found * MODEL_SPIKE_WORDS, sizeof spikes)
                                : memcmp(own, scores + found * MODEL_OUTPUTS, MODEL_OUTPUTS * sizeof *own)) {
            return 0;
        }
        found++;
    }
    return found == results;
}
#endif

/*
 * samples: `count` samples, one behind the other. Returns how many results came; of each: `when`, the
 * sample that it came with, the class and the scores, or, running free, the spikes of a step; and what a
 * detector makes of the scores.
 * Every call has a stream of its own; UINT32_MAX if there is no memory for it, UINT32_MAX - 1 if blocks of
 * samples give other results.
 */
uint32_t driver_stream(const int16_t *samples, uint32_t count, int64_t *when, int64_t *predictions,
    int32_t *scores, uint32_t *out, int64_t *detections)
{
    model_stream *stream = malloc(sizeof *stream);
    int16_t sample[MODEL_CHANNELS]; /* an own copy: a read beyond it is seen */
    uint32_t results = 0u;
#if MODEL_PUSH
    const int64_t *const whens = when;
    const int64_t *const winners = predictions;
    const int32_t *const scored = scores;
    const uint32_t *const spiked = out;
#endif

    if (stream == NULL) {
        return UINT32_MAX;
    }
    (void)memset(stream, 0xA5, sizeof *stream); /* the reset is to make it ready, whatever it holds */
    model_stream_reset(stream);
    for (uint32_t i = 0u; i < count; i++) {
        int32_t winner = -1;

        (void)memcpy(sample, samples + (size_t)i * MODEL_CHANNELS, sizeof sample);
        if (model_sample(stream, sample, &winner, scores, out)) {
            when[results] = (int64_t)i;
            predictions[results] = winner;
#if MODEL_DETECTOR
            detections[results] = model_detect(stream, scores);
#else
            (void)detections;
#endif
            scores += MODEL_OUTPUTS;
            out += MODEL_OUTPUTS == 0u ? MODEL_SPIKE_WORDS : 0u;
            results++;
        }
    }
#if MODEL_PUSH
    if (!same_in_blocks(stream, samples, count, results, whens, winners, scored, spiked)) {
        results = UINT32_MAX - 1u;
    }
#endif
    free(stream);
    return results;
}

#endif
