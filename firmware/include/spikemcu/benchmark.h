/* The commands that measure calls on the model; each returns a code and fills its reply. */
#ifndef SPIKEMCU_BENCHMARK_H
#define SPIKEMCU_BENCHMARK_H

#include "frame.h"

/* Words: the count (low, high) of what counter_kind says, ticks per 1000 instructions, then three spans, each ticks
 * (low, high) and wraps: the call itself, an empty function, counter_loop(COUNTER_LOOPS). */
uint8_t benchmark_reply(const frame *request, frame *reply);

/* Words: ticks of a number of marks, that number, ticks before the first, parts; then for each part from
 * `first` on its ticks, marks and wraps, of the last BENCHMARK. */
uint8_t parts_reply(const frame *request, frame *reply);

/* A word: bytes of stack of the call, its forwarding in binding.h included. */
uint8_t stack_reply(const frame *request, frame *reply);

#endif
