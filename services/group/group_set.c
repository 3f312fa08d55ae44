/*
 * group.set_profile, group.set_group_profile, group.set_remark, group.set_nick: how accounts and
 * groups are shown. Notices say only that a profile changed; a reader asks for it when it shows it.
 */
#include <string.h>

#include "proto/conversation.h"
#include "proto/ids.h"
#include "services/entries/entries.h"
#include "services/group/group_change.h"
#include "services/group/group_friends.h"
#include "services/group/group_sql.h"

/* In normal form, in place; false: it may not be chosen. Empty is nothing, which may. */
static bool normalize_name(struct slice *name, char room[NAME_ROOM]) {
    if (name->length == 0)
        return true;
    *name = name_normal(*name, room);
    return name_fault(*name) == NULL;
}

static bool normalize_about(struct slice *about, char room[ABOUT_ROOM]) {
    if (about->length == 0)
        return true;
    *about = about_normal(*about, room);
    return about_fault(*about) == NULL;
}

/* --- avatars ------------------------------------------------------------------------------- */

/* Whether the account may show it; the file stays until the transaction ends. */
static enum err check_avatar(struct group_change *change, uint64_t file) {
    struct u64_list found;
    if (file == 0)
        return ERR_OK;
    enum err err = group_change_read(
        change, &group_sql_find_picture,
        (const struct db_value[]){db_u64(file), db_u64(change->by.account)}, 2, &found);
    return err == ERR_OK && found.count == 0 ? ERR_NO_FILE : err;
}

/* `set`: of the account or group whose conversation that is. */
static enum err write_avatar(struct group_change *change, const struct db_statement *set,
                             uint64_t number, uint64_t conversation, uint64_t file) {
    enum err err = db_query(change->db, set, DB_ARGS(db_u64(file), db_u64(number)), NULL);
    if (err != ERR_OK)
        return err;
    return file == 0
               ? db_query(change->db, &group_sql_forget_avatar, DB_ARGS(db_u64(conversation)), NULL)
               : db_query(change->db, &group_sql_use_avatar,
                          DB_ARGS(db_u64(conversation), db_u64(file)), NULL);
}

/* --- an account's -------------------------------------------------------------------------- */

/* The account itself and its friends, who stay the same once its own conversation is locked. */
static enum err find_readers(struct group_change *change, struct u64_list *readers_r) {
    const struct db_value account = db_u64(change->by.account);
    struct u64_list friends;
    enum err err = group_change_read(change, &group_sql_friends,
                                     (const struct db_value[]){account, account}, 2, &friends);
    if (err != ERR_OK)
        return err;
    readers_r->count = friends.count + 1;
    readers_r->items = record_arena_alloc(change->arena, readers_r->count * sizeof(uint64_t));
    if (readers_r->items == NULL)
        return ERR_OVERLOADED;
    readers_r->items[0] = change->by.account;
    if (friends.count > 0)
        memcpy(readers_r->items + 1, friends.items, friends.count * sizeof(uint64_t));
    return ERR_OK;
}

static enum err check_set_profile(struct group_change *change) {
    const struct group_set_profile *ask = change->plan->ask;
    struct group_notice notice = {
        .type = ENTRY_PROFILE, .from = &change->by, .subject = &change->by};
    if (!change->by.exists)
        return ERR_NO_ACCOUNT;
    enum err err = check_avatar(change, ask->avatar);
    if (err == ERR_OK)
        err = find_readers(change, &notice.selves);
    if (err != ERR_OK)
        return err;
    group_change_notify(change, &notice);
    notice.type = ENTRY_RENAMED; /* what every client knows */
    notice.text = ask->name;
    if (ask->name.length > 0)
        group_change_notify(change, &notice);
    return ERR_OK;
}

