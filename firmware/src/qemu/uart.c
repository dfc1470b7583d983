#include "uart.h"

#ifdef UART_BASE
/* The two kinds of serial port among QEMU's machines. Both keep a byte until it is read, and QEMU sends
 * the next one only then, so that nothing gets lost. */
#ifdef UART_NRF51
/* UART of the nRF51 (nRF51 Series Reference Manual, 29). */
enum { START_RX = 0x000, START_TX = 0x008, RX_READY = 0x108, TX_READY = 0x11C, ENABLE = 0x500, RX = 0x518, TX = 0x51C };
#define ON 4u

static volatile uint32_t *at(uint32_t offset)
{
    return (volatile uint32_t *)(UART_BASE + offset);
}

void uart_start(void)
{
    *at(ENABLE) = ON;
    *at(START_RX) = 1;
    *at(START_TX) = 1;
}

bool uart_has_byte(void)
{
    return *at(RX_READY) != 0;
}

uint8_t uart_take(void)
{
    *at(RX_READY) = 0;
    return (uint8_t)*at(RX);
}

void uart_put(uint8_t byte)
{
    *at(TX_READY) = 0;
    *at(TX) = byte;
    while (*at(TX_READY) == 0) {
    }
}
#else
/* CMSDK APB UART (Arm Cortex-M System Design Kit TRM, 4.3). */
enum { DATA = 0x00, STATE = 0x04, CONTROL = 0x08, DIVIDER = 0x10 };
enum { STATE_TX_FULL = 1, STATE_RX_FULL = 2 };
#define TX_AND_RX 3u
#define LEAST_DIVIDER 16u

static volatile uint32_t *at(uint32_t offset)
{
    return (volatile uint32_t *)(UART_BASE + offset);
}

void uart_start(void)
{
    *at(DIVIDER) = LEAST_DIVIDER;
    *at(CONTROL) = TX_AND_RX;
}

bool uart_has_byte(void)
{
    return (*at(STATE) & STATE_RX_FULL) != 0;
}

uint8_t uart_take(void)
{
    return (uint8_t)*at(DATA);
}

void uart_put(uint8_t byte)
{
    while ((*at(STATE) & STATE_TX_FULL) != 0) {
    }
    *at(DATA) = byte;
}
#endif
#endif
