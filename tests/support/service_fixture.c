/* See service_fixture.h. */
#include "tests/support/service_fixture.h"

#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct child {
    struct {
        struct service_settings service;
        struct db_settings db;
        uint64_t test_port, test_metrics_port;
        bool with_database, never_ready, fail_start, slow_stop;
    } settings;
    struct service *service;
    struct {
        struct call *call;
        int64_t due_ms;
    } held[MAX_HELD];
    size_t held_count;
    bool may_stop;
    ev_timer timer;
    ev_signal signal;
};

static char my_name[256];

static enum err child_echo(void *context, struct call *call, const void *body) {
    (void)context;
    call_reply(&call, body);
    return ERR_OK;
}

static enum err child_fail(void *context, struct call *call, const void *body) {
    (void)context;
    const struct test_fail *failure = body;
    enum err err = err_from_word(failure->error.data, failure->error.length);
    if (failure->text.length == 0)
        return err;
    char text[601];
    snprintf(text, sizeof text, "%.*s", (int)failure->text.length, failure->text.data);
    call_fail_text(&call, err, text);
    return ERR_OK;
}

static enum err child_pool_fail(void *context, struct db *db, struct record_arena *arena,
                                const void *body, void *reply_r) {
    (void)context, (void)db, (void)arena, (void)reply_r;
    const struct test_fail *failure = body;
    return err_from_word(failure->error.data, failure->error.length);
}

static enum err child_hold(void *context, struct call *call, const void *body) {
    struct child *child = context;
    if (child->held_count == MAX_HELD)
        return ERR_TOO_MANY;
    child->held[child->held_count].call = call;
    child->held[child->held_count++].due_ms =
        loop_now_ms() + (int64_t)((const struct number *)body)->number;
    return ERR_OK;
}

/* Answers those whose time is over. */
static void child_answer(struct child *child, int64_t now_ms) {
    size_t left = 0;
    for (size_t i = 0; i < child->held_count; i++) {
        if (child->held[i].due_ms > now_ms)
            child->held[left++] = child->held[i];
        else
            call_reply(&child->held[i].call, &(struct number){1});
    }
    child->held_count = left;
}

static void child_tick(struct ev_loop *ev, ev_timer *timer, int revents) {
    (void)ev, (void)revents;
    child_answer(timer->data, loop_now_ms());
}

static void child_signal(struct ev_loop *ev, ev_signal *watcher, int revents) {
    (void)ev, (void)revents;
    struct child *child = watcher->data;
    child->may_stop = true;
    child_answer(child, INT64_MAX);
}

static enum err child_events(void *context, struct call *call, const void *body) {
    struct child *child = context;
    uint64_t count = ((const struct number *)body)->number;
    for (uint64_t i = 1; i <= count; i++)
        service_send(child->service, call_caller(call), &message_TEST_TICK, &(struct number){i});
    call_reply(&call, body);
    return ERR_OK;
}

static struct large make_large(struct record_arena *arena, const void *body) {
    size_t count = (size_t)((const struct number *)body)->number;
    return (struct large){.bytes = slice_make(record_arena_alloc(arena, count), count)};
}

static enum err child_large(void *context, struct call *call, const void *body) {
    (void)context;
    struct large reply = make_large(call_arena(call), body);
    call_reply(&call, &reply);
    return ERR_OK;
}

static enum err child_pool_large(void *context, struct db *db, struct record_arena *arena,
                                 const void *body, void *reply_r) {
    (void)context, (void)db;
    *(struct large *)reply_r = make_large(arena, body);
    return ERR_OK;
}

static enum err child_add(void *context, struct db *db, struct record_arena *arena,
                          const void *body, void *reply_r) {
    (void)context, (void)arena;
    static const struct db_statement statement = {"add", "SELECT CAST(? + 1 AS UNSIGNED)"};
    struct db_rows *rows;
    enum err err =
        db_query(db, &statement, DB_ARGS(db_u64(((const struct number *)body)->number)), &rows);
    if (db_rows_next(rows))
        ((struct number *)reply_r)->number = db_rows_u64(rows, 0);
    db_rows_destroy(&rows);
    return err;
}

static enum err child_sleep(void *context, struct db *db, struct record_arena *arena,
                            const void *body, void *reply_r) {
    (void)context, (void)db, (void)arena;
    usleep((useconds_t)((const struct number *)body)->number * 1000);
    *(struct number *)reply_r = *(const struct number *)body;
    return ERR_OK;
}

static enum err child_fatal(void *context, struct call *call, const void *body) {
    struct child *child = context;
    int status = (int)((const struct number *)body)->number;
    call_reply(&call, body);
    log_error("test_fatal", "");
    service_fail(child->service, status);
    return ERR_OK;
}

