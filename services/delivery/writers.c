/* Writer threads: queues in front, replies back to the loop. */
#include "services/delivery/writers.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/log.h"
#include "common/loop.h"
#include "services/delivery/batch.h"

/* A sentence about a text that was refused. */
#define REASON_BYTES 128

struct writer {
    struct writers *owner;
    pthread_t thread;
    bool running;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct submission *first, **tail; /* under `lock` */
    atomic_size_t waiting;            /* messages; changed under `lock`, read without */
    size_t waiting_bytes;             /* their texts; under `lock` */
    bool stopping;                    /* under `lock` */
    struct db *db;
    struct head_cache *cache;
};

struct writers {
    struct delivery *delivery;
    pthread_mutex_t lock;
    struct submission *done, **done_tail; /* under `lock` */
    ev_async wake;
    struct metric *batches, *messages, *repeats;
    struct histogram *seconds, *sizes;
    _Atomic uint64_t newest_block; /* of cids that the writers have had */
    size_t count;
    struct writer items[];
};

/* --- the thread ---------------------------------------------------------------------------- */

/* Waits for messages and takes a batch of them; 0 when the writer stops and nothing waits. */
static size_t take_batch(struct writer *writer, struct submission *submissions[ENTRIES_MAX_ROWS]) {
    size_t count = 0, rows = 0, bytes = 0;
    pthread_mutex_lock(&writer->lock);
    while (writer->first == NULL && !writer->stopping)
        pthread_cond_wait(&writer->wake, &writer->lock);
    while (writer->first != NULL) {
        struct submission *submission = writer->first;
        rows += submission->body->texts.count;
        bytes += submission->bytes;
        if (count > 0 && (rows > ENTRIES_MAX_ROWS || bytes > WRITERS_BATCH_BYTES))
            break;
        submissions[count++] = submission;
        writer->first = submission->next;
        writer->waiting -= submission->body->texts.count;
        writer->waiting_bytes -= submission->bytes;
    }
    if (writer->first == NULL)
        writer->tail = &writer->first;
    pthread_mutex_unlock(&writer->lock);
    return count;
}

static void hand_back(struct writers *self, struct submission **submissions, size_t count) {
    for (size_t i = 0; i + 1 < count; i++)
        submissions[i]->next = submissions[i + 1];
    submissions[count - 1]->next = NULL;
    pthread_mutex_lock(&self->lock);
    *self->done_tail = submissions[0];
    self->done_tail = &submissions[count - 1]->next;
    pthread_mutex_unlock(&self->lock);
    ev_async_send(service_loop(self->delivery->service), &self->wake);
}

static uint64_t messages_of(struct submission *const *submissions, size_t count) {
    uint64_t messages = 0;
    for (size_t i = 0; i < count; i++)
        messages += submissions[i]->body->texts.count;
    return messages;
}

static void *run(void *argument) {
    struct writer *writer = argument;
    struct writers *self = writer->owner;
    struct router *router = self->delivery->router;
    struct submission *submissions[ENTRIES_MAX_ROWS];
    for (size_t count; (count = take_batch(writer, submissions)) > 0;) {
        bool missed;
        int64_t began_us = loop_now_us();
        struct route_batch *routes =
            batch_run(writer->db, writer->cache, service_instance(self->delivery->service),
                      delivery_friends_only(self->delivery), submissions, count, &missed);
        metric_add(self->batches, 1);
        histogram_observe(self->seconds, (uint64_t)(loop_now_us() - began_us));
        histogram_observe(self->sizes, messages_of(submissions, count));
        route_post(router, &routes);
        if (missed)
            route_missed(router);
        hand_back(self, submissions, count);
    }
    return NULL;
}

/* --- the loop ------------------------------------------------------------------------------ */

/* Only reasons with facts from the database are written here; all others are the gateway's. */
static void fail(struct submission *submission) {
    char reason[REASON_BYTES];
    const time_t until_s = (time_t)(submission->until_ms / 1000);
    struct tm utc = {0};
    gmtime_r(&until_s, &utc);
    if (submission->err == ERR_MUTED)
        strftime(reason, sizeof reason, "you are muted in this group until %Y-%m-%d %H:%M:%S UTC",
                 &utc);
    else if (submission->err == ERR_SLOW_MODE)
        snprintf(reason, sizeof reason,
                 "this group is in slow mode: you may write again in %" PRIu64 " s",
                 (submission->wait_ms + 999) / 1000);
    else
        snprintf(reason, sizeof reason, "%s", err_text(submission->err));
    call_fail_text(&submission->call, submission->err, reason);
}

static void on_done(struct ev_loop *ev, ev_async *watcher, int revents) {
    (void)ev;
    (void)revents;
    struct writers *self = watcher->data;
    pthread_mutex_lock(&self->lock);
    struct submission *next = self->done;
    self->done = NULL;
    self->done_tail = &self->done;
    pthread_mutex_unlock(&self->lock);
    while (next != NULL) {
        struct submission *submission = next;
        next = submission->next;
        metric_add(self->messages, submission->reply.cids.count);
        metric_add(self->repeats, submission->reply.repeats);
        if (submission->err == ERR_OK)
            call_reply(&submission->call, &submission->reply);
        else
            fail(submission);
        free(submission);
    }
}

