/* The few calls that the sketch of a generated library makes, for the host: it prints, and ends at its first delay. */
#ifndef ARDUINO_H
#define ARDUINO_H

#include <cstdint>
#include <cstdio>
#include <cstdlib>

struct SerialPort {
    void begin(unsigned long) {}
    void print(const char *text) { std::fputs(text, stdout); }
    void println(unsigned long value) { std::printf("%lu\n", value); }
};

extern SerialPort Serial;

static inline unsigned long micros() { return 0; }

static inline void delay(unsigned long) { std::exit(0); }

void setup();
void loop();

#endif
