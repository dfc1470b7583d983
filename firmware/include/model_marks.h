/* Counts for each part of a model: the generated code calls MODEL_MARK(part) where a part ends.
 *
 * A mark keeps every register, on ARM all but lr, and the compiler takes it for one instruction (asm inline), so
 * that it inlines the same functions and the code around stays as it is. Its own cost is the same every time, and
 * marks_calibrate gives it. Built in with -DMODEL_MARKS=1.
 */
#ifndef SPIKEMCU_MODEL_MARKS_H
#define SPIKEMCU_MODEL_MARKS_H

#include <stdint.h>

/* What ran since the last mark belongs to `part`, a constant below 256. */
#if defined MODEL_MARKS && defined __riscv
#define MODEL_MARK(part) \
    __asm__ __inline__ volatile( \
        "addi sp, sp, -16\n\t" \
        "sw ra, 0(sp)\n\t" \
        "sw a0, 4(sp)\n\t" \
        "li a0, %0\n\t" \
        "jal ra, marks_take\n\t" \
        "lw a0, 4(sp)\n\t" \
        "lw ra, 0(sp)\n\t" \
        "addi sp, sp, 16" ::"i"(part) \
        : "memory")
#elif defined MODEL_MARKS
#define MODEL_MARK(part) \
    __asm__ __inline__ volatile( \
        ".syntax unified\n\t" \
        "push {r0}\n\t" \
        "movs r0, %0\n\t" \
        "bl marks_take\n\t" \
        "pop {r0}" ::"i"(part) \
        : "lr", "cc", "memory")
#else
#define MODEL_MARK(part) (void)0
#endif

typedef struct {
    uint32_t ticks; /* of the counter, those of its marks included */
    uint32_t marks; /* that ended it */
    uint32_t wraps; /* of the timer */
} marks_part;

#define MARKS_CALIBRATED 64u

/* Forgets all parts; the next call of counter_measure begins the first. */
void marks_start(void);

/* What was counted since marks_start. */
const marks_part *marks_of(uint32_t part);

typedef struct {
    uint32_t many; /* ticks of MARKS_CALIBRATED marks */
    uint32_t first; /* ticks from the timer's start to a mark that is all there is in a call */
} marks_costs;

/* Measures the marks themselves; forgets all parts. */
marks_costs marks_calibrate(void);

#endif
