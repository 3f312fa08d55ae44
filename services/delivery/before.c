/* Asking before texts are stored; see before.h. */
#include "services/delivery/before.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "common/log.h"
#include "common/loop.h"
#include "common/url.h"
#include "proto/shared_options.h"
#include "services/delivery/before_answer.h"
#include "services/delivery/files.h"
#include "services/webhook/poster.h"
#include "services/webhook/signature.h"

/* limit: delivery | lines of the log about answers of hook_before that are at fault | one in
 * {BEFORE_LOG_MS} | counted (`hook_before_defaulted_total`) */
#define BEFORE_LOG_MS 10000
/* `before-` and NONCE_BYTES in hexadecimal, with the 0 at the end. */
#define ID_BYTES (sizeof "before-" + (size_t)2 * NONCE_BYTES)

_Static_assert(DELIVERY_SEND_MAX <= 64, "a bit for each text");

#define DEFAULT_WORDS "allow|refuse"

const struct config_option before_options[] = {
    CONFIG_STRING(struct before_settings, hook_before, "",
                  "address that delivery asks about each text before it is stored; empty: nobody "
                  "is asked"),
    CONFIG_SECRET(struct before_settings, hook_before_secret, "",
                  "signs what hook_before is asked: whsec_ and the base64 of 24 to 64 bytes"),
    OPTION_HOOK_CA_FILE(struct before_settings),
    /* limit: delivery | an answer of hook_before takes | {hook_before_timeout_ms}, waiting for a
     * connection included | what `hook_before_default` says is done */
    CONFIG_U64(struct before_settings, hook_before_timeout_ms, 1000, 10, 30000, "ms",
               "how long hook_before may take for an answer"),
    CONFIG_CHOICE(struct before_settings, hook_before_default, BEFORE_DEFAULT_ALLOW, DEFAULT_WORDS,
                  "what is done with a text when hook_before gives no answer that can be used, in "
                  "its time: it is stored as it is, or refused (not_checked)"),
    /* limit: delivery | questions to hook_before at once | {hook_before_connections}, for each
     * delivery | the others wait */
    CONFIG_U64(struct before_settings, hook_before_connections, 32, 1, POSTER_CONNECTIONS_MAX, "",
               "questions to hook_before at once"),
    /* limit: delivery | texts that wait for an answer of hook_before (one request, of up to 64,
     * always may) | {hook_before_queue}, for each delivery | `overloaded`; the gateway tries again
     */
    CONFIG_U64(struct before_settings, hook_before_queue, 1000, 1, 10000, "texts",
               "texts that may wait for an answer of hook_before; beyond it requests are refused "
               "(overloaded)"),
    CONFIG_END};

struct question {
    struct held *held;
    size_t at; /* of its texts */
    int64_t asked_us, due_ms;
    struct post *post; /* NULL: it waits, or has its answer */
    char *json;
    struct buffer answer;
    struct question *prev, *next; /* of those that wait */
};

enum held_state { LOOKING, ASKING, ANSWERED };

struct held {
    struct pool_job job;   /* first: a job is its texts */
    struct before *before; /* NULL: it has ended */
    struct call *call;
    struct before_found found;
    struct before_released *released; /* the call's */
    size_t count;                     /* of its texts */
    before_release *release;
    enum held_state state;
    enum err err; /* of the look-up, then of a text that is refused */
    char reason[BEFORE_REASON_BYTES + 1];
    size_t open; /* questions without an answer */
    struct question *questions;
    struct held *prev, *next;
};

struct before {
    struct service *service;
    void *context; /* of `release` */
    const struct before_settings *settings;
    struct poster_options poster_options;
    struct poster *poster;
    struct held *held;         /* in the order in which they came */
    struct question *waiting;  /* for a connection; the first is due first */
    size_t texts, connections; /* held; in use */
    ev_timer timer;            /* of the first that waits */
    int64_t logged_ms;
    struct metric *asked, *changed, *refused, *defaulted;
    struct histogram *seconds;
};

/* --- what is held ---------------------------------------------------------------------------- */

static struct ev_loop *loop_of(const struct before *self) { return service_loop(self->service); }

static void held_free(struct held *held) {
    for (size_t i = 0; held->questions != NULL && i < held->count; i++) {
        post_cancel(&held->questions[i].post);
        cJSON_free(held->questions[i].json);
        buffer_free(&held->questions[i].answer);
    }
    free(held->questions);
    free(held);
}

static struct call *take_out(struct held *held) {
    struct before *self = held->before;
    struct call *call = held->call;
    DL_DELETE(self->held, held);
    self->texts -= held->count;
    held_free(held);
    return call;
}

