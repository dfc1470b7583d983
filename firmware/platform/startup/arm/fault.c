/* A fault ends the program with one line in the log and the exit status EXIT_FAULT.
 *
 * The line reads `fault: exception=00000003 pc=... lr=...`; registers that could not be
 * read, because the stack itself had overflowed, are left out.
 */
#include "semihosting.h"
#include "startup.h"

extern uint32_t stack_bottom[], stack_top[];

void Fault_Handler(void) __attribute__((naked));
void SysTick_Handler(void) __attribute__((weak, alias("Fault_Handler"))); /* unless there is one */
void fault_report(const uint32_t *frame) __attribute__((noreturn, used));

/* Hands over the stack pointer. A stack that is used up starts anew from its top. */
void Fault_Handler(void)
{
    __asm__ volatile(".syntax unified\n\t"
                     "mrs r0, msp\n\t"
                     "ldr r1, =stack_bottom + 256\n\t" /* the report needs less */
                     "cmp r0, r1\n\t"
                     "bhs 1f\n\t"
                     "ldr r1, =stack_top\n\t"
                     "mov sp, r1\n"
                     "1:\n\t"
                     "ldr r1, =fault_report\n\t"
                     "bx r1\n\t"
                     ".ltorg");
}

static void put(const char *name, uint32_t value)
{
    semihosting_text(name);
    semihosting_hex(value);
}

/* The registers that the core pushed, lowest address first. */
static void put_frame(const uint32_t *frame)
{
    static const char *const names[8] = {" r0=", " r1=", " r2=", " r3=", " r12=", " lr=", " pc=", " psr="};
    for (int i = 0; i < 8; i++) {
        put(names[i], frame[i]);
    }
}

static void put_causes(void)
{
#if __ARM_ARCH >= 7
    put(" cfsr=", *(volatile uint32_t *)0xE000ED28u);
    put(" hfsr=", *(volatile uint32_t *)0xE000ED2Cu);
    put(" mmfar=", *(volatile uint32_t *)0xE000ED34u);
    put(" bfar=", *(volatile uint32_t *)0xE000ED38u);
#endif
}

void fault_report(const uint32_t *frame)
{
    uint32_t exception;
    __asm__ volatile("mrs %0, ipsr"
                     : "=r"(exception));
    put("fault: exception=", exception & 0x1FFu);
    put(" sp=", (uint32_t)(uintptr_t)frame);
    if (frame >= stack_bottom && frame + 8 <= stack_top) {
        put_frame(frame);
    }
    put_causes();
    semihosting_text("\n");
    semihosting_exit(EXIT_FAULT);
}
