/*
 * Fuzz target of a proxy's line: an accepted line has an address in its usual form, which is
 * accepted again and stays the same. And of the socket that it is read from: nothing behind the
 * line is taken off, wherever the bytes are cut, and a socket without a line is closed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "services/gateway/edge/proxy.h"
#include "tests/fuzz/fuzz.h"

#define MOST_BYTES 4096

static bool check_line(struct slice text) {
    struct edge_remote remote, again;
    char line[2 * INET6_ADDRSTRLEN + 64], address[EDGE_ADDRESS_BYTES];
    if (!edge_remote_parse(text, &remote))
        return false;
    if (remote.host[0] == '\0')
        return true;
    const char *family = strchr(remote.host, ':') != NULL ? "TCP6" : "TCP4";
    snprintf(line, sizeof line, "PROXY %s %s %s %u 1\r\n", family, remote.host, remote.host,
             remote.port);
    require(edge_remote_parse(slice_text(line), &again) && again.port == remote.port &&
            strcmp(again.host, remote.host) == 0);
    edge_remote_unmap(&remote);
    edge_remote_write(&remote, address);
    require(strstr(address, remote.host) != NULL && strrchr(address, ':') != NULL);
    return true;
}

struct let_in {
    bool happened, known;
    int fd;
};

/* It is handed through, and not looked into. */
static const struct edge_port *some_port(void) {
    static const char port;
    return (const struct edge_port *)(const void *)&port;
}

static void let_in(void *argument, const struct edge_port *port, int fd,
                   const struct edge_remote *remote) {
    struct let_in *seen = argument;
    require(port == some_port() && !seen->happened);
    *seen = (struct let_in){.happened = true, .known = remote != NULL, .fd = fd};
}

/* Writes the bytes in pieces, each of which is read before the next. */
static void check_socket(const uint8_t *bytes, size_t size, size_t cut, bool taken) {
    struct ev_loop *ev = ev_default_loop(EVFLAG_AUTO);
    struct edge_proxy proxy;
    struct let_in seen = {.fd = -1};
    int ends[2];
    const uint8_t *line_end = size == 0 ? NULL : memchr(bytes, '\n', size);
    size_t line = line_end == NULL ? size : (size_t)(line_end - bytes) + 1;
    require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
    edge_proxy_start(&proxy, ev, let_in, &seen);
    require(edge_proxy_await(&proxy, some_port(), ends[0]) == 0);
    for (size_t at = 0; at < size;) {
        /* Behind the line in one piece: a socket doesn't hold thousands of small ones. */
        size_t length = seen.happened || size - at < cut ? size - at : cut;
        if (send(ends[1], bytes + at, length, MSG_NOSIGNAL) != (ssize_t)length) {
            require(errno == EPIPE || errno == ECONNRESET);
            break;
        }
        at += length;
        ev_run(ev, EVRUN_NOWAIT);
        ev_run(ev, EVRUN_NOWAIT);
    }
    bool waits = line_end == NULL && size < EDGE_PROXY_LINE_BYTES;
    require(seen.happened == taken && (proxy.count == 1) == waits);
    if (seen.happened) {
        static char rest[MOST_BYTES];
        ssize_t got = recv(seen.fd, rest, sizeof rest, 0);
        size_t expected = size - line;
        require(expected == 0
                    ? got < 0
                    : got == (ssize_t)expected && memcmp(rest, bytes + line, expected) == 0);
        close(seen.fd);
    }
    edge_proxy_stop(&proxy);
    require(proxy.count == 0);
    close(ends[1]);
}

/* The first byte says how to cut the bytes behind it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    (void)check_line(slice_make((const char *)data, size));
    if (size < 2 || size > MOST_BYTES)
        return 0;
    const uint8_t *bytes = data + 1, *end = memchr(bytes, '\n', size - 1);
    size_t line = end == NULL ? 0 : (size_t)(end - bytes) + 1;
    bool taken = end != NULL && check_line(slice_make((const char *)bytes, line));
    check_socket(bytes, size - 1, (size_t)data[0] + 1, taken);
    return 0;
}
