/* Serves requests from the transport.
 *
 * The upper half of a sequence number names a session. A request of type OPEN begins the session that
 * its number names; whatever belongs to another one is refused with CODE_NO_SESSION and not executed. A
 * firmware that has just started is in session 0, so that a host, which chooses another, notices a
 * restart with its next request.
 */
#ifndef SPIKEMCU_LINK_H
#define SPIKEMCU_LINK_H

#ifdef __cplusplus
extern "C" {
#endif

/* Forgets bytes, replies and session. */
void link_start(void);

/* Serves until transport_read returns 0. Bytes of a frame that is not yet whole are kept. */
void link_serve(void);

#ifdef __cplusplus
}
#endif

#endif