static void fail(struct held *held, enum err err) {
    char reason[sizeof held->reason];
    memcpy(reason, held->reason, sizeof reason);
    struct call *call = take_out(held);
    call_fail_text(&call, err, reason[0] == '\0' ? err_text(err) : reason);
}

static void release(struct held *held) {
    void *context = held->before->context;
    before_release *go_on = held->release;
    const struct before_released *released = held->released;
    struct call *call = take_out(held);
    enum err err = go_on(context, call, released);
    if (err != ERR_OK)
        call_fail(&call, err);
}

static bool same_way(const struct delivery_send *a, const struct delivery_send *b) {
    return a->account == b->account && a->to_account == b->to_account && a->to_group == b->to_group;
}

/* All that is held has its answers: it is released, or refused, and so are those behind it that
 * only waited for it. */
static void settle(struct before *self, struct held *answered) {
    const struct delivery_send way = answered->released->texts.send;
    struct held *held, *next;
    answered->state = ANSWERED;
    if (answered->err != ERR_OK)
        fail(answered, answered->err);
    DL_FOREACH_SAFE(self->held, held, next) {
        if (!same_way(&held->released->texts.send, &way))
            continue;
        if (held->state != ANSWERED)
            return;
        release(held);
    }
}

/* --- answers --------------------------------------------------------------------------------- */

static void log_fault(struct before *self, struct slice sentence) {
    char quoted[LOG_QUOTED_BYTES];
    int64_t now_ms = loop_now_ms();
    if (self->logged_ms != 0 && now_ms - self->logged_ms < BEFORE_LOG_MS)
        return;
    self->logged_ms = now_ms;
    log_warn("hook_before_fault", "reason=%s", log_quote(quoted, sentence.data, sentence.length));
}

static void take_fault(struct before *self, struct held *held, struct slice sentence) {
    metric_add(self->defaulted, 1);
    log_fault(self, sentence);
    if (self->settings->hook_before_default == BEFORE_DEFAULT_REFUSE && held->err == ERR_OK)
        held->err = ERR_NOT_CHECKED;
}

static void take_change(struct before *self, struct question *question, struct slice words) {
    struct before_released *released = question->held->released;
    struct slice *before = before_words(&released->texts.send, question->at);
    if (slice_equal(*before, words))
        return;
    metric_add(self->changed, 1);
    *before = words;
    released->reworded |= UINT64_C(1) << question->at;
}

static void take_refusal(struct before *self, struct held *held, struct slice reason) {
    metric_add(self->refused, 1);
    held->err = ERR_REFUSED;
    snprintf(held->reason, sizeof held->reason, "%.*s", (int)reason.length,
             reason.length == 0 ? "" : reason.data);
}

static void take_verdict(struct question *question, enum before_verdict verdict,
                         struct slice words) {
    struct held *held = question->held;
    struct before *self = held->before;
    if (verdict == BEFORE_FAULTY)
        take_fault(self, held, words);
    else if (verdict == BEFORE_CHANGED)
        take_change(self, question, words);
    else if (verdict == BEFORE_REFUSED)
        take_refusal(self, held, words);
    if (--held->open == 0)
        settle(self, held);
}

static void ask_waiting(struct before *self);

static void on_answer(void *argument, const struct post_result *result) {
    struct question *question = argument;
    struct held *held = question->held;
    struct before *self = held->before;
    struct slice words = slice_text(result->fault);
    enum before_verdict verdict = BEFORE_FAULTY;
    question->post = NULL;
    self->connections--;
    histogram_observe(self->seconds, (uint64_t)(loop_now_us() - question->asked_us));
    if (result->status != 0)
        verdict = before_answer_read(result->status,
                                     slice_make(question->answer.data, question->answer.length),
                                     files_of(&held->released->texts.send, question->at) != 0,
                                     call_arena(held->call), &words);
    cJSON_free(question->json);
    question->json = NULL;
    buffer_free(&question->answer);
    take_verdict(question, verdict, words);
    ask_waiting(self);
}

/* --- questions ------------------------------------------------------------------------------- */

static void add(crypto_generichash_state *state, const void *bytes, size_t length) {
    if (length > 0)
        crypto_generichash_update(state, bytes, length);
}

/* The same for the same text, however often it is asked about; another one for other words under
 * its nonce, so that a program that remembers its answers by the id is not deceived. */
