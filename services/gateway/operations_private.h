/*
 * What the files of operations share; only operations*.c include this.
 *
 * Each function below that takes a client alone carries out client->current->request, whose group
 * and person have their numbers by then, and ends with client_finish, now or later.
 */
#ifndef PARLEY_GATEWAY_OPERATIONS_PRIVATE_H
#define PARLEY_GATEWAY_OPERATIONS_PRIVATE_H

#include "services/gateway/client.h"
#include "services/gateway/request.h"

/*
 * Asks any instance of a service; `done` is called once, unless the client is gone. Where the
 * request in progress has an `again`, that is called after a failure that may pass, with pauses,
 * and has to ask the same; `done` then hears of success, of other failures, and of the last one
 * when the request's time is over (patience.h).
 */
void operation_ask(struct client *client, struct peers *peers, const struct message_desc *message,
                   const void *body,
                   void (*done)(struct client *client, enum err err, const void *reply));
/* Calls `again` after that time, unless the client is gone by then; false: the request's time would
 * be over. */
bool operation_wait(struct client *client, uint64_t wait_ms, void (*again)(struct client *client));
/* For `done`, where nothing but success or failure is to be told. */
void operation_end(struct client *client, enum err err, const void *reply);

/* Of the request in progress: what tells the service that it was asked before. */
static inline struct slice operation_nonce(const struct client *client) {
    return slice_make((const char *)client->current->nonce, NONCE_BYTES);
}

/* --- operations_group.c --- */

void operation_create_group(struct client *client);
void operation_join(struct client *client);
void operation_answer_join(struct client *client);
void operation_admit(struct client *client);
void operation_leave(struct client *client);
void operation_remove_member(struct client *client);
void operation_set_admin(struct client *client);
void operation_dissolve(struct client *client);
void operation_rename_group(struct client *client);

/* --- operations_friend.c --- */

void operation_befriend(struct client *client);
void operation_answer_friend(struct client *client);
void operation_unfriend(struct client *client);
void operation_rename_self(struct client *client);

#endif
