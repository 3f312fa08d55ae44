/* Lists of peers, part by part. */
#include "common/peers_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* As much of a part as a reason shows. */
#define SHOWN_BYTES 80

static bool read_port(const char *text, size_t length, unsigned *port_r) {
    *port_r = 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        *port_r = *port_r * 10 + (unsigned)(text[i] - '0');
    }
    return length >= 1 && length <= 5 && *port_r >= 1 && *port_r <= 65535;
}

/* Neither a blank nor a control character: they would be pasted by mistake. */
static bool is_plain(const char *text, size_t length) {
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)text[i] <= ' ' || text[i] == 0x7f || text[i] == '/')
            return false;
    return true;
}

static bool read_part(const char *text, size_t length, struct peers_part *part_r) {
    size_t scheme = strncmp(text, "tcp://", 6) == 0 ? 6 : strncmp(text, "dns:", 4) == 0 ? 4 : 0;
    if (scheme == 0 || length <= scheme)
        return false;
    const char *host = text + scheme;
    size_t left = length - scheme;
    const char *colon = memrchr(host, ':', left);
    if (colon == NULL)
        return false;
    size_t host_length = (size_t)(colon - host);
    if (!read_port(colon + 1, left - host_length - 1, &part_r->port))
        return false;
    if (host_length >= 2 && host[0] == '[' && host[host_length - 1] == ']') {
        host++;
        host_length -= 2;
    }
    if (host_length == 0 || host_length >= PEERS_HOST_BYTES || !is_plain(host, host_length))
        return false;
    memcpy(part_r->host, host, host_length);
    part_r->host[host_length] = '\0';
    return true;
}

bool peers_list_read(const char *text, struct peers_list *list_r,
                     char reason_r[PEERS_REASON_BYTES]) {
    list_r->count = 0;
    for (const char *part = text; part != NULL;) {
        size_t length = strcspn(part, ",");
        if (list_r->count == PEERS_MAX) {
            snprintf(reason_r, PEERS_REASON_BYTES, "it has more than %d parts", PEERS_MAX);
            return false;
        }
        if (!read_part(part, length, &list_r->parts[list_r->count])) {
            snprintf(reason_r, PEERS_REASON_BYTES,
                     "'%.*s' is neither tcp://host:port nor dns:name:port",
                     length < SHOWN_BYTES ? (int)length : SHOWN_BYTES, part);
            return false;
        }
        list_r->count++;
        part = part[length] == ',' ? part + length + 1 : NULL;
    }
    return true;
}
