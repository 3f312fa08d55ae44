/*
 * What the kernel knows about a client's TCP socket, also of bytes that nobody has read yet and of
 * what libwebsockets keeps to itself (pings). Each call is one or two system calls.
 */
#ifndef PARLEY_GATEWAY_EDGE_KERNEL_H
#define PARLEY_GATEWAY_EDGE_KERNEL_H

#include <stdbool.h>
#include <stdint.h>

enum edge_kernel_state {
    EDGE_KERNEL_OPEN,
    EDGE_KERNEL_HALF_CLOSED, /* the client's FIN has arrived */
    EDGE_KERNEL_CLOSED       /* the connection is over */
};

struct edge_kernel_info {
    enum edge_kernel_state state;
    uint32_t data_age_ms;        /* since the client's last byte arrived */
    uint32_t acknowledge_age_ms; /* since the client's kernel acknowledged anything */
    uint32_t round_trip_ms;      /* the shortest one */
    uint64_t acknowledged_bytes; /* by the client's kernel */
    uint32_t window_bytes;       /* more that it takes now */
    bool window_known;           /* false: this machine's kernel is older than Linux 5.4 */
    bool output_waits;           /* bytes are not acknowledged, or not even sent */
};

/* false: there is no such socket (any more). */
bool edge_kernel_ask(int fd, struct edge_kernel_info *info_r) __attribute__((warn_unused_result));
/* Bytes that the client's kernel has not acknowledged; -1 when there is no such socket. */
int edge_kernel_unacknowledged(int fd);

#endif
