/* The serial port of an emulated machine; built in with -DUART_BASE=address. */
#ifndef SPIKEMCU_UART_H
#define SPIKEMCU_UART_H

#include <stdbool.h>
#include <stdint.h>

void uart_start(void);

/* True if a byte waits to be taken. */
bool uart_has_byte(void);
uint8_t uart_take(void);

/* Waits until the port takes the byte. */
void uart_put(uint8_t byte);

#endif
