/* Sends raw samples through a model that has a sensor: the host side of the check of streams. */
#include "binding.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#if MODEL_SENSOR

uint32_t driver_stream(const int16_t *samples, uint32_t count, int64_t *when, int64_t *predictions,
    int32_t *scores, uint32_t *out);

/*
 * samples: `count` samples, one behind the other. Returns how many results came; of each: `when`, the
 * sample that it came with, and the class and the scores, or, running free, the spikes of a step.
 * Every call has a stream of its own; UINT32_MAX if there is no memory for it.
 */
uint32_t driver_stream(const int16_t *samples, uint32_t count, int64_t *when, int64_t *predictions,
    int32_t *scores, uint32_t *out)
{
    model_stream *stream = malloc(sizeof *stream);
    int16_t sample[MODEL_CHANNELS]; /* an own copy: a read beyond it is seen */
    uint32_t results = 0u;

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
            scores += MODEL_OUTPUTS;
            out += MODEL_OUTPUTS == 0u ? MODEL_SPIKE_WORDS : 0u;
            results++;
        }
    }
    free(stream);
    return results;
}

#endif
