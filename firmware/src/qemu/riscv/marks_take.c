#include "model_marks.h"

#ifdef MODEL_MARKS
void marks_take(void) __attribute__((naked));

#ifdef __riscv_32e
#define SAVED(store) store(ra, 0) store(t0, 4) store(t1, 8) store(t2, 12) store(a1, 16) store(a2, 20) store(a3, 24) \
    store(a4, 28) store(a5, 32)
#define BYTES "48"
#else
#define SAVED(store) store(ra, 0) store(t0, 4) store(t1, 8) store(t2, 12) store(a1, 16) store(a2, 20) store(a3, 24) \
    store(a4, 28) store(a5, 32) store(a6, 36) store(a7, 40) store(t3, 44) store(t4, 48) store(t5, 52) store(t6, 56)
#define BYTES "64"
#endif
#define STORE(register, offset) "sw " #register ", " #offset "(sp)\n\t"
#define LOAD(register, offset) "lw " #register ", " #offset "(sp)\n\t"

/* Part in a0, which the mark itself restores; every other register that a call may change is kept here. */
void marks_take(void)
{
    /* clang-format off */
    __asm__ volatile("addi sp, sp, -" BYTES "\n\t"
                     SAVED(STORE)
                     "call marks_add\n\t"
                     SAVED(LOAD)
                     "addi sp, sp, " BYTES "\n\t"
                     "ret");
    /* clang-format on */
}
#endif
