#include "model_marks.h"

#ifdef MODEL_MARKS
void marks_take(void) __attribute__((naked));

/* Part in r0, which the mark itself restores. */
void marks_take(void)
{
    __asm__ volatile(".syntax unified\n\t"
                     "push {r1-r3, lr}\n\t"
                     "mov r1, r12\n\t"
                     "push {r1}\n\t"
                     "bl marks_add\n\t"
                     "pop {r1}\n\t"
                     "mov r12, r1\n\t"
                     "pop {r1-r3, pc}");
}
#endif
