/*
 * Fuzz target of the operator's pages: bytes from a socket, however cut, get an answer of HTTP or
 * none, one page at most, and never keep the next client from its page.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/http_admin.h"
#include "common/log.h"
#include "tests/fuzz/fuzz.h"

/* Turns of the loop in a row in which nothing arrives, after which no more will. */
#define IDLE_TURNS 4
#define MOST_TURNS 10000

static struct ev_loop *ev;
static struct sockaddr_in address;
static unsigned pages_written;

static unsigned write_page(void *argument, struct buffer *body) {
    (void)argument;
    pages_written++;
    buffer_add_text(body, "the page\n");
    return 200;
}

static void on_failed(void *argument) {
    (void)argument;
    abort();
}

/* A port that is free: the kernel chooses it for a socket that is closed again. */
static uint16_t free_port(void) {
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    address =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    require(bind(fd, (struct sockaddr *)&address, sizeof address) == 0);
    require(getsockname(fd, (struct sockaddr *)&address, &length) == 0);
    close(fd);
    return ntohs(address.sin_port);
}

static void start(void) {
    static const struct http_page pages[] = {{"/page", "text/plain", write_page}};
    const struct listen_at at = {
        .option = "port", .addresses = "127.0.0.1", .port = free_port(), .wait_ms = 0};
    log_open("fuzz", LOG_LEVEL_ERROR);
    ev = ev_default_loop(EVFLAG_AUTO);
    require(http_admin_new(ev, &at, pages, 1, on_failed, NULL) != NULL);
}

/* Writes the bytes in pieces and reads the answers, until no more arrive. */
static struct buffer ask(const uint8_t *bytes, size_t size, size_t cut) {
    const struct linger none = {.l_onoff = 1}; /* a reset, so that no port waits */
    struct buffer answer = buffer_make((size_t)1 << 20);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    require(setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none) == 0);
    require(connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
    require(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
    size_t at = 0;
    for (int idle = 0, turns = 0; idle < IDLE_TURNS; turns++) {
        static char got[4096];
        require(turns < MOST_TURNS);
        idle++;
        if (at < size) {
            ssize_t sent = send(fd, bytes + at, size - at < cut ? size - at : cut, MSG_NOSIGNAL);
            if (sent > 0) {
                at += (size_t)sent;
                idle = 0;
            }
        }
        ev_run(ev, EVRUN_NOWAIT);
        ssize_t length = recv(fd, got, sizeof got, 0);
        if (length == 0 || (length < 0 && errno != EAGAIN))
            break;
        if (length > 0) {
            require(buffer_add(&answer, got, (size_t)length) == 0);
            idle = 0;
        }
    }
    close(fd);
    ev_run(ev, EVRUN_NOWAIT);
    ev_run(ev, EVRUN_NOWAIT);
    return answer;
}

static bool holds(const void *bytes, size_t size, const char *text) {
    return size != 0 && memmem(bytes, size, text, strlen(text)) != NULL;
}

/* The first byte says how to cut the bytes behind it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char good[] = "GET /page HTTP/1.1\r\nHost: a\r\n\r\n";
    static unsigned count;
    if (ev == NULL)
        start();
    if (size < 2)
        return 0;
    pages_written = 0;
    struct buffer answer = ask(data + 1, size - 1, ((size_t)data[0] + 1) * 16);
    require(answer.length == 0 ||
            holds(answer.data, answer.length < 9 ? answer.length : 9, "HTTP/1."));
    require(pages_written <= 1);
    if (holds(answer.data, answer.length, "the page\n"))
        require(pages_written == 1 && holds(answer.data, answer.length, " 200 "));
    buffer_free(&answer);
    if (++count % 64 == 0) {
        answer = ask((const uint8_t *)good, sizeof good - 1, sizeof good);
        require(holds(answer.data, answer.length, "the page\n"));
        buffer_free(&answer);
    }
    return 0;
}