/* One request may always wait, also one that is beyond a limit by itself. */
static bool has_room(const struct writer *writer, const struct submission *submission) {
    const struct delivery_settings *settings = &writer->owner->delivery->settings;
    return writer->waiting == 0 ||
           (writer->waiting + submission->body->texts.count <= settings->writer_queue &&
            writer->waiting_bytes + submission->bytes <= settings->writer_queue_bytes);
}

enum err writers_submit(struct writers *self, struct call *call, const struct writers_texts *texts,
                        uint64_t key) {
    const struct delivery_send *body = texts->body;
    struct writer *writer = &self->items[key % self->count];
    struct submission *submission = calloc(1, sizeof *submission);
    if (submission == NULL)
        return ERR_OVERLOADED;
    submission->call = call;
    submission->body = body;
    submission->reworded = texts->reworded;
    submission->stored = texts->stored;
    for (size_t i = 0; i < body->texts.count; i++)
        submission->bytes += body->texts.items[i].length;
    for (size_t i = 0; i < body->captions.count; i++)
        submission->bytes += body->captions.items[i].length;
    pthread_mutex_lock(&writer->lock);
    bool full = !has_room(writer, submission);
    if (!full) {
        *writer->tail = submission;
        writer->tail = &submission->next;
        if (writer->waiting == 0)
            pthread_cond_signal(&writer->wake);
        writer->waiting += body->texts.count;
        writer->waiting_bytes += submission->bytes;
    }
    pthread_mutex_unlock(&writer->lock);
    if (full)
        free(submission);
    return full ? ERR_OVERLOADED : ERR_OK;
}

static int start_writer(struct writers *self, struct writer *writer) {
    writer->owner = self;
    writer->tail = &writer->first;
    pthread_mutex_init(&writer->lock, NULL);
    pthread_cond_init(&writer->wake, NULL);
    writer->db =
        db_new(&self->delivery->settings.db, service_database_watch(self->delivery->service));
    writer->cache = head_cache_new();
    if (writer->db == NULL || writer->cache == NULL)
        return -1;
    head_cache_share(writer->cache, &self->newest_block);
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    writer->running = pthread_create(&writer->thread, NULL, run, writer) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return writer->running ? 0 : -1;
}

static size_t depth_of_fullest(const void *argument) {
    const struct writers *self = argument;
    size_t most = 0;
    for (size_t i = 0; i < self->count; i++) {
        size_t waiting = atomic_load_explicit(&self->items[i].waiting, memory_order_relaxed);
        most = waiting > most ? waiting : most;
    }
    return most;
}

struct writers *writers_new(struct delivery *delivery) {
    size_t count = delivery->settings.writers;
    struct writers *self = calloc(1, sizeof *self + count * sizeof self->items[0]);
    if (self == NULL)
        return NULL;
    struct metrics *metrics = service_metrics(delivery->service);
    self->delivery = delivery;
    self->done_tail = &self->done;
    pthread_mutex_init(&self->lock, NULL);
    self->batches = metrics_counter(metrics, "batches_total", "", "Batches of messages.");
    self->seconds = metrics_histogram(metrics, "batch_seconds", "", HISTOGRAM_SECONDS,
                                      "Time of a batch of messages, up to its commit.");
    self->sizes =
        metrics_histogram(metrics, "batch_messages", "", HISTOGRAM_COUNT, "Messages in a batch.");
    self->messages =
        metrics_counter(metrics, "messages_total", "", "Messages that were committed.");
    self->repeats = metrics_counter(metrics, "repeated_messages_total", "",
                                    "Messages whose nonce had been stored before.");
    ev_async_init(&self->wake, on_done);
    self->wake.data = self;
    ev_async_start(service_loop(delivery->service), &self->wake);
    for (; self->count < count; self->count++) {
        if (start_writer(self, &self->items[self->count]) != 0) {
            log_error("start_failed", "reason=\"out of memory or threads for a writer\"");
            self->count++;
            writers_destroy(&self);
            return NULL;
        }
    }
    service_add_queue(delivery->service, "writers", depth_of_fullest, self,
                      delivery->settings.writer_queue);
    return self;
}

static void end_writer(struct writer *writer) {
    pthread_mutex_lock(&writer->lock);
    writer->stopping = true;
    pthread_cond_signal(&writer->wake);
    pthread_mutex_unlock(&writer->lock);
    if (writer->running)
        pthread_join(writer->thread, NULL);
    db_destroy(&writer->db);
    head_cache_destroy(&writer->cache);
    pthread_cond_destroy(&writer->wake);
    pthread_mutex_destroy(&writer->lock);
}

void writers_destroy(struct writers **self_p) {
    struct writers *self = *self_p;
    *self_p = NULL;
    if (self == NULL)
        return;
    for (size_t i = 0; i < self->count; i++)
        end_writer(&self->items[i]);
    on_done(service_loop(self->delivery->service), &self->wake, 0);
    ev_async_stop(service_loop(self->delivery->service), &self->wake);
    pthread_mutex_destroy(&self->lock);
    free(self);
}
