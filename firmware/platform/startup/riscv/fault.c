/* A trap ends the program with one line in the log and the exit status EXIT_FAULT.
 *
 * The line reads `fault: exception=00000002 pc=... ra=...`, the exception as mcause has it; `stack` is the
 * lowest address of the stack.
 */
#include "core.h"
#include "semihosting.h"
#include "startup.h"

extern uint32_t stack_bottom[];

enum {
    SAVED = 8
};

void Fault_Handler(void) __attribute__((naked, aligned(4))); /* mtvec keeps its mode in the lowest bits */
void fault_report(void) __attribute__((noreturn, used));
uint32_t fault_saved[SAVED];

/* Saves the registers and hands over a stack that begins anew: it does not return. */
void Fault_Handler(void)
{
    __asm__ volatile("la t0, fault_saved\n\t"
                     "sw ra, 0(t0)\n\t"
                     "sw sp, 4(t0)\n\t"
                     "sw a0, 8(t0)\n\t"
                     "sw a1, 12(t0)\n\t"
                     "sw a2, 16(t0)\n\t"
                     "sw a3, 20(t0)\n\t"
                     "sw a4, 24(t0)\n\t"
                     "sw a5, 28(t0)\n\t"
                     "la sp, stack_top\n\t"
                     "j fault_report");
}

static void put(const char *name, uint32_t value)
{
    semihosting_text(name);
    semihosting_hex(value);
}

void fault_report(void)
{
    static const char *const names[SAVED] = {" ra=", " sp=", " a0=", " a1=", " a2=", " a3=", " a4=", " a5="};
    uint32_t cause, address, value;
    CORE_READ("mcause", cause);
    CORE_READ("mepc", address);
    CORE_READ("mtval", value);
    put("fault: exception=", cause);
    put(" pc=", address);
    put(" mtval=", value);
    put(" stack=", (uint32_t)(uintptr_t)stack_bottom);
    for (int i = 0; i < SAVED; i++) {
        put(names[i], fault_saved[i]);
    }
    semihosting_text("\n");
    semihosting_exit(EXIT_FAULT);
}
