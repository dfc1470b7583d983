/* Notifications of the one task that there is. */
#include "freertos/FreeRTOS.h"

typedef int *TaskHandle_t;

static int task_notified;

static inline TaskHandle_t xTaskGetCurrentTaskHandle(void)
{
    return &task_notified;
}

static inline void xTaskNotifyGive(TaskHandle_t task)
{
    *task = 1;
}

static inline uint32_t ulTaskNotifyTake(BaseType_t clear, TickType_t ticks)
{
    (void)ticks;
    while (task_notified == 0) {
        esp_timer_tick();
    }
    task_notified = clear ? 0 : task_notified;
    return 1u;
}
