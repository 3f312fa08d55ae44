/* A terminal client; see chat.h. */
#include "services/ctl/chat/chat.h"

#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/loop.h"
#include "services/ctl/chat/answers.h"
#include "services/ctl/chat/commands.h"
#include "services/ctl/chat/events.h"
#include "services/ctl/chat/files.h"
#include "services/ctl/chat/input.h"
#include "services/ctl/chat/login.h"
#include "services/ctl/chat/show.h"

/* limit: tool | wait of `chat` before it connects anew | at random up to 1 s, doubled up to
 * {BACK_OFF_MAX_MS} | - */
#define BACK_OFF_MS 1000
#define BACK_OFF_MAX_MS 30000
/* limit: tool | `chat` without a terminal: the first login; answers after the end of input |
 * {LEAVE_MS} | exit status 1 */
#define LEAVE_MS 40000
/* limit: tool | wait of `chat`, at its end, for the copies of texts that are stored | {COPIES_MS} |
 * the next login shows them */
#define COPIES_MS 2000

#define UNSENT_CHARACTERS 200

/* A chat with the members that only this file uses. */
struct running {
    struct chat chat;
    struct chat_input input;
    struct chat_files files;
    struct chat_http *http;
    ev_signal interrupt, terminate;
};

static struct running *running_of(struct chat *chat) { return (struct running *)chat; }

/* --- leaving ---------------------------------------------------------------------------------- */

static bool send_mark(void *argument, int number, const struct chat_peer *peer, uint64_t cid) {
    struct chat *chat = argument;
    struct buffer object = buffer_make(CHAT_OBJECT_MAX_BYTES + 1);
    cJSON *body = cJSON_CreateObject(), *about = chat_peer_make(peer);
    bool sent = false;
    if (!cJSON_AddItemToObject(body, "peer", about))
        cJSON_Delete(about);
    else
        sent = cJSON_AddNumberToObject(body, "cid", (double)cid) != NULL &&
               chat_wire_has_room(chat->wire) &&
               chat_requests_write(&object, number, NULL, chat->token, body);
    if (sent)
        chat_wire_send(chat->wire, object.data, object.length);
    cJSON_Delete(body);
    buffer_free(&object);
    return sent;
}

static void confirm(struct chat *chat) {
    if (chat->stage == CHAT_READY)
        chat_marks_flush(&chat->marks, &chat->open, send_mark, chat);
}

static void log_out(struct chat *chat) {
    cJSON *body = cJSON_CreateObject();
    confirm(chat);
    chat->logged_out = true;
    if (cJSON_AddStringToObject(body, "logoutUserId", chat->id) == NULL) {
        cJSON_Delete(body);
        body = NULL;
    }
    chat_ask(chat, 9, body, "quit");
}

/* After everything that may have been the last thing to wait for. */
static void settle(struct chat *chat) {
    if (chat->screen.failed)
        chat_end(chat, "the output cannot be written");
    if (chat->stage == CHAT_OVER)
        return;
    if (chat->was_ready)
        chat_input_go(&running_of(chat)->input);
    if (!chat->leaving || chat->requests.count > 0 || chat_files_wait(chat) ||
        chat->stage == CHAT_OVER)
        return;
    if (chat->stage != CHAT_READY || chat->logged_out)
        chat_end(chat, NULL);
    else if (chat->copies_over || chat_marks_complete(&chat->marks))
        log_out(chat);
    else if (!ev_is_active(&chat->copies))
        loop_timer_start(chat->ev, &chat->copies, COPIES_MS);
}

static void on_input_ended(struct chat *chat) {
    chat->leaving = true;
    if (!ev_is_active(&chat->leave))
        loop_timer_start(chat->ev, &chat->leave, LEAVE_MS);
    settle(chat);
}

static void on_copies(struct ev_loop *ev, ev_timer *timer, int revents) {
    (void)ev;
    (void)revents;
    struct chat *chat = timer->data;
    chat->copies_over = true;
    settle(chat);
}

