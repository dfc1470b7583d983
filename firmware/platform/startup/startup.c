#include "startup.h"

#include "core.h"
#include "semihosting.h"

extern uint32_t stack_bottom[], stack_top[];
extern uint32_t data_start[], data_end[], data_source[], bss_start[], bss_end[];

int main(void);

#define PAINT 0xC5C5C5C5u

/* Addresses, because symbols of the linker script are different objects to the compiler. */
static int below(const volatile uint32_t *word, const uint32_t *end)
{
    return (uintptr_t)word < (uintptr_t)end;
}

__attribute__((noinline)) void stack_paint(void)
{
    const uint32_t *const end = core_stack_pointer();
    for (volatile uint32_t *word = stack_bottom; below(word, end); word++) {
        *word = PAINT;
    }
}

static void initialise_variables(void)
{
    const uint32_t *source = data_source;
    for (uint32_t *word = data_start; below(word, data_end); word++) {
        *word = *source++;
    }
    for (uint32_t *word = bss_start; below(word, bss_end); word++) {
        *word = 0;
    }
}

void startup_run(void)
{
    stack_paint();
    initialise_variables();
    semihosting_exit((uint32_t)main());
}

uint32_t stack_size(void)
{
    return (uint32_t)((uintptr_t)stack_top - (uintptr_t)stack_bottom);
}

uint32_t stack_used(void)
{
    const volatile uint32_t *word = stack_bottom;
    while (below(word, stack_top) && *word == PAINT) {
        word++;
    }
    return (uint32_t)((uintptr_t)stack_top - (uintptr_t)word);
}

__attribute__((noinline)) uint32_t stack_now(void)
{
    return (uint32_t)((uintptr_t)stack_top - (uintptr_t)core_stack_pointer());
}
