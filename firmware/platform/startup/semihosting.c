#include "semihosting.h"

#include "core.h"

/* Operations of "Semihosting for AArch32 and AArch64", Arm. */
enum {
    SYS_OPEN = 0x01,
    SYS_WRITE0 = 0x04,
    SYS_WRITE = 0x05,
    SYS_READ = 0x06,
    SYS_EXIT_EXTENDED = 0x20
};
enum {
    MODE_READ_BINARY = 1,
    MODE_WRITE_BINARY = 5
};

#define APPLICATION_EXIT 0x20026u

int32_t semihosting_open_console(int writing)
{
    static const char name[] = ":tt";
    const struct {
        const char *name;
        uint32_t mode, length;
    } block = {name, writing ? MODE_WRITE_BINARY : MODE_READ_BINARY, sizeof name - 1u};
    return (int32_t)core_semihosting(SYS_OPEN, &block);
}

uint32_t semihosting_read(int32_t handle, void *bytes, uint32_t count)
{
    const struct {
        int32_t handle;
        void *bytes;
        uint32_t count;
    } block = {handle, bytes, count};
    return core_semihosting(SYS_READ, &block);
}

uint32_t semihosting_write(int32_t handle, const void *bytes, uint32_t count)
{
    const struct {
        int32_t handle;
        const void *bytes;
        uint32_t count;
    } block = {handle, bytes, count};
    return core_semihosting(SYS_WRITE, &block);
}

void semihosting_text(const char *text)
{
    (void)core_semihosting(SYS_WRITE0, text);
}

void semihosting_hex(uint32_t value)
{
    char text[9];
    for (int i = 7; i >= 0; i--) {
        text[i] = "0123456789abcdef"[value & 15u];
        value >>= 4;
    }
    text[8] = '\0';
    semihosting_text(text);
}

void semihosting_exit(uint32_t status)
{
    const uint32_t block[2] = {APPLICATION_EXIT, status};
    (void)core_semihosting(SYS_EXIT_EXTENDED, block);
    for (;;) {
    }
}
