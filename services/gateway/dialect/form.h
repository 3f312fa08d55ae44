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
    bool string_ids;          /* ids are written as strings */
    bool requests_have_token; /* requests may carry the login's `token` */
    void (*read_id)(struct reading *reading, const cJSON *object, const char *name,
                    struct dialect_id *id_r);
    /* An object up to the first of its fields, and its end. */
    void (*open)(struct buffer *out, uint64_t number, uint64_t time_ms);
    void (*close)(struct buffer *out);
    const struct request_row *rows;
    size_t row_count;
    /* The dialect's own answer; nothing where success is silent or a failure has no form. */
    void (*write_answer)(bool ext, const struct dialect_request *request,
                         const struct dialect_result *result, struct buffer *out);
    void (*write_fault)(const struct dialect_account *self, struct slice reason, uint64_t time_ms,
                        struct buffer *out);
    enum dialect_view (*entry_view)(bool ext, const struct entry *entry, uint64_t account);
    void (*write_entry)(const struct dialect_form *form, bool ext, const struct entry *entry,
                        uint64_t account, struct buffer *out);
    /* Of the one who writes; NULL: files have no addresses. */
    const struct dialect_addresses *addresses;
};

/*
 * Numbers from 300 on are the same in every dialect, but for the envelope and the form of ids.
 * Their rows stand in extension.c, their functions in extension_*.c. The functions write fields
 * (`"key":value,...`) between the form's `open` and `close`.
 */
/* The fields of an answer to a request that succeeded, from `result->reply`. */
typedef void extension_answer_writer(const struct dialect_form *form,
                                     const struct dialect_account *self,
                                     const struct dialect_request *request,
                                     const struct dialect_result *result, struct buffer *out);
struct extension_answer {
    enum operation operation;
    uint64_t number;
    extension_answer_writer *write;
};
/* The fields of an entry as `account` gets it; of an entry in a group, the same for every member.
 */
typedef void extension_notice_writer(const struct dialect_form *form, const struct entry *entry,
                                     uint64_t account, struct buffer *out);
struct extension_notice {
    enum entry_type type;
    uint64_t number;
    extension_notice_writer *write;
};

#endif
