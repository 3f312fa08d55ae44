/* One batch of texts through one transaction. */
#include "services/delivery/batch.h"

#include "common/db.h"
#include "common/log.h"
#include "common/loop.h"
#include "proto/conversation.h"
#include "services/delivery/files.h"
#include "services/delivery/references.h"
#include "services/delivery/rights.h"
#include "services/delivery/slow.h"
#include "services/entries/conversations.h"
#include "services/entries/entries.h"

/*
 * limit: delivery | a sender's time that a batch may use | at least a quarter of what the one with
 * the most has left {BATCH_SHARE:} | `timeout`: it is not in the batch; the gateway tries again
 */
/* A request goes with a batch that leaves it at least this part of the longest time of all. */
#define BATCH_SHARE 4

_Static_assert(ENTRIES_MAX_ROWS <= CONVERSATIONS_MAX_PAIRS, "each text may be to another person");

/* Texts as rows, and whose they are; those of one submission stand together. */
struct rows {
    struct entry_row items[ENTRIES_MAX_ROWS];
    struct submission *submissions[ENTRIES_MAX_ROWS];
    size_t count;
};

struct batch {
    struct db *db;
    struct head_cache *cache;
    uint64_t instance;
    bool friends_only;
    struct submission **submissions;
    size_t count;
    uint64_t conversations[ENTRIES_MAX_ROWS]; /* by submission; 0: it failed already */
    struct entry_heads heads;
    struct rows rows;    /* to be stored */
    struct rows refused; /* may not be, now */
};

/* Finds the conversation of each submission. An error is the database's and ends the attempt. */
static enum err find_conversations(struct batch *batch) {
    struct conversation_pair pairs[ENTRIES_MAX_ROWS];
    size_t count = 0;
    for (size_t i = 0; i < batch->count; i++) {
        const struct delivery_send *body = batch->submissions[i]->body;
        if (body->to_group == 0)
            pairs[count++] = conversation_pair(body->account, body->to_account);
    }
    enum err err = conversations_open_pairs(batch->db, batch->cache, pairs, count);
    count = 0;
    for (size_t i = 0; err == ERR_OK && i < batch->count; i++) {
        struct submission *submission = batch->submissions[i];
        const struct delivery_send *body = submission->body;
        batch->conversations[i] = body->to_group != 0 ? conversation_of_group(body->to_group)
                                                      : pairs[count++].conversation;
        submission->err = batch->conversations[i] == 0 ? ERR_NO_ACCOUNT : ERR_OK;
        submission->reply = (struct delivery_send_reply){0};
        submission->files = NULL;
    }
    return err;
}

static struct entry_row make_row(const struct submission *submission, size_t i,
                                 struct entry_head *head) {
    const struct delivery_send *body = submission->body;
    struct entry_row row = {.head = head,
                            .type = ENTRY_TEXT,
                            .sender = body->account,
                            .nonce = body->nonces.items[i],
                            .text = body->texts.items[i],
                            .reworded = (submission->reworded >> i & 1) != 0,
                            .reply = references_reply(body, i),
                            .mentions = references_mentions(body, i),
                            .file = files_of(body, i)};
    if (row.file != 0) {
        row.text = body->captions.items[i];
        row.file_kind = body->file_kinds.items[i];
        row.packed_file = submission->files == NULL ? slice_make(NULL, 0) : submission->files[i];
    }
    return row;
}

static void add_rows(struct rows *rows, struct submission *submission, struct entry_head *head) {
    for (size_t i = 0; i < submission->body->texts.count; i++) {
        rows->submissions[rows->count] = submission;
        rows->items[rows->count++] = make_row(submission, i, head);
    }
}

/* Makes the lists of a request's reply, empty. */
static bool prepare_reply(struct submission *submission) {
    size_t bytes = submission->body->texts.count * sizeof(uint64_t);
    struct record_arena *arena = call_arena(submission->call);
    submission->reply =
        (struct delivery_send_reply){.cids.items = record_arena_alloc(arena, bytes),
                                     .times_ms.items = record_arena_alloc(arena, bytes)};
    return submission->reply.cids.items != NULL && submission->reply.times_ms.items != NULL;
}

