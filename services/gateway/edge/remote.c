/* Addresses of clients: a proxy's word for them, or the socket's. */
#include "services/gateway/edge/remote.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* --- a proxy's line --- */

/* The word at the front, which a space or the end must follow. */
static struct slice take_word(struct slice *text) {
    const char *end = text->length == 0 ? NULL : memchr(text->data, ' ', text->length);
    struct slice word = *text;
    if (end == NULL) {
        *text = slice_make(NULL, 0);
        return word;
    }
    word.length = (size_t)(end - text->data);
    text->data = end + 1;
    text->length -= word.length + 1;
    return word;
}

static bool is_word(struct slice word, const char *text) {
    return slice_equal(word, slice_text(text));
}

/* Writes the address in the usual form. */
static bool take_host(struct slice *text, int family, char host_r[INET6_ADDRSTRLEN]) {
    unsigned char bytes[sizeof(struct in6_addr)];
    char written[INET6_ADDRSTRLEN] = "";
    struct slice word = take_word(text);
    if (word.length == 0 || word.length >= sizeof written)
        return false;
    memcpy(written, word.data, word.length);
    return inet_pton(family, written, bytes) == 1 &&
           inet_ntop(family, bytes, host_r, INET6_ADDRSTRLEN) != NULL;
}

static bool take_port(struct slice *text, unsigned *port_r) {
    struct slice word = take_word(text);
    unsigned port = 0;
    if (word.length == 0 || word.length > 5)
        return false;
    for (size_t i = 0; i < word.length; i++) {
        if (word.data[i] < '0' || word.data[i] > '9')
            return false;
        port = port * 10 + (unsigned)(word.data[i] - '0');
    }
    *port_r = port;
    return port <= UINT16_MAX;
}

bool edge_remote_parse(struct slice line, struct edge_remote *remote_r) {
    char own_host[INET6_ADDRSTRLEN];
    unsigned own_port;
    *remote_r = (struct edge_remote){0};
    if (line.length < 2 || line.length > EDGE_PROXY_LINE_BYTES ||
        memcmp(line.data + line.length - 2, "\r\n", 2) != 0 ||
        memchr(line.data, '\0', line.length) != NULL)
        return false;
    line.length -= 2;
    if (!is_word(take_word(&line), "PROXY"))
        return false;
    struct slice family = take_word(&line);
    if (is_word(family, "UNKNOWN"))
        return true;
    int number = is_word(family, "TCP4") ? AF_INET : is_word(family, "TCP6") ? AF_INET6 : AF_UNSPEC;
    return number != AF_UNSPEC && take_host(&line, number, remote_r->host) &&
           take_host(&line, number, own_host) && take_port(&line, &remote_r->port) &&
           take_port(&line, &own_port) && line.length == 0;
}

/* --- a socket's address --- */

void edge_remote_find(int fd, struct edge_remote *remote_r) {
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    } end = {0};
    socklen_t length = sizeof end;
    *remote_r = (struct edge_remote){.host = "?"};
    if (getpeername(fd, &end.any, &length) != 0)
        return;
    if (end.any.sa_family == AF_INET6) {
        inet_ntop(AF_INET6, &end.in6.sin6_addr, remote_r->host, sizeof remote_r->host);
        remote_r->port = ntohs(end.in6.sin6_port);
    } else if (end.any.sa_family == AF_INET) {
        inet_ntop(AF_INET, &end.in.sin_addr, remote_r->host, sizeof remote_r->host);
        remote_r->port = ntohs(end.in.sin_port);
    }
}

void edge_remote_unmap(struct edge_remote *remote) {
    static const char mapped[] = "::ffff:";
    const size_t length = sizeof mapped - 1;
    char *host = remote->host;
    if (strncmp(host, mapped, length) == 0 && strchr(host, '.') != NULL)
        memmove(host, host + length, strlen(host) - length + 1);
}

void edge_remote_write(const struct edge_remote *remote, char address_r[EDGE_ADDRESS_BYTES]) {
    bool wide = strchr(remote->host, ':') != NULL;
    snprintf(address_r, EDGE_ADDRESS_BYTES, wide ? "[%s]:%u" : "%s:%u", remote->host, remote->port);
}
