/*
 * Dialects: what clients' JSON means, and how answers and messages look to them.
 *
 * A dialect is pure translation: dialect_parse and dialect_read turn one JSON object into a
 * dialect_request, the dialect_write_* functions turn results into JSON text. No connection, no
 * service and no state stands behind them, so they are tested and fuzzed alone.
 *
 *     cJSON *json = dialect_parse(text, fault);          NULL: answer dialect_write_fault
 *                                                        a fault all the same: only answer that
 *     if (dialect == DIALECT_UNKNOWN) dialect = dialect_detect(json);
 *     err = dialect_read(dialect, ext, json, &request, fault);
 *     ... do it, or not when err tells of a fault; either way:
 *     dialect_write_result(dialect, ext, self, &request, &result, &texts);
 *     dialect_request_free(&request);
 *
 * Every dialect_write_* function adds all of a text or, with `out->failed` set, nothing of it. An
 * escaped text is at most six times as long as the text itself.
 *
 * Each dialect has one file with a table {number, operation, needs, reader} of requests and one of
 * notices. Adding a request is a row there and, if it asks for something new, an operation here and
 * in operations*.c; adding a notice is a row in each.
 */
#ifndef PARLEY_GATEWAY_DIALECT_H
#define PARLEY_GATEWAY_DIALECT_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/buffer.h"
#include "common/error.h"
#include "proto/messages.h"

enum dialect { DIALECT_UNKNOWN, DIALECT_OURCHAT, DIALECT_YOUIM };

/* Entries of a conversation that a login may ask for, if it does not want all. */
#define BACKLOG_MAX 1000

/* Longest token that auth gives. */
#define CLIENT_TOKEN_BYTES 64

/* What a client may ask for, in either dialect. */
enum operation {
    OPERATION_NONE,
    OPERATION_HEARTBEAT,
    OPERATION_REGISTER,
    OPERATION_LOGIN,
    OPERATION_RESUME, /* a login by the token of an earlier one */
    OPERATION_LOGOUT,
    OPERATION_SEND,
    OPERATION_RECEIVED, /* all up to `cid`: of `group`, or `person`, or else of what is said to all
                         */
    OPERATION_CREATE_GROUP,
    OPERATION_BEFRIEND,      /* asks `person` */
    OPERATION_ANSWER_FRIEND, /* `person` asked */
    OPERATION_UNFRIEND,
    OPERATION_JOIN,        /* asks for `group` */
    OPERATION_ANSWER_JOIN, /* `person` asked for `group` */
    OPERATION_ADMIT,       /* the same with yes; or pulls in `person`, who did not ask */
    OPERATION_LEAVE,
    OPERATION_REMOVE_MEMBER, /* `person` from `group` */
    OPERATION_SET_ADMIN,     /* whether `person` is an administrator of `group` */
    OPERATION_DISSOLVE,
    OPERATION_RENAME_GROUP,
    OPERATION_RENAME_SELF,
    OPERATION_COUNT
};

enum recipient_kind { RECIPIENT_NONE, RECIPIENT_USER, RECIPIENT_GROUP };

/*
 * An id as a client wrote it: a number (OurChat, or a canonical decimal string, which always
 * equals its number), or another string that the gateway has to look up.
 */
struct dialect_id {
    bool present;
    uint64_t number;   /* valid when text is empty, or once it was looked up */
    struct slice text; /* into the request's memory */
};

/* One request; every slice points into `memory`, which dialect_request_free frees. It may wait for
 * long, so it holds what was read from the JSON and not the JSON, whose tree is many times as large
 * as its text. */
struct dialect_request {
    char *memory;
    size_t memory_bytes;
    uint64_t number; /* code or msgType */
    enum operation operation;
    bool login_needed;
    bool ext;                /* "ext":1 stood in a login or registration; RESUME: always */
    bool confirm;            /* "confirm":true stood beside it: only RECEIVED moves cursors */
    uint64_t backlog;        /* LOGIN, RESUME: entries of a conversation that are wanted; 0: all */
    struct slice ref;        /* top-level `ref`, empty without one or without ext */
    bool stray_ref;          /* there is one, without ext: it would not be answered */
    struct dialect_id actor; /* whom the request names as acting; must be the account itself */
    bool token_given;        /* YouIM: must be the connection's */
    struct slice token;      /* or, of RESUME, the earlier login's */
    enum recipient_kind recipient_kind; /* SEND: to whom */
    struct dialect_id recipient;
    struct slice text;    /* SEND: the message; valid UTF-8, not empty */
    struct slice account; /* LOGIN: e-mail, number or id as text; REGISTER (YouIM): the id */
    struct slice email, password, name; /* REGISTER; name also CREATE_GROUP and RENAME_* */
    struct dialect_id group;            /* concerned; CREATE_GROUP (YouIM): the chosen id */
    struct dialect_id person;           /* concerned, besides the actor */
    bool accept;                        /* ANSWER_*: yes; SET_ADMIN: becomes one */
    uint64_t cid;                       /* RECEIVED */
    uint64_t trace;                     /* the gateway's: follows it through all logs */
    int64_t read_us;                    /* the gateway's: when it was read */
};