static void on_leave(struct ev_loop *ev, ev_timer *timer, int revents) {
    (void)ev;
    (void)revents;
    struct chat *chat = timer->data;
    char reason[CHAT_REASON_BYTES];
    if (chat_files_move(chat)) { /* which ends by itself */
        loop_timer_start(chat->ev, &chat->leave, LEAVE_MS);
        return;
    }
    if (!chat->was_ready)
        snprintf(reason, sizeof reason, "there was no login at %s within %d s", chat->server,
                 LEAVE_MS / 1000);
    else
        snprintf(reason, sizeof reason, "no answer within %d s to %zu of the requests",
                 LEAVE_MS / 1000, chat->requests.count);
    chat_end(chat, chat->logged_out ? NULL : reason);
}

/* --- answers ---------------------------------------------------------------------------------- */

/* The answer says that the server is busy: the same again, after a random time. */
static void try_later(struct chat *chat, struct chat_request *request) {
    request->sent = false;
    if (ev_is_active(&chat->retry))
        return;
    uint32_t wait_ms = 1000 + randombytes_uniform(2000);
    wait_ms = chat->busy < 4 ? wait_ms << chat->busy : BACK_OFF_MAX_MS;
    chat->busy++;
    loop_timer_start(chat->ev, &chat->retry, wait_ms);
    chat_screen_say(&chat->screen, "the server is busy: again in %.1f s", wait_ms / 1000.0);
}

static bool has_content(int number) {
    return number == 303 || number == 305 || number == 307 || number == 309 || number == 311 ||
           number == 323 || number == 331;
}

/* The beginning of a text that was refused, so that its writer knows which one it is. */
static void show_unsent(struct chat *chat, const struct chat_request *request) {
    if (request->command != NULL)
        return;
    struct buffer *line = chat_screen_begin(&chat->screen);
    buffer_add_text(line, "!! the text was: ");
    chat_show_excerpt(line, slice_text(chat_text_of(request->body, "msg")), UNSENT_CHARACTERS);
    chat_screen_end(&chat->screen);
}

/* The text itself is shown once its copy arrives. */
static void note_own(struct chat *chat, const struct chat_request *request, const cJSON *answer) {
    bool group = request->number == 7;
    const char *id = chat_text_of(request->body, group ? "toGroup" : "toUserId");
    struct chat_peer peer = {.group = group};
    snprintf(peer.id, sizeof peer.id, "%s", id);
    chat_marks_own(&chat->marks, &peer, (uint64_t)chat_number_of(answer, "cid"));
}

static void take_answer(struct chat *chat, struct chat_request *request, const cJSON *answer) {
    bool ok = chat_is_true(answer, "ok");
    const char *error = chat_text_of(answer, "error");
    /* A text waits until the account may send again; of a command its writer hears at once. */
    bool text = request->command == NULL;
    if (!ok && chat_login_is_busy(error) && (text || strcmp(error, "throttled") != 0)) {
        try_later(chat, request);
        return;
    }
    if (!ok) {
        chat_refuse(chat, request->command, chat_text_of(answer, "text"));
        show_unsent(chat, request);
        chat_files_refused(chat, request->ref);
    } else {
        chat->busy = 0;
        if (request->command == NULL)
            note_own(chat, request, answer);
        else if (!has_content(request->number) && !chat->logged_out)
            chat_screen_say(&chat->screen, "done: /%s", request->command);
    }
    chat_requests_remove(&chat->requests, request);
}

/* --- the connection -----------------------------------------------------------------------------
 */

static void connect_later(struct chat *chat, const char *reason) {
    uint32_t most_ms =
        chat->failures < 5 ? (uint32_t)BACK_OFF_MS << chat->failures : BACK_OFF_MAX_MS;
    uint32_t wait_ms = randombytes_uniform(most_ms);
    chat->failures++;
    chat->stage = CHAT_AWAY;
    ev_timer_stop(chat->ev, &chat->retry);
    loop_timer_start(chat->ev, &chat->again, wait_ms);
    struct buffer *line = chat_screen_begin(&chat->screen);
    buffer_add_text(line, "-- not connected (");
    chat_show_excerpt(line, slice_text(reason), CHAT_REASON_BYTES);
    buffer_printf(line, "): again in %.1f s", wait_ms / 1000.0);
    if (chat->requests.count > 0)
        buffer_printf(line, "; requests that wait: %zu", chat->requests.count);
    chat_screen_end(&chat->screen);
}

