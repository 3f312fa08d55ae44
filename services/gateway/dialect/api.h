/*
 * The HTTP API under /api/v1: a dialect of its own, for an app's backend. Pure, as the others: from
 * a request over HTTP to messages to services, and from their replies to JSON.
 *
 *     enum api_found found = api_find(method, path, &operation);
 *     err = api_read(operation, &asked, &request, fault);         a fault is ERR_BAD_REQUEST
 *     ... string ids in request.values and request.references become numbers
 *     err = api_act_as(&request, account, fault);                 of a key that is an account's
 *     for (i = 0; i < operation->step_count; i++)
 *         api_fill(&request, &operation->steps[i], &given, arena, body); ... ask
 *         err = api_take(&request, &operation->steps[i], reply);
 *     api_write(operation->shows, reply, api_actor(&request), addresses, &out);
 *     api_request_free(&request);
 *
 * All that the API is stands in tables (api_tables.h, api_schemas.h): what can be
 * asked, with what, for which scope, by which messages, and what is answered. docs/openapi.json is
 * made from them. **A new operation is a row there.**
 */
#ifndef PARLEY_GATEWAY_DIALECT_API_H
#define PARLEY_GATEWAY_DIALECT_API_H

#include "services/gateway/dialect/fields.h"

#define API_BASE "/api/v1"
/* limit: client | `Idempotency-Key` of the HTTP API | 1 to {API_REF_MAX_BYTES} bytes | 400 */
#define API_REF_MAX_BYTES 64
/* no limit: of the tables, which a test looks at */
#define API_PARAMS_MAX 10
/* no limit: room for any segment of a path */
#define API_SEGMENTS_MAX 8

enum api_method { API_GET, API_POST, API_PUT, API_PATCH, API_DELETE, API_METHOD_COUNT };
extern const char *const api_methods[API_METHOD_COUNT];

enum api_type {
    API_ACCOUNT,  /* of an account: a string, or a whole number; `number` */
    API_GROUP,    /* the same of a group */
    API_NEW_ID,   /* a chosen id; `text` */
    API_STRING,   /* of 1 to `most` bytes */
    API_NAME,     /* of a person, group or device */
    API_ABOUT,    /* may be empty */
    API_EMAIL,    /* an address */
    API_WHOLE,    /* a whole number from `least` to `most` */
    API_FLAG,     /* true or false */
    API_HEX,      /* 16 hexadecimal digits */
    API_PICTURE,  /* a file as 16 hexadecimal digits, or empty: none */
    API_WORD,     /* one of `words`; `number` is its place */
    API_SHA256,   /* 64 hexadecimal digits; `text` is the 32 bytes */
    API_MENTIONS, /* accounts, or the string all */
};

enum api_place { API_PATH, API_QUERY, API_BODY };

struct api_param {
    const char *name;
    enum api_type type;
    enum api_place place;
    bool needed; /* in a path always */
    bool actor;  /* who acts: a key that is an account's gives that account, and no other */
    uint64_t least, most;
    const char *const *words; /* ends with NULL */
    const char *field;        /* of the messages; NULL: as `name` */
    const char *sets;         /* a further field, which is true where this is given */
    const char *help;
};

/* Where a message goes. */
enum api_target {
    API_ANY,           /* any instance */
    API_BY_ACCOUNT,    /* the one that has the field `account` */
    API_BY_PARTIES,    /* the one that writes the conversation */
    API_ALL_INSTANCES, /* each one */
    API_ALL_SERVICES   /* each one of each service, and this gateway */
};

struct api_step {
    const struct message_desc *message;
    const struct message_desc *acting; /* in its place where an account acts; NULL: the same */
    enum api_target target;
    /* Fields with a value of their own: a number, or a text. */
    struct {
        const char *field;
        uint64_t number;
        const char *text;
        const char *param; /* the number of this parameter */
    } fixed[2];
    const char *keeps_id; /* a string id of its reply, for `account_id` of later steps */
    const char *keeps; /* a number of its reply, for the same field of later steps; while it is 0,
                          none of these is sent */
};

/* How `user`, `group` and `everyone` stand beside each other. */
enum api_peer { API_PEER_NONE, API_PEER_ONE, API_PEER_AT_MOST_ONE };

struct api_request;
struct api_schema;

