/* Changes of stored texts; see delivery_change.h. */
#include "tests/support/delivery_change.h"

static enum err try_change(struct delivery_fixture *f, const struct message_desc *message,
                           const void *ask, struct done *done_r) {
    struct done done = {0};
    enum err err = test_caller_ask(f->caller, message, ask, &done);
    if (done_r != NULL)
        *done_r = done;
    return err;
}

enum err try_recall(struct delivery_fixture *f, const struct delivery_recall *ask,
                    struct done *done_r) {
    return try_change(f, &message_DELIVERY_RECALL, ask, done_r);
}

enum err try_edit(struct delivery_fixture *f, const struct delivery_edit *ask,
                  struct done *done_r) {
    return try_change(f, &message_DELIVERY_EDIT, ask, done_r);
}

enum err try_react(struct delivery_fixture *f, const struct delivery_react *ask,
                   struct done *done_r) {
    return try_change(f, &message_DELIVERY_REACT, ask, done_r);
}

uint64_t rows_with(struct delivery_fixture *f, const char *text) {
    return sql_number(f->database, "SELECT COUNT(*) FROM message WHERE body LIKE '%%%s%%'", text);
}

uint64_t reactions(struct delivery_fixture *f, uint64_t cid) {
    return sql_number(f->database, "SELECT COUNT(*) FROM reaction WHERE cid = %" PRIu64, cid);
}

uint64_t pair_of(struct delivery_fixture *f, uint64_t a, uint64_t b) {
    return sql_number(f->database,
                      "SELECT id FROM conversation WHERE kind = 0 AND lo = %" PRIu64
                      " AND hi = %" PRIu64,
                      a < b ? a : b, a < b ? b : a);
}

void make_older(struct delivery_fixture *f, uint64_t cid, uint64_t seconds) {
    sql_run(f->database,
            "UPDATE message SET time_ms = time_ms - %" PRIu64 " * 1000 WHERE cid = %" PRIu64,
            seconds, cid);
}
