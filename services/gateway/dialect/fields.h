/*
 * Reading the fields of a request.
 *
 * A fault calls the field `name`; the part behind its last dot is the key in `object`.
 * A field that is null counts as absent. Results are left alone after a fault.
 */
#ifndef PARLEY_GATEWAY_DIALECT_FIELDS_H
#define PARLEY_GATEWAY_DIALECT_FIELDS_H

#include <cjson/cJSON.h>

#include "proto/ids.h"
#include "services/gateway/dialect/request.h"

/*
 * One request being read. The first fault stays: every helper below does nothing after it, so a
 * reader is a plain list of the fields that it wants.
 */
struct reading {
    struct dialect_request *request;
    cJSON *json;       /* all of it; the request's slices point into it until it is read */
    const cJSON *body; /* the object under `data` or `msgBody` */
    /* Reads an id as the dialect writes them. */
    void (*read_id)(struct reading *reading, const cJSON *object, const char *name,
                    struct dialect_id *id_r);
    bool ext; /* the connection has opted in before */
    enum err err;
    char *fault; /* DIALECT_FAULT_BYTES */
};

void reading_fail(struct reading *reading, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void reading_no_memory(struct reading *reading);

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
/* The text of a person or group about itself: a string, which may be empty. */
void reading_about(struct reading *reading, const cJSON *object, const char *name,
                   struct slice *text_r);
/* As reading_name, but a string that may be empty. */
void reading_remark(struct reading *reading, const cJSON *object, const char *name,
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
/* The id of a login or a file: 64 bits, which JSON numbers do not hold, as HEX_ID_DIGITS
 * hexadecimal digits. `where`: who gives it, for the fault. */
#define HEX_ID_DIGITS 16
void reading_hex_id(struct reading *reading, const cJSON *object, const char *name,
                    const char *where, uint64_t *id_r);
/* `name` of a text's or request's file: never 0. */
void reading_file_id(struct reading *reading, const cJSON *object, const char *name,
                     uint64_t *file_r);
/* true or false, or the same as a string. */
void reading_flag(struct reading *reading, const cJSON *object, const char *name, bool *flag_r);
/* A whole number of this range, or its decimal form. */
void reading_whole(struct reading *reading, const cJSON *object, const char *name, uint64_t least,
                   uint64_t most, uint64_t *number_r);
/* `"ext":1` in the body, and, where that stands or `ext` is on already, `"confirm":true`,
 * `"backlog"` and `"device"`. */
void reading_ext(struct reading *reading, bool ext);
/* `peer` in the body, `{"user":id}` or `{"group":id}`: becomes the request's person or group,
 * neither of them where the user is 0 or SYSTEM. */
void reading_peer(struct reading *reading);
/* `reply` and `mentions` of a text from a client that opted in; others' are not looked at. */
void reading_references(struct reading *reading);
/* A JWT as `token` of a login; false: there is no `token`. */
bool reading_jwt(struct reading *reading);
/* 317: the same in every dialect. A token of ours holds no dot and has up to CLIENT_TOKEN_BYTES;
 * with another one it is an OPERATION_ENTER. */
void reading_resumption(struct reading *reading);
/* `registration_token` of a registration, which need not be there: the same in every dialect. */
void reading_registration_token(struct reading *reading);
/* `cid` in the body. */
void reading_cid(struct reading *reading);

#endif
