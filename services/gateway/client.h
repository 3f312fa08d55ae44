/*
 * A client's connection.
 *
 * Each module that does something for it keeps what it needs in a struct of its own, which only
 * its users include. A callback of a request to another service gets the client's id, never its
 * pointer, and finds it with gateway_client: a client may be gone by then.
 */
#ifndef PARLEY_GATEWAY_CLIENT_H
#define PARLEY_GATEWAY_CLIENT_H

#include "common/hash.h"

#include "services/gateway/dialect/dialect.h"
#include "services/gateway/edge/edge.h"
#include "services/gateway/gateway.h"

/*
 * A client's state, changed by client_set_state alone.
 *   NEW          not logged in
 *   LOGGING_IN   auth, then session, are asked
 *   CATCHING_UP  reads the log; a push only marks it dirty
 *   LIVE         pushes go straight out
 */
enum client_state { CLIENT_NEW, CLIENT_LOGGING_IN, CLIENT_CATCHING_UP, CLIENT_LIVE };

struct client {
    uint64_t id; /* the edge's */
    struct gateway *gateway;
    struct edge_connection *edge;
    UT_hash_handle hh;
    enum client_state state;
    enum dialect dialect;
    bool ext;
    bool confirms; /* only what it says it has received moves cursors */
    bool ended;    /* it has sent all that it will: it has closed, or we stop */

    /* the account, from LOGGING_IN's success on */
    uint64_t account;
    char account_id[ID_MAX_BYTES + 1];
    uint64_t binding;    /* session knows this login by it, never used again; 0: not at all */
    uint64_t bound_link; /* of the session instance that it is bound at; 0: none */
    UT_hash_handle by_binding;

    struct client_login *login;
    struct client_request *current;
    struct client_outbox *outbox;
    struct client_feed *feed;
    struct positions *positions; /* how far it was sent each conversation */
    struct client_marks *marks;
    struct client_received *received;
};

struct client *gateway_client(struct gateway *self, uint64_t id); /* NULL: gone */

extern const struct edge_handlers client_handlers;
void client_set_state(struct client *client, enum client_state state);
/* Its dialect or `ext` changed. */
void client_set_pace(struct client *client);
bool client_is_in(const struct client *client); /* logged in: CATCHING_UP or LIVE */
struct dialect_account client_account(const struct client *client);
/* Answers `request`, with the time and, where the result has none, a reason. */
void client_answer(struct client *client, const struct dialect_request *request,
                   const struct dialect_result *result);
/* Ends the request in progress: answers it, frees it, and lets the next one in. */
void client_finish(struct client *client, const struct dialect_result *result);
void client_fail(struct client *client, enum err err, const char *reason);
/* Closes the connection, having told it that the operator wants it so, and why. */
void client_kick(struct client *client, struct slice reason);
/* Closes it in favour of another of its account, having told it why: from here on nothing is read
 * for the account, and nobody counts it. */
void client_give_way(struct client *client, const char *reason);
/* Reads on, if nothing holds it. */
void client_continue(struct client *client);
/* Every 50 ms: closes who took too long. */
void client_tick(struct gateway *gateway, int64_t now_ms);

#endif
