/* From reset to startup_run: coprocessors on, the memory below the stack forbidden. */
#include "startup.h"

extern uint32_t stack_bottom[], stack_top[];

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

void Reset_Handler(void)
{
    enable_coprocessors(); /* first: what comes may become Helium code */
    guard_stack();
    startup_run();
}
