/*
 * Shared by the parts of `parleyctl chat`: the state of its login, the open conversation, waiting
 * requests.
 */
#ifndef PARLEY_CTL_CHAT_STATE_H
#define PARLEY_CTL_CHAT_STATE_H

#include <cjson/cJSON.h>
#include <ev.h>

#include "services/ctl/chat/marks.h"
#include "services/ctl/chat/requests.h"
#include "services/ctl/chat/screen.h"
#include "services/ctl/chat/wire.h"

#define CHAT_REASON_BYTES 256
#define CHAT_TOKEN_BYTES 128

enum chat_stage {
    CHAT_AWAY,       /* not connected; it will connect, or is about to */
    CHAT_LOGGING_IN, /* connected, no answer to the login yet */
    CHAT_READY,
    CHAT_REPLACED, /* another program has the login; connected again only by /resume */
    CHAT_OVER      /* the loop ends */
};

struct chat_files;

struct chat {
    struct ev_loop *ev;
    enum chat_stage stage;
    const char *login; /* the login name: an id, or an e-mail address */
    char id[CHAT_ID_BYTES];
    const char *server;             /* as the user calls it */
    const char *password;           /* "": none */
    bool registers;                 /* before its first login */
    const char *registration_token; /* for that */
    bool interactive;               /* a person types on a terminal */
    bool was_ready;                 /* it has been logged in */
    bool leaving;                   /* no more input: it ends once everything is answered */
    bool logged_out;                /* the log-out was sent */
    bool copies_over;               /* it has waited for copies long enough */
    struct chat_wire *wire;
    struct chat_screen screen;
    struct chat_requests requests;
    struct chat_files *files;
    const char *file_server; /* what the paths of files stand behind */
    struct chat_marks marks;
    struct chat_peer open;   /* where lines without a command go */
    uint64_t older;          /* of the page of history that was shown last: its `from` */
    struct chat_peer typing; /* the account that was last shown to type */
    char token[CHAT_TOKEN_BYTES], login_ref[CHAT_REF_BYTES], register_ref[CHAT_REF_BYTES];
    double epoch;                    /* 0: before the first login */
    unsigned failures;               /* connections and logins in a row that failed */
    unsigned busy;                   /* answers in a row that asked to try again */
    char closing[CHAT_REASON_BYTES]; /* the fault that the server sent last, which may be why it
                                        closes */
    bool needs_password;
    unsigned refusals;
    char refused[CHAT_REASON_BYTES]; /* the first of them */
    bool failed;                     /* it ended before it was asked to, or could not finish */
    char failure[CHAT_REASON_BYTES];
    ev_timer again;   /* until it connects anew */
    ev_timer retry;   /* until it sends requests again that were answered as busy */
    ev_timer confirm; /* until it confirms */
    ev_timer copies;  /* until it leaves without a copy of each own text */
    ev_timer leave;   /* until it leaves, whatever waits */
};

/* Makes a request of `body`, which it takes over, and sends it as soon as it can. `command` is what
 * the user calls it, borrowed; NULL: a text. A failure is shown, and counts as a refusal. */
void chat_ask(struct chat *chat, int number, cJSON *body, const char *command);
/* The same; `ref_r` is the request's, "" if there is none. */
void chat_ask_ref(struct chat *chat, int number, cJSON *body, const char *command,
                  char ref_r[CHAT_REF_BYTES]);
/* Sends the waiting requests that are not held back. */
void chat_pump(struct chat *chat);
/* Something was refused: shows it. */
void chat_refuse(struct chat *chat, const char *what, const char *why);
/* Something is to be confirmed, or was read. */
void chat_confirm_soon(struct chat *chat);
/* Ends the loop; a reason makes it a failure. */
void chat_end(struct chat *chat, const char *reason);

/* A member of an object from the server, as a text; "" where there is none. */
const char *chat_text_of(const cJSON *object, const char *name);
double chat_number_of(const cJSON *object, const char *name);
bool chat_is_true(const cJSON *object, const char *name);
/* The conversation that a `peer` ({"user":id}, {"group":id}) names; false when it names none. */
bool chat_peer_of(const cJSON *peer, struct chat_peer *peer_r);
/* The other way round; NULL without memory. */
cJSON *chat_peer_make(const struct chat_peer *peer);

#endif
