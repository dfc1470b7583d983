#include "clock.h"

#include <Arduino.h>

uint32_t clock_microseconds(void)
{
    return static_cast<uint32_t>(micros());
}
