/*
 * The form into which a dialect reads requests, and from which it writes answers: the same for all
 * dialects, so that the rest of the gateway knows none of them.
 */
/*
 * limit: gateway | requests of a connection other than texts | 1 | it waits for all texts
 * before it; nothing is read meanwhile
 */
#ifndef PARLEY_GATEWAY_DIALECT_REQUEST_H
#define PARLEY_GATEWAY_DIALECT_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buffer.h"
#include "common/error.h"
#include "proto/messages.h"

enum dialect { DIALECT_UNKNOWN, DIALECT_OURCHAT, DIALECT_YOUIM };

/*
 * limit: gateway | entries of a conversation that a login may ask for (`backlog`); entries that
 * are left out are counted up to | {BACKLOG_MAX}; {BACKLOG_MOST_COUNTED} | a fault that names
 * the field; `skipped` is 999
 */
/* Entries of a conversation that a login may ask for, if it does not want all. */
#define BACKLOG_MAX 1000

/* Longest token that auth gives. */
#define CLIENT_TOKEN_BYTES 64

/* The requests of clients, in either dialect. */
enum operation {
    OPERATION_NONE,
    OPERATION_HEARTBEAT,
    OPERATION_REGISTER,
    OPERATION_LOGIN,
    OPERATION_RESUME, /* a login by the token of an earlier one */
    OPERATION_ENTER,  /* a login by the JWT `token`, perhaps as `account` */
    OPERATION_LOGOUT,
    OPERATION_SEND,
    OPERATION_RECEIVED, /* all up to `cid`: of `group`, or `person`, or else of the broadcast
                         */
    OPERATION_SEARCH,   /* for `text`, `everywhere` or as HISTORY */
    OPERATION_HISTORY,  /* of `group`, or `person`, or else of the broadcast */
    OPERATION_CONVERSATIONS,
    OPERATION_READ,   /* the same of what was read */
    OPERATION_TYPING, /* to `group`, or `person` */
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
    OPERATION_FRIENDS,
    OPERATION_MEMBERS,     /* of `group` */
    OPERATION_PROFILE,     /* of `person`, of `group`, or of the account with this `email` */
    OPERATION_SET_PROFILE, /* one's own */
    OPERATION_SET_GROUP_PROFILE,
    OPERATION_SET_REMARK,  /* `name` is one's own name for `person` */
    OPERATION_SET_NICK,    /* `name` is one's own name in `group` */
    OPERATION_QUIET,       /* no mention of `group` or of `person` until `until_ms` */
    OPERATION_DEVICES,     /* lists the account's logins, and ends the one that `close` names */
    OPERATION_BLOCK,       /* whether nothing is taken from `person` */
    OPERATION_MUTE,        /* `person` in `group` until `until_ms` */
    OPERATION_BAN,         /* whether `person` may not be in `group` */
    OPERATION_FORGET,      /* ends the account */
    OPERATION_RECALL,      /* the text `cid` in `group`, or with `person` */
    OPERATION_EDIT,        /* it says `text` from now on */
    OPERATION_REACT,       /* whether the emoji `text` stands beside it */
    OPERATION_UPLOAD,      /* of a file, of which `name`, `size`, `mime` and `sha256` are known */
    OPERATION_SET_STICKER, /* whether `file` is among the account's stickers */
    OPERATION_STICKERS,
    OPERATION_PUSH, /* shows, sets or ends the login's subscription to Web Push */
    OPERATION_COUNT
};

static inline bool operation_logs_in(enum operation operation) {
    return operation == OPERATION_LOGIN || operation == OPERATION_RESUME ||
           operation == OPERATION_ENTER;
}

