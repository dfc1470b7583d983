/* What is known about the stack; the platform implements it.
 *
 * Where nothing is known, as under a framework with a stack of its own, the size is 0.
 */
#ifndef SPIKEMCU_STACK_H
#define SPIKEMCU_STACK_H

#include <stdint.h>

/* Bytes of the stack, and the most that was in use since the start. */
uint32_t stack_size(void);
uint32_t stack_used(void);

/* Forgets what was in use before: stack_used then tells the most since here. */
void stack_paint(void);

/* Bytes that are in use where it is called. */
uint32_t stack_now(void);

#endif
