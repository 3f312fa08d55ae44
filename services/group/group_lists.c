/*
 * group.friends, group.members: those of an account, of a group, by pages in the order of their
 * numbers. Nobody is a friend and has a request at once, nor a member or banned: so one order holds
 * all.
 */
#include "proto/conversation.h"
#include "proto/ids.h"
#include "services/group/group.h"
#include "services/group/group_sql.h"

static struct slice text_of(const struct db_rows *rows, unsigned column,
                            struct record_arena *arena) {
    return record_arena_copy(arena, db_rows_slice(rows, column));
}

/* Empty where it is the decimal form. */
static struct slice id_of(const struct db_rows *rows, unsigned column, struct record_arena *arena) {
    uint64_t number;
    return id_is_decimal(db_rows_slice(rows, column), &number) ? slice_make(NULL, 0)
                                                               : text_of(rows, column, arena);
}

/* Items of a page: statements read one more, to see whether there are further ones. */
static uint64_t page_size(uint64_t limit) {
    return limit == 0 || limit > LIST_MAX ? LIST_MAX : limit;
}

/* --- friends ------------------------------------------------------------------------------- */

static void take_acquaintance(const struct db_rows *rows, struct record_arena *arena,
                              struct acquaintance *item) {
    *item = (struct acquaintance){.account = db_rows_u64(rows, GROUP_FRIEND_ACCOUNT),
                                  .id = id_of(rows, GROUP_FRIEND_ID, arena),
                                  .name = text_of(rows, GROUP_FRIEND_NAME, arena),
                                  .remark = text_of(rows, GROUP_FRIEND_REMARK, arena),
                                  .avatar = text_of(rows, GROUP_FRIEND_AVATAR, arena),
                                  .relation = db_rows_u64(rows, GROUP_FRIEND_RELATION),
                                  .blocked = db_rows_u64(rows, GROUP_FRIEND_BLOCKED) != 0};
}

enum err group_handle_friends(void *context, struct db *db, struct record_arena *arena,
                              const void *body, void *reply_r) {
    (void)context;
    const struct group_friends *ask = body;
    struct group_friends_reply *reply = reply_r;
    const struct db_value account = db_u64(ask->account), after = db_u64(ask->after);
    const uint64_t size = page_size(ask->limit);
    const struct db_value limit = db_u64(size + 1);
    struct acquaintance *items = record_arena_alloc(arena, size * sizeof *items);
    struct db_rows *rows;
    if (items == NULL)
        return ERR_OVERLOADED;
    enum err err =
        db_query(db, &group_sql_friends_page,
                 DB_ARGS(account, after, limit, account, after, limit, account, after, limit,
                         account, after, limit, account, after, limit, limit, account),
                 &rows);
    if (err != ERR_OK)
        return err;
    reply->more = db_rows_count(rows) > size;
    reply->items.items = items;
    while (reply->items.count < size && db_rows_next(rows))
        take_acquaintance(rows, arena, &items[reply->items.count++]);
    db_rows_destroy(&rows);
    return ERR_OK;
}

/* --- members ------------------------------------------------------------------------------- */

static void take_member(const struct db_rows *rows, struct record_arena *arena,
                        struct group_member *item) {
    *item = (struct group_member){.account = db_rows_u64(rows, GROUP_MEMBER_ACCOUNT),
                                  .id = id_of(rows, GROUP_MEMBER_ID, arena),
                                  .name = text_of(rows, GROUP_MEMBER_NAME, arena),
                                  .nick = text_of(rows, GROUP_MEMBER_NICK, arena),
                                  .avatar = text_of(rows, GROUP_MEMBER_AVATAR, arena),
                                  .role = db_rows_u64(rows, GROUP_MEMBER_ROLE),
                                  .muted_until_ms = db_rows_u64(rows, GROUP_MEMBER_MUTED),
                                  .banned = db_rows_u64(rows, GROUP_MEMBER_BANNED) != 0};
}

/* The account's role in the group, and whether that is small. */
static enum err find_standing(struct db *db, uint64_t conversation, uint64_t account,
                              enum group_role *role_r, bool *small_r) {
    struct db_rows *rows;
    const struct db_value where = db_u64(conversation);
    enum err err =
        db_query(db, &group_sql_standing,
                 DB_ARGS(where, db_u64(account), where, db_u64(SMALL_GROUP_MAX + 1), where), &rows);
    if (err == ERR_OK && !db_rows_next(rows))
        err = ERR_NO_GROUP;
    if (err == ERR_OK && db_rows_null(rows, 0))
        err = ERR_NOT_MEMBER;
    if (err == ERR_OK) {
        *role_r = (enum group_role)db_rows_u64(rows, 0);
        *small_r = db_rows_u64(rows, 1) <= SMALL_GROUP_MAX;
    }
    db_rows_destroy(&rows);
    return err;
}

static enum err read_members(struct db *db, struct record_arena *arena,
                             const struct group_members *ask, enum group_role role,
                             struct group_members_reply *reply) {
    const uint64_t size = page_size(ask->limit);
    const struct db_value after = db_u64(ask->after), limit = db_u64(size + 1);
    struct group_member *items = record_arena_alloc(arena, size * sizeof *items);
    struct db_rows *rows;
    if (items == NULL)
        return ERR_OVERLOADED;
    const struct db_value where = db_u64(conversation_of_group(ask->group)),
                          others = role < GROUP_ADMINISTRATOR ? db_u64(0) : limit;
    enum err err = db_query(db, &group_sql_members_page,
                            DB_ARGS(where, after, limit, db_u64(ask->group), after, others, where,
                                    after, others, limit),
                            &rows);
    if (err != ERR_OK)
        return err;
    reply->more = db_rows_count(rows) > size;
    reply->items.items = items;
    while (reply->items.count < size && db_rows_next(rows))
        take_member(rows, arena, &items[reply->items.count++]);
    db_rows_destroy(&rows);
    return ERR_OK;
}

/* As the owner sees them. */
enum err group_handle_list_members(void *context, struct db *db, struct record_arena *arena,
                                   const void *body, void *reply_r) {
    (void)context;
    const struct group_list_members *given = body;
    const struct group_members ask = {
        .group = given->group, .after = given->after, .limit = given->limit};
    struct group_members_reply *reply = reply_r;
    enum group_role role;
    if (ask.group == 0 || ask.group >= NUMBER_LIMIT)
        return ERR_NO_GROUP;
    enum err err = find_standing(db, conversation_of_group(ask.group), 0, &role, &reply->small);
    return err == ERR_OK || err == ERR_NOT_MEMBER
               ? read_members(db, arena, &ask, GROUP_OWNER, reply)
               : err;
}

enum err group_handle_members(void *context, struct db *db, struct record_arena *arena,
                              const void *body, void *reply_r) {
    (void)context;
    const struct group_members *ask = body;
    struct group_members_reply *reply = reply_r;
    enum group_role role;
    /* A larger number would reach into the other kinds of conversations. */
    if (ask->group == 0 || ask->group >= NUMBER_LIMIT)
        return ERR_NO_GROUP;
    enum err err =
        find_standing(db, conversation_of_group(ask->group), ask->account, &role, &reply->small);
    return err == ERR_OK ? read_members(db, arena, ask, role, reply) : err;
}
