/* The addresses behind a name, looked up again every second on a thread of its own. */
#include <arpa/inet.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/peers_private.h"

#define LOOKUP_SECONDS 1

struct peers_resolver {
    struct peers *peers;
    char *name, *port;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stopping;
    ev_async found;
    char addresses[PEERS_MAX][PEERS_ADDRESS_BYTES]; /* under `lock` */
    size_t count;
};

static void add_address(struct peers_resolver *self, const struct sockaddr *address) {
    char host[INET6_ADDRSTRLEN];
    const void *bytes = address->sa_family == AF_INET
                            ? (const void *)&((const struct sockaddr_in *)address)->sin_addr
                            : (const void *)&((const struct sockaddr_in6 *)address)->sin6_addr;
    if (self->count == PEERS_MAX || inet_ntop(address->sa_family, bytes, host, sizeof host) == NULL)
        return;
    snprintf(self->addresses[self->count++], PEERS_ADDRESS_BYTES,
             address->sa_family == AF_INET ? "tcp://%s:%s" : "tcp://[%s]:%s", host, self->port);
}

static void look_up(struct peers_resolver *self) {
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *found = NULL;
    /* A name that is not there (yet, or for a moment) leaves the instances as they are. */
    if (getaddrinfo(self->name, NULL, &hints, &found) != 0)
        return;
    pthread_mutex_lock(&self->lock);
    self->count = 0;
    for (struct addrinfo *entry = found; entry != NULL; entry = entry->ai_next)
        add_address(self, entry->ai_addr);
    pthread_mutex_unlock(&self->lock);
    freeaddrinfo(found);
    ev_async_send(service_loop(self->peers->service), &self->found);
}

static void *run(void *argument) {
    struct peers_resolver *self = argument;
    pthread_mutex_lock(&self->lock);
    while (!self->stopping) {
        pthread_mutex_unlock(&self->lock);
        look_up(self);
        pthread_mutex_lock(&self->lock);
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += LOOKUP_SECONDS;
        if (!self->stopping)
            pthread_cond_timedwait(&self->wake, &self->lock, &until);
    }
    pthread_mutex_unlock(&self->lock);
    return NULL;
}

static void on_found(struct ev_loop *ev, ev_async *watcher, int revents) {
    (void)ev;
    (void)revents;
    struct peers_resolver *self = watcher->data;
    char addresses[PEERS_MAX][PEERS_ADDRESS_BYTES];
    pthread_mutex_lock(&self->lock);
    size_t count = self->count;
    memcpy(addresses, self->addresses, sizeof addresses);
    pthread_mutex_unlock(&self->lock);
    peers_set_addresses(self->peers, addresses, count);
}

static int start_thread(struct peers_resolver *self) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int status = pthread_create(&self->thread, NULL, run, self);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return status;
}

struct peers_resolver *peers_resolver_new(struct peers *peers, const char *name, const char *port) {
    struct peers_resolver *self = calloc(1, sizeof *self);
    if (self == NULL)
        return NULL;
    self->peers = peers;
    self->name = strdup(name);
    self->port = strdup(port);
    pthread_mutex_init(&self->lock, NULL);
    /* The wall clock may be set back: lookups must not wait for it to catch up. */
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&self->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    ev_async_init(&self->found, on_found);
    self->found.data = self;
    ev_async_start(service_loop(peers->service), &self->found);
    if (self->name == NULL || self->port == NULL || start_thread(self) != 0) {
        ev_async_stop(service_loop(peers->service), &self->found);
        free(self->name);
        free(self->port);
        free(self);
        return NULL;
    }
    return self;
}

void peers_resolver_destroy(struct peers_resolver **self_p) {
    struct peers_resolver *self = *self_p;
    *self_p = NULL;
    if (self == NULL)
        return;
    pthread_mutex_lock(&self->lock);
    self->stopping = true;
    pthread_cond_signal(&self->wake);
    pthread_mutex_unlock(&self->lock);
    pthread_join(self->thread, NULL);
    ev_async_stop(service_loop(self->peers->service), &self->found);
    pthread_mutex_destroy(&self->lock);
    pthread_cond_destroy(&self->wake);
    free(self->name);
    free(self->port);
    free(self);
}
