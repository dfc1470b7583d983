/* Frames are found in whatever surrounds them, and only whole ones are taken. */
#include "../check.h"
#include "spikemcu/frame.h"

#include <string.h>

static frame buffer;

static uint32_t make(uint16_t length)
{
    buffer.sequence = 7;
    buffer.type = 1;
    buffer.code = 0;
    buffer.length = length;
    memset(buffer.payload, 0x53, length); /* 'S', the first byte of the magic */
    return frame_seal(&buffer);
}

static void test_crc(void)
{
    CHECK("crc_of_digits", frame_crc((const uint8_t *)"123456789", 9), 0xCBF43926u);
    CHECK("crc_of_nothing", frame_crc((const uint8_t *)"", 0), 0);
}

static void test_every_length(void)
{
    uint32_t wrong = 0;
    for (uint32_t length = 0; length <= FRAME_PAYLOAD; length++) {
        const uint32_t size = make((uint16_t)length);
        const frame_view whole = frame_look(&buffer, size);
        wrong += whole.kind != FRAME_WHOLE || whole.size != length + 16u;
        for (uint32_t part = 0; part < size; part += 1u + size / 8u) {
            wrong += frame_look(&buffer, part).kind != FRAME_PART;
        }
    }
    CHECK("every_length", wrong, 0);
}

static void test_every_bit(void)
{
    uint8_t *bytes = (uint8_t *)&buffer;
    uint32_t taken = 0;
    for (uint32_t bit = 0; bit < 8u * 20u; bit++) {
        const uint32_t size = make(4);
        bytes[bit / 8u] ^= (uint8_t)(1u << bit % 8u);
        taken += frame_look(&buffer, size).kind == FRAME_WHOLE;
    }
    CHECK("no_flipped_bit_passes", taken, 0);
}

static void test_noise(void)
{
    uint8_t *bytes = (uint8_t *)&buffer;
    memcpy(bytes, "abcSNxySNNC", 11);
    CHECK("noise_is_dropped_up_to_the_next_S", frame_look(&buffer, 11).size, 3);
    memcpy(bytes, "SNxySNNC", 8);
    CHECK("half_a_magic_is_noise", frame_look(&buffer, 8).kind, FRAME_NOISE);
    CHECK("and_dropped_up_to_the_next_S", frame_look(&buffer, 8).size, 4);
    CHECK("half_a_magic_at_the_end_may_become_a_frame", frame_look(&buffer, 2).kind, FRAME_PART);
}

static void test_too_long(void)
{
    (void)make(0);
    buffer.length = FRAME_PAYLOAD + 1u;
    CHECK("a_header_that_claims_too_much", frame_look(&buffer, FRAME_HEADER).kind, FRAME_TOO_LONG);
}

int main(void)
{
    test_crc();
    test_every_length();
    test_every_bit();
    test_noise();
    test_too_long();
    return check_end();
}
