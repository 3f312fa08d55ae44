/* String ids to numbers: a bounded cache in front of auth and group. Ids never change. */
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "common/hash.h"
#include "services/gateway/client.h"
#include "services/gateway/gateway.h"
#include "services/gateway/names.h"

#include "services/gateway/request.h"

/* Ids that are remembered per kind; when there are more, all are forgotten. About 20 MB. */
#define NAMES_MAX 100000

struct name {
    char id[ID_MAX_BYTES + 1];
    uint64_t number;
    UT_hash_handle hh;
};

struct names {
    struct name *accounts, *groups;
    struct look_up *waiting; /* to be asked again */
};

/* A look-up on behalf of a client, who may be gone when it is answered. A client has one at most.
 */
struct look_up {
    struct patience patience;
    struct look_up *prev, *next;
    struct gateway *gateway;
    uint64_t client, trace;
    enum recipient_kind kind;
    char id[ID_MAX_BYTES + 1];
    void (*done)(struct client *client, enum err err, uint64_t number);
};

struct names *names_new(struct gateway *gateway) {
    (void)gateway;
    return calloc(1, sizeof(struct names));
}

static void forget(struct name **table) {
    struct name *name, *next;
    HASH_ITER(hh, *table, name, next) {
        HASH_DEL(*table, name);
        free(name);
    }
}

void names_destroy(struct names **self_p) {
    if (*self_p != NULL) {
        struct look_up *look_up, *next;
        DL_FOREACH_SAFE((*self_p)->waiting, look_up, next) { free(look_up); }
        forget(&(*self_p)->accounts);
        forget(&(*self_p)->groups);
    }
    free(*self_p);
    *self_p = NULL;
}

static struct name **table_of(struct names *self, enum recipient_kind kind) {
    return kind == RECIPIENT_GROUP ? &self->groups : &self->accounts;
}

static void remember(struct names *self, enum recipient_kind kind, const char *id,
                     uint64_t number) {
    struct name **table = table_of(self, kind);
    struct name *name = NULL;
    HASH_FIND_STR(*table, id, name);
    if (name != NULL)
        return;
    if (HASH_COUNT(*table) >= NAMES_MAX)
        forget(table);
    name = calloc(1, sizeof *name);
    if (name == NULL)
        return;
    memcpy(name->id, id, strlen(id));
    name->number = number;
    if (!HASH_TRY_ADD_STR(*table, id, name))
        free(name);
}

/* The end of the look-up, or its next try. */
static void conclude(struct look_up *look_up, enum err err, uint64_t number) {
    struct look_up copy = *look_up;
    struct client *client = gateway_client(copy.gateway, copy.client);
    if (client != NULL && patience_may_pass(err) && patience_wait(&look_up->patience)) {
        DL_APPEND(copy.gateway->names->waiting, look_up);
        return;
    }
    free(look_up);
    if (client != NULL)
        copy.done(client, err, number);
}

static void answered(void *argument, enum err err, const void *reply, const char *text) {
    (void)text;
    struct look_up *look_up = argument;
    uint64_t number = 0;
    if (err == ERR_OK) {
        const struct u64_list *numbers =
            look_up->kind == RECIPIENT_GROUP
                ? &((const struct group_resolve_reply *)reply)->groups
                : &((const struct auth_resolve_reply *)reply)->accounts;
        number = numbers->count == 1 ? numbers->items[0] : 0;
        if (number != 0) /* one that is not there may be there soon */
            remember(look_up->gateway->names, look_up->kind, look_up->id, number);
    }
    conclude(look_up, err, number);
}

static void ask(struct look_up *look_up) {
    struct gateway *gateway = look_up->gateway;
    bool group = look_up->kind == RECIPIENT_GROUP;
    struct peers *peers = group ? gateway->group : gateway->auth;
    struct slice id = slice_text(look_up->id);
    struct slice_list ids = {&id, 1};
    struct group_resolve group_body = {.ids = ids};
    struct auth_resolve auth_body = {.ids = ids};
    enum err err =
        peers_ask(peers, peers_next(peers),
                  &(struct peers_request){
                      .message = group ? &message_GROUP_RESOLVE : &message_AUTH_RESOLVE,
                      .body = group ? (const void *)&group_body : (const void *)&auth_body,
                      .trace = look_up->trace,
                      .timeout_ms = patience_left_ms(&look_up->patience),
                      .done = answered,
                      .argument = look_up});
    if (err != ERR_OK)
        conclude(look_up, err, 0);
}

void names_tick(struct gateway *gateway, int64_t now_ms) {
    struct names *self = gateway->names;
    struct look_up *look_up, *next;
    DL_FOREACH_SAFE(self->waiting, look_up, next) {
        if (look_up->patience.again_ms > now_ms)
            continue;
        DL_DELETE(self->waiting, look_up);
        if (gateway_client(gateway, look_up->client) != NULL)
            ask(look_up);
        else
            free(look_up);
    }
}

bool names_find(struct client *client, enum recipient_kind kind, const struct dialect_id *id,
                uint64_t *number_r,
                void (*done)(struct client *client, enum err err, uint64_t number)) {
    struct gateway *gateway = client->gateway;
    *number_r = id->number;
    if (id->text.length == 0)
        return true;
    *number_r = 0;
    if (id->text.length > ID_MAX_BYTES)
        return true; /* nobody has such an id */
    struct look_up *look_up = calloc(1, sizeof *look_up);
    if (look_up == NULL) {
        done(client, ERR_OVERLOADED, 0);
        return false;
    }
    *look_up = (struct look_up){.patience = client->current->patience,
                                .gateway = gateway,
                                .client = client->id,
                                .trace = client->current->request.trace,
                                .kind = kind,
                                .done = done};
    memcpy(look_up->id, id->text.data, id->text.length);
    struct name *name = NULL;
    HASH_FIND_STR(*table_of(gateway->names, kind), look_up->id, name);
    if (name != NULL) {
        *number_r = name->number;
        free(look_up);
        return true;
    }
    ask(look_up);
    return false;
}
