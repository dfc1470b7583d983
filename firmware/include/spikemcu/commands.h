/* Executes requests on the one model of this firmware. */
#ifndef SPIKEMCU_COMMANDS_H
#define SPIKEMCU_COMMANDS_H

#include "frame.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Sets the model and its input vector to their first state. */
void commands_start(void);

/* Executes `request` and fills type, code, length and payload of `reply`. */
void commands_execute(const frame *request, frame *reply);

#ifdef __cplusplus
}
#endif

#endif
