/* The gateway's links to the other services, and the calls when an instance is found or lost. */
#ifndef PARLEY_GATEWAY_LINKS_H
#define PARLEY_GATEWAY_LINKS_H

#include "services/gateway/gateway.h"

/* -1 after a logged line. */
int links_open(struct gateway *self) __attribute__((warn_unused_result));
void links_close(struct gateway *self);

#endif
