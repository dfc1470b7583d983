/* What the examples name of FreeRTOS. */
#ifndef FREERTOS_H
#define FREERTOS_H

#include <stdint.h>

#include "esp_timer.h"

typedef int BaseType_t;
typedef unsigned int UBaseType_t;
typedef uint32_t TickType_t;

#define pdTRUE 1
#define pdFALSE 0
#define portMAX_DELAY 0xFFFFFFFFu

#endif
