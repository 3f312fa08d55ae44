/*
 * Sockets of plain HTTP that have not sent the whole head of their first request yet. What no
 * request begins with, and too large a head, is answered here: libwebsockets closes without a word.
 * Not a byte of a good request is taken off the socket.
 *
 *     edge_heads_start(&heads, ev, wait_s, on_end, argument);
 *     edge_heads_await(&heads, fd, socket);      then on_end, once
 *     edge_heads_stop(&heads);                   closes those that still wait, with on_end
 *
 * The caller limits how many wait.
 */
#ifndef PARLEY_GATEWAY_EDGE_HEADS_H
#define PARLEY_GATEWAY_EDGE_HEADS_H

#include <ev.h>
#include <sys/queue.h>

struct edge_head;
struct edge_socket;

/* The head is there, and `fd` the callee's; or `fd` is -1: it is closed. */
typedef void edge_heads_end(void *argument, struct edge_socket *socket, int fd);

LIST_HEAD(edge_head_list, edge_head);

struct edge_heads {
    struct ev_loop *ev;
    unsigned wait_s;
    edge_heads_end *on_end;
    void *argument;
    struct edge_head_list all;
};

void edge_heads_start(struct edge_heads *self, struct ev_loop *ev, unsigned wait_s,
                      edge_heads_end *on_end, void *argument);
/* Takes the descriptor; without memory on_end is called at once. `socket` is handed to on_end. */
void edge_heads_await(struct edge_heads *self, int fd, struct edge_socket *socket);
void edge_heads_stop(struct edge_heads *self);

#endif
