/* The startup code that all cores share, and what it knows about the program that it started.
 *
 * arm/ and riscv/ come before it: the first instruction of a core, its faults, its linker script.
 */
#ifndef STARTUP_H
#define STARTUP_H

#include <stdint.h>

/* Exit status of a program that a fault ended; the log then holds one line with registers. */
#define EXIT_FAULT 70u

/* Paints the stack, initialises variables, runs main and ends the emulator with what it returns. */
void startup_run(void) __attribute__((noreturn));

/* Bytes of the stack, and the most that was in use since the start. */
uint32_t stack_size(void);
uint32_t stack_used(void);

/* Forgets what was in use before: stack_used then tells the most since here. */
void stack_paint(void);

/* Bytes that are in use where it is called. */
uint32_t stack_now(void);

#endif
