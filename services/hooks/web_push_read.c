/* Makes the messages of Web Push that are due; see web_push_read.h. */
#include "services/hooks/web_push_read.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "services/hooks/event_read.h"
#include "services/hooks/hooks_sql.h"
#include "services/hooks/push_key.h"
#include "services/hooks/push_subscription.h"

/* limit: hooks | rows of the journal that Web Push reads at once | {WAKE_ROWS} | the next ones
 * follow */
#define WAKE_ROWS 500

/* A message that cannot be made is of a subscription that is none. */
static void make(const struct hooks *hooks, const unsigned char *secret, uint64_t now_s,
                 const struct db_rows *rows, struct slice text, struct web_push_message *message) {
    const struct slice p256dh = db_rows_slice(rows, 2), auth = db_rows_slice(rows, 3);
    char origin[PUSH_ORIGIN_ROOM];
    struct web_push_keys keys;
    message->state = WEB_PUSH_GONE;
    if (db_rows_u64(rows, 4) == 0 || p256dh.length != sizeof keys.p256dh ||
        auth.length != sizeof keys.auth)
        return;
    memcpy(keys.p256dh, p256dh.data, sizeof keys.p256dh);
    memcpy(keys.auth, auth.data, sizeof keys.auth);
    push_subscription_origin(message->endpoint, origin);
    if (web_push_encrypt(&keys, text, message->body, &message->length) &&
        web_push_authorization(secret, origin, hooks->settings.web_push_contact,
                               now_s + WEB_PUSH_VALID_S, message->authorization))
        message->state = WEB_PUSH_DUE;
}

/* All subscriptions of an account. */
static enum err make_all(const struct hooks *hooks, struct db *db, const unsigned char *secret,
                         const struct event_wake *wake, struct web_push_batch *batch) {
    struct db_rows *rows = NULL;
    struct buffer text = buffer_make(WEB_PUSH_TEXT_MAX);
    const uint64_t account = wake->offline.account.number;
    enum err err = db_query(db, &hooks_sql_subscriptions, DB_ARGS(db_u64(account)), &rows);
    events_write_offline(&wake->offline, &wake->entry, &text);
    while (err == ERR_OK && !text.failed && batch->count < WEB_PUSH_MESSAGES &&
           db_rows_next(rows)) {
        struct web_push_message *message = &batch->messages[batch->count++];
        const struct slice endpoint = db_rows_slice(rows, 1);
        message->account = account;
        message->login = db_rows_u64(rows, 0);
        snprintf(message->endpoint, sizeof message->endpoint, "%.*s", (int)endpoint.length,
                 endpoint.data);
        make(hooks, secret, batch->now_s, rows, slice_make(text.data, text.length), message);
    }
    db_rows_destroy(&rows);
    buffer_free(&text);
    return err;
}

static enum err take_row(const struct hooks *hooks, struct db *db, const unsigned char *secret,
                         const struct db_rows *journal, struct web_push_batch *batch) {
    struct event_wake wake = {.due = false};
    if (!slice_equal(db_rows_slice(journal, JOURNAL_WHAT), slice_text("offline")))
        return ERR_OK;
    enum err err = event_wake_read(db, journal, hooks->settings.push_text, &wake);
    if (wake.due)
        err = make_all(hooks, db, secret, &wake, batch);
    event_wake_free(&wake);
    return err;
}

/* There is always room for all subscriptions of one account more. */
enum err web_push_read(const struct hooks *hooks, struct db *db, struct web_push_batch *batch) {
    unsigned char secret[WEB_PUSH_SECRET_BYTES];
    struct db_rows *journal = NULL;
    batch->count = 0;
    batch->upto = batch->place;
    enum err err = push_key_get(db, secret);
    if (err == ERR_OK)
        err = db_query(db, &hooks_sql_read_wakes,
                       DB_ARGS(db_u64(batch->place), db_u64(batch->newest), db_u64(WAKE_ROWS)),
                       &journal);
    if (err == ERR_OK && db_rows_count(journal) == 0)
        batch->upto = batch->newest;
    while (err == ERR_OK && batch->count < WEB_PUSH_MESSAGES / 2 && db_rows_next(journal)) {
        err = take_row(hooks, db, secret, journal, batch);
        batch->upto = db_rows_u64(journal, JOURNAL_SEQ);
    }
    db_rows_destroy(&journal);
    sodium_memzero(secret, sizeof secret);
    return err;
}
