/* What every counter measures itself by: a function that only returns, and a loop of known length. */
#include "spikemcu/counter.h"

#define UNUSED __attribute__((unused)) /* a naked function holds assembly alone */

#ifdef __riscv
#define LOOP "1:\n\taddi a0, a0, -1\n\tbnez a0, 1b\n\tret"
#define RETURN "ret"
#else
#define LOOP ".syntax unified\n1:\n\tsubs r0, #1\n\tbne 1b\n\tbx lr"
#define RETURN "bx lr"
#endif

__attribute__((naked, noinline)) void counter_loop(UNUSED uintptr_t n, UNUSED uintptr_t b, UNUSED uintptr_t c)
{
    __asm__ volatile(LOOP);
}

__attribute__((naked, noinline)) void counter_nothing(UNUSED uintptr_t a, UNUSED uintptr_t b, UNUSED uintptr_t c)
{
    __asm__ volatile(RETURN);
}

counter_calibration counter_calibration_of(counter_span empty, counter_span known)
{
    const uint32_t instructions = 2u * COUNTER_LOOPS; /* the return is in `empty` as well */
    const uint32_t ticks = (uint32_t)(known.ticks - empty.ticks);
    const counter_calibration c = {empty, known, (ticks * 1000u + instructions / 2u) / instructions};
    return c;
}