static void make_id(const struct before_texts *texts, size_t at, char id_r[ID_BYTES]) {
    const struct delivery_send *send = &texts->send;
    const struct slice nonce = send->nonces.items[at], words = *before_words(send, at);
    const uint64_t numbers[] = {send->account, texts->target, files_of(send, at)};
    unsigned char bytes[NONCE_BYTES];
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, sizeof bytes);
    randombytes_buf(bytes, sizeof bytes);
    add(&state, nonce.length > 0 ? (const void *)nonce.data : bytes,
        nonce.length > 0 ? nonce.length : sizeof bytes);
    add(&state, numbers, sizeof numbers);
    add(&state, words.data, words.length);
    crypto_generichash_final(&state, bytes, sizeof bytes);
    memcpy(id_r, "before-", sizeof "before-");
    sodium_bin2hex(id_r + sizeof "before-" - 1, 2 * sizeof bytes + 1, bytes, sizeof bytes);
}

static void ask(struct before *self, struct question *question) {
    const struct held *held = question->held;
    const struct slice secret = slice_text(self->settings->hook_before_secret);
    const int64_t left_ms = question->due_ms - loop_now_ms();
    struct signature_headers headers;
    char id[ID_BYTES];
    question->json = before_question_write(&held->released->texts, &held->found, question->at);
    if (question->json == NULL) {
        take_verdict(question, BEFORE_FAULTY, slice_text("out of memory"));
        return;
    }
    const struct slice body = slice_text(question->json);
    make_id(&held->released->texts, question->at, id);
    signature_headers_make(secret, id, body, &headers);
    question->asked_us = loop_now_us();
    question->answer = buffer_make(BEFORE_ANSWER_BYTES);
    question->post = poster_send(
        self->poster, &(struct post_request){.url = self->settings->hook_before,
                                             .headers = headers.lines,
                                             .body = body,
                                             .timeout_ms = left_ms > 0 ? (uint64_t)left_ms : 1,
                                             .answer = &question->answer,
                                             .done = on_answer,
                                             .argument = question});
    if (question->post == NULL) {
        take_verdict(question, BEFORE_FAULTY, slice_text("out of memory"));
        return;
    }
    self->connections++;
    metric_add(self->asked, 1);
}

/* As many as there are connections for. Those whose time is over get no answer any more. */
static void ask_waiting(struct before *self) {
    for (struct question *first; (first = self->waiting) != NULL;) {
        const int64_t left_ms = first->due_ms - loop_now_ms();
        if (left_ms > 0 && self->connections >= self->settings->hook_before_connections) {
            loop_timer_start(loop_of(self), &self->timer, left_ms);
            return;
        }
        DL_DELETE(self->waiting, first);
        if (left_ms > 0)
            ask(self, first);
        else
            take_verdict(first, BEFORE_FAULTY, slice_text("too many texts wait for it"));
    }
    ev_timer_stop(loop_of(self), &self->timer);
}

static void on_timer(struct ev_loop *ev, ev_timer *timer, int revents) {
    (void)ev;
    (void)revents;
    ask_waiting(timer->data);
}

static void begin(struct before *self, struct held *held) {
    const int64_t due_ms = loop_now_ms() + (int64_t)self->settings->hook_before_timeout_ms;
    held->questions = calloc(held->count, sizeof *held->questions);
    if (held->questions == NULL) {
        held->err = ERR_OVERLOADED;
        settle(self, held);
        return;
    }
    held->state = ASKING;
    held->open = held->count;
    for (size_t i = 0; i < held->count; i++) {
        held->questions[i] = (struct question){.held = held, .at = i, .due_ms = due_ms};
        DL_APPEND(self->waiting, &held->questions[i]);
    }
    ask_waiting(self);
}

/* --- looking up ------------------------------------------------------------------------------ */

static void look_up(struct pool_job *job, struct db *db) {
    struct held *held = (struct held *)job;
    uint64_t before = log_trace_begin(call_trace(held->call));
    held->err = before_look_up(db, call_arena(held->call), &held->released->texts, &held->found);
    log_trace_end(before);
}

/* Where some of the texts are stored and some are not, the gateway asks for each alone. */
static void looked_up(struct pool_job *job) {
    struct held *held = (struct held *)job;
    struct before *self = held->before;
    if (self == NULL) {
        call_fail(&held->call, ERR_UNAVAILABLE);
        free(held);
        return;
    }
    if (job->dropped != ERR_OK)
        held->err = job->dropped;
    held->released->stored = held->found.stored == held->count;
    if (held->err == ERR_OK && held->found.stored > 0 && !held->released->stored)
        held->err = ERR_REF_USED;
    if (held->err == ERR_OK && !held->released->stored)
        begin(self, held);
    else
        settle(self, held);
}

