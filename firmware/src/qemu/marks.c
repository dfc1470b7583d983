#include "model_marks.h"

#ifdef MODEL_MARKS
#include "binding.h"
#include "spikemcu/counter.h"

static marks_part parts[MODEL_PARTS];
static counter_moment last;

void marks_add(uint32_t part); /* marks_take calls it: arm/ and riscv/ have one */

__attribute__((used)) void marks_add(uint32_t part)
{
    const counter_moment now = counter_now();
    parts[part].ticks += now.ticks - last.ticks;
    parts[part].marks++;
    parts[part].wraps += now.wraps - last.wraps;
    last = now;
}

void marks_start(void)
{
    for (uint32_t part = 0; part < MODEL_PARTS; part++) {
        parts[part] = (marks_part){0, 0, 0};
    }
    last = counter_start();
}

const marks_part *marks_of(uint32_t part)
{
    return &parts[part];
}

#define MARKS_4() \
    MODEL_MARK(0); \
    MODEL_MARK(0); \
    MODEL_MARK(0); \
    MODEL_MARK(0)
#define MARKS_16() \
    MARKS_4(); \
    MARKS_4(); \
    MARKS_4(); \
    MARKS_4()

static void marks_only(uintptr_t a, uintptr_t b, uintptr_t c)
{
    (void)a;
    (void)b;
    (void)c;
    MODEL_MARK(0);
    parts[0].ticks = 0;
    MARKS_16();
    MARKS_16();
    MARKS_16();
    MARKS_16();
}

static void mark_once(uintptr_t a, uintptr_t b, uintptr_t c)
{
    (void)a;
    (void)b;
    (void)c;
    MODEL_MARK(0);
}

marks_costs marks_calibrate(void)
{
    marks_costs costs;
    (void)counter_measure(marks_only, 0, 0, 0);
    costs.many = parts[0].ticks;
    marks_start();
    (void)counter_measure(mark_once, 0, 0, 0);
    costs.first = parts[0].ticks;
    return costs;
}
#endif
