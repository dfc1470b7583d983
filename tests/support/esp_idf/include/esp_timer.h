/* What the examples call of ESP-IDF's timers: time stands still but for a task that waits. */
#ifndef ESP_TIMER_H
#define ESP_TIMER_H

#include <stdint.h>
#include <stdlib.h>

typedef int esp_err_t;
typedef struct {
    void (*callback)(void *arg);
    void *arg;
    const char *name;
} esp_timer_create_args_t;
typedef esp_timer_create_args_t *esp_timer_handle_t;

#define ESP_ERROR_CHECK(call) \
    do { \
        if ((call) != 0) { \
            abort(); \
        } \
    } while (0)

static esp_timer_create_args_t esp_timer;
static uint64_t esp_timer_period;
static int64_t esp_timer_now;

static inline esp_err_t esp_timer_create(const esp_timer_create_args_t *arguments, esp_timer_handle_t *handle)
{
    esp_timer = *arguments;
    *handle = &esp_timer;
    return arguments->callback == NULL;
}

static inline esp_err_t esp_timer_start_periodic(esp_timer_handle_t timer, uint64_t period)
{
    (void)timer;
    esp_timer_period = period;
    return period == 0u;
}

static inline esp_err_t esp_timer_stop(esp_timer_handle_t timer)
{
    (void)timer;
    const esp_err_t error = esp_timer_period == 0u;
    esp_timer_period = 0u;
    return error;
}

static inline int64_t esp_timer_get_time(void)
{
    return esp_timer_now;
}

/* A period goes by; what waits for good ends the program. */
static inline void esp_timer_tick(void)
{
    if (esp_timer_period == 0u || esp_timer_now > (int64_t)1 << 40) {
        abort();
    }
    esp_timer_now += (int64_t)esp_timer_period;
    esp_timer.callback(esp_timer.arg);
}

#endif
