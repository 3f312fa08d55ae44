/*
 * Fuzz target of a proxy's line: what is taken has an address in its usual form, which is taken
 * again and stays the same.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/gateway/edge/remote.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct edge_remote peer, again;
    char line[2 * INET6_ADDRSTRLEN + 64];
    if (!edge_remote_parse(slice_make((const char *)data, size), &peer) || peer.host[0] == '\0')
        return 0;
    const char *family = strchr(peer.host, ':') != NULL ? "TCP6" : "TCP4";
    snprintf(line, sizeof line, "PROXY %s %s %s %u 1\r\n", family, peer.host, peer.host, peer.port);
    if (!edge_remote_parse(slice_text(line), &again) || again.port != peer.port ||
        strcmp(again.host, peer.host) != 0)
        abort();
    return 0;
}
