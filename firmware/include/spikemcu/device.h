/* The one model of this firmware: its state, its input and what came out. */
#ifndef SPIKEMCU_DEVICE_H
#define SPIKEMCU_DEVICE_H

#include <stdbool.h>

#include "binding.h"

#define AT_LEAST_1(n) ((n) > 0u ? (n) : 1u)

/* All that the firmware keeps of a model. */
typedef struct {
    model_state state;
    uint32_t input[(MODEL_INPUT_BYTES + 3u) / 4u];
    uint32_t spikes[AT_LEAST_1(MODEL_SPIKE_WORDS)]; /* of the last layer */
    int32_t scores[AT_LEAST_1(MODEL_OUTPUTS)];
    int32_t winner;
    uint32_t steps; /* since the reset */
    bool held; /* a held input: the model has it */
    bool scored; /* scores and winner belong to the steps that were done */
} device_state;

extern device_state device;

/* MODEL_STEPS and MODEL_OUTPUTS as variables: a comparison of a constant 0 would be a warning. */
extern const uint32_t model_steps, model_outputs;

/* Sets membranes, counts and steps to zero; leaves the input vector. */
void device_reset(void);

/* Gives the model an input vector that is held, if it changed since that was done. */
void device_hold_input(void);

/* A model of T steps has a bound for T steps only: none may follow, nor one when all is decided. */
bool device_may_step(void);

/* True once the steps that were done give the class: it and its scores are there. */
bool device_decided(void);

#endif
