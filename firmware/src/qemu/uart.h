/* The serial port of an emulated machine; built in with -DUART_BASE=address. */
#ifndef SPIKEMCU_UART_H
#define SPIKEMCU_UART_H

#include <stdbool.h>
#include <stdint.h>

void uart_start(void);

/* True if a byte waits to be taken. */
bool uart_has_byte(void);
uint8_t uart_take(void);

/* Sleeps until a byte may be there: the core wakes for any interrupt. With -DUART_INTERRUPT=line; returns at once
 * where the port has no line to the core. */
void uart_wait(void);

/* Waits until the port takes the byte. */
void uart_put(uint8_t byte);

#endif
