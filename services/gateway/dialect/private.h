/*
 * What the dialects share among themselves: the form that each one has, helpers that read fields,
 * and helpers that write JSON. Only dialect*.c include this.
 */
#ifndef PARLEY_GATEWAY_DIALECT_PRIVATE_H
#define PARLEY_GATEWAY_DIALECT_PRIVATE_H

#include "services/gateway/dialect/dialect.h"

/*
 * One request being read. The first fault stays: every helper below does nothing after it, so a
 * reader is a plain list of the fields that it wants.
 */
struct reading {
    struct dialect_request *request;
    cJSON *json;       /* all of it; the request's slices point into it until it is read */
    const cJSON *body; /* the object under `data` or `msgBody` */
    enum err err;
    char *fault; /* DIALECT_FAULT_BYTES */
};

/* Flags of what a request takes. */
enum request_needs { NEEDS_NOTHING = 0, NEEDS_LOGIN = 1, NEEDS_EXT = 2 };

struct request_row {
    uint64_t number;
    enum operation operation; /* OPERATION_NONE: the reader tells by the fields */
    unsigned needs;
    void (*read)(struct reading *reading); /* NULL: its body does not matter */
};

/*
 * A notice: an entry that is no text. Its fields stand in the order in which they are written.
 */
enum notice_value {
    NOTICE_END,
    NOTICE_FROM,
    NOTICE_SUBJECT,
    NOTICE_TO,
    NOTICE_ANSWER,
    NOTICE_TEXT
};
enum notice_for {
    NOTICE_FOR_ALL,
    NOTICE_FOR_SUBJECT, /* shown to that account alone */
    NOTICE_FOR_EXT      /* shown to clients that opted in */
};
struct notice_field {
    const char *key;
    enum notice_value value;
    bool ext; /* left out for clients that did not opt in */
};
struct notice_row {
    enum entry_type type;
    enum conversation_kind kind; /* that such an entry stands in; a pair's where it is not stored */
    uint64_t number;
    uint64_t number_if_no; /* of an answer that refuses; 0: the same number and fields */
    enum notice_for seen_by;
    struct notice_field fields[4], fields_if_no[3]; /* up to NOTICE_END or the end */
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
    /* The 300, around write_result_fields(). */
    void (*write_300)(const struct dialect_request *request, const struct dialect_result *result,
                      struct buffer *out);
    enum dialect_view (*entry_view)(bool ext, const struct entry *entry, uint64_t account);
    void (*write_entry)(bool ext, const struct entry *entry, uint64_t account, struct buffer *out);
    /* The 318, around write_skipped_fields(). */
    void (*write_skipped)(const struct dialect_account *self, const struct entry *entry,
                          uint64_t skipped, uint64_t time_ms, struct buffer *out);
};
extern const struct dialect_form dialect_form_ourchat;
extern const struct dialect_form dialect_form_youim;

/* --- reading (dialect_fields.c) ----------------------------------------------------------------
 *
 * `name` is what a fault calls the field; what stands behind its last dot is the key in `object`.
 * A field that is null counts as absent. Results are left alone after a fault.
 */
void reading_fail(struct reading *reading, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void reading_no_memory(struct reading *reading);
/* Copies `sentence`, cut between characters where it is too long. */
void fault_copy(char fault_r[DIALECT_FAULT_BYTES], const char *sentence);

bool field_given(const cJSON *object, const char *name);
/* Whether `item` is a whole number below NUMBER_LIMIT, or the decimal form of one. */
bool field_number(const cJSON *item, uint64_t *number_r);

const cJSON *reading_object(struct reading *reading, const cJSON *object, const char *name);
/* A string of 1 to `max_bytes` bytes (0: as long as the object allows). */
void reading_text(struct reading *reading, const cJSON *object, const char *name, size_t max_bytes,
                  struct slice *text_r);
/* The name of a person or group; a whole number is taken as its digits. */
void reading_name(struct reading *reading, const cJSON *object, const char *name,
                  struct slice *text_r);
void reading_email(struct reading *reading, const cJSON *object, const char *name,
                   struct slice *text_r);
/* A login name: a string, or a whole number, which is taken as its digits. */
void reading_login(struct reading *reading, const cJSON *object, const char *name, size_t max_bytes,
                   struct slice *text_r);
/* An id that is a number, or its decimal form (OurChat). */
void reading_number_id(struct reading *reading, const cJSON *object, const char *name,
                       struct dialect_id *id_r);
/* An id that is a string, or a number (YouIM): somebody's, or one that is to be somebody's. */
void reading_string_id(struct reading *reading, const cJSON *object, const char *name,
                       struct dialect_id *id_r);
void reading_new_id(struct reading *reading, const cJSON *object, const char *name,
                    struct dialect_id *id_r);
/* true or false, or the same as a string. */
void reading_flag(struct reading *reading, const cJSON *object, const char *name, bool *flag_r);
/* `"ext":1` in the body, and, where that stands or `ext` is on already, `"confirm":true` and
 * `"backlog"`. */
void reading_ext(struct reading *reading, bool ext);
/* `peer` in the body, `{"user":id}` or `{"group":id}` with ids that `read_id` reads: becomes the
 * request's person or group, neither of them where the user is 0 or SYSTEM. */
void reading_recipient(struct reading *reading,
                       void (*read_id)(struct reading *reading, const cJSON *object,
                                       const char *name, struct dialect_id *id_r));
/* 317: the same in every dialect. */
void reading_resumption(struct reading *reading);
/* `cid` in the body. */
void reading_cid(struct reading *reading);

#define PASSWORD_MAX_BYTES 256

/* --- writing (dialect.c) --------------------------------------------------------------------- */

/* A C string as it is: punctuation and keys. */
void json_raw(struct buffer *out, const char *text);
/* A string with its quotes. Escapes what JSON demands and nothing else. */
void json_text(struct buffer *out, struct slice text);
void json_number(struct buffer *out, uint64_t number);
/* A string id: `id`, or the decimal form of `number` where that is empty; SYSTEM for 0. */
void json_id(struct buffer *out, uint64_t number, struct slice id);
/* `,"cid":..,"time_ms":..`, which messages carry for a client that opted in; what is not stored
 * has no cid. */
void json_extension(struct buffer *out, const struct entry *entry);
/* `,"epoch":N` where it is known. */
void json_epoch(struct buffer *out, const struct dialect_result *result);
/* The fields of a 300, the same in every dialect. */
void write_result_fields(const struct dialect_request *request, const struct dialect_result *result,
                         struct buffer *out);
/* The fields of a 318 likewise, but for how ids are written. */
void write_skipped_fields(const struct dialect_account *self, const struct entry *entry,
                          bool string_ids, uint64_t skipped, struct buffer *out);
struct slice result_reason(const struct dialect_result *result);

/* --- notices (dialect_notice.c) -------------------------------------------------------------- */

/* The row of that entry, which must stand in the right kind of conversation; NULL for none. */
const struct notice_row *notice_find(const struct notice_row *rows, size_t count,
                                     const struct entry *entry);
enum dialect_view notice_view(const struct notice_row *row, bool ext, const struct entry *entry,
                              uint64_t account);
uint64_t notice_number(const struct notice_row *row, const struct entry *entry);
/* `"key":value,...`; ids as strings, or as numbers. */
void notice_write_fields(const struct notice_row *row, bool ext, bool string_ids,
                         const struct entry *entry, struct buffer *out);

#endif