/* The logged-in account as a dialect shows it. */
struct dialect_account {
    uint64_t number;
    struct slice id; /* string form, never empty */
};

/*
 * Every sentence about a fault fits; it is valid UTF-8 when what it quotes is.
 */
#define DIALECT_FAULT_BYTES 256

/*
 * The one JSON object that `text` is, for the caller to free or to hand to dialect_read. NULL with
 * a sentence in `fault_r` when it is none. A tree and a sentence: it is one, but may not be carried
 * out, since a string in it holds a NUL character (cJSON's strings end there), half of a surrogate
 * pair or a control character that is not escaped, or a key stands twice in one object. What is
 * read from it then is good for telling whose answer the sentence is: `ref` stands in it only where
 * there is no doubt about it. Bounding the size, the depth and the encoding is the caller's part
 * (edge.h).
 */
cJSON *dialect_parse(struct slice text, char fault_r[DIALECT_FAULT_BYTES])
    __attribute__((warn_unused_result));

/* The dialect of a first object: by `code` or `msgType`; DIALECT_UNKNOWN for neither. */
enum dialect dialect_detect(const cJSON *object);

/*
 * Reads one object of the connection's dialect; frees `json` in every case. `ext`: the
 * connection has opted in by an earlier request; a request that opts in is read as opted in itself.
 * ERR_OK, or ERR_BAD_REQUEST (ERR_INTERNAL without memory) with `fault_r` one sentence that names
 * the field ("toUserId is missing", "msgType 77 is not known"). Number, operation, ext and ref are
 * set in request_r as far as they could be read, so that dialect_write_result answers the fault in
 * the right form. The caller frees the request in every case.
 */
enum err dialect_read(enum dialect dialect, bool ext, cJSON *json,
                      struct dialect_request *request_r, char fault_r[DIALECT_FAULT_BYTES])
    __attribute__((warn_unused_result));
void dialect_request_free(struct dialect_request *request);

/* The outcome of a request, to the connection that asked. Fields as the operation needs them. */
struct dialect_result {
    enum err err;            /* ERR_OK, or why not */
    struct slice reason;     /* of a failure, one sentence; empty: err_text(err) */
    uint64_t account;        /* REGISTER, LOGIN, RESUME */
    struct slice account_id; /* string form */
    struct slice token;      /* LOGIN, RESUME */
    uint64_t epoch;          /* LOGIN, RESUME: for clients with ext; 0: not known */
    uint64_t group;          /* CREATE_GROUP */
    struct slice group_id, group_name;
    uint64_t cid, stored_ms; /* SEND: the stored message's id, and when it was stored */
    uint64_t time_ms;        /* the server's wall clock for the answer's `time` */
};

/*
 * Appends the answer that the dialect has for this outcome, as JSON texts (zero, one or two; each
 * added to `out` and its end offset stored, at most DIALECT_MAX_ANSWERS). Success of a request that
 * is silent in the dialect adds nothing. A failure that the dialect has no answer for goes out as
 * dialect_write_fault has it. With `ext` (or the request's own) and a `ref` a 300 comes last, and
 * stands for the fault. `self` is NULL before login.
 */
#define DIALECT_MAX_ANSWERS 2
struct dialect_texts {
    struct buffer *out;
    size_t ends[DIALECT_MAX_ANSWERS];
    size_t count;
};
void dialect_write_result(enum dialect dialect, bool ext, const struct dialect_account *self,
                          const struct dialect_request *request,
                          const struct dialect_result *result, struct dialect_texts *texts);

/* A reason outside any request (malformed input), in the dialect; DIALECT_UNKNOWN: {"error":...}.
 * `self` is NULL before login. */
void dialect_write_fault(enum dialect dialect, const struct dialect_account *self,
                         struct slice reason, uint64_t time_ms, struct buffer *out);

/*
 * Which text of an entry an account gets. All connections of one dialect and ext get the same bytes
 * as the common view, so that is made once for each of these.
 */
enum dialect_view {
    DIALECT_VIEW_NOTHING, /* the dialect has no message for it, or not for this account */
    DIALECT_VIEW_COMMON,  /* what everyone concerned gets */
    DIALECT_VIEW_OWN      /* names the account that it is for */
};
enum dialect_view dialect_entry_view(enum dialect dialect, bool ext, const struct entry *entry,
                                     uint64_t account);

/* Appends the JSON of one log entry as `account` gets it, which matters for DIALECT_VIEW_OWN alone.
 * For an entry whose view is not DIALECT_VIEW_NOTHING. */
void dialect_write_entry(enum dialect dialect, bool ext, const struct entry *entry,
                         uint64_t account, struct buffer *out);

/* Appends what tells a client that asked for a part of its backlog alone how many entries are left
 * out: those of this entry's conversation up to and with it. Without room nothing is added. */
void dialect_write_skipped(enum dialect dialect, const struct dialect_account *self,
                           const struct entry *entry, uint64_t skipped, uint64_t time_ms,
                           struct buffer *out);

#endif