static enum err write_profile(struct group_change *change) {
    const struct group_set_profile *ask = change->plan->ask;
    const struct db_value account = db_u64(ask->account);
    enum err err = ERR_OK;
    if (ask->name.length > 0)
        err = db_query(change->db, &group_sql_rename_account, DB_ARGS(db_text(ask->name), account),
                       NULL);
    if (err == ERR_OK && ask->sets_about)
        err = db_query(change->db, &group_sql_set_about,
                       DB_ARGS(db_text_or_null(ask->about), account), NULL);
    if (err == ERR_OK && ask->sets_avatar)
        err = write_avatar(change, &group_sql_set_avatar, ask->account,
                           conversation_of_account(ask->account), ask->avatar);
    return err;
}

enum err group_handle_set_profile(void *context, struct db *db, struct record_arena *arena,
                                  const void *body, void *reply_r) {
    struct group_set_profile ask = *(const struct group_set_profile *)body;
    char name[NAME_ROOM], about[ABOUT_ROOM];
    if (!normalize_name(&ask.name, name) || !normalize_about(&ask.about, about) ||
        (ask.name.length == 0 && !ask.sets_about && !ask.sets_avatar) ||
        (ask.avatar != 0 && !ask.sets_avatar))
        return ERR_BAD_REQUEST;
    return group_change_run(&(struct group_plan){.service = context,
                                                 .message = &message_GROUP_SET_PROFILE,
                                                 .nonce = ask.nonce,
                                                 .ask = &ask,
                                                 .kind = CHANGE_OF_ACCOUNTS,
                                                 .by = ask.account,
                                                 .subject = ask.account,
                                                 .selves = {ask.account},
                                                 .check = check_set_profile,
                                                 .write = write_profile},
                            db, arena, reply_r);
}

/* --- a group's ----------------------------------------------------------------------------- */

static enum err check_set_group_profile(struct group_change *change) {
    const struct group_set_group_profile *ask = change->plan->ask;
    if (change->by.role == GROUP_STRANGER)
        return ERR_NOT_MEMBER;
    if (change->by.role < GROUP_ADMINISTRATOR)
        return ERR_NOT_ALLOWED;
    enum err err = check_avatar(change, ask->avatar);
    if (err != ERR_OK)
        return err;
    group_change_notify(change,
                        &(struct group_notice){.type = ENTRY_GROUP_PROFILE, .from = &change->by});
    if (ask->name.length > 0)
        group_change_notify(change, &(struct group_notice){.type = ENTRY_GROUP_RENAMED,
                                                           .from = &change->by,
                                                           .text = ask->name});
    return ERR_OK;
}

static enum err write_group_profile(struct group_change *change) {
    const struct group_set_group_profile *ask = change->plan->ask;
    const struct db_value conversation = db_u64(change->head->id);
    enum err err = ERR_OK;
    if (ask->name.length > 0)
        err = db_query(change->db, &group_sql_rename_group,
                       DB_ARGS(db_text(ask->name), conversation), NULL);
    if (err == ERR_OK && ask->sets_about)
        err = db_query(change->db, &group_sql_set_group_about,
                       DB_ARGS(db_text_or_null(ask->about), conversation), NULL);
    if (err == ERR_OK && ask->sets_slow)
        err = db_query(change->db, &group_sql_set_slow, DB_ARGS(db_u64(ask->slow_s), conversation),
                       NULL);
    if (err == ERR_OK && ask->sets_avatar)
        err = write_avatar(change, &group_sql_set_group_avatar, change->head->id, change->head->id,
                           ask->avatar);
    return err;
}

enum err group_handle_set_group_profile(void *context, struct db *db, struct record_arena *arena,
                                        const void *body, void *reply_r) {
    struct group_set_group_profile ask = *(const struct group_set_group_profile *)body;
    char name[NAME_ROOM], about[ABOUT_ROOM];
    if (!normalize_name(&ask.name, name) || !normalize_about(&ask.about, about) ||
        ask.slow_s > SLOW_MAX_S || (ask.avatar != 0 && !ask.sets_avatar) ||
        (ask.name.length == 0 && !ask.sets_about && !ask.sets_slow && !ask.sets_avatar))
        return ERR_BAD_REQUEST;
    return group_change_run(&(struct group_plan){.service = context,
                                                 .message = &message_GROUP_SET_GROUP_PROFILE,
                                                 .nonce = ask.nonce,
                                                 .ask = &ask,
                                                 .group = ask.group,
                                                 .operated = ask.account == 0,
                                                 .by = ask.account,
                                                 .check = check_set_group_profile,
                                                 .write = write_group_profile},
                            db, arena, reply_r);
}

