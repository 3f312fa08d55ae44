/*
 * A listening port on one or more addresses, and the connections that it accepts.
 *
 *     static const struct listener_events events = {.accepted = let_in, .failed = give_up};
 *     struct listener *listener = listener_new(ev, &(struct listen_at){
 *         .option = "http_port", .addresses = "127.0.0.1,::1", .port = 5999, .wait_ms = 10000},
 *         &events, argument);
 *     listener_destroy(&listener);
 *
 * `addresses` are numeric, IPv4 and IPv6 in any mix, comma separated; where an IPv4 address is
 * among them IPv6 addresses take IPv6 alone, else `::` takes both. Of LISTEN_DEFAULT those that
 * this machine has not got are left out; any other list is taken as a whole or not at all.
 *
 * A port that is in use (an outgoing connection may hold it for a while) is tried again every
 * LISTEN_RETRY_MS for `wait_ms`. Then, and after any other fault at once, one line of the log says
 * what to do. When descriptors or memory run out, nothing is accepted for LISTEN_STARVED_MS, and so
 * on until there are some; that is logged once in LISTEN_LOG_MS.
 */
#ifndef PARLEY_COMMON_LISTEN_H
#define PARLEY_COMMON_LISTEN_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

#define LISTEN_DEFAULT "127.0.0.1,::1"
/* limit: service | addresses of `bind_address` | {LISTEN_MAX_ADDRESSES} | exit status 1 */
#define LISTEN_MAX_ADDRESSES 8
#define LISTEN_RETRY_MS 100
/* limit: client | descriptors or memory run out when accepting | {LISTEN_STARVED_MS} |
 * `accept_starved` is logged, once in 10 s; tried again after that time */
#define LISTEN_STARVED_MS 250
#define LISTEN_LOG_MS 10000
/* limit: gateway | accepted in one turn of the loop | {LISTEN_BUDGET} | the next turn */
/* Accepted in one go before others have their turn. */
#define LISTEN_BUDGET 64

struct listener;

struct listen_at {
    const char *option;    /* that sets the port, for the log; a literal */
    const char *addresses; /* borrowed */
    uint16_t port;         /* 0: the kernel chooses, see listener_port */
    uint64_t wait_ms;
};

struct listener_events {
    /* Sets options that accepted sockets inherit; may be NULL. */
    void (*prepare)(void *argument, int fd);
    /* One of the two. A client's socket, which is the callee's from now on: */
    void (*accepted)(void *argument, int fd);
    /* Or each listening socket, which is the callee's too; perhaps from within listener_new. */
    void (*opened)(void *argument, int fd);
    /* The wait is over, and logged. Never from within listener_new. */
    void (*failed)(void *argument);
};

/* Whether nobody but this machine reaches these addresses. */
bool listen_is_local(const char *addresses);

/* NULL after one logged line. It may still be waiting for its port. */
struct listener *listener_new(struct ev_loop *ev, const struct listen_at *at,
                              const struct listener_events *events, void *argument);
/* Closes the sockets that are still its own. */
void listener_destroy(struct listener **self);
bool listener_is_open(const struct listener *self);
/* 0 while it waits. */
uint16_t listener_port(const struct listener *self);

/* `tcp://` (or another scheme) and each address with the port, comma separated, for logs. */
#define LISTEN_TEXT_BYTES 512
const char *listen_print(char out[LISTEN_TEXT_BYTES], const char *scheme, const char *addresses,
                         unsigned port);

#endif
