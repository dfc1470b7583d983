/* The model under one fixed set of names, for the firmware and the host check. */
#ifndef MODEL_BINDING_H
#define MODEL_BINDING_H

#include "example.h"

#define MODEL_NAME "example"
#define MODEL_DIGEST EXAMPLE_DIGEST
#define MODEL_INPUT_KIND 0 /* 0 analog, 1 frames, 2 spikes, 3 rate, 4 latency, 5 delta */
#define MODEL_INPUT_HELD 1 /* 1: one vector for all steps */
#define MODEL_INPUTS 8u
#define MODEL_INPUT_BYTES 8u
#define MODEL_STEPS 4u
#define MODEL_LAYERS 1u
/* clang-format off */
#define MODEL_LAYER_SIZES {8u} /* neurons */
#define MODEL_STATE_SIZES {8u} /* membranes */
#define MODEL_SIGNAL_SIZES {8u} /* values that a layer sends */
#define MODEL_SIGNAL_PLANES {1u} /* bits of one */
/* clang-format on */
#define MODEL_PARTS 4u /* marks: the rest, currents or encoder, layers, readout */
#define MODEL_OUTPUTS 4u
#define MODEL_SPIKE_WORDS 1u
#define MODEL_STOPS 0 /* an inference may end before MODEL_STEPS */
#define MODEL_SENSOR 0 /* 1: takes raw samples */

typedef example_state model_state;

static inline void model_reset(model_state *state)
{
    example_reset(state);
}

static inline void model_input(model_state *state, const void *x)
{
    example_input(state, (const uint8_t *)x);
}

static inline void model_step(model_state *state, const void *x, uint32_t out[])
{
    (void)x;
    example_step(state, out);
}

static inline int32_t model_scores(model_state *state, int32_t scores[])
{
    return example_scores(state, scores);
}

/* The class and its scores, if no further step is to be made; else -1. `done` steps were made. */
static inline int32_t model_decided(model_state *state, uint32_t done, int32_t scores[])
{
    return done < MODEL_STEPS ? -1 : example_scores(state, scores);
}

/* Steps since the reset; those of a whole inference without an early stop. */
static inline uint32_t model_steps_made(const model_state *state)
{
    (void)state;
    return MODEL_STEPS;
}

/* A whole inference; x holds the input of every step, one behind the other, unless it is held. */
static inline int32_t model_classify(model_state *state, const void *x, int32_t scores[])
{
    return example_classify(state, (const uint8_t *)x, scores);
}

#if EXAMPLE_PROBE > 0
static inline void model_membranes(const model_state *state, uint32_t layer, uint32_t first,
    uint32_t count, int32_t membranes[])
{
    example_membranes(state, layer, first, count, membranes);
}

static inline const uint32_t *model_spikes(const model_state *state, uint32_t layer)
{
    return example_spikes(state, layer);
}
#endif
#if EXAMPLE_PROBE > 1
static inline void model_before_reset(const model_state *state, uint32_t layer, uint32_t first,
    uint32_t count, int32_t membranes[])
{
    example_before_reset(state, layer, first, count, membranes);
}
#endif

#endif
