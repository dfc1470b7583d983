/* From reset to main: coprocessors on, stack painted, variables initialised. */
#include "startup.h"

#include "semihosting.h"

extern uint32_t stack_bottom[], stack_top[];
extern uint32_t data_start[], data_end[], data_source[], bss_start[], bss_end[];

int main(void);
void Reset_Handler(void) __attribute__((noreturn));
void Fault_Handler(void);
void SysTick_Handler(void);

typedef void (*vector)(void);

__attribute__((section(".vectors"), used)) static const vector vectors[16] = {
    (vector)(uintptr_t)stack_top,
    Reset_Handler,
    Fault_Handler, /* NMI */
    Fault_Handler, /* HardFault: the only one that is enabled, the others escalate to it */
    Fault_Handler, /* MemManage */
    Fault_Handler, /* BusFault */
    Fault_Handler, /* UsageFault */
    Fault_Handler, /* SecureFault */
    0,
    0,
    0,
    Fault_Handler, /* SVCall */
    Fault_Handler, /* DebugMonitor */
    0,
    Fault_Handler, /* PendSV */
    SysTick_Handler,
};

#define PAINT 0xC5C5C5C5u
/* clang-format off */
#define SYNCHRONISE() __asm__ volatile("dsb\n\tisb" ::: "memory") /* what was written holds from here on */
/* clang-format on */

static void enable_coprocessors(void)
{
#if defined(__ARM_FP) || defined(__ARM_FEATURE_MVE)
    volatile uint32_t *cpacr = (volatile uint32_t *)0xE000ED88u;
    *cpacr |= 0xFu << 20; /* CP10 and CP11: FPU and Helium */
    SYNCHRONISE();
#endif
}

/* Armv7-M: makes the memory below the stack forbidden, where a machine answers there after
 * all. Armv8-M has a limit register, Armv6-M neither. A core without an MPU ignores it. */
static void guard_stack(void)
{
#if __ARM_ARCH == 7
    enum {
        GUARD_BITS = 16,
        NEVER_EXECUTE = 1 << 28,
        ENABLE = 1,
        DEFAULT_MAP = 4
    };
    volatile uint32_t *mpu = (volatile uint32_t *)0xE000ED94u; /* CTRL, RNR, RBAR, RASR */
    mpu[1] = 0;
    mpu[2] = (uint32_t)(uintptr_t)stack_bottom - (1u << GUARD_BITS);
    mpu[3] = NEVER_EXECUTE | (GUARD_BITS - 1) << 1 | ENABLE;
    mpu[0] = DEFAULT_MAP | ENABLE;
    SYNCHRONISE();
#elif __ARM_ARCH == 8
    __asm__ volatile("msr msplim, %0" ::"r"(stack_bottom));
#endif
}

/* Addresses, because symbols of the linker script are different objects to the compiler. */
static int below(const volatile uint32_t *word, const uint32_t *end)
{
    return (uintptr_t)word < (uintptr_t)end;
}

static inline uint32_t *stack_pointer(void)
{
    uint32_t *here;
    __asm__ volatile("mov %0, sp"
                     : "=r"(here));
    return here;
}

__attribute__((noinline)) void stack_paint(void)
{
    const uint32_t *const end = stack_pointer();
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

void Reset_Handler(void)
{
    enable_coprocessors(); /* first: the copy loop below may become Helium code */
    guard_stack();
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
    return (uint32_t)((uintptr_t)stack_top - (uintptr_t)stack_pointer());
}
