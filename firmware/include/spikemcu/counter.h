/* What a call costs: instructions in QEMU, cycles on a board.
 *
 * src/qemu counts instructions, exactly, each core with a counter of its own: src/qemu/arm/counter.c and
 * riscv/counter.c. A loop of known length tells its ticks per instruction, and its own cost is measured around a
 * function that does nothing.
 *
 * src/arduino/counter.c counts cycles of the core, those of interrupts included that come meanwhile.
 */
#ifndef SPIKEMCU_COUNTER_H
#define SPIKEMCU_COUNTER_H

#include <stdint.h>

/* A function of up to three words or pointers; what it returns is ignored. */
typedef void (*counter_function)(uintptr_t a, uintptr_t b, uintptr_t c);

typedef struct {
    uint64_t ticks; /* of the timer over the call, the counter's own included */
    uint32_t wraps; /* times that a 24-bit timer ran out meanwhile; 0 for any other counter */
} counter_span;

typedef struct {
    counter_span empty; /* around counter_nothing */
    counter_span known; /* around counter_loop(COUNTER_LOOPS) */
    uint32_t ticks_per_1000; /* ticks per 1000 instructions, from `empty` and `known` */
} counter_calibration;

#define COUNTER_LOOPS 4096u

/* A moment during a call that is timed. */
typedef struct {
    uint32_t ticks; /* since its start, modulo 2^32 */
    uint32_t wraps; /* of a 24-bit timer */
} counter_moment;

/* Executes 2 * n + 1 instructions, its return included; n is at least 1, b and c are ignored. */
void counter_loop(uintptr_t n, uintptr_t b, uintptr_t c);

/* Executes one instruction: it returns. */
void counter_nothing(uintptr_t a, uintptr_t b, uintptr_t c);

/* Calls f(a, b, c) and times it. */
counter_span counter_measure(counter_function f, uintptr_t a, uintptr_t b, uintptr_t c);

/* Which moment it is, for functions that counter_measure calls, and the one in which it began. Only QEMU has
 * them. */
counter_moment counter_now(void);
counter_moment counter_start(void);

/* Times the empty function and the loop of known length. */
counter_calibration counter_calibrate(void);

/* The calibration of these two. */
counter_calibration counter_calibration_of(counter_span empty, counter_span known);

/* What the counter counts: COUNTER_INSTRUCTIONS or another of protocol.h. */
uint32_t counter_kind(void);

/* Instructions of the function behind `span`, from its first to its return; or cycles, those of an
 * empty function taken off. */
uint64_t counter_count(const counter_calibration *calibration, counter_span span);

#endif
