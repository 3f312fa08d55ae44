/*
 * Whether an address is one of the public internet: what a stranger may have this server connect
 * to. Pure.
 */
#ifndef PARLEY_WEBHOOK_PUBLIC_ADDRESS_H
#define PARLEY_WEBHOOK_PUBLIC_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

/* false: it is private, local, shared, reserved, for documentation, a multicast one, or one that
 * carries another one in it. */
bool address_is_public(const struct sockaddr *address);

#endif
