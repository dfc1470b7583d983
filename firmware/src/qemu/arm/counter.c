/* Exact instructions from SysTick, the core's 24-bit timer. With `-icount shift=8` one instruction takes 256 ns
 * of the machine's time, so that it advances by MHz * 256 ticks in 1000 instructions: a loop of known length
 * gives that number. */
#include "spikemcu/counter.h"

#include "spikemcu/protocol.h"

static volatile uint32_t *const CONTROL = (volatile uint32_t *)0xE000E010u;
static volatile uint32_t *const RELOAD = (volatile uint32_t *)0xE000E014u;
static volatile uint32_t *const CURRENT = (volatile uint32_t *)0xE000E018u;

enum {
    ENABLE = 1,
    INTERRUPT = 2,
    CORE_CLOCK = 4
};

/* clang-format off */
#define BARRIER() __asm__ volatile("" ::: "memory") /* no access to memory moves across it */
#define SYNCHRONISE() __asm__ volatile("dsb\n\tisb" ::: "memory") /* what was written holds from here on */
/* clang-format on */
#define TIMER_BITS 24
#define TIMER_MOST 0xFFFFFFu /* where the timer starts, downwards */
#define HANDLER_INSTRUCTIONS 5u

static volatile uint32_t wraps;

uint32_t counter_kind(void)
{
    return COUNTER_INSTRUCTIONS;
}

void SysTick_Handler(void) __attribute__((naked));

/* Counts a wrap of the timer in HANDLER_INSTRUCTIONS instructions. */
void SysTick_Handler(void)
{
    __asm__ volatile(".syntax unified\n\t"
                     "ldr r0, =%c0\n\t"
                     "ldr r1, [r0]\n\t"
                     "adds r1, #1\n\t"
                     "str r1, [r0]\n\t"
                     "bx lr\n\t"
                     ".ltorg" ::"i"(&wraps));
}

/* One call site for every function, so that the instructions around the call are the same. */
__attribute__((noinline)) counter_span counter_measure(counter_function f, uintptr_t a, uintptr_t b, uintptr_t c)
{
    *CONTROL = 0;
    *RELOAD = TIMER_MOST;
    *CURRENT = 0; /* the timer reloads at its first tick, without a wrap */
    wraps = 0;
    *CONTROL = ENABLE | INTERRUPT | CORE_CLOCK;
    uint32_t first;
    do {
        first = *CURRENT;
    } while (first == 0);
    BARRIER();
    f(a, b, c);
    *CONTROL = INTERRUPT | CORE_CLOCK; /* stopped: a wrap is counted before the next lines */
    SYNCHRONISE();
    const uint32_t last = *CURRENT;
    const uint32_t count = wraps;
    *CONTROL = 0;
    const counter_span span = {(uint64_t)first + ((uint64_t)count << TIMER_BITS) - last, count};
    return span;
}

counter_moment counter_start(void)
{
    const counter_moment start = {0u - TIMER_MOST, 0};
    return start;
}

counter_moment counter_now(void)
{
    uint32_t before, current;
    do { /* again if the timer ran out between the two */
        before = wraps;
        current = *CURRENT;
    } while (before != wraps);
    const counter_moment now = {(before << TIMER_BITS) - current, before};
    return now;
}

counter_calibration counter_calibrate(void)
{
    (void)counter_measure(counter_nothing, 0, 0, 0); /* starts the timer once, to settle it */
    const counter_span empty = counter_measure(counter_nothing, 0, 0, 0);
    return counter_calibration_of(empty, counter_measure(counter_loop, COUNTER_LOOPS, 0, 0));
}

uint64_t counter_count(const counter_calibration *calibration, counter_span span)
{
    const uint32_t per_1000 = calibration->ticks_per_1000;
    const uint64_t ticks = span.ticks - calibration->empty.ticks;
    if (per_1000 == 0) {
        return 0; /* no timer: the host sees it in the calibration */
    }
    return (ticks * 1000u + per_1000 / 2u) / per_1000 - (uint64_t)span.wraps * HANDLER_INSTRUCTIONS + 1u;
}