/* A subscription to Web Push, as a browser gives it; empty: there is none. */
struct dialect_push {
    struct slice endpoint, p256dh, auth;
    bool off; /* it ends */
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
    struct slice token;      /* or, of RESUME, the earlier login's; of ENTER, the JWT */
    enum recipient_kind recipient_kind; /* SEND: to whom */
    struct dialect_id recipient;
    struct slice text; /* SEND, EDIT: the message; REACT: the emoji; valid UTF-8, not empty but
                        * beside a file */
    uint64_t file;     /* SEND: the file that it shows, 0: none; SET_STICKER, SET_*PROFILE */
    enum file_kind file_kind;
    uint64_t reply; /* SEND: the cid that it replies to; 0: none */
    /* SEND: accounts that it mentions, MENTIONS_MAX at most; `mentions_all`: all members instead.
     */
    struct dialect_id *mentions;
    size_t mention_count;
    bool mentions_all;
    struct slice account; /* LOGIN, ENTER: e-mail, number or id as text; REGISTER (YouIM): the id */
    /* REGISTER; email also PROFILE; name also CREATE_GROUP, RENAME_* and SET_*, where it may be
     * empty. */
    struct slice email, password, name;
    struct slice registration_token; /* REGISTER; empty: none */
    struct dialect_id group;         /* concerned; CREATE_GROUP (YouIM): the chosen id */
    struct dialect_id person;        /* concerned, besides the actor */
    bool accept;                     /* ANSWER_*: yes; SET_ADMIN: becomes one; BLOCK, BAN, REACT;
                                      * FORGET: without a password it is meant */
    uint64_t cid;                    /* RECEIVED, READ, RECALL, EDIT, REACT */
    uint64_t until_ms;               /* QUIET, MUTE; 0: no longer */
    bool blank;                      /* FORGET: its texts, too */
    uint64_t before, after, around;  /* HISTORY, SEARCH, CONVERSATIONS: cids; 0: none */
    bool everywhere;                 /* SEARCH: in all conversations */
    uint64_t limit;                  /* of a list: items at most; 0: not given */
    struct slice device;             /* LOGIN, RESUME: the client's name for its device */
    bool sets_avatar;                /* SET_*PROFILE: to `file`, 0: none */
    uint64_t size;                   /* UPLOAD: bytes */
    struct slice mime;               /* UPLOAD; empty: not known */
    struct slice sha256;             /* UPLOAD: as hexadecimal digits; empty: not known */
    bool close_given;                /* DEVICES */
    uint64_t close;                  /* DEVICES: the login to end */
    struct slice about;              /* SET_PROFILE, SET_GROUP_PROFILE */
    bool sets_about, sets_slow;      /* else that stays */
    uint64_t slow_s;                 /* SET_GROUP_PROFILE */
    struct dialect_push push;        /* PUSH */
    uint64_t trace;                  /* the gateway's: follows it through all logs */
    int64_t read_us;                 /* the gateway's: when it was read */
};

/* The logged-in account as a dialect shows it. */
struct dialect_account {
    uint64_t number;
    struct slice id; /* string form, never empty */
};

/* limit: client | sentence about a fault | 255 bytes {DIALECT_FAULT_BYTES:} | cut */
/*
 * Every sentence about a fault fits; it is valid UTF-8 if the text that it quotes is.
 */
#define DIALECT_FAULT_BYTES 256

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
    const void *reply;       /* of an extension: the service's reply, which its answer shows */
    uint64_t time_ms;        /* the server's wall clock for the answer's `time` */
};

/* no limit: an address of a file */
#define DIALECT_ADDRESS_BYTES 1280

/* Writes the addresses of files, which only the gateway can sign; each as text with its 0. */
struct dialect_addresses {
    /* false: it cannot be signed now */
    bool (*write_file)(const void *context, uint64_t file, bool preview, struct slice name,
                       char out[DIALECT_ADDRESS_BYTES]);
    void (*write_upload)(const void *context, uint64_t file, struct slice token,
                         char out[DIALECT_ADDRESS_BYTES]);
    const void *context;
};

/* `reply` of FRIENDS and MEMBERS: what group lists, and for each item what other services know. */
struct dialect_people {
    const void *list;
    const bool *online;
    const uint64_t *read; /* up to where; NULL: not shown */
};

/*
 * Which text of an entry an account gets. All connections of one dialect and ext get the same bytes
 * as the common view, so that is made once for each of these.
 */
enum dialect_view {
    DIALECT_VIEW_NOTHING, /* the dialect has no message for it, or not for this account */
    DIALECT_VIEW_COMMON,  /* everyone concerned gets this */
    DIALECT_VIEW_OWN      /* names the account that it is for */
};

#endif
