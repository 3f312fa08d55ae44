/* The numbers of string ids; see names.h. */
#include "services/gateway/names.h"

#include <stdlib.h>
#include <string.h>

#include "common/hash.h"
#include "proto/ids.h"
#include "services/gateway/client.h"

/*
 * limit: gateway | string ids that are remembered | {NAMES_MAX} accounts, 100,000 groups, some
 * 20 MB | all are forgotten
 */
/* Ids that are remembered per kind; when there are more, all are forgotten. About 20 MB. */
#define NAMES_MAX 100000

struct name {
    char id[ID_MAX_BYTES + 1];
    uint64_t number;
    UT_hash_handle hh;
};

struct names {
    struct name *accounts, *groups;
};

struct names *names_new(void) {
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
        forget(&(*self_p)->accounts);
        forget(&(*self_p)->groups);
    }
    free(*self_p);
    *self_p = NULL;
}

static struct name **table_of(struct names *self, enum recipient_kind kind) {
    return kind == RECIPIENT_GROUP ? &self->groups : &self->accounts;
}

static struct name *find(struct name *table, struct slice id) {
    struct name *name = NULL;
    HASH_FIND(hh, table, id.data, id.length, name);
    return name;
}

void names_keep(struct names *self, enum recipient_kind kind, struct slice id, uint64_t number) {
    struct name **table = table_of(self, kind);
    if (find(*table, id) != NULL)
        return;
    if (HASH_COUNT(*table) >= NAMES_MAX)
        forget(table);
    struct name *name = calloc(1, sizeof *name);
    if (name == NULL)
        return;
    memcpy(name->id, id.data, id.length);
    name->number = number;
    if (!HASH_TRY_ADD_STR(*table, id, name))
        free(name);
}

bool names_find(struct names *self, enum recipient_kind kind, const struct dialect_id *id,
                uint64_t *number_r) {
    *number_r = id->text.length == 0 ? id->number : 0;
    if (id->text.length == 0 || id->text.length > ID_MAX_BYTES)
        return true;
    const struct name *name = find(*table_of(self, kind), id->text);
    if (name != NULL)
        *number_r = name->number;
    return name != NULL;
}

void names_ask(struct client *client, enum recipient_kind kind, const struct dialect_id *id,
               request_done *done) {
    struct gateway *gateway = client->gateway;
    struct slice text = id->text;
    if (kind == RECIPIENT_GROUP) {
        struct group_resolve body = {.ids = {&text, 1}};
        request_ask(client, gateway->group, &message_GROUP_RESOLVE, &body, done);
    } else {
        struct auth_resolve body = {.ids = {&text, 1}};
        request_ask(client, gateway->auth, &message_AUTH_RESOLVE, &body, done);
    }
}

uint64_t names_take(struct names *self, enum recipient_kind kind, const struct dialect_id *id,
                    const void *reply) {
    const struct u64_list *numbers = kind == RECIPIENT_GROUP
                                         ? &((const struct group_resolve_reply *)reply)->groups
                                         : &((const struct auth_resolve_reply *)reply)->accounts;
    uint64_t number = numbers->count == 1 ? numbers->items[0] : 0;
    if (number != 0) /* an id that does not exist may exist soon */
        names_keep(self, kind, id->text, number);
    return number;
}
