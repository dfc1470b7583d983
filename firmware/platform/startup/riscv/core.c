#include "core.h"

#define UNUSED __attribute__((unused)) /* a naked function holds assembly alone */

/* An ebreak between two shifts that do nothing, none of them compressed, on one page of memory ("RISC-V
 * Semihosting", 2.1): a boundary of 16 bytes sees to that. */
__attribute__((naked, noinline, aligned(16))) uint32_t core_semihosting(UNUSED uint32_t operation,
    UNUSED const void *argument)
{
    __asm__ volatile(".option push\n\t"
                     ".option norvc\n\t"
                     "slli zero, zero, 0x1f\n\t"
                     "ebreak\n\t"
                     "srai zero, zero, 7\n\t"
                     ".option pop\n\t"
                     "ret");
}
