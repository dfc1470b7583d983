/* Raw samples for a model with a sensor: the stream that they go to, and what comes out. */
#ifndef SPIKEMCU_STREAM_H
#define SPIKEMCU_STREAM_H

#include "spikemcu/counter.h"
#include "spikemcu/frame.h"

/* Forgets every sample. */
void stream_start(void);

/* SAMPLE: see protocol.h. */
uint8_t sample_reply(const frame *request, frame *reply);

/* For BENCHMARK and STACK: model_sample on the values that SAMPLE left unused. The sample is taken. */
uint8_t stream_prepare(void);
void stream_call(uintptr_t unused1, uintptr_t unused2, uintptr_t unused3);

#endif
