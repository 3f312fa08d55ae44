/*
 * Wakes browsers: sends what offline.h has found to the subscriptions of the account, encrypted for
 * each (RFC 8291) and signed (RFC 8292).
 *
 *     struct web_push *web_push = web_push_new(hooks, instance, &row);      the hook without
 * address web_push_wake(web_push, newest); web_push_stop(web_push);  while
 * (web_push_is_busy(web_push)) ... web_push_release(&web_push);
 *
 * It has a place in the journal, as hooks have, and moves it behind a batch when each message of it
 * was taken, or tried WEB_PUSH_ATTEMPTS times. So after a crash messages are repeated, which the
 * browser shows once (they replace each other), and where a service is away for long, they are
 * lost: the account finds the texts when it comes. A subscription whose service answers 404 or 410
 * ends, and so does one whose login has ended.
 *
 * Addresses are chosen by strangers. They are only connected to where they are on the public
 * internet, by https, and nothing of the answer is kept but its status (poster.h).
 */
#ifndef PARLEY_HOOKS_WEB_PUSH_H
#define PARLEY_HOOKS_WEB_PUSH_H

#include "services/hooks/hook_row.h"
#include "services/hooks/hooks.h"

/* limit: hooks | how often a message of Web Push is tried; the pause | {WEB_PUSH_ATTEMPTS};
 * {WEB_PUSH_PAUSE_MS} | it is dropped and counted (`web_pushes_failed_total`) */
#define WEB_PUSH_ATTEMPTS 3
#define WEB_PUSH_PAUSE_MS 2000
/* For how long a service keeps a message for a browser. */
#define WEB_PUSH_KEPT_S 86400

struct web_push;

/* NULL without memory. */
struct web_push *web_push_new(struct hooks *hooks, uint64_t instance, const struct hook_row *row);
void web_push_stop(struct web_push *self);
bool web_push_is_busy(const struct web_push *self);
void web_push_release(struct web_push **self);
void web_push_wake(struct web_push *self, uint64_t newest);
/* Whether it turned out to be another instance's. */
bool web_push_has_lost(const struct web_push *self);

#endif
