/* From reset to startup_run: a stack, traps reported, the flash read-only. */
#include "startup.h"

#include "core.h"

extern uint32_t flash_start[], flash_end[];

void Reset_Handler(void) __attribute__((naked, noreturn, section(".vectors")));
void Fault_Handler(void);
void riscv_start(void) __attribute__((noreturn, used));

/* The first instruction in flash: the machine starts here, with no stack yet. */
void Reset_Handler(void)
{
    __asm__ volatile("la sp, stack_top\n\t"
                     "j riscv_start");
}

/* The stack lies at the bottom of the RAM and the flash below it, so that a stack that overflows, like any
 * write to flash, is a store that this lock forbids (Privileged Architecture, 3.7.1): read and execute alone,
 * from flash_start up to flash_end, for machine mode too. */
static void guard_flash(void)
{
    enum {
        READ = 1,
        EXECUTE = 4,
        UP_TO = 1 << 3,
        LOCKED = 1 << 7
    };
    CORE_WRITE("pmpaddr0", (uintptr_t)flash_start >> 2);
    CORE_WRITE("pmpaddr1", (uintptr_t)flash_end >> 2);
    CORE_WRITE("pmpcfg0", (LOCKED | UP_TO | EXECUTE | READ) << 8); /* of the second */
}

void riscv_start(void)
{
    CORE_WRITE("mtvec", Fault_Handler);
    guard_flash();
    startup_run();
}