/* Adds the outcome of one text. */
static void reply_row(struct submission *submission, const struct entry_row *row) {
    struct delivery_send_reply *reply = &submission->reply;
    reply->conversation = row->head->id;
    reply->cids.items[reply->cids.count++] = row->clash ? 0 : row->cid;
    reply->times_ms.items[reply->times_ms.count++] = row->time_ms;
    reply->repeats += row->repeat && !row->clash;
}

/*
 * A sender that may not write any more (it has left the group, say) and repeats a text that it sent
 * when it was allowed to gets the first reply, if all of the request was stored. So does one whose
 * texts were stored before they could be asked about; where one is another text it gets that, too.
 */
static enum err repeat_refused(struct batch *batch) {
    struct rows *refused = &batch->refused;
    if (refused->count == 0)
        return ERR_OK;
    enum err err = entries_find_repeats(batch->db, refused->items, refused->count);
    for (size_t at = 0, count; err == ERR_OK && at < refused->count; at += count) {
        struct submission *submission = refused->submissions[at];
        size_t stored = 0;
        count = submission->body->texts.count;
        for (size_t i = at; i < at + count; i++)
            stored += refused->items[i].repeat && (submission->stored || !refused->items[i].clash);
        if (stored < count || !prepare_reply(submission))
            continue;
        for (size_t i = at; i < at + count; i++)
            reply_row(submission, &refused->items[i]);
        submission->err = ERR_OK;
    }
    return err;
}

static bool writes_in_batch(const struct rows *rows, const struct entry_head *head,
                            uint64_t account) {
    for (size_t i = 0; i < rows->count; i++)
        if (rows->items[i].head == head && rows->items[i].sender == account)
            return true;
    return false;
}

/* Of a request with several texts the first might be stored: then the gateway asks for each alone.
 * An error ends the attempt. */
static enum err check_slow(const struct batch *batch, struct submission *submission,
                           const struct entry_head *head) {
    enum err err = ERR_OK;
    uint64_t account = submission->body->account;
    if (head == NULL || !slow_concerns(head, account))
        return ERR_OK;
    submission->wait_ms = head->slow_s * 1000;
    if (submission->body->texts.count == 1 && !writes_in_batch(&batch->rows, head, account))
        err = slow_wait(batch->db, head, account, batch->heads.now_ms, &submission->wait_ms);
    submission->err = submission->wait_ms > 0 ? ERR_SLOW_MODE : ERR_OK;
    return err;
}

/* Sets why it may not be stored, if so. An error ends the attempt. */
static enum err check_submission(struct batch *batch, struct submission *submission,
                                 const struct entry_head *head, struct record_arena *arena) {
    const struct delivery_send *body = submission->body;
    if (submission->stored) {
        submission->err = ERR_UNAVAILABLE; /* unless it is found: it was removed meanwhile */
        return ERR_OK;
    }
    submission->err =
        rights_check_write(head, body->account, batch->heads.now_ms, batch->friends_only);
    if (submission->err == ERR_MUTED)
        submission->until_ms = rights_muted_until_ms(head, body->account);
    enum err err = submission->err == ERR_OK ? check_slow(batch, submission, head) : ERR_OK;
    if (err == ERR_OK && submission->err == ERR_OK)
        err = references_check(batch->db, arena, head, body, &submission->err);
    if (err == ERR_OK && submission->err == ERR_OK)
        err = files_check(batch->db, arena, body, &submission->files, &submission->err);
    return err;
}

/* An error ends the attempt. */
static enum err make_rows(struct batch *batch, struct record_arena *arena) {
    batch->rows.count = batch->refused.count = 0;
    for (size_t i = 0; i < batch->count; i++) {
        struct submission *submission = batch->submissions[i];
        if (batch->conversations[i] == 0)
            continue;
        struct entry_head *head = entries_find_head(&batch->heads, batch->conversations[i]);
        if (head == NULL && submission->body->to_group == 0) {
            /* It was there, and none is ever removed: the database is another one. */
            head_cache_clear(batch->cache);
            db_rollback(batch->db);
            return ERR_UNAVAILABLE;
        }
        enum err err = check_submission(batch, submission, head, arena);
        if (err != ERR_OK) {
            db_rollback(batch->db);
            return err;
        }
        if (submission->err == ERR_OK)
            add_rows(&batch->rows, submission, head);
        else if (head != NULL)
            add_rows(&batch->refused, submission, head);
    }
    return repeat_refused(batch);
}