static void on_ready(struct chat *chat) {
    bool first = !chat->was_ready;
    chat->stage = CHAT_READY;
    chat->was_ready = true;
    chat->failures = 0;
    struct buffer *line = chat_screen_begin(&chat->screen);
    buffer_printf(line, "-- connected to %s as ", chat->server);
    chat_show_id(line, slice_text(chat->id));
    buffer_add_text(line, first ? ": /help lists the commands" : "");
    chat_screen_end(&chat->screen);
    if (first && !chat->leaving)
        ev_timer_stop(chat->ev, &chat->leave);
    chat_requests_rewind(&chat->requests);
    chat_pump(chat);
    chat_confirm_soon(chat);
}

static void on_opened(void *argument) { chat_login_begin(argument); }

static void on_message(struct chat *chat, const cJSON *message) {
    const char *reason = "", *ref = chat_text_of(message, "ref");
    int number = (int)chat_number_of(message, "msgType");
    struct chat_request *request = number == 300 ? chat_requests_find(&chat->requests, ref) : NULL;
    switch (chat_login_take(chat, message, &reason)) {
    case CHAT_LOGIN_DONE:
        on_ready(chat);
        return;
    case CHAT_LOGIN_AGAIN:
        chat_wire_close(chat->wire);
        connect_later(chat, reason);
        return;
    case CHAT_LOGIN_REFUSED:
        chat_end(chat, reason);
        return;
    case CHAT_LOGIN_GOES_ON:
        return;
    case CHAT_LOGIN_NONE:
        break;
    }
    if (request != NULL)
        take_answer(chat, request, message);
    else if (number != 300 && !chat_files_take(chat, message) && !chat_answers_show(chat, message))
        chat_events_take(chat, message);
}

static void on_line(void *argument, struct slice line) {
    struct chat *chat = argument;
    cJSON *message = cJSON_ParseWithLength(line.data, line.length);
    if (cJSON_IsObject(message))
        on_message(chat, message);
    cJSON_Delete(message);
    settle(chat);
}

static void on_drained(void *argument) { chat_pump(argument); }

/* Whether the server ended this connection on purpose: somebody else has the login, or should. */
static bool is_replaced(const char *closing) {
    static const char *const reasons[] = {
        "resumed on another connection", "another connection of the account has taken its place",
        "this login was ended from another device", "the account was deleted",
        "the operator closed this connection"};
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
        if (strncmp(closing, reasons[i], strlen(reasons[i])) == 0)
            return true;
    return false;
}

static void on_closed(void *argument, const char *reason) {
    struct chat *chat = argument;
    char text[2 * CHAT_REASON_BYTES];
    bool replaced = is_replaced(chat->closing);
    if (chat->logged_out) {
        chat_end(chat, NULL);
    } else if (!chat->was_ready) {
        snprintf(text, sizeof text, "cannot connect to %s: %s", chat->server,
                 chat->closing[0] != '\0' ? chat->closing : reason);
        chat_end(chat, text);
    } else if (replaced && (!chat->interactive || chat->leaving)) {
        chat_end(chat, chat->closing);
    } else if (replaced) {
        chat->stage = CHAT_REPLACED;
        chat_screen_say(&chat->screen, "not connected, and not trying again: /resume does, /quit"
                                       " leaves");
    } else {
        connect_later(chat, reason);
    }
    settle(chat);
}

/* --- timers and signals --------------------------------------------------------------------------
 */

static void on_again(struct ev_loop *ev, ev_timer *timer, int revents) {
    (void)ev;
    (void)revents;
    chat_wire_connect(((struct chat *)timer->data)->wire);
}

static void on_retry(struct ev_loop *ev, ev_timer *timer, int revents) {
    (void)ev;
    (void)revents;
    chat_pump(timer->data);
}

static void on_confirm(struct ev_loop *ev, ev_timer *timer, int revents) {
    (void)ev;
    (void)revents;
    struct chat *chat = timer->data;
    confirm(chat);
    if (chat->stage == CHAT_READY && !chat_wire_has_room(chat->wire))
        chat_confirm_soon(chat);
}

