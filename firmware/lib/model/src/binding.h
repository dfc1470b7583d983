#ifndef BINDING_H
#define BINDING_H
#include "example.h"
#define MODEL_NAME "example"
#define MODEL_DIGEST "f2bbcb9661d19aff68ab39e57c27b3d8"
#define MODEL_INPUT_KIND 0
#define MODEL_INPUTS 8u
#define MODEL_INPUT_BYTES 8u
#define MODEL_STEPS 4u
#define MODEL_LAYERS 1u
#define MODEL_LAYER_SIZES {8u}
#define MODEL_OUTPUTS 4u
#define MODEL_SPIKE_WORDS 1u
typedef example_state model_state;
static inline void model_reset(model_state *state) { example_reset(state); }
static inline void model_input(model_state *state, const void *x) { example_input(state, (const uint8_t *)x); }
static inline void model_step(model_state *state, const void *x, uint32_t out[]) { example_step(state, (const uint8_t *)x, out); }
static inline int32_t model_scores(const model_state *state, int32_t scores[]) { return example_scores(state, scores); }
static inline int32_t model_classify(model_state *state, const void *x, int32_t scores[]) { return example_classify(state, (const uint8_t *)x, scores); }
#if MODEL_PROBE
static inline void model_membranes(const model_state *state, uint32_t layer, uint32_t first, uint32_t count, int32_t membranes[])
{
    const int32_t *v = layer == 0 ? state->v0 : 0;
    for (uint32_t i = 0; i < count; i++) { membranes[i] = v[first + i]; }
}
static inline const uint32_t *model_spikes(const model_state *state, uint32_t layer)
{
    return layer == 0 ? state->s0 : 0;
}
#endif
#endif
