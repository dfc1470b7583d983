/* Exact instructions from the core's own counter, minstret: with `-icount` QEMU counts in it every
 * instruction once. */
#include "spikemcu/counter.h"

#include "core.h"
#include "spikemcu/protocol.h"

/* clang-format off */
#define BARRIER() __asm__ volatile("" ::: "memory") /* no access to memory moves across it */
/* clang-format on */

uint32_t counter_kind(void)
{
    return COUNTER_INSTRUCTIONS;
}

static uint64_t retired(void)
{
    uint32_t high, low, again;
    do { /* again if the low word ran over between the two */
        CORE_READ("minstreth", high);
        CORE_READ("minstret", low);
        CORE_READ("minstreth", again);
    } while (high != again);
    return (uint64_t)high << 32 | low;
}

/* One call site for every function, so that the instructions around the call are the same. */
__attribute__((noinline)) counter_span counter_measure(counter_function f, uintptr_t a, uintptr_t b, uintptr_t c)
{
    CORE_WRITE("minstreth", 0); /* it starts anywhere */
    CORE_WRITE("minstret", 0);
    BARRIER();
    f(a, b, c);
    BARRIER();
    const counter_span span = {retired(), 0};
    return span;
}

counter_moment counter_start(void)
{
    const counter_moment start = {0, 0};
    return start;
}

counter_moment counter_now(void)
{
    const counter_moment now = {(uint32_t)retired(), 0};
    return now;
}

counter_calibration counter_calibrate(void)
{
    const counter_span empty = counter_measure(counter_nothing, 0, 0, 0);
    return counter_calibration_of(empty, counter_measure(counter_loop, COUNTER_LOOPS, 0, 0));
}

uint64_t counter_count(const counter_calibration *calibration, counter_span span)
{
    return span.ticks - calibration->empty.ticks + 1u;
}