/* --- what an account calls a friend -------------------------------------------------------- */

/* To the account's own devices it is a change of how they show the friend. */
static enum err check_set_remark(struct group_change *change) {
    bool friends;
    enum err err = group_are_friends(change, &friends);
    if (err == ERR_OK && !friends)
        err = change->subject.exists ? ERR_NOT_FRIENDS : ERR_NO_ACCOUNT;
    if (err == ERR_OK)
        group_change_notify(change, &(struct group_notice){.type = ENTRY_PROFILE,
                                                           .from = &change->by,
                                                           .subject = &change->subject,
                                                           .selves = {&change->by.account, 1}});
    return err;
}

static enum err write_remark(struct group_change *change) {
    const struct group_set_remark *ask = change->plan->ask;
    const struct db_value account = db_u64(ask->account), of = db_u64(ask->friend);
    return ask->remark.length == 0
               ? db_query(change->db, &group_sql_remove_remark, DB_ARGS(account, of), NULL)
               : db_query(change->db, &group_sql_set_remark,
                          DB_ARGS(account, of, db_text(ask->remark)), NULL);
}

enum err group_handle_set_remark(void *context, struct db *db, struct record_arena *arena,
                                 const void *body, void *reply_r) {
    struct group_set_remark ask = *(const struct group_set_remark *)body;
    char remark[NAME_ROOM];
    if (!normalize_name(&ask.remark, remark))
        return ERR_BAD_REQUEST;
    if (ask.account == ask.friend)
        return ERR_TO_ONESELF;
    return group_change_run(&(struct group_plan){.service = context,
                                                 .message = &message_GROUP_SET_REMARK,
                                                 .nonce = ask.nonce,
                                                 .ask = &ask,
                                                 .kind = CHANGE_OF_ACCOUNTS,
                                                 .by = ask.account,
                                                 .subject = ask.friend,
                                                 .selves = {ask.account},
                                                 .check = check_set_remark,
                                                 .write = write_remark},
                            db, arena, reply_r);
}

/* --- what a member is called in a group ---------------------------------------------------- */

static enum err check_set_nick(struct group_change *change) {
    const struct group_set_nick *ask = change->plan->ask;
    if (change->by.role == GROUP_STRANGER)
        return ERR_NOT_MEMBER;
    /* All members read it. */
    if (entries_standing(change->head, change->by.account).muted_until_ms > change->heads.now_ms)
        return ERR_MUTED;
    group_change_notify(change, &(struct group_notice){.type = ENTRY_NICK,
                                                       .from = &change->by,
                                                       .subject = &change->by,
                                                       .text = ask->nick});
    return ERR_OK;
}

static enum err write_nick(struct group_change *change) {
    const struct group_set_nick *ask = change->plan->ask;
    return db_query(
        change->db, &group_sql_set_nick,
        DB_ARGS(db_text_or_null(ask->nick), db_u64(change->head->id), db_u64(change->by.account)),
        NULL);
}

enum err group_handle_set_nick(void *context, struct db *db, struct record_arena *arena,
                               const void *body, void *reply_r) {
    struct group_set_nick ask = *(const struct group_set_nick *)body;
    char nick[NAME_ROOM];
    if (!normalize_name(&ask.nick, nick))
        return ERR_BAD_REQUEST;
    return group_change_run(&(struct group_plan){.service = context,
                                                 .message = &message_GROUP_SET_NICK,
                                                 .nonce = ask.nonce,
                                                 .ask = &ask,
                                                 .group = ask.group,
                                                 .by = ask.account,
                                                 .check = check_set_nick,
                                                 .write = write_nick},
                            db, arena, reply_r);
}