/* Ends the transaction. Where nothing is to be stored, its claims of heads are undone, too: a
 * refused text changes nothing, and whatever the writer knew before is as exact as it was. */
static enum err append(struct batch *batch) {
    struct rows *rows = &batch->rows;
    if (rows->count == 0) {
        db_rollback(batch->db);
        return ERR_OK;
    }
    enum err err = entries_append(batch->db, &batch->heads, rows->items, rows->count, true);
    if (err == ERR_OK)
        head_cache_keep(batch->cache, &batch->heads);
    else
        head_cache_forget(batch->cache, &batch->heads);
    return err;
}

static enum err commit(struct batch *batch, struct record_arena *arena) {
    uint64_t ids[ENTRIES_MAX_ROWS];
    size_t count = 0;
    batch->heads = (struct entry_heads){0};
    batch->rows.count = 0;
    head_cache_follow(batch->cache, db_connections(batch->db));
    enum err err = find_conversations(batch);
    if (err != ERR_OK)
        return err;
    for (size_t i = 0; i < batch->count; i++)
        if (batch->conversations[i] != 0)
            ids[count++] = batch->conversations[i];
    if (count == 0)
        return ERR_OK;
    err = entries_lock(batch->db, batch->cache, batch->instance, ids, count, batch->friends_only,
                       arena, &batch->heads);
    if (err == ERR_OK)
        err = make_rows(batch, arena);
    return err == ERR_OK ? append(batch) : err;
}

/* The trace of a request's `index`-th message. */
static uint64_t trace_of(const struct submission *submission, size_t index) {
    const struct u64_list *traces = &submission->body->traces;
    return index < traces->count ? traces->items[index] : call_trace(submission->call);
}

static void note_stored(const struct entry_row *row, uint64_t trace) {
    uint64_t before = log_trace_begin(trace);
    log_debug("stored", "cid=%llu conversation=%llu account=%llu repeat=%s",
              (unsigned long long)row->cid, (unsigned long long)row->conversation,
              (unsigned long long)row->sender, row->repeat ? "yes" : "no");
    log_trace_end(before);
}

/* The accounts that the row mentions, as readers see them. */
static enum err show_mentions(struct batch *batch, const struct entry_row *row,
                              struct record_arena *arena, struct entry *entry) {
    struct mentioned mentioned;
    enum err err = references_find_ids(batch->db, arena, &row->mentions, 1, &mentioned);
    return err == ERR_OK ? references_show(&mentioned, arena, row->mentions, entry) : err;
}

static int route_row(struct batch *batch, struct record_arena *arena, struct route_batch *routes,
                     const struct entry_row *row, const struct delivery_send *body,
                     uint64_t trace) {
    const struct entry_head *head = row->head;
    bool group = body->to_group != 0;
    struct slice to_id = group                          ? head->string_id
                         : head->lo == body->to_account ? head->lo_id
                                                        : head->hi_id;
    struct entry entry = {.conversation = row->conversation,
                          .cid = row->cid,
                          .prev = row->prev,
                          .time_ms = row->time_ms,
                          .type = row->type,
                          .from = row->sender,
                          .from_id = body->account_id,
                          .to = group ? body->to_group : body->to_account,
                          .to_id = to_id,
                          .text = row->text,
                          .reply = row->reply,
                          .file = row->packed_file,
                          .trace = trace,
                          .repeat = row->repeat};
    const uint64_t pair[2] = {head->lo, head->hi};
    if (row->mentions.length > 0 && show_mentions(batch, row, arena, &entry) != ERR_OK)
        return -1;
    return group ? route_batch_add(routes, &entry, head->members.items, head->members.count)
                 : route_batch_add(routes, &entry, pair, 2);
}

