#include "spikemcu/frame.h"

#include <string.h>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "frames are read and written in place: this needs a little-endian core"
#endif

typedef char frame_has_no_padding[sizeof(frame) == FRAME_BYTES ? 1 : -1];
typedef char frame_takes_every_reply[FRAME_BYTES >= FRAME_LEAST ? 1 : -1];

/* Half a byte at a time: a table of 64 bytes instead of 1 KB, for twice the work. */
uint32_t frame_crc(const uint8_t *bytes, uint32_t count)
{
    /* clang-format off */
    static const uint32_t table[16] = {
        0x00000000u, 0x1DB71064u, 0x3B6E20C8u, 0x26D930ACu, 0x76DC4190u, 0x6B6B51F4u,
        0x4DB26158u, 0x5005713Cu, 0xEDB88320u, 0xF00F9344u, 0xD6D6A3E8u, 0xCB61B38Cu,
        0x9B64C2B0u, 0x86D3D2D4u, 0xA00AE278u, 0xBDBDF21Cu,
    };
    /* clang-format on */
    uint32_t crc = 0xFFFFFFFFu;
    for (uint32_t i = 0; i < count; i++) {
        crc ^= bytes[i];
        crc = (crc >> 4) ^ table[crc & 15u];
        crc = (crc >> 4) ^ table[crc & 15u];
    }
    return ~crc;
}

/* Number of bytes before the next place where a frame may begin, at least 1. */
static uint32_t noise(const uint8_t *bytes, uint32_t count)
{
    uint32_t skip = 1;
    while (skip < count && bytes[skip] != (uint8_t)(FRAME_MAGIC & 0xFFu)) {
        skip++;
    }
    return skip;
}

/* Number of leading bytes, at most 4, that agree with the magic. */
static uint32_t agreeing(const uint8_t *bytes, uint32_t count)
{
    uint32_t i = 0;
    while (i < 4u && i < count && bytes[i] == (uint8_t)(FRAME_MAGIC >> (8u * i))) {
        i++;
    }
    return i;
}

static frame_view view(frame_kind kind, uint32_t size)
{
    const frame_view result = {kind, size};
    return result;
}

frame_view frame_look(const frame *buffer, uint32_t count)
{
    const uint8_t *bytes = (const uint8_t *)buffer;
    const uint32_t same = agreeing(bytes, count);
    if (same < 4u && same < count) {
        return view(FRAME_NOISE, noise(bytes, count));
    }
    if (count < FRAME_HEADER) {
        return view(FRAME_PART, 0);
    }
    if (buffer->length > FRAME_PAYLOAD) {
        return view(FRAME_TOO_LONG, noise(bytes, count));
    }
    const uint32_t covered = FRAME_HEADER + buffer->length;
    if (count < covered + FRAME_CRC) {
        return view(FRAME_PART, 0);
    }
    uint32_t crc;
    memcpy(&crc, bytes + covered, sizeof crc); /* may lie at any address */
    if (crc != frame_crc(bytes, covered)) {
        return view(FRAME_DAMAGED, noise(bytes, count));
    }
    return view(FRAME_WHOLE, covered + FRAME_CRC);
}

uint32_t frame_seal(frame *reply)
{
    uint8_t *bytes = (uint8_t *)reply;
    const uint32_t covered = FRAME_HEADER + reply->length;
    reply->magic = FRAME_MAGIC;
    const uint32_t crc = frame_crc(bytes, covered);
    memcpy(bytes + covered, &crc, sizeof crc);
    return covered + FRAME_CRC;
}