static int child_start(struct service *service, void *context) {
    struct child *child = context;
    child->service = service;
    if (child->settings.fail_start) {
        log_error("start_failed", "reason=\"the test wants it\"");
        return -1;
    }
    if (child->settings.with_database && service_use_pool(service, &child->settings.db, NULL) != 0)
        return -1;
    ev_timer_init(&child->timer, child_tick, 0.005, 0.005);
    ev_signal_init(&child->signal, child_signal, SIGUSR1);
    child->timer.data = child->signal.data = child;
    ev_timer_start(service_loop(service), &child->timer);
    ev_signal_start(service_loop(service), &child->signal);
    return 0;
}

static bool child_ready(void *context) {
    return !((const struct child *)context)->settings.never_ready;
}

static void child_stop(void *context) {
    (void)context;
    log_info("test_stop", "");
}

static bool child_stopped(void *context) {
    const struct child *child = context;
    return child->may_stop || !child->settings.slow_stop;
}

static void child_finish(void *context) {
    (void)context;
    log_info("test_finish", "");
}

static void child_ping(void *context, struct slice caller, struct service_pong *pong) {
    (void)context;
    pong->link = caller.length;
    pong->pushed = (unsigned char)caller.data[0];
}

static int child_main(int argc, char **argv) {
    static struct child child;
    static const struct config_option options[] = {
        CONFIG_INCLUDE(struct child, settings.service, service_options),
        CONFIG_INCLUDE(struct child, settings.db, db_options),
        {"test_port", CONFIG_TYPE_U64, offsetof(struct child, settings.test_port), "", 1, 1, 65535,
         "port", "where it listens"},
        {"test_metrics_port", CONFIG_TYPE_U64, offsetof(struct child, settings.test_metrics_port),
         "", 0, 0, 65535, "port", "where it serves its pages"},
        {"with_database", CONFIG_TYPE_BOOL, offsetof(struct child, settings.with_database), "", 0,
         0, 1, "", "have a pool"},
        {"never_ready", CONFIG_TYPE_BOOL, offsetof(struct child, settings.never_ready), "", 0, 0, 1,
         "", "lack something"},
        {"fail_start", CONFIG_TYPE_BOOL, offsetof(struct child, settings.fail_start), "", 0, 0, 1,
         "", "fail at start"},
        {"slow_stop", CONFIG_TYPE_BOOL, offsetof(struct child, settings.slow_stop), "", 0, 0, 1, "",
         "stop after SIGUSR1"},
        CONFIG_END};
    static const struct service_handler handlers[] = {
        {&message_TEST_ECHO, .loop = child_echo},
        {&message_TEST_FAIL, .loop = child_fail},
        {&message_TEST_HOLD, .loop = child_hold},
        {&message_TEST_EVENTS, .loop = child_events},
        {&message_TEST_LARGE, .loop = child_large},
        {&message_TEST_FATAL, .loop = child_fatal},
        {&message_TEST_ADD, .pool = child_add},
        {&message_TEST_SLEEP, .pool = child_sleep},
        {&message_TEST_POOL_FAIL, .pool = child_pool_fail},
        {&message_TEST_POOL_LARGE, .pool = child_pool_large}};
    const struct service_definition definition = {
        .name = "test",
        .program = {"parley-test", "a service of the tests", "", options},
        .settings = &child,
        .common = &child.settings.service,
        .port = &child.settings.test_port,
        .metrics_port = &child.settings.test_metrics_port,
        .handlers = handlers,
        .handler_count = sizeof handlers / sizeof handlers[0],
        .context = &child,
        .start = child_start,
        .ready = child_ready,
        .stop = child_stop,
        .stopped = child_stopped,
        .finish = child_finish,
        .ping = child_ping};
    return service_main(&definition, argc, argv);
}

/* service_process looks for programs in PARLEY_BIN. */
static void find_myself(void) {
    static char path[4096], folder[4096];
    if (readlink("/proc/self/exe", path, sizeof path - 1) < 0)
        abort();
    memcpy(folder, path, sizeof folder);
    snprintf(my_name, sizeof my_name, "%.255s", basename(path));
    setenv("PARLEY_BIN", dirname(folder), 1);
}

int run_or_be_child(int argc, char **argv) {
    if (getenv("SERVICE_TEST_CHILD") != NULL)
        return child_main(argc, argv);
    find_myself();
    return test_run_all(NULL, NULL);
}

struct service_process *run_service(const char *const *options) {
    static const char *const environment[] = {"SERVICE_TEST_CHILD=1", NULL};
    return service_process_start(my_name, environment, options);
}

struct service_process *start_service(uint16_t port, const char *option) {
    struct service_process *service =
        run_service((const char *[]){test_text("--test-port=%u", (unsigned)port), option, NULL});
    service_process_wait_ready(service);
    return service;
}
