/* Executes requests on the one model of this firmware. */
#ifndef COMMANDS_H
#define COMMANDS_H

#include "frame.h"

/* Sets the model to its first state. */
void commands_start(void);

/* Executes `request` and fills type, code, length and payload of `reply`. */
void commands_execute(const frame *request, frame *reply);

#endif
