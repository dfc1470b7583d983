/* Frames: how requests and replies travel over any link of bytes.
 *
 *   offset  size
 *        0     4  magic            FRAME_MAGIC, the bytes "SNNC"
 *        4     4  sequence number  chosen by the host, repeated in the reply
 *        8     1  type             what is asked for, repeated in the reply
 *        9     1  code             0 in a request; in a reply 0, or why it was refused
 *       10     2  length           bytes of the payload, at most FRAME_PAYLOAD
 *       12     n  payload
 *   12 + n     4  CRC-32           of all that precedes it (polynomial 0xEDB88320, as in zip)
 *
 * Everything is little-endian. The payload lies at a multiple of 4, and so do all words in it.
 * This file knows nothing of links and models; it turns bytes into frames and back.
 */
#ifndef SPIKEMCU_FRAME_H
#define SPIKEMCU_FRAME_H

#include <stdint.h>

#define FRAME_MAGIC 0x434E4E53u
#define FRAME_LEAST 192u /* bytes that the longest reply needs, beside what may follow in another */
#ifndef FRAME_BYTES
#define FRAME_BYTES 1024u /* fewer where RAM is short: OPEN tells the host how many */
#endif
#define FRAME_HEADER 12u
#define FRAME_CRC 4u
#define FRAME_PAYLOAD (FRAME_BYTES - FRAME_HEADER - FRAME_CRC)
#define FRAME_PAYLOAD_WORDS (FRAME_PAYLOAD / 4u)

/* A frame in memory, and room for the CRC behind its payload. */
typedef struct {
    uint32_t magic;
    uint32_t sequence;
    uint8_t type;
    uint8_t code;
    uint16_t length;
    uint32_t payload[FRAME_PAYLOAD_WORDS + FRAME_CRC / 4u];
} frame;

/* What the first bytes of a buffer hold. */
typedef enum {
    FRAME_PART, /* the beginning of a frame: more bytes are needed */
    FRAME_NOISE, /* no frame begins here: drop `size` bytes */
    FRAME_TOO_LONG, /* a header that claims more than FRAME_PAYLOAD: drop `size` bytes */
    FRAME_DAMAGED, /* a frame whose CRC does not fit: drop `size` bytes */
    FRAME_WHOLE /* a frame of `size` bytes */
} frame_kind;

typedef struct {
    frame_kind kind;
    uint32_t size;
} frame_view;

/* CRC-32 of `count` bytes. */
uint32_t frame_crc(const uint8_t *bytes, uint32_t count);

/* Says what the first `count` bytes of `buffer` hold; `count` is at most FRAME_BYTES.
 *
 * A damaged or too long frame is dropped up to the byte after its first, so that a whole
 * frame that begins inside of it is still found. */
frame_view frame_look(const frame *buffer, uint32_t count);

/* Writes magic and CRC of a frame whose other fields are set; returns its size in bytes. */
uint32_t frame_seal(frame *reply);

#endif
