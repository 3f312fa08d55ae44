/* What hook_before's address is asked; see before_question.h. */
#include "services/delivery/before_question.h"

#include "common/loop.h"
#include "services/delivery/delivery_sql.h"
#include "services/delivery/files.h"
#include "services/delivery/references.h"
#include "services/entries/entries.h"

/* --- looking up ------------------------------------------------------------------------------ */

static enum err count_stored(struct db *db, const struct delivery_send *send, size_t *stored_r) {
    struct entry_head none = {.id = 0};
    struct entry_row rows[DELIVERY_SEND_MAX];
    *stored_r = 0;
    for (size_t i = 0; i < send->nonces.count; i++)
        rows[i] = (struct entry_row){.head = &none, .nonce = send->nonces.items[i]};
    enum err err = entries_find_repeats(db, rows, send->nonces.count);
    for (size_t i = 0; err == ERR_OK && i < send->nonces.count; i++)
        *stored_r += rows[i].repeat;
    return err;
}

static void place_parties(const struct delivery_send *send, const struct event_party *to,
                          struct before_found *found) {
    struct event_conversation *conversation = &found->conversation;
    if (send->to_group != 0) {
        conversation->kind = CONVERSATION_GROUP;
        conversation->group = *to;
        return;
    }
    conversation->kind = CONVERSATION_PAIR;
    conversation->lo = found->from.number < to->number ? found->from : *to;
    conversation->hi = found->from.number < to->number ? *to : found->from;
}

/* Where there is no such account or group, its number stands for it. Looks for the first nonce in
 * the same round trip, since most requests have no other. */
static enum err name_parties(struct db *db, struct record_arena *arena,
                             const struct delivery_send *send, struct before_found *found) {
    const bool group = send->to_group != 0;
    struct event_party to = {.number = group ? send->to_group : send->to_account};
    struct db_rows *rows;
    enum err err = db_query(db, &delivery_sql_parties,
                            DB_ARGS(db_u64(send->to_account),
                                    db_u64(group ? conversation_of_group(send->to_group) : 0),
                                    db_bytes(send->nonces.items[0]), db_u64(send->account)),
                            &rows);
    if (err != ERR_OK)
        return err;
    found->from.number = send->account;
    if (db_rows_next(rows)) {
        found->from.id = record_arena_copy(arena, db_rows_slice(rows, 0));
        to.id = record_arena_copy(arena, db_rows_slice(rows, group ? 2 : 1));
        found->stored = db_rows_u64(rows, 4);
        found->conversation.group_name = record_arena_copy(arena, db_rows_slice(rows, 3));
    }
    db_rows_destroy(&rows);
    place_parties(send, &to, found);
    return ERR_OK;
}

enum err before_look_up(struct db *db, struct record_arena *arena, const struct before_texts *texts,
                        struct before_found *found_r) {
    enum err refused = ERR_OK;
    *found_r = (struct before_found){.stored = 0};
    enum err err = name_parties(db, arena, &texts->send, found_r);
    if (err == ERR_OK && texts->send.nonces.count > 1)
        err = count_stored(db, &texts->send, &found_r->stored);
    if (err != ERR_OK || found_r->stored > 0)
        return err;
    err = files_check(db, arena, &texts->send, &found_r->files, &refused);
    return err == ERR_OK ? refused : err;
}

/* --- the question ---------------------------------------------------------------------------- */

struct slice *before_words(const struct delivery_send *send, size_t i) {
    return files_of(send, i) != 0 ? &send->captions.items[i] : &send->texts.items[i];
}

static void add_file(cJSON *json, struct slice packed) {
    struct record_arena arena = {0};
    struct file file;
    const char *fault;
    if (packed.length > 0 && record_unpack(&file_desc, packed, &arena, &file, &fault) == 0)
        event_json_add_file(json, &file);
    record_arena_free(&arena);
}

char *before_question_write(const struct before_texts *texts, const struct before_found *found,
                            size_t i) {
    const struct delivery_send *send = &texts->send;
    cJSON *json = cJSON_CreateObject();
    if (json == NULL)
        return NULL;
    cJSON_AddStringToObject(json, "type", texts->target == 0 ? "before.message" : "before.edit");
    event_json_add_number(json, "time_ms", (uint64_t)loop_wall_ms());
    event_json_add_conversation(json, &found->conversation);
    event_json_add_party(json, "from", &found->from);
    event_json_add_number(json, "target", texts->target);
    event_json_add_text(json, "text", *before_words(send, i));
    event_json_add_number(json, "reply", references_reply(send, i));
    event_json_add_mentions(json, references_mentions(send, i));
    if (found->files != NULL)
        add_file(json, found->files[i]);
    char *printed = cJSON_PrintUnformatted(json);
    cJSON_Delete(json);
    return printed;
}