struct api_operation {
    const char *name; /* operationId */
    enum api_method method;
    const char *path; /* behind API_BASE */
    const char *help;
    unsigned scope;
    const struct api_param *params; /* ends with one without a name */
    enum api_peer peer;
    const struct api_step *steps;
    size_t step_count;
    /* Fills what no field can be copied to; may be NULL. false: no memory. */
    bool (*build)(const struct api_request *request, struct record_arena *arena, void *body);
    /* Whether a reply of success is one; may be NULL. */
    enum err (*judge)(const void *reply);
    /* A further rule for what is asked: a sentence, or NULL; may be NULL. */
    const char *(*check)(const struct api_request *request);
    int status;                     /* of success */
    const struct api_schema *shows; /* the last step's reply; NULL: nothing */
};

/* 0, 1, 2, ... in the order of the tables; NULL: there are no more. */
const struct api_operation *api_operation_at(size_t i);

struct api_value {
    bool given;
    struct dialect_id id; /* ACCOUNT, GROUP */
    struct slice text;
    uint64_t number;
};

struct api_request {
    const struct api_operation *operation;
    cJSON *json; /* what slices point into */
    struct api_value values[API_PARAMS_MAX];
    struct dialect_request references; /* mentions and the text that is replied to */
    unsigned char sha256[32];
    char kept_id[ID_MAX_BYTES + 1];
    uint64_t kept;
    bool keeps; /* `kept` is something */
};

/* What stands around the parameters. All borrowed. */
struct api_asked {
    struct slice segments[API_SEGMENTS_MAX]; /* of the path behind API_BASE, not decoded */
    size_t segment_count;
    struct slice query; /* behind the `?` */
    struct slice body;  /* one JSON object that the edge has checked; empty: none */
};

struct api_given {
    struct slice nonce; /* NONCE_BYTES */
    struct slice host;  /* the caller's */
    uint64_t trace;
};

enum api_found {
    API_FOUND,
    API_NO_PATH,  /* there is nothing */
    API_NO_METHOD /* there is something, for other methods */
};

/* Splits a path behind API_BASE. false: it has too many segments, or an empty one. */
bool api_split(struct slice path, struct api_asked *asked_r);
enum api_found api_find(const struct api_asked *asked, enum api_method method,
                        const struct api_operation **operation_r);
/* `GET, HEAD, POST`: the methods of the path; cut where there is no room. */
void api_allowed(const struct api_asked *asked, char *out, size_t size);
/* Whether it is made once under an `Idempotency-Key`, however often it is sent. */
bool api_keeps_ref(const struct api_operation *operation);
/* Whether one of its parameters stands in a body. */
bool api_takes_body(const struct api_operation *operation);

/* ERR_OK, or a fault with its sentence. The caller frees the request in any case. */
enum err api_read(const struct api_operation *operation, const struct api_asked *asked,
                  struct api_request *request_r, char fault_r[DIALECT_FAULT_BYTES])
    __attribute__((warn_unused_result));
void api_request_free(struct api_request *request);
/* The parameter of this name; NULL: the operation has none. */
const struct api_value *api_value(const struct api_request *request, const char *name);
/* The number of the account that acts; 0: nobody does. */
uint64_t api_actor(const struct api_request *request);

/* Whose the key is, 0: nobody's. ERR_OK, or a fault with its sentence; ERR_FORBIDDEN: a key of this
 * account may not do that. Ids are numbers by then. */
enum err api_act_as(struct api_request *request, uint64_t account,
                    char fault_r[DIALECT_FAULT_BYTES]) __attribute__((warn_unused_result));
/* The message of a step, once it is known who acts. */
const struct message_desc *api_message(const struct api_request *request,
                                       const struct api_step *step);
/* Fills a zeroed body of the step's message. false: without memory. */
bool api_fill(const struct api_request *request, const struct api_step *step,
              const struct api_given *given, struct record_arena *arena, void *body)
    __attribute__((warn_unused_result));
/* Takes from a reply what later steps need; ERR_OK, or that it is none of success. */
enum err api_take(struct api_request *request, const struct api_step *step, const void *reply)
    __attribute__((warn_unused_result));
/* Whether the step is left out, since what it needs is 0. */
bool api_skips(const struct api_request *request, const struct api_step *step);

/* The JSON of a reply; `reader`: who acts, 0: nobody; `addresses`: of files. */
void api_write(const struct api_schema *schema, const void *record, uint64_t reader,
               const struct dialect_addresses *addresses, struct buffer *out);

/* The status of an error over HTTP, such as 404. */
int api_status_of(enum err err);
const char *api_status_text(int status);
/* RFC 9457: `application/problem+json`. `detail` empty: the error's own text. */
void api_write_problem(int status, enum err err, struct slice detail, struct buffer *out);

/* The description of all this: OpenAPI 3.1, of at most so many bytes. */
#define API_OPENAPI_BYTES ((size_t)1 << 20)
void api_write_openapi(struct buffer *out);

#endif
