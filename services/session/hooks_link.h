/*
 * The way to hooks: presence, and that something was committed. Both at best: hooks looks into the
 * journal by itself, too.
 *
 *     struct hooks_link *link = hooks_link_new(service, addresses);    NULL without memory
 *     hooks_link_wake(link);                                           entries were routed here
 *     hooks_link_tell_presence(link, &accounts, online);
 *     hooks_link_destroy(&link);
 */
#ifndef PARLEY_SESSION_HOOKS_LINK_H
#define PARLEY_SESSION_HOOKS_LINK_H

#include "common/service.h"
#include "proto/messages.h"

/* limit: session | hooks.wake to each instance of hooks | one in {HOOKS_LINK_WAKE_MS}; while none
 * wants it one in {HOOKS_LINK_REST_MS} | they are one */
#define HOOKS_LINK_WAKE_MS 10
#define HOOKS_LINK_REST_MS 1000

struct hooks_link;

/* `addresses`: as in peers.h; empty: there are none, and nothing happens. */
struct hooks_link *hooks_link_new(struct service *service, const char *addresses);
void hooks_link_destroy(struct hooks_link **self);

void hooks_link_wake(struct hooks_link *self);
void hooks_link_tell_presence(struct hooks_link *self, const struct u64_list *accounts,
                              bool online);

#endif