static bool copy_list(struct record_arena *arena, struct slice_list *list) {
    const struct slice *items = list->items;
    if (list->count == 0)
        return true;
    list->items = record_arena_alloc(arena, list->count * sizeof *items);
    if (list->items != NULL)
        memcpy(list->items, items, list->count * sizeof *items);
    return list->items != NULL;
}

static struct before_released *make_released(struct call *call, const struct before_texts *texts) {
    struct record_arena *arena = call_arena(call);
    struct before_released *released = record_arena_alloc(arena, sizeof *released);
    if (released == NULL)
        return NULL;
    released->texts = *texts;
    struct delivery_send *send = &released->texts.send;
    bool copied = copy_list(arena, &send->texts) && copy_list(arena, &send->nonces) &&
                  copy_list(arena, &send->captions);
    return copied ? released : NULL;
}

enum err before_hold(struct before *self, struct call *call, const struct before_texts *texts,
                     before_release *go_on) {
    const size_t count = texts->send.texts.count;
    if (self->texts > 0 && self->texts + count > self->settings->hook_before_queue)
        return ERR_OVERLOADED;
    struct held *held = calloc(1, sizeof *held);
    if (held == NULL)
        return ERR_OVERLOADED;
    *held = (struct held){
        .job = {.run = look_up, .done = looked_up, .deadline_ms = call_deadline_ms(call)},
        .before = self,
        .call = call,
        .released = make_released(call, texts),
        .count = count,
        .release = go_on};
    if (held->released == NULL || pool_submit(service_pool(self->service), &held->job) != 0) {
        free(held);
        return ERR_OVERLOADED;
    }
    DL_APPEND(self->held, held);
    self->texts += count;
    return ERR_OK;
}

/* --- life ------------------------------------------------------------------------------------ */

static size_t depth_of_queue(const void *argument) {
    const struct before *self = argument;
    return self->texts;
}

static void count(struct before *self) {
    struct metrics *metrics = service_metrics(self->service);
    self->asked = metrics_counter(metrics, "hook_before_asked_total", "",
                                  "Texts that hook_before was asked about.");
    self->changed =
        metrics_counter(metrics, "hook_before_changed_total", "", "Texts that it changed.");
    self->refused =
        metrics_counter(metrics, "hook_before_refused_total", "", "Texts that it refused.");
    self->defaulted =
        metrics_counter(metrics, "hook_before_defaulted_total", "",
                        "Texts for which it gave no answer that can be used, in its time.");
    self->seconds = metrics_histogram(metrics, "hook_before_seconds", "", HISTOGRAM_SECONDS,
                                      "Time of a question to hook_before.");
    service_add_queue(self->service, "hook_before", depth_of_queue, self,
                      self->settings->hook_before_queue);
}

static const char *fault_of(const struct before_settings *settings) {
    if (!url_is_http(slice_text(settings->hook_before)))
        return "hook_before is no address of https:// or http://";
    if (!signature_secret_is_valid(slice_text(settings->hook_before_secret)))
        return "hook_before needs hook_before_secret, which is whsec_ and the base64 of 24 to 64 "
               "bytes: echo whsec_$(openssl rand -base64 32) makes one";
    return NULL;
}

int before_new(struct service *service, const struct before_settings *settings, void *context,
               struct before **self_r) {
    *self_r = NULL;
    if (settings->hook_before[0] == '\0')
        return 0;
    const char *fault = fault_of(settings);
    if (fault == NULL && sodium_init() < 0)
        fault = "libsodium does not start";
    struct before *self = fault == NULL ? calloc(1, sizeof *self) : NULL;
    if (self == NULL) {
        log_error("start_failed", "reason=\"%s\"", fault == NULL ? "out of memory" : fault);
        return -1;
    }
    self->service = service;
    self->context = context;
    self->settings = settings;
    self->poster_options = (struct poster_options){.ca_file = settings->hook_ca_file};
    ev_init(&self->timer, on_timer);
    self->timer.data = self;
    self->poster = poster_new(loop_of(self), &self->poster_options);
    if (self->poster == NULL) {
        free(self);
        return -1;
    }
    count(self);
    *self_r = self;
    return 0;
}

/* A worker may still look up: then the call ends when it is done. */
static void end(struct held *held) {
    if (held->state != LOOKING)
        fail(held, ERR_UNAVAILABLE);
    else
        held->before = NULL;
}

void before_destroy(struct before **self_p) {
    struct before *self = *self_p;
    *self_p = NULL;
    if (self == NULL)
        return;
    struct held *held, *next;
    DL_FOREACH_SAFE(self->held, held, next) { end(held); }
    service_remove_queue(self->service, self);
    ev_timer_stop(loop_of(self), &self->timer);
    poster_destroy(&self->poster);
    free(self);
}
