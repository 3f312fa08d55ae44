/*
 * group.presence: friends, and the members of each shared group of at most `presence_group_max`
 * members, receive an account's presence; it is not stored, and the account itself receives none.
 * Session knows which of them are online. Accounts are looked up GROUP_PRESENCE_AT_ONCE at a time,
 * and the entries are routed in parts, so that a request about many accounts of large groups does
 * not hold all of its receivers at once.
 */
#include "common/loop.h"
#include "proto/ids.h"
#include "services/group/group.h"
#include "services/group/group_sql.h"

/* Receivers of one batch; the last entry's may go beyond. */
#define BATCH_RECEIVERS 65536

struct presence {
    const struct group_service *service;
    struct db *db;
    struct record_arena scratch; /* for the receivers of one entry, or of those to friends */
    bool online;
    uint64_t now_ms;
    struct db_value accounts[2 * GROUP_PRESENCE_AT_ONCE]; /* looked up now, twice; then NULLs */
    struct route_batch *batch;
    size_t batch_receivers;
};

static void post(struct presence *self) {
    if (self->batch_receivers > 0)
        route_post_live(self->service->router, &self->batch);
    self->batch_receivers = 0;
}

/* An empty list with room for so many; without memory it has no items. */
static struct u64_list list_for(struct presence *self, size_t count) {
    return (struct u64_list){record_arena_alloc(&self->scratch, count * sizeof(uint64_t)), 0};
}

/* `group` is at a row of group_sql_groups_of_all; NULL when the receivers are friends. */
static enum err report(struct presence *self, uint64_t account, struct slice id,
                       const struct db_rows *group, const struct u64_list *receivers) {
    struct entry entry = {.time_ms = self->now_ms,
                          .type = self->online ? ENTRY_FRIEND_ONLINE : ENTRY_FRIEND_OFFLINE,
                          .from = account,
                          .from_id = id_beside_number(id),
                          .subject = account,
                          .subject_id = id_beside_number(id)};
    if (group != NULL) {
        entry.type = self->online ? ENTRY_MEMBER_ONLINE : ENTRY_MEMBER_OFFLINE;
        entry.to = db_rows_u64(group, 1);
        entry.to_id = id_beside_number(db_rows_slice(group, 2));
    }
    if (self->batch == NULL)
        self->batch = route_batch_new();
    if (self->batch == NULL ||
        route_batch_add(self->batch, &entry, receivers->items, receivers->count) != 0)
        return ERR_OVERLOADED;
    self->batch_receivers += receivers->count;
    if (self->batch_receivers >= BATCH_RECEIVERS)
        post(self);
    return ERR_OK;
}

/* --- friends ------------------------------------------------------------------------------- */

/* Rows ascend by account: each one's friends receive it together. */
static enum err report_to_friends(struct presence *self, struct db_rows *rows) {
    struct u64_list friends = list_for(self, db_rows_count(rows));
    uint64_t account = 0;
    struct slice id = {0};
    enum err err = friends.items == NULL ? ERR_OVERLOADED : ERR_OK;
    while (err == ERR_OK && db_rows_next(rows)) {
        if (friends.count > 0 && account != db_rows_u64(rows, 0)) {
            err = report(self, account, id, NULL, &friends);
            friends.count = 0;
        }
        account = db_rows_u64(rows, 0);
        id = db_rows_slice(rows, 1);
        friends.items[friends.count++] = db_rows_u64(rows, 2);
    }
    return err == ERR_OK && friends.count > 0 ? report(self, account, id, NULL, &friends) : err;
}

static enum err find_friends(struct presence *self) {
    struct db_rows *rows;
    enum err err = db_query(self->db, &group_sql_friends_of_all, self->accounts,
                            2 * GROUP_PRESENCE_AT_ONCE, &rows);
    if (err == ERR_OK)
        err = report_to_friends(self, rows);
    db_rows_destroy(&rows);
    record_arena_free(&self->scratch);
    return err;
}

/* --- groups -------------------------------------------------------------------------------- */

/* `group` is at the row of the account and its group. */
static enum err report_to_members(struct presence *self, const struct db_rows *group,
                                  struct db_rows *members) {
    uint64_t account = db_rows_u64(group, 3);
    struct u64_list others = list_for(self, db_rows_count(members));
    db_rows_rewind(members);
    while (others.items != NULL && db_rows_next(members))
        if (db_rows_u64(members, 0) != account)
            others.items[others.count++] = db_rows_u64(members, 0);
    enum err err = others.items == NULL
                       ? ERR_OVERLOADED
                       : report(self, account, db_rows_slice(group, 4), group, &others);
    record_arena_free(&self->scratch);
    return err;
}

/* Rows ascend by conversation: each group's members are read once. */
static enum err find_groups(struct presence *self) {
    uint64_t conversation = 0, most = self->service->settings.presence_group_max;
    struct db_rows *rows, *members = NULL;
    enum err err =
        db_query(self->db, &group_sql_groups_of_all, self->accounts, GROUP_PRESENCE_AT_ONCE, &rows);
    while (err == ERR_OK && db_rows_next(rows)) {
        if (conversation != db_rows_u64(rows, 0)) {
            conversation = db_rows_u64(rows, 0);
            db_rows_destroy(&members);
            err = db_query(self->db, &group_sql_members,
                           DB_ARGS(db_u64(conversation), db_u64(most + 1)), &members);
        }
        if (err == ERR_OK && db_rows_count(members) <= most)
            err = report_to_members(self, rows, members);
    }
    db_rows_destroy(&members);
    db_rows_destroy(&rows);
    return err;
}

/* --- the request --------------------------------------------------------------------------- */

enum err group_handle_presence(void *context, struct db *db, struct record_arena *arena,
                               const void *body, void *reply_r) {
    (void)arena;
    (void)reply_r;
    const struct group_presence *ask = body;
    struct presence self = {
        .service = context, .db = db, .online = ask->online, .now_ms = (uint64_t)loop_wall_ms()};
    enum err err = ERR_OK;
    for (size_t at = 0; err == ERR_OK && at < ask->accounts.count; at += GROUP_PRESENCE_AT_ONCE) {
        for (size_t i = 0; i < GROUP_PRESENCE_AT_ONCE; i++)
            self.accounts[i] = self.accounts[i + GROUP_PRESENCE_AT_ONCE] =
                at + i < ask->accounts.count ? db_u64(ask->accounts.items[at + i]) : db_null();
        err = find_friends(&self);
        if (err == ERR_OK)
            err = find_groups(&self);
    }
    post(&self);
    route_batch_destroy(&self.batch);
    return err;
}
