/* One batch of messages through one transaction. */
#include "services/delivery/batch.h"

#include "common/log.h"
#include "common/loop.h"
#include "proto/conversation.h"

/* A request goes with a batch that leaves it at least this part of the longest time of all. */
#define BATCH_SHARE 4

struct batch {
    struct db *db;
    struct head_cache *cache;
    uint64_t instance;
    struct send **sends;
    size_t count;
    uint64_t conversations[ENTRIES_MAX_ROWS]; /* by send; 0: it failed already */
    struct send *row_sends[ENTRIES_MAX_ROWS]; /* by row */
    struct entry_row rows[ENTRIES_MAX_ROWS];
    size_t row_count;
    struct entry_heads heads;
};

/* Finds each message's conversation. An error is the database's and ends the attempt. */
static enum err find_conversations(struct batch *batch) {
    for (size_t i = 0; i < batch->count; i++) {
        struct send *send = batch->sends[i];
        const struct delivery_send *body = send->body;
        send->err = ERR_OK;
        if (body->to_group != 0) {
            batch->conversations[i] = conversation_of_group(body->to_group);
            continue;
        }
        send->err = entries_open_pair(batch->db, batch->cache, body->account, body->to_account,
                                      &batch->conversations[i]);
        if (send->err == ERR_OK)
            continue;
        batch->conversations[i] = 0;
        if (send->err != ERR_NO_ACCOUNT)
            return send->err;
    }
    return ERR_OK;
}

/* Whether the sender may write, as of this transaction. */
static enum err may_write(const struct entry_head *head, const struct delivery_send *body) {
    if (body->to_group != 0) {
        if (head == NULL || head->dissolved)
            return ERR_NO_GROUP;
        return entries_is_member(head, body->account) ? ERR_OK : ERR_NOT_MEMBER;
    }
    if (head == NULL)
        return ERR_NO_ACCOUNT;
    unsigned bit = body->account == head->lo ? 1 : 2;
    return (head->blocked & bit) != 0 ? ERR_BLOCKED : ERR_OK;
}

static struct entry_row make_row(const struct delivery_send *body, size_t i,
                                 struct entry_head *head) {
    return (struct entry_row){.head = head,
                              .type = ENTRY_TEXT,
                              .sender = body->account,
                              .nonce = body->nonces.items[i],
                              .text = body->texts.items[i]};
}

static void add_rows(struct batch *batch, struct send *send, struct entry_head *head) {
    for (size_t i = 0; i < send->body->texts.count; i++) {
        batch->row_sends[batch->row_count] = send;
        batch->rows[batch->row_count++] = make_row(send->body, i, head);
    }
}

/* Makes the lists of a request's reply, empty. */
static bool prepare_reply(struct send *send) {
    size_t bytes = send->body->texts.count * sizeof(uint64_t);
    send->reply = (struct delivery_send_reply){
        .cids.items = record_arena_alloc(call_arena(send->call), bytes),
        .times_ms.items = record_arena_alloc(call_arena(send->call), bytes)};
    return send->reply.cids.items != NULL && send->reply.times_ms.items != NULL;
}

/* Adds what became of one text. */
static void reply_row(struct send *send, const struct entry_row *row) {
    struct delivery_send_reply *reply = &send->reply;
    reply->conversation = row->head->id;
    reply->cids.items[reply->cids.count++] = row->clash ? 0 : row->cid;
    reply->times_ms.items[reply->times_ms.count++] = row->time_ms;
    reply->repeats += row->repeat && !row->clash;
}

/*
 * A sender who may not write any more (it has left the group, say) and asks again what it was
 * allowed then gets the first answer, if all of the request was stored.
 */
static enum err answer_refused(struct batch *batch, struct send *send, struct entry_head *head) {
    struct entry_row rows[DELIVERY_SEND_MAX];
    size_t count = send->body->texts.count, stored = 0;
    for (size_t i = 0; i < count; i++)
        rows[i] = make_row(send->body, i, head);
    enum err err = entries_find_repeats(batch->db, rows, count);
    for (size_t i = 0; err == ERR_OK && i < count; i++)
        stored += rows[i].repeat && !rows[i].clash;
    if (err != ERR_OK || stored < count || !prepare_reply(send))
        return err;
    for (size_t i = 0; i < count; i++)
        reply_row(send, &rows[i]);
    send->err = ERR_OK;
    return ERR_OK;
}

/* An error is the database's and ends the attempt. */
static enum err make_rows(struct batch *batch) {
    enum err err = ERR_OK;
    batch->row_count = 0;
    for (size_t i = 0; err == ERR_OK && i < batch->count; i++) {
        struct send *send = batch->sends[i];
        if (batch->conversations[i] == 0)
            continue;
        struct entry_head *head = entries_find_head(&batch->heads, batch->conversations[i]);
        send->err = may_write(head, send->body);
        send->reply = (struct delivery_send_reply){0};
        if (send->err == ERR_OK)
            add_rows(batch, send, head);
        else if (head != NULL)
            err = answer_refused(batch, send, head);
    }
    return err;
}

static enum err commit(struct batch *batch, struct record_arena *arena) {
    uint64_t ids[ENTRIES_MAX_ROWS];
    size_t count = 0;
    enum err err = find_conversations(batch);
    if (err != ERR_OK)
        return err;
    for (size_t i = 0; i < batch->count; i++)
        if (batch->conversations[i] != 0)
            ids[count++] = batch->conversations[i];
    batch->row_count = 0;
    if (count == 0)
        return ERR_OK;
    err = entries_lock(batch->db, batch->cache, batch->instance, ids, count, arena, &batch->heads);
    if (err != ERR_OK)
        return err;
    err = make_rows(batch);
    if (err != ERR_OK)
        return err;
    if (batch->row_count == 0) {
        db_rollback(batch->db);
        head_cache_clear(batch->cache); /* the claim on `writer` is rolled back with the rest */
        return ERR_OK;
    }
    err = entries_append(batch->db, &batch->heads, batch->rows, batch->row_count, true);
    if (err == ERR_OK)
        head_cache_keep(batch->cache, &batch->heads);
    return err;
}

