/*
 * The link to files, without which the gateway is ready all the same: it can't give files and take
 * them then. Asks for the key of files' addresses when an instance is found, until it has it.
 */
#ifndef PARLEY_GATEWAY_FILE_LINK_H
#define PARLEY_GATEWAY_FILE_LINK_H

#include "services/gateway/gateway.h"

/* -1 after a logged line. */
int file_link_open(struct gateway *self) __attribute__((warn_unused_result));
void file_link_close(struct gateway *self);

#endif
