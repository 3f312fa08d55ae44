/*
 * Who has to be woken: accounts that something was said to, and that are away.
 *
 *     struct offline *offline = offline_new(hooks, instance, place);
 *     offline_wake(offline, newest);             rows of the journal up to `newest` have a number
 *     offline_release(&offline);                 it goes once the work in hand is done
 *
 * It reads the journal behind a place of its own. Whoever a text is for (both of a pair, members of
 * a group of at most `push_group_max`, in a larger one those whom it mentions), but has not got it
 * and has not muted the conversation, is remembered with the newest such text. `push_delay_ms`
 * later sessions are asked. An account
 *
 *     that has got the text, or muted the conversation meanwhile, is forgotten;
 *     that has a connection is looked at again after the same time: a connection may be dead, and
 *         nobody know it yet;
 *     that was woken, has got nothing since, and that not `push_again_ms` ago, waits until then;
 *     any other one is woken: a row of the journal, `offline`, which hooks are told of as of any.
 *
 * The row of the journal and the note that the account was woken (table wake) are one transaction.
 * The place that is stored is behind no text that an account is remembered for, so after a crash
 * the same accounts are found again: nobody who is to be woken is forgotten, and nobody is woken
 * twice for one text. When OFFLINE_MAX accounts are remembered, it reads no further until some are
 * not.
 */
#ifndef PARLEY_HOOKS_OFFLINE_H
#define PARLEY_HOOKS_OFFLINE_H

#include "services/hooks/hooks.h"

/* limit: hooks | accounts that may have to be woken | {OFFLINE_MAX}, some 13 MB | the journal is
 * read no further until some have got what they lack, or are woken */
#define OFFLINE_MAX 100000
/* limit: hooks | accounts that are looked at together; how often | {OFFLINE_CHECK_MAX};
 * {OFFLINE_CHECK_MS} | the next ones follow */
#define OFFLINE_CHECK_MAX 512
#define OFFLINE_CHECK_MS 250
/* limit: hooks | how often the place is stored up to which it is known who is to be woken |
 * {OFFLINE_STORE_MS} | - */
#define OFFLINE_STORE_MS 2000

struct offline;

/* `place` is where it begins. NULL without memory. */
struct offline *offline_new(struct hooks *hooks, uint64_t instance, uint64_t place);
void offline_release(struct offline **self);
void offline_wake(struct offline *self, uint64_t newest);

#endif