/* The trace of a request's `index`-th message. */
static uint64_t trace_of(const struct send *send, size_t index) {
    const struct u64_list *traces = &send->body->traces;
    return index < traces->count ? traces->items[index] : call_trace(send->call);
}

static void note_stored(const struct entry_row *row, uint64_t trace) {
    uint64_t before = log_trace_begin(trace);
    log_debug("stored", "cid=%llu conversation=%llu account=%llu repeat=%s",
              (unsigned long long)row->cid, (unsigned long long)row->conversation,
              (unsigned long long)row->sender, row->repeat ? "yes" : "no");
    log_trace_end(before);
}

static int route_row(struct route_batch *routes, const struct entry_row *row,
                     const struct delivery_send *body, uint64_t trace) {
    const struct entry_head *head = row->head;
    bool group = body->to_group != 0;
    struct entry entry = {.conversation = row->conversation,
                          .cid = row->cid,
                          .prev = row->prev,
                          .time_ms = row->time_ms,
                          .type = row->type,
                          .from = row->sender,
                          .from_id = body->account_id,
                          .to = group ? body->to_group : body->to_account,
                          .to_id = group ? head->string_id : slice_make(NULL, 0),
                          .text = row->text,
                          .trace = trace,
                          .repeat = row->repeat};
    const uint64_t pair[2] = {head->lo, head->hi};
    return group ? route_batch_add(routes, &entry, head->members.items, head->members.count)
                 : route_batch_add(routes, &entry, pair, 2);
}

static struct route_batch *answer(struct batch *batch, bool *missed_r) {
    if (batch->row_count == 0)
        return NULL;
    struct route_batch *routes = route_batch_new();
    *missed_r = routes == NULL;
    for (size_t i = 0; i < batch->row_count; i++) {
        const struct entry_row *row = &batch->rows[i];
        struct send *send = batch->row_sends[i];
        if (send->reply.cids.count == 0 && !prepare_reply(send))
            send->err = ERR_UNAVAILABLE; /* stored; the repeat will find it */
        uint64_t trace = trace_of(send, send->reply.cids.count);
        note_stored(row, trace);
        if (send->err == ERR_OK)
            reply_row(send, row);
        /* A clash is nothing that was said to anybody here. */
        if (routes != NULL && !row->clash && route_row(routes, row, send->body, trace) != 0)
            *missed_r = true;
    }
    return routes;
}

/*
 * A batch ends by the deadline of the first of its senders, or is undone. Those whose time is
 * nearly over by then would leave too little to the others: they are told so, and ask again if they
 * still want it. Copies the others to `kept`.
 */
static size_t keep_timely(struct send *const *sends, size_t count, struct send **kept,
                          int64_t *deadline_ms_r) {
    int64_t now_ms = loop_now_ms(), most_ms = 0;
    size_t kept_count = 0;
    *deadline_ms_r = INT64_MAX;
    for (size_t i = 0; i < count; i++) {
        int64_t deadline_ms = call_deadline_ms(sends[i]->call);
        if (deadline_ms != INT64_MAX && deadline_ms - now_ms > most_ms)
            most_ms = deadline_ms - now_ms;
    }
    for (size_t i = 0; i < count; i++) {
        int64_t deadline_ms = call_deadline_ms(sends[i]->call);
        if (deadline_ms - now_ms <= most_ms / BATCH_SHARE) {
            sends[i]->err = ERR_TIMEOUT;
            continue;
        }
        *deadline_ms_r = deadline_ms < *deadline_ms_r ? deadline_ms : *deadline_ms_r;
        kept[kept_count++] = sends[i];
    }
    return kept_count;
}

struct route_batch *batch_run(struct db *db, struct head_cache *cache, uint64_t instance,
                              struct send **sends, size_t count, bool *missed_r) {
    struct send *kept[ENTRIES_MAX_ROWS];
    int64_t deadline_ms;
    struct batch batch = {.db = db,
                          .cache = cache,
                          .instance = instance,
                          .sends = kept,
                          .count = keep_timely(sends, count, kept, &deadline_ms)};
    struct record_arena arena = {0};
    struct route_batch *routes = NULL;
    enum err err = batch.count == 0 ? ERR_OK : ERR_UNAVAILABLE;
    bool uncertain = false;
    *missed_r = false;
    for (int attempt = 0; attempt < WRITERS_ATTEMPTS && err == ERR_UNAVAILABLE; attempt++) {
        db_set_deadline(db, deadline_ms);
        err = db_connect(db);
        if (err == ERR_OK)
            err = commit(&batch, &arena);
        if (err != ERR_OK) {
            uncertain = uncertain || db_uncertain(db);
            head_cache_clear(cache);
        }
    }
    if (err == ERR_OK)
        routes = answer(&batch, missed_r);
    else if (err == ERR_UNAVAILABLE && uncertain)
        err = ERR_UNKNOWN_OUTCOME;
    for (size_t i = 0; err != ERR_OK && i < batch.count; i++)
        kept[i]->err = err;
    /* It may be in the log after all, and nobody may say it again. */
    if (err != ERR_OK && uncertain)
        *missed_r = true;
    record_arena_free(&arena);
    return routes;
}
