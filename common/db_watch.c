/* Whether a service's database is there; see db_watch.h. */
#include "common/db_watch.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/loop.h"

#define FAULT_BYTES 256

struct db_watch {
    pthread_mutex_t lock; /* of all below */
    bool away;
    int64_t since_ms, found_ms; /* while it is away: since when, and when it was last found so */
    char fault[FAULT_BYTES];
};

struct db_watch *db_watch_new(void) {
    struct db_watch *self = calloc(1, sizeof *self);
    if (self != NULL)
        pthread_mutex_init(&self->lock, NULL);
    return self;
}

void db_watch_destroy(struct db_watch **self) {
    if (*self == NULL)
        return;
    pthread_mutex_destroy(&(*self)->lock);
    free(*self);
    *self = NULL;
}

/* The lines are written under the lock: in the order of the changes. */

void db_watch_away(struct db_watch *self, const char *fault) {
    char quoted[LOG_QUOTED_BYTES];
    if (self == NULL)
        return;
    pthread_mutex_lock(&self->lock);
    self->found_ms = loop_now_ms();
    snprintf(self->fault, sizeof self->fault, "%s", fault);
    if (!self->away) {
        self->away = true;
        self->since_ms = self->found_ms;
        log_error("database_away", "reason=%s",
                  log_quote(quoted, self->fault, strlen(self->fault)));
    }
    pthread_mutex_unlock(&self->lock);
}

void db_watch_there(struct db_watch *self) {
    if (self == NULL)
        return;
    pthread_mutex_lock(&self->lock);
    int64_t now_ms = loop_now_ms();
    if (self->away && now_ms - self->found_ms >= DB_WATCH_CALM_MS) {
        self->away = false;
        log_info("database_back", "after_ms=%lld", (long long)(now_ms - self->since_ms));
    }
    pthread_mutex_unlock(&self->lock);
}

const char *db_watch_fault(struct db_watch *self, char *out, size_t size) {
    pthread_mutex_lock(&self->lock);
    bool away = self->away;
    if (away)
        snprintf(out, size, "no database: %s", self->fault);
    pthread_mutex_unlock(&self->lock);
    return away ? out : NULL;
}