static struct route_batch *reply_and_route(struct batch *batch, struct record_arena *arena,
                                           bool *missed_r) {
    if (batch->rows.count == 0)
        return NULL;
    struct route_batch *routes = route_batch_new();
    *missed_r = routes == NULL;
    for (size_t i = 0; i < batch->rows.count; i++) {
        const struct entry_row *row = &batch->rows.items[i];
        struct submission *submission = batch->rows.submissions[i];
        if (submission->reply.cids.count == 0 && !prepare_reply(submission))
            submission->err = ERR_UNAVAILABLE; /* stored; the repeat will find it */
        uint64_t trace = trace_of(submission, submission->reply.cids.count);
        note_stored(row, trace);
        if (submission->err == ERR_OK)
            reply_row(submission, row);
        /* A clash stands in for another text, and a text that was changed since in for its newest:
         * nobody is to read it. */
        if (routes != NULL && !row->clash && !row->changed &&
            route_row(batch, arena, routes, row, submission->body, trace) != 0)
            *missed_r = true;
    }
    return routes;
}

/*
 * A batch ends by the earliest deadline of its senders, or is undone. A sender whose time is nearly
 * over would leave too little to the others: its request fails with a timeout, and it asks again if
 * it still wants it. Copies the others to `kept`.
 */
static size_t keep_timely(struct submission *const *submissions, size_t count,
                          struct submission **kept, int64_t *deadline_ms_r) {
    int64_t now_ms = loop_now_ms(), most_ms = 0;
    size_t kept_count = 0;
    *deadline_ms_r = INT64_MAX;
    for (size_t i = 0; i < count; i++) {
        int64_t deadline_ms = call_deadline_ms(submissions[i]->call);
        if (deadline_ms != INT64_MAX && deadline_ms - now_ms > most_ms)
            most_ms = deadline_ms - now_ms;
    }
    for (size_t i = 0; i < count; i++) {
        int64_t deadline_ms = call_deadline_ms(submissions[i]->call);
        if (deadline_ms - now_ms <= most_ms / BATCH_SHARE) {
            submissions[i]->err = ERR_TIMEOUT;
            continue;
        }
        *deadline_ms_r = deadline_ms < *deadline_ms_r ? deadline_ms : *deadline_ms_r;
        kept[kept_count++] = submissions[i];
    }
    return kept_count;
}

struct route_batch *batch_run(struct db *db, struct head_cache *cache, uint64_t instance,
                              bool friends_only, struct submission **submissions, size_t count,
                              bool *missed_r) {
    struct submission *kept[ENTRIES_MAX_ROWS];
    int64_t deadline_ms;
    struct batch batch = {.db = db,
                          .cache = cache,
                          .instance = instance,
                          .friends_only = friends_only,
                          .submissions = kept,
                          .count = keep_timely(submissions, count, kept, &deadline_ms)};
    struct record_arena arena = {0};
    struct route_batch *routes = NULL;
    enum err err = batch.count == 0 ? ERR_OK : ERR_UNAVAILABLE;
    bool uncertain = false;
    *missed_r = false;
    for (int attempt = 0; attempt < BATCH_ATTEMPTS && err == ERR_UNAVAILABLE; attempt++) {
        db_set_deadline(db, deadline_ms);
        err = db_connect(db);
        if (err == ERR_OK)
            err = commit(&batch, &arena);
        if (err != ERR_OK)
            uncertain = uncertain || db_uncertain(db) || batch.heads.committed;
    }
    if (err == ERR_OK)
        routes = reply_and_route(&batch, &arena, missed_r);
    else if (err == ERR_UNAVAILABLE && uncertain)
        err = ERR_UNKNOWN_OUTCOME;
    for (size_t i = 0; err != ERR_OK && i < batch.count; i++)
        kept[i]->err = err;
    /* The texts may be stored after all, and perhaps nobody sends them again. */
    if (err != ERR_OK && uncertain)
        *missed_r = true;
    record_arena_free(&arena);
    return routes;
}
