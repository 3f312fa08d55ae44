/*
 * API keys shown to session, which has no database: auth is asked whether one may be used for the
 * message, each time.
 *
 *     admitting = admitting_new(service, auth_peers);
 *     static const struct service_definition definition = {..., .credentials =
 * &session_credentials}; admitting_destroy(&admitting);        calls that wait for auth end as
 * `unavailable`
 *
 * No more calls wait than the service may have in progress.
 */
#ifndef PARLEY_SESSION_ADMITTING_H
#define PARLEY_SESSION_ADMITTING_H

#include "common/service.h"

struct admitting;

/* NULL after a logged line. `auth_peers` is borrowed. */
struct admitting *admitting_new(struct service *service, const char *auth_peers)
    __attribute__((warn_unused_result));
void admitting_destroy(struct admitting **self);
/* Ends with call_admit. `account`: whom the message is about; 0: nobody. */
void admitting_ask(struct admitting *self, struct call *call, struct slice credential,
                   const struct message_desc *message, uint64_t account);

#endif
