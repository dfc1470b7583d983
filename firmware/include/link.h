/* Serves requests from the transport until the host closes it. */
#ifndef LINK_H
#define LINK_H

void link_serve(void);

#endif
