/* Makes the messages of Web Push that are due; on a worker. */
#ifndef PARLEY_HOOKS_WEB_PUSH_READ_H
#define PARLEY_HOOKS_WEB_PUSH_READ_H

#include "common/db.h"
#include "services/hooks/hooks.h"
#include "services/hooks/web_push_crypto.h"

/* limit: hooks | messages of Web Push that are sent at once | {WEB_PUSH_MESSAGES}, some 1.7 MB |
 * the next ones follow when these have ended */
#define WEB_PUSH_MESSAGES 256
/* For how long an authorization is valid. */
#define WEB_PUSH_VALID_S 43200

enum web_push_state {
    WEB_PUSH_DUE,
    WEB_PUSH_TAKEN,
    WEB_PUSH_GONE, /* the subscription is to end */
    WEB_PUSH_FAILED
};

struct web_push_message {
    uint64_t account, login;
    enum web_push_state state;
    char endpoint[PUSH_ENDPOINT_MAX_BYTES + 1];
    char authorization[WEB_PUSH_AUTHORIZATION_ROOM];
    unsigned char body[WEB_PUSH_MESSAGE_MAX];
    size_t length;
};

struct web_push_batch {
    uint64_t place, newest; /* rows behind the one, up to the other */
    uint64_t now_s;
    /* Set by web_push_read. */
    uint64_t upto;
    struct web_push_message *messages; /* room for WEB_PUSH_MESSAGES */
    size_t count;
};

/* `messages` is the caller's. */
enum err web_push_read(const struct hooks *hooks, struct db *db, struct web_push_batch *batch)
    __attribute__((warn_unused_result));

#endif
