/* Loops of known length are counted exactly, with and without wraps of the timer. */
#include "../check.h"
#include "spikemcu/counter.h"

#ifdef __riscv
#define TICKS_PER_1000 1000u /* the counter is one of instructions */
#else
#define TICKS_PER_1000 (F_CPU / 1000000u * 256u) /* 256 ns an instruction */
#endif

int main(void)
{
    static const uint32_t lengths[] = {1, 2, 3, 7, 10, 99, 1000, 12345, 100000, 1000003, 10000019};
    const counter_calibration calibration = counter_calibrate();
    CHECK("ticks_per_1000_instructions", calibration.ticks_per_1000, TICKS_PER_1000);
    for (uint32_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        const counter_span span = counter_measure(counter_loop, lengths[i], 0, 0);
        CHECK("loop", counter_count(&calibration, span), 2u * lengths[i] + 1u);
    }
    return check_end();
}