static void on_signal(struct ev_loop *ev, ev_signal *watcher, int revents) {
    (void)ev;
    (void)revents;
    struct chat *chat = watcher->data;
    if (chat->leaving || !chat->was_ready)
        chat_end(chat, "interrupted");
    else
        on_input_ended(chat);
}

static void watch(struct running *running) {
    struct chat *chat = &running->chat;
    ev_timer_init(&chat->again, on_again, 0, 0);
    ev_timer_init(&chat->retry, on_retry, 0, 0);
    ev_timer_init(&chat->confirm, on_confirm, 0, 0);
    ev_timer_init(&chat->copies, on_copies, 0, 0);
    ev_timer_init(&chat->leave, on_leave, 0, 0);
    chat->again.data = chat->retry.data = chat->confirm.data = chat->copies.data =
        chat->leave.data = chat;
    ev_signal_init(&running->interrupt, on_signal, SIGINT);
    ev_signal_init(&running->terminate, on_signal, SIGTERM);
    running->interrupt.data = running->terminate.data = chat;
    ev_signal_start(chat->ev, &running->interrupt);
    ev_signal_start(chat->ev, &running->terminate);
    chat_input_init(&running->input, chat, on_input_ended);
    chat_screen_init(&chat->screen, STDOUT_FILENO);
    chat_requests_make_ref(chat->register_ref);
}

static void unwatch(struct running *running) {
    struct chat *chat = &running->chat;
    ev_timer_stop(chat->ev, &chat->again);
    ev_timer_stop(chat->ev, &chat->retry);
    ev_timer_stop(chat->ev, &chat->confirm);
    ev_timer_stop(chat->ev, &chat->copies);
    ev_timer_stop(chat->ev, &chat->leave);
    ev_signal_stop(chat->ev, &running->interrupt);
    ev_signal_stop(chat->ev, &running->terminate);
    chat_input_free(&running->input);
    if (running->http != NULL)
        chat_files_free(&running->files);
    chat_http_destroy(&running->http);
    chat_wire_destroy(&chat->wire);
    chat_requests_free(&chat->requests);
    chat_marks_clear(&chat->marks);
    chat_screen_free(&chat->screen);
}

/* A refusal at a terminal was seen there. */
static enum chat_result judge(const struct chat *chat, char reason_r[CHAT_REASON_BYTES]) {
    const char *reason = chat->failed ? chat->failure : chat->interactive ? "" : chat->refused;
    snprintf(reason_r, CHAT_REASON_BYTES, "%s", reason);
    if (chat->needs_password)
        return CHAT_NEEDS_PASSWORD;
    return chat->failed || (!chat->interactive && chat->refusals > 0) ? CHAT_FAILED : CHAT_DONE;
}

enum chat_result chat_run(const struct chat_options *options, char reason_r[CHAT_REASON_BYTES]) {
    static const struct chat_wire_events events = {on_opened, on_line, on_drained, on_closed};
    struct running running = {.chat = {.ev = ev_default_loop(0),
                                       .login = options->login,
                                       .server = options->server,
                                       .password = options->password,
                                       .registers = options->registers,
                                       .registration_token = options->registration_token,
                                       .interactive = isatty(STDIN_FILENO) == 1}};
    struct chat *chat = &running.chat;
    signal(SIGPIPE, SIG_IGN);
    snprintf(chat->id, sizeof chat->id, "%s", options->login);
    watch(&running);
    chat->wire =
        chat_wire_new(chat->ev, options->host, options->port, options->trust, &events, chat);
    running.http = chat_http_new(chat->ev, &options->http);
    chat->files = &running.files;
    chat->file_server = options->http.server;
    if (running.http != NULL)
        chat_files_init(&running.files, chat, running.http, settle);
    if (chat->wire == NULL || running.http == NULL) {
        chat_end(chat, "memory is short");
    } else {
        if (options->to[0] != '\0' || options->group[0] != '\0')
            chat_commands_open(chat, options->group[0] != '\0',
                               options->group[0] != '\0' ? options->group : options->to);
        if (!chat->interactive)
            loop_timer_start(chat->ev, &chat->leave, LEAVE_MS);
        chat_wire_connect(chat->wire);
        ev_run(chat->ev, 0);
    }
    enum chat_result result = judge(chat, reason_r);
    unwatch(&running);
    return result;
}
