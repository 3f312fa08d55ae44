/*
 * Fuzz target of `bind_address`: a list is refused, or opens at most as many ports as are allowed;
 * one that is called local opens none that others reach.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/listen.h"
#include "common/log.h"
#include "tests/fuzz/fuzz.h"

struct opened {
    size_t count;
    bool local;
};

static bool is_loopback(int fd) {
    struct sockaddr_storage bound = {0};
    socklen_t length = sizeof bound;
    require(getsockname(fd, (struct sockaddr *)&bound, &length) == 0);
    if (bound.ss_family == AF_INET)
        return ntohl(((struct sockaddr_in *)&bound)->sin_addr.s_addr) >> 24 == 127;
    return IN6_IS_ADDR_LOOPBACK(&((struct sockaddr_in6 *)&bound)->sin6_addr);
}

static void on_opened(void *argument, int fd) {
    struct opened *opened = argument;
    opened->count++;
    opened->local = opened->local && is_loopback(fd);
    close(fd);
}

static void on_failed(void *argument) {
    (void)argument;
    abort(); /* it waits for no port */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const struct listener_events events = {.opened = on_opened, .failed = on_failed};
    struct ev_loop *ev = ev_default_loop(EVFLAG_AUTO);
    struct opened opened = {.local = true};
    char printed[LISTEN_TEXT_BYTES], *text = strndup((const char *)data, size);
    require(text != NULL);
    log_open("fuzz", LOG_LEVEL_NONE);
    require(strlen(listen_print(printed, "tcp://", text, 65535)) < LISTEN_TEXT_BYTES);
    const struct listen_at at = {.option = "port", .addresses = text};
    struct listener *listener = listener_new(ev, &at, &events, &opened);
    require(opened.count <= LISTEN_MAX_ADDRESSES && (listener != NULL) == (opened.count > 0));
    require(opened.local || !listen_is_local(text));
    listener_destroy(&listener);
    free(text);
    return 0;
}
