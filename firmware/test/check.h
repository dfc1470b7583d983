/* Checks that report in Unity's line format, which `pio test` reads: file:line:name:result,
 * the name without a space. */
#ifndef CHECK_H
#define CHECK_H

#include "semihosting.h"

static uint32_t checks, failures;

static inline void check_number(uint32_t value)
{
    char text[11];
    char *place = text + 10;
    *place = '\0';
    do {
        *--place = (char)('0' + value % 10u);
        value /= 10u;
    } while (value > 0);
    semihosting_text(place);
}

static inline void check_equal(const char *file, uint32_t line, const char *name, uint32_t found, uint32_t wanted)
{
    checks++;
    failures += found != wanted;
    semihosting_text(file);
    semihosting_text(":");
    check_number(line);
    semihosting_text(":");
    semihosting_text(name);
    semihosting_text(found == wanted ? ":PASS" : ":FAIL: found ");
    if (found != wanted) {
        check_number(found);
        semihosting_text(", wanted ");
        check_number(wanted);
    }
    semihosting_text("\n");
}

#define CHECK(name, found, wanted) check_equal(__FILE__, __LINE__, name, (uint32_t)(found), (uint32_t)(wanted))

/* Ends main; the lines decide, PlatformIO takes any status but 0 for a crash. */
static inline int check_end(void)
{
    semihosting_text("-----------------------\n");
    check_number(checks);
    semihosting_text(" Tests ");
    check_number(failures);
    semihosting_text(" Failures 0 Ignored\n");
    return 0;
}

#endif
