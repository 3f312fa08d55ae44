/*
 * Asking the operator's own backend who a client is, over HTTP (the option `auth_url`).
 *
 *     struct callback *callback;
 *     if (callback_new(&settings, metrics, &callback) != 0) ...          NULL: there is no auth_url
 *     err = callback_ask(callback, &question, arena, &id, &name);
 *     callback_destroy(&callback);
 *
 * A question is `POST {"user":...,"password":...,"token":...,"address":...}`, of these what there
 * is, with `Authorization: Bearer` and auth_url_secret, if that is set. The answer is 200 with
 * {"id":...,"name":...}, of which `name` may be missing, or 403. Everything else is a fault of the
 * backend.
 *
 * Asking takes up to auth_url_timeout_ms, so it belongs on a pool of its own, whose threads are as
 * many as may ask at once. Redirects are not followed, nothing but http and https is spoken, no
 * proxy of the environment is used, certificates are verified. Connections are kept. Thread-safe.
 */
#ifndef PARLEY_AUTH_CALLBACK_H
#define PARLEY_AUTH_CALLBACK_H

#include "common/config.h"
#include "common/error.h"
#include "common/metrics.h"
#include "common/record.h"

/* limit: service | an answer of auth_url: its body; its head | {CALLBACK_ANSWER_BYTES};
 * {CALLBACK_HEAD_BYTES} | the connection is closed; `no_backend` */
#define CALLBACK_ANSWER_BYTES ((size_t)4096)
#define CALLBACK_HEAD_BYTES ((size_t)16384)
/* limit: service | lines of the log about answers of auth_url that are at fault | one in
 * {CALLBACK_LOG_MS} | counted (`auth_url_faults_total`) */
#define CALLBACK_LOG_MS 10000
/* How long a question takes, before any was asked. */
#define CALLBACK_EXPECTED_US 100000
/* no limit: a range */
/* Threads that ask, at most. */
#define CALLBACK_CONNECTIONS_MAX 32

struct callback_settings {
    char *auth_url, *auth_url_secret, *auth_url_ca;
    uint64_t auth_url_timeout_ms, auth_url_connections;
};
extern const struct config_option callback_options[];

struct callback;

/* 0, or -1 after a logged line. `settings` are borrowed. */
int callback_new(const struct callback_settings *settings, struct metrics *metrics,
                 struct callback **self_r) __attribute__((warn_unused_result));
void callback_destroy(struct callback **self);

struct callback_question {
    struct slice user, password, token; /* those that are empty are left out */
    struct slice address;               /* the client's host */
};

/* ERR_OK: who it is, in the arena; the name may be empty. ERR_BAD_LOGIN: the backend says no.
 * ERR_NO_BACKEND: it has not said anything that can be used, within its time. */
enum err callback_ask(struct callback *self, const struct callback_question *question,
                      struct record_arena *arena, struct slice *id_r, struct slice *name_r)
    __attribute__((warn_unused_result));

/* An answer was at fault: logs it, once in a while, and counts it. */
void callback_failed(struct callback *self, const char *reason);

#endif
