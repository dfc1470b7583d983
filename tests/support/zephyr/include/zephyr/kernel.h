/* What the samples call of Zephyr's kernel: its time stands still but for a timer that is waited for. */
#include <stddef.h>
#include <stdint.h>

#define ARG_UNUSED(x) (void)(x)
#define K_TICKS(n) (n)
#define k_us_to_ticks_ceil32(us) ((us) / 100u) /* 10,000 ticks a second */

struct k_timer {
    void (*expiry)(struct k_timer *timer);
    int64_t period;
};

#define K_TIMER_DEFINE(name, runs, unused) static struct k_timer name = {runs, 0}

static int64_t k_ticks;

static inline int64_t k_uptime_ticks(void)
{
    return k_ticks;
}

static inline void k_timer_start(struct k_timer *timer, int64_t first, int64_t period)
{
    (void)first;
    timer->period = period;
}

static inline uint32_t k_timer_status_sync(struct k_timer *timer)
{
    if (timer->period != 0) {
        k_ticks += timer->period;
        timer->expiry(timer);
    }
    return 1u;
}

static inline void k_timer_stop(struct k_timer *timer)
{
    timer->period = 0;
}
