/* delivery.recall, delivery.edit, delivery.react: texts that are stored are changed. */
#include "services/delivery/change.h"
#include "services/delivery/delivery_sql.h"

/* --- recall -------------------------------------------------------------------------------- */

static enum err check_recall(struct change *change) {
    return change->administers
               ? ERR_OK
               : change_check_own(change, change->plan->service->settings.recall_minutes);
}

static enum err recall(struct change *change) {
    const struct db_value conversation = db_u64(change->head->id), cid = db_u64(change->plan->cid);
    enum err err = db_query(change->db, &delivery_sql_recall, DB_ARGS(conversation, cid), NULL);
    if (err == ERR_OK && change->shows_file)
        err = db_query(change->db, &delivery_sql_forget_file, DB_ARGS(conversation, cid), NULL);
    return err == ERR_OK ? db_query(change->db, &delivery_sql_forget_reactions,
                                    DB_ARGS(conversation, cid), NULL)
                         : err;
}

enum err handle_recall(void *context, struct db *db, struct record_arena *arena, const void *body,
                       void *reply_r) {
    (void)arena;
    const struct delivery_recall *ask = body;
    return change_run(&(struct change_plan){.service = context,
                                            .account = ask->account,
                                            .user = ask->user,
                                            .group = ask->group,
                                            .cid = ask->cid,
                                            .nonce = ask->nonce,
                                            .type = ENTRY_RECALLED,
                                            .retracts = true,
                                            .check = check_recall,
                                            .write = recall},
                      db, reply_r);
}

/* --- edit ---------------------------------------------------------------------------------- */

static enum err check_edit(struct change *change) {
    uint64_t now_ms = change->heads.now_ms, before_ms = change->edited_ms;
    change->changed_ms = now_ms > before_ms ? now_ms : before_ms + 1;
    return change_check_own(change, change->plan->service->settings.edit_minutes);
}

static enum err edit(struct change *change) {
    return db_query(change->db, &delivery_sql_edit,
                    DB_ARGS(db_bytes(change->plan->text), db_u64(change->changed_ms),
                            db_u64(change->head->id), db_u64(change->plan->cid)),
                    NULL);
}

struct edit {
    struct delivery_edit ask;
    bool reworded, stored;
};

static enum err make_edit(void *context, struct db *db, struct record_arena *arena,
                          const void *body, void *reply_r) {
    (void)arena;
    const struct edit *plan = body;
    const struct delivery_edit *ask = &plan->ask;
    return change_run(&(struct change_plan){.service = context,
                                            .account = ask->account,
                                            .user = ask->user,
                                            .group = ask->group,
                                            .cid = ask->cid,
                                            .nonce = ask->nonce,
                                            .type = ENTRY_EDITED,
                                            .text = ask->text,
                                            .reworded = plan->reworded,
                                            .stored = plan->stored,
                                            .check = check_edit,
                                            .write = edit},
                      db, reply_r);
}

static enum err go_on(void *context, struct call *call, const struct before_released *released) {
    const struct delivery_send *send = &released->texts.send;
    struct edit *plan = record_arena_alloc(call_arena(call), sizeof *plan);
    (void)context;
    if (plan == NULL)
        return ERR_OVERLOADED;
    *plan = (struct edit){.ask = {.account = send->account,
                                  .user = send->to_account,
                                  .group = send->to_group,
                                  .cid = released->texts.target,
                                  .text = send->texts.items[0],
                                  .nonce = send->nonces.items[0]},
                          .reworded = released->reworded != 0,
                          .stored = released->stored};
    return call_to_pool(call, make_edit, plan);
}

enum err handle_edit(void *context, struct call *call, const void *body) {
    struct delivery *self = context;
    const struct delivery_edit *ask = body;
    struct slice text = ask->text, nonce = ask->nonce;
    if (text.length == 0)
        return ERR_BAD_REQUEST;
    const struct before_texts texts = {.send = {.account = ask->account,
                                                .to_account = ask->user,
                                                .to_group = ask->group,
                                                .texts = {&text, 1},
                                                .nonces = {&nonce, 1}},
                                       .target = ask->cid};
    if (self->before != NULL)
        return before_hold(self->before, call, &texts, go_on);
    return go_on(self, call, &(struct before_released){.texts = texts});
}

/* --- react --------------------------------------------------------------------------------- */

static enum err check_react(struct change *change) {
    const struct change_plan *plan = change->plan;
    const struct db_value emoji = db_bytes(plan->text);
    struct db_rows *rows;
    enum err err = db_query(
        change->db, &delivery_sql_reactions,
        DB_ARGS(emoji, emoji, db_u64(plan->account), db_u64(change->head->id), db_u64(plan->cid)),
        &rows);
    if (err == ERR_OK && db_rows_next(rows)) {
        change->done = (db_rows_u64(rows, 2) != 0) == plan->on;
        if (plan->on && db_rows_u64(rows, 1) == 0 && db_rows_u64(rows, 0) >= REACTION_KINDS)
            err = ERR_TOO_MANY;
    }
    db_rows_destroy(&rows);
    return err;
}

static enum err react(struct change *change) {
    const struct change_plan *plan = change->plan;
    return db_query(change->db, plan->on ? &delivery_sql_react : &delivery_sql_unreact,
                    DB_ARGS(db_u64(change->head->id), db_u64(plan->cid), db_bytes(plan->text),
                            db_u64(plan->account)),
                    NULL);
}

enum err handle_react(void *context, struct db *db, struct record_arena *arena, const void *body,
                      void *reply_r) {
    (void)arena;
    const struct delivery_react *ask = body;
    if (ask->emoji.length == 0)
        return ERR_BAD_REQUEST;
    return change_run(&(struct change_plan){.service = context,
                                            .account = ask->account,
                                            .user = ask->user,
                                            .group = ask->group,
                                            .cid = ask->cid,
                                            .nonce = ask->nonce,
                                            .type = ENTRY_REACTED,
                                            .text = ask->emoji,
                                            .on = ask->on,
                                            .check = check_react,
                                            .write = react},
                      db, reply_r);
}
