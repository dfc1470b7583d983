#include "spikemcu/stream.h"

#include <string.h>

#include "binding.h"
#include "spikemcu/device.h"
#include "model_marks.h"
#include "spikemcu/protocol.h"
#include "spikemcu/reply.h"

#if MODEL_SENSOR

/* The stream has a state of its own: RESET, STEP and PROBE know nothing of it. */
static struct {
    model_stream stream;
    int16_t sample[MODEL_CHANNELS]; /* its first `filled` values have come */
    uint32_t filled;
    uint32_t samples; /* taken since the restart */
    uint32_t results; /* that came since then */
    uint32_t when; /* the sample that the last one came with */
    int32_t winner;
#if MODEL_DETECTOR
    int32_t detected; /* with the last result, else -1 */
#endif
    int32_t scores[AT_LEAST_1(MODEL_OUTPUTS)];
    uint32_t spikes[AT_LEAST_1(MODEL_SPIKE_WORDS)];
} raw;

void stream_start(void)
{
    memset(&raw, 0, sizeof raw);
    model_stream_reset(&raw.stream);
}

static void take_sample(void)
{
    if (model_sample(&raw.stream, raw.sample, &raw.winner, raw.scores, raw.spikes)) {
        raw.results++;
        raw.when = raw.samples;
#if MODEL_DETECTOR
        raw.detected = model_detect(&raw.stream, raw.scores);
#endif
    }
    raw.samples++;
    raw.filled = 0;
}

/* Takes values, and every sample that they complete but the last: that waits for the next value. */
static void take_values(const int16_t *values, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (raw.filled == MODEL_CHANNELS) {
            take_sample();
        }
        raw.sample[raw.filled] = values[i];
        raw.filled++;
    }
}

uint8_t sample_reply(const frame *request, frame *reply)
{
    const uint32_t flags = request->payload[0], bytes = request->length - WORD;
    if (bytes % 2u != 0) {
        return CODE_BAD_LENGTH;
    }
    if (flags > (SAMPLE_RESTART | SAMPLE_KEEP)) {
        return CODE_BAD_RANGE;
    }
    if ((flags & SAMPLE_RESTART) != 0) {
        stream_start();
    }
    take_values((const int16_t *)&request->payload[1], bytes / 2u);
    if ((flags & SAMPLE_KEEP) == 0 && raw.filled == MODEL_CHANNELS) {
        take_sample();
    }
    append(reply, raw.results);
    append(reply, raw.when);
    append(reply, (uint32_t)raw.winner);
#if MODEL_DETECTOR
    append(reply, (uint32_t)raw.detected);
#endif
    const uint32_t *words = model_outputs > 0 ? (const uint32_t *)raw.scores : raw.spikes;
    const uint32_t count = least(room(reply), model_outputs > 0 ? model_outputs : MODEL_SPIKE_WORDS);
    for (uint32_t i = 0; i < count; i++) {
        append(reply, words[i]);
    }
    return CODE_OK;
}

uint8_t stream_prepare(void)
{
    return raw.filled == MODEL_CHANNELS ? CODE_OK : CODE_NOT_NOW;
}

void stream_call(uintptr_t unused1, uintptr_t unused2, uintptr_t unused3)
{
    (void)unused1;
    (void)unused2;
    (void)unused3;
    take_sample();
    MODEL_MARK(0);
}

#else

void stream_start(void)
{
}

uint8_t sample_reply(const frame *request, frame *reply)
{
    (void)request;
    (void)reply;
    return CODE_NOT_HERE;
}

uint8_t stream_prepare(void)
{
    return CODE_NOT_HERE;
}

void stream_call(uintptr_t unused1, uintptr_t unused2, uintptr_t unused3)
{
    (void)unused1;
    (void)unused2;
    (void)unused3;
}

#endif
