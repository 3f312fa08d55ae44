/*
 * A client's connection: its state, its answers, its end.
 *
 * Each module that does something for a client keeps what it needs in a struct of its own, which
 * only its users include; connections.c makes them all. This module calls none of them: where it
 * has to, it calls `go_on`.
 *
 * A callback of a request to another service gets the client's id, never its pointer, and finds it
 * with client_find: a client may be gone by then.
 */
#ifndef PARLEY_GATEWAY_CLIENT_H
#define PARLEY_GATEWAY_CLIENT_H

#include "common/hash.h"
#include "proto/ids.h"
#include "services/gateway/dialect/dialect.h"
#include "services/gateway/edge/edge.h"
#include "services/gateway/gateway.h"

/*
 * A client's state, changed by client_set_state alone.
 *   NEW          not logged in
 *   LOGGING_IN   auth, then session, are asked
 *   CATCHING_UP  reads the message log; a push only marks it dirty
 *   LIVE         pushes go straight out
 */
enum client_state { CLIENT_NEW, CLIENT_LOGGING_IN, CLIENT_CATCHING_UP, CLIENT_LIVE };

struct client {
    uint64_t id; /* the edge's */
    struct gateway *gateway;
    struct edge_connection *edge;
    void (*go_on)(struct client *client); /* see client_continue */
    UT_hash_handle hh;
    enum client_state state;
    enum dialect dialect;
    bool ext;
    bool confirms; /* only its confirmations (301) move cursors */
    bool ended;    /* nothing more is read from it: it has closed, or we stop */

    /* the account, from LOGGING_IN's success on */
    uint64_t account;
    struct counted *counted; /* its limits */
    char account_id[ID_MAX_BYTES + 1];
    uint64_t login_number; /* session knows the token by it, wherever that is resumed */
    uint64_t binding;      /* session knows this login by it, never used again; 0: not at all */
    uint64_t bound_link;   /* of the session instance that it is bound at; 0: none */
    UT_hash_handle by_binding;

    struct client_login *login;
    struct client_request *current;
    struct client_outbox *outbox;
    struct client_feed *feed;
    struct positions *positions; /* how far it was sent each conversation */
    struct client_marks *marks;
    struct client_received *received;
};

/* NULL: gone. */
struct client *client_find(const struct gateway *gateway, uint64_t id);
/* The client whose login session knows by this number; NULL: it has logged out. */
struct client *client_find_binding(const struct gateway *gateway, uint64_t binding);
/* Fills in a client that is all 0, and lists it; -1 without memory. `go_on` is called by
 * client_continue. */
int client_open(struct client *client, struct gateway *gateway, struct edge_connection *edge,
                void (*go_on)(struct client *client)) __attribute__((warn_unused_result));
/* Its connection is closed. */
void client_forget(struct client *client);

void client_set_state(struct client *client, enum client_state state);
/* Its dialect or `ext` changed. */
void client_set_pace(struct client *client);
bool client_is_in(const struct client *client); /* logged in: CATCHING_UP or LIVE */
struct dialect_account client_account(const struct client *client);

/* Answers `request`, with the time and, where the result has none, a reason. */
void client_answer(struct client *client, const struct dialect_request *request,
                   const struct dialect_result *result);
/* Sends it a sentence that answers no request. */
void client_send_fault(struct client *client, const char *reason);
/* Closes the connection after a sentence with the operator's reason. */
void client_kick(struct client *client, struct slice reason);
/* Something that kept it waiting is over: a request or a text was answered, or it has caught up.
 * Reads on, unless something else holds it. */
void client_continue(struct client *client);

#endif
