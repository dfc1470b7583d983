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

/* A millisecond passes with every look at the clock. */
static inline unsigned long micros()
{
    static unsigned long now = 0;
    return now += 1000;
}

static inline void delay(unsigned long) { std::exit(0); }

void setup();
void loop();

#endif
