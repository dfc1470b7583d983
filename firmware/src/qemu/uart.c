#include "uart.h"

#ifdef UART_BASE
#include "core.h"

/* The kinds of serial port among QEMU's machines. All keep a byte until it is read, and QEMU sends
 * the next one only then, so that nothing gets lost. */
#if defined UART_NRF51
/* UART of the nRF51 (nRF51 Series Reference Manual, 29). */
enum {
    START_RX = 0x000,
    START_TX = 0x008,
    RX_READY = 0x108,
    TX_READY = 0x11C,
    INTERRUPT_ON = 0x304,
    ENABLE = 0x500,
    RX = 0x518,
    TX = 0x51C
};
#define ON 4u
#define BY_RX_READY 4u

static volatile uint32_t *at(uint32_t offset)
{
    return (volatile uint32_t *)(UART_BASE + offset);
}

void uart_start(void)
{
    *at(ENABLE) = ON;
    *at(INTERRUPT_ON) = BY_RX_READY;
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
#elif defined UART_STM32
/* USART of the STM32F1 and F4 (RM0041, 23.6; RM0090, 30.6); SR_TXE is set as long as QEMU takes bytes. */
enum {
    SR = 0x00,
    DR = 0x04,
    CR1 = 0x0C
};
enum {
    SR_RXNE = 1 << 5,
    SR_TXE = 1 << 7
};
enum {
    CR1_RE = 1 << 2,
    CR1_TE = 1 << 3,
    CR1_RXNEIE = 1 << 5,
    CR1_UE = 1 << 13
};

static volatile uint32_t *at(uint32_t offset)
{
    return (volatile uint32_t *)(UART_BASE + offset);
}

void uart_start(void)
{
    *at(CR1) = CR1_UE | CR1_TE | CR1_RE | CR1_RXNEIE;
}

bool uart_has_byte(void)
{
    return (*at(SR) & SR_RXNE) != 0;
}

uint8_t uart_take(void)
{
    return (uint8_t)*at(DR);
}

void uart_put(uint8_t byte)
{
    while ((*at(SR) & SR_TXE) == 0) {
    }
    *at(DR) = byte;
}
#elif defined UART_NS16550
/* 16550 of QEMU's RISC-V machines (PC16550D data sheet, 8.0): registers of a byte, no baud rate to set. */
enum {
    DATA = 0,
    INTERRUPT = 1,
    FIFO = 2,
    LINE = 5
};
enum {
    FIFO_OFF = 0,
    BY_BYTE = 1 << 0,
    LINE_HAS_BYTE = 1 << 0,
    LINE_TAKES_BYTE = 1 << 5
};

static volatile uint8_t *at(uint32_t offset)
{
    return (volatile uint8_t *)(UART_BASE + offset);
}

void uart_start(void)
{
    *at(FIFO) = FIFO_OFF;
    *at(INTERRUPT) = BY_BYTE;
}

bool uart_has_byte(void)
{
    return (*at(LINE) & LINE_HAS_BYTE) != 0;
}

uint8_t uart_take(void)
{
    return *at(DATA);
}

void uart_put(uint8_t byte)
{
    while ((*at(LINE) & LINE_TAKES_BYTE) == 0) {
    }
    *at(DATA) = byte;
}
#else
/* CMSDK APB UART (Arm Cortex-M System Design Kit TRM, 4.3). */
enum {
    DATA = 0x00,
    STATE = 0x04,
    CONTROL = 0x08,
    INTERRUPT = 0x0C,
    DIVIDER = 0x10
};
enum {
    STATE_TX_FULL = 1,
    STATE_RX_FULL = 2,
    INTERRUPT_RX = 2
};
#define TX_AND_RX 3u
#define BY_RX 8u
#define LEAST_DIVIDER 16u

static volatile uint32_t *at(uint32_t offset)
{
    return (volatile uint32_t *)(UART_BASE + offset);
}

void uart_start(void)
{
    *at(DIVIDER) = LEAST_DIVIDER;
    *at(CONTROL) = TX_AND_RX | BY_RX;
}

bool uart_has_byte(void)
{
    return (*at(STATE) & STATE_RX_FULL) != 0;
}

uint8_t uart_take(void)
{
    *at(INTERRUPT) = INTERRUPT_RX; /* first: the next byte tells anew */
    return (uint8_t)*at(DATA);
}

void uart_put(uint8_t byte)
{
    while ((*at(STATE) & STATE_TX_FULL) != 0) {
    }
    *at(DATA) = byte;
}
#endif

void uart_wait(void)
{
#ifdef UART_INTERRUPT
    core_listen(UART_INTERRUPT);
    if (!uart_has_byte()) { /* else it came before the core listened */
        core_sleep();
    }
    core_deaf(UART_INTERRUPT);
#endif
}
#endif
