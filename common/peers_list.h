/*
 * Reads lists of peers: `tcp://host:port` and `dns:name:port` in any mix, separated by commas
 * alone; pure. Services and parleyctl read theirs with it.
 *
 *     struct peers_list parts;
 *     if (!peers_list_read(text, &parts, reason, sizeof reason)) ... reason names the wrong part
 * ...
 *     ... parts.parts[i].host, .port ...
 */
#ifndef PARLEY_COMMON_PEERS_LIST_H
#define PARLEY_COMMON_PEERS_LIST_H

#include <stdbool.h>
#include <stddef.h>

/*
 * limit: peer | instances of a service; parts of a list of peers | {PEERS_MAX} | further ones are
 * left out, `too_many_peers`; the program does not start
 */
/* Instances per service. */
#define PEERS_MAX 64
/* no limit: DNS has it */
/* The longest name in DNS, with a 0. */
#define PEERS_HOST_BYTES 254
/* Of a reason: a part is cut where it is longer. */
#define PEERS_REASON_BYTES 160

struct peers_part {
    char host[PEERS_HOST_BYTES]; /* a name or a numeric address, without brackets */
    unsigned port;               /* 1 to 65535 */
};

struct peers_list {
    struct peers_part parts[PEERS_MAX];
    size_t count; /* at least 1 */
};

/* false: `reason_r` says what is wrong with which part, as the end of "auth_peers: ...". */
bool peers_list_read(const char *text, struct peers_list *list_r, char reason_r[PEERS_REASON_BYTES])
    __attribute__((warn_unused_result));

#endif
