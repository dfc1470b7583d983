/* Cycles of the core, from the best counter that it has.
 *
 * The cycle counter of the trace unit (DWT) counts 2^32 cycles. Armv6-M has none, and there the system
 * timer serves: it belongs to the Arduino core, which makes its milliseconds of it, so that it is read
 * and not touched. It tells the cycles within its period, micros() tells how many periods went by, and
 * has to be right within half a period only. A timer that nobody uses is started. One that does not run on
 * the core clock is of no use: then microseconds are all there is.
 */
#include "spikemcu/counter.h"

#include <stdbool.h>

#include "clock.h"
#include "spikemcu/machine.h"
#include "spikemcu/protocol.h"

#define REGISTER(address) ((volatile uint32_t *)(uintptr_t)(address))
/* clang-format off */
#define BARRIER() __asm__ volatile("" ::: "memory") /* no access to memory moves across it */
/* clang-format on */

typedef struct {
    uint32_t fine; /* the counter itself */
    uint32_t microseconds; /* when it was read */
} moment;

static uint32_t kind; /* of the counter; 0 until one was chosen */
static uint32_t period; /* cycles of the system timer */

/* ------------------------------------------------------------------ counters */

#if defined(__ARM_ARCH) && __ARM_ARCH >= 7
/* Armv7-M Architecture Reference Manual, C1.6 and C1.8. An emulated machine may have a counter elsewhere. */
#ifndef CYCLE_UNIT
#define CYCLE_UNIT 0xE0001000u
#endif
static volatile uint32_t *const CYCLES = REGISTER(CYCLE_UNIT + 4u);

static bool start_cycles(void)
{
    volatile uint32_t *const exception_monitor = REGISTER(0xE000EDFCu), *const control = REGISTER(CYCLE_UNIT);
    volatile uint32_t *const lock = REGISTER(CYCLE_UNIT + 0xFB0u);
    *exception_monitor |= 1u << 24; /* TRCENA: the trace unit is on */
    *lock = 0xC5ACCE55u; /* Cortex-M7: else its registers cannot be written */
    *control |= 1u;
    const uint32_t before = *CYCLES;
    __asm__ volatile("nop\n\tnop");
    return *CYCLES != before;
}

static uint32_t cycles(void)
{
    return *CYCLES;
}
#else
static bool start_cycles(void)
{
    return false;
}

static uint32_t cycles(void)
{
    return 0;
}
#endif

enum {
    TIMER_ENABLE = 1,
    TIMER_CORE_CLOCK = 4
};
#define TIMER_MOST 0xFFFFFFu

static volatile uint32_t *const TIMER_CONTROL = REGISTER(0xE000E010u);
static volatile uint32_t *const TIMER_RELOAD = REGISTER(0xE000E014u);
static volatile uint32_t *const TIMER_CURRENT = REGISTER(0xE000E018u);

static bool start_timer(void)
{
    if ((*TIMER_CONTROL & TIMER_ENABLE) == 0) {
        *TIMER_RELOAD = TIMER_MOST;
        *TIMER_CURRENT = 0;
        *TIMER_CONTROL = TIMER_CORE_CLOCK | TIMER_ENABLE;
    }
    period = (*TIMER_RELOAD & TIMER_MOST) + 1u;
    return (*TIMER_CONTROL & TIMER_CORE_CLOCK) != 0;
}

uint32_t counter_kind(void)
{
    if (kind == 0) {
        kind = start_cycles() ? COUNTER_CYCLES : (start_timer() ? COUNTER_SYSTICK : COUNTER_MICROSECONDS);
    }
    return kind;
}

/* ------------------------------------------------------------------ time */

static inline uint32_t read_counter(void)
{
    return kind == COUNTER_CYCLES ? cycles() : *TIMER_CURRENT;
}

static uint64_t cycles_of(uint32_t microseconds)
{
    return (uint64_t)microseconds * machine_clock() / 1000000u;
}

/* The timer counts down: cycles within its period, and as many periods as bring it next to `about`. */
static uint64_t timer_cycles(moment first, moment last, uint64_t about)
{
    const uint32_t within = (first.fine + period - last.fine) % period;
    const uint64_t nearest = about + period / 2u;
    return nearest < within ? within : within + (nearest - within) / period * period;
}

static uint64_t between(moment first, moment last)
{
    const uint64_t about = cycles_of(last.microseconds - first.microseconds);
    if (kind == COUNTER_CYCLES) {
        return last.fine - first.fine;
    }
    return kind == COUNTER_SYSTICK ? timer_cycles(first, last, about) : about;
}

/* ------------------------------------------------------------------ measuring */

__attribute__((noinline)) counter_span counter_measure(counter_function f, uintptr_t a, uintptr_t b, uintptr_t c)
{
    moment first, last;
    (void)counter_kind();
    first.microseconds = clock_microseconds(); /* outside: micros() takes its time */
    first.fine = read_counter();
    BARRIER();
    f(a, b, c);
    BARRIER();
    last.fine = read_counter();
    last.microseconds = clock_microseconds();
    const counter_span span = {between(first, last), 0};
    return span;
}

/* The least of a few: an interrupt or a cold cache makes it more. */
static counter_span least_of(counter_function f, uintptr_t a)
{
    counter_span least = counter_measure(f, a, 0, 0);
    for (int again = 0; again < 4; again++) {
        const counter_span span = counter_measure(f, a, 0, 0);
        least = span.ticks < least.ticks ? span : least;
    }
    return least;
}

counter_calibration counter_calibrate(void)
{
    const counter_span empty = least_of(counter_nothing, 0);
    return counter_calibration_of(empty, least_of(counter_loop, COUNTER_LOOPS));
}

uint64_t counter_count(const counter_calibration *calibration, counter_span span)
{
    const uint64_t empty = calibration->empty.ticks;
    return span.ticks > empty ? span.ticks - empty : 0;
}
