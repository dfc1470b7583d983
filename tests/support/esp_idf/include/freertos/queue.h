/* A queue that the task of a timer fills, and the main task empties. */
#include <string.h>

#include "freertos/FreeRTOS.h"

typedef struct {
    UBaseType_t most, size, first, count;
    char *items;
} queue_t;
typedef queue_t *QueueHandle_t;

static inline QueueHandle_t xQueueCreate(UBaseType_t most, UBaseType_t size)
{
    static queue_t queue;
    queue.most = most;
    queue.size = size;
    queue.items = calloc(most, size);
    return &queue;
}

static inline BaseType_t xQueueSend(QueueHandle_t queue, const void *item, TickType_t ticks)
{
    (void)ticks;
    if (queue->count == queue->most) {
        return pdFALSE;
    }
    memcpy(queue->items + (queue->first + queue->count) % queue->most * queue->size, item, queue->size);
    queue->count++;
    return pdTRUE;
}

static inline BaseType_t xQueueReceive(QueueHandle_t queue, void *item, TickType_t ticks)
{
    (void)ticks;
    while (queue->count == 0u) {
        esp_timer_tick();
    }
    memcpy(item, queue->items + queue->first * queue->size, queue->size);
    queue->first = (queue->first + 1u) % queue->most;
    queue->count--;
    return pdTRUE;
}
