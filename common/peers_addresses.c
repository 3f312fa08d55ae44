/* The addresses that a list stands for; see peers_addresses.h. */
#include "common/peers_addresses.h"

#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* limit: peer | wait for a look-up at the end | {END_MS} | it is left to itself */
/* How long the end waits for a lookup that is under way; then the thread is left to itself. */
#define END_MS 100

struct name {
    const char *host; /* in `list` */
    unsigned port;
    struct addrinfo *found; /* by the last lookup that succeeded */
};

struct peers_addresses {
    struct ev_loop *ev;
    peers_addresses_changed *handle;
    void *argument;
    struct peers_list list;
    struct peers_address_list fixed; /* the numeric ones */
    struct name names[PEERS_MAX];
    size_t name_count; /* 0: there is no thread */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    ev_async changed;
    struct peers_address_list all;   /* under `lock`, as are these: */
    bool stopping, ended, abandoned; /* abandoned: the thread frees it */
};

/* --- the list -------------------------------------------------------------------------------- */

static void add_address(struct peers_address_list *list, const struct addrinfo *entry,
                        unsigned port) {
    char host[PEERS_ADDRESS_BYTES - 20], address[PEERS_ADDRESS_BYTES];
    if (list->count == PEERS_MAX || getnameinfo(entry->ai_addr, entry->ai_addrlen, host,
                                                sizeof host, NULL, 0, NI_NUMERICHOST) != 0)
        return;
    snprintf(address, sizeof address,
             entry->ai_family == AF_INET6 ? "tcp://[%s]:%u" : "tcp://%s:%u", host, port);
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->addresses[i], address) == 0)
            return;
    memcpy(list->addresses[list->count++], address, sizeof address);
}

static void add_parts(struct peers_addresses *self) {
    const struct addrinfo numeric = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM};
    for (size_t i = 0; i < self->list.count; i++) {
        const struct peers_part *part = &self->list.parts[i];
        struct addrinfo *found;
        if (getaddrinfo(part->host, NULL, &numeric, &found) == 0) {
            add_address(&self->fixed, found, part->port);
            freeaddrinfo(found);
        } else {
            self->names[self->name_count++] = (struct name){.host = part->host, .port = part->port};
        }
    }
}

/* --- the thread ------------------------------------------------------------------------------ */

static struct timespec in_ms(long ms) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_nsec += ms % 1000 * 1000000;
    at.tv_sec += ms / 1000 + at.tv_nsec / 1000000000;
    at.tv_nsec %= 1000000000;
    return at;
}

/* An instance that listens on addresses of both families must not be taken for two: a name's IPv6
 * addresses count if it has none of IPv4. */
static int family_of(const struct addrinfo *found) {
    for (; found != NULL; found = found->ai_next)
        if (found->ai_family == AF_INET)
            return AF_INET;
    return AF_INET6;
}

static void add_found(struct peers_addresses *self, const struct name *name) {
    int family = family_of(name->found);
    for (const struct addrinfo *found = name->found; found != NULL; found = found->ai_next)
        if (found->ai_family == family)
            add_address(&self->all, found, name->port);
}

/* A name that is not there (yet, or for a moment) keeps the addresses that it had. */
static void look_up(struct peers_addresses *self, struct name *name) {
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *found;
    pthread_mutex_unlock(&self->lock);
    int status = getaddrinfo(name->host, NULL, &hints, &found);
    pthread_mutex_lock(&self->lock);
    if (status != 0)
        return;
    if (name->found != NULL)
        freeaddrinfo(name->found);
    name->found = found;
    self->all = self->fixed;
    for (size_t i = 0; i < self->name_count; i++)
        add_found(self, &self->names[i]);
    if (!self->stopping) /* after that there may be no loop */
        ev_async_send(self->ev, &self->changed);
}

static void addresses_free(struct peers_addresses *self) {
    for (size_t i = 0; i < self->name_count; i++)
        if (self->names[i].found != NULL)
            freeaddrinfo(self->names[i].found);
    pthread_mutex_destroy(&self->lock);
    pthread_cond_destroy(&self->wake);
    free(self);
}

static void *run(void *argument) {
    struct peers_addresses *self = argument;
    pthread_mutex_lock(&self->lock);
    while (!self->stopping) {
        for (size_t i = 0; i < self->name_count && !self->stopping; i++)
            look_up(self, &self->names[i]);
        struct timespec until = in_ms(PEERS_LOOK_UP_MS);
        if (!self->stopping)
            pthread_cond_timedwait(&self->wake, &self->lock, &until);
    }
    self->ended = true;
    bool abandoned = self->abandoned;
    pthread_cond_signal(&self->wake);
    pthread_mutex_unlock(&self->lock);
    if (abandoned)
        addresses_free(self);
    return NULL;
}

static void on_changed(struct ev_loop *ev, ev_async *watcher, int revents) {
    (void)ev;
    (void)revents;
    struct peers_addresses *self = watcher->data;
    pthread_mutex_lock(&self->lock);
    struct peers_address_list all = self->all;
    pthread_mutex_unlock(&self->lock);
    self->handle(self->argument, &all);
}

static int start_thread(struct peers_addresses *self) {
    sigset_t every, before;
    sigfillset(&every);
    pthread_sigmask(SIG_SETMASK, &every, &before);
    int status = pthread_create(&self->thread, NULL, run, self);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return status;
}

/* --- life ------------------------------------------------------------------------------------ */

struct peers_addresses *peers_addresses_new(struct ev_loop *ev, const struct peers_list *list,
                                            peers_addresses_changed *handle, void *argument) {
    struct peers_addresses *self = calloc(1, sizeof *self);
    if (self == NULL)
        return NULL;
    self->ev = ev;
    self->handle = handle;
    self->argument = argument;
    self->list = *list;
    pthread_mutex_init(&self->lock, NULL);
    /* The wall clock may be set back: lookups must not wait for it to catch up. */
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&self->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    add_parts(self);
    handle(argument, &self->fixed);
    if (self->name_count == 0)
        return self;
    ev_async_init(&self->changed, on_changed);
    self->changed.data = self;
    ev_async_start(ev, &self->changed);
    if (start_thread(self) != 0) {
        ev_async_stop(ev, &self->changed);
        addresses_free(self);
        return NULL;
    }
    return self;
}

/* Whether the thread has ended; else it frees this when it does. */
static bool end_thread(struct peers_addresses *self) {
    struct timespec until = in_ms(END_MS);
    pthread_mutex_lock(&self->lock);
    self->stopping = true;
    pthread_cond_signal(&self->wake);
    while (!self->ended && pthread_cond_timedwait(&self->wake, &self->lock, &until) == 0)
        ;
    bool ended = self->ended;
    self->abandoned = !ended;
    if (!ended)
        pthread_detach(self->thread);
    pthread_mutex_unlock(&self->lock);
    if (ended)
        pthread_join(self->thread, NULL);
    return ended;
}

void peers_addresses_destroy(struct peers_addresses **self_p) {
    struct peers_addresses *self = *self_p;
    *self_p = NULL;
    if (self == NULL)
        return;
    if (self->name_count > 0) {
        ev_async_stop(self->ev, &self->changed);
        if (!end_thread(self))
            return;
    }
    addresses_free(self);
}
