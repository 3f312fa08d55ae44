/* The parts of a dialect: its table of requests, and the functions that write its objects. */
#ifndef PARLEY_GATEWAY_DIALECT_FORM_H
#define PARLEY_GATEWAY_DIALECT_FORM_H

#include "services/gateway/dialect/fields.h"

/* Flags of what a request takes. */
enum request_needs { NEEDS_NOTHING = 0, NEEDS_LOGIN = 1, NEEDS_EXT = 2 };

struct request_row {
    uint64_t number;
    enum operation operation; /* OPERATION_NONE: the reader decides by the fields */
    unsigned needs;
    void (*read)(struct reading *reading); /* NULL: its body does not matter */
};

/* A dialect. The write functions append to `out`, in order and without looking at `failed`. */
struct dialect_form {
    const char *number_key, *body_key;
    const struct request_row *rows;
    size_t row_count;
    /* The dialect's own answer; nothing where success is silent or a failure has no form. */
    void (*write_answer)(bool ext, const struct dialect_request *request,
                         const struct dialect_result *result, struct buffer *out);
    void (*write_fault)(const struct dialect_account *self, struct slice reason, uint64_t time_ms,
                        struct buffer *out);
    /* The 300, around answer_write_result(). */
    void (*write_300)(const struct dialect_request *request, const struct dialect_result *result,
                      struct buffer *out);
    enum dialect_view (*entry_view)(bool ext, const struct entry *entry, uint64_t account);
    void (*write_entry)(bool ext, const struct entry *entry, uint64_t account, struct buffer *out);
    /* The 318, around answer_write_skipped(). */
    void (*write_skipped)(const struct dialect_account *self, const struct entry *entry,
                          uint64_t skipped, uint64_t time_ms, struct buffer *out);
};

#endif
