/*
 * The load generator of the benchmark: pairs of YouIM clients over WebSocket, one of each pair
 * writing private texts to the other.
 *
 * Closed loop (the default): each pair keeps `--window` texts under way, and every receipt lets the
 * next one go. Open loop (`--rate`): texts leave at fixed times over all pairs, whatever
 * comes back. A text carries its number and the time it was due, so that waiting before it could be
 * sent counts; the receiver checks the number: a text lost, doubled or out of order ends the run.
 *
 * One thread on epoll. load_report.c prints the results.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/load_report.h"

#define NS_PER_S 1000000000ULL
#define INPUT_BYTES 65536
#define MAX_TEXT_BYTES 4000
/* Without a single receipt for so long, something is broken. */
#define STALL_NS (30 * NS_PER_S)
/* Texts that may wait for their receipts in the open loop: the server's window for a client. */
#define OPEN_WINDOW 64

struct connection {
    int fd;
    struct pair *pair;
    bool waiting; /* for the kernel to take more */
    bool listed;  /* has output to write at the end of the turn */
    struct connection *next_listed;
    char *input, *output;
    size_t input_length, output_length, output_size;
    char id[40], token[80];
};

struct pair {
    struct connection from, to;
    uint32_t sent, received;
};

static struct {
    unsigned pairs, window, bytes;
    double seconds, warm_up, rate;
    const char *host;
    uint16_t port;
} options = {.pairs = 100,
             .window = 4,
             .bytes = 100,
             .seconds = 10,
             .warm_up = 2,
             .host = "127.0.0.1",
             .port = 5999};

static enum { WARMING_UP, MEASURING, DRAINING } phase;
static struct pair *pairs;
static struct connection *listed;
static int epoll;
static uint64_t measure_from, measure_until, last_receipt, next_due, due_count;
static char padding[MAX_TEXT_BYTES];

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

/* --- output ---------------------------------------------------------------------------------- */

/* A masked frame as clients must send them; the mask is 0, which leaves the payload as it is. */
static void add_frame(struct connection *connection, unsigned opcode, const char *text,
                      size_t length) {
    size_t need = connection->output_length + length + 8;
    if (need > connection->output_size) {
        connection->output_size = 2 * need;
        connection->output = grow(connection->output, connection->output_size);
    }
    unsigned char *at = (unsigned char *)connection->output + connection->output_length;
    *at++ = (unsigned char)(0x80 | opcode);
    if (length < 126) {
        *at++ = (unsigned char)(0x80 | length);
    } else {
        *at++ = 0x80 | 126;
        *at++ = (unsigned char)(length >> 8);
        *at++ = (unsigned char)length;
    }
    memset(at, 0, 4);
    memcpy(at + 4, text, length);
    connection->output_length = (size_t)((char *)at + 4 + length - connection->output);
    if (!connection->listed) {
        connection->listed = true;
        connection->next_listed = listed;
        listed = connection;
    }
}

static void write_output(struct connection *connection) {
    ssize_t written =
        send(connection->fd, connection->output, connection->output_length, MSG_NOSIGNAL);
    if (written < 0 && errno != EAGAIN)
        die("%s: %s", connection->id, strerror(errno));
    size_t done = written < 0 ? 0 : (size_t)written;
    connection->output_length -= done;
    memmove(connection->output, connection->output + done, connection->output_length);
    bool waiting = connection->output_length > 0;
    if (waiting != connection->waiting) {
        struct epoll_event event = {.events = waiting ? EPOLLIN | EPOLLOUT : EPOLLIN,
                                    .data.ptr = connection};
        epoll_ctl(epoll, EPOLL_CTL_MOD, connection->fd, &event);
        connection->waiting = waiting;
    }
}

static void flush(void) {
    while (listed != NULL) {
        struct connection *connection = listed;
        listed = connection->next_listed;
        connection->listed = false;
        if (!connection->waiting)
            write_output(connection);
    }
}

/* The next text of a pair, which was due at that time. */
static void say(struct pair *pair, uint64_t due_ns) {
    char text[MAX_TEXT_BYTES + 512];
    int length = snprintf(text, sizeof text,
                          "{\"msgType\":\"5\",\"msgBody\":{\"token\":\"%s\",\"toUserId\":\"%s\","
                          "\"msg\":\"%010u %020llu %.*s\",\"fromUserId\":\"%s\"}}",
                          pair->from.token, pair->to.id, pair->sent++, (unsigned long long)due_ns,
                          (int)options.bytes - 32, padding, pair->from.id);
    add_frame(&pair->from, 1, text, (size_t)length);
}

/* --- input ----------------------------------------------------------------------------------- */

static void on_text(struct connection *connection, const char *text, size_t length) {
    static const char head[] = "{\"msg\":\"";
    struct pair *pair = connection->pair;
    char digits[33];
    if (connection != &pair->to || length < sizeof head + 32 ||
        memcmp(text, head, sizeof head - 1) != 0)
        die("%s got %.*s", connection->id, (int)length, text);
    memcpy(digits, text + sizeof head - 1, 32);
    digits[32] = '\0';
    char *end;
    unsigned long number = strtoul(digits, &end, 10);
    uint64_t due_ns = strtoull(end, NULL, 10), now = now_ns();
    if (number != pair->received)
        die("%s got text %lu where %u comes next", connection->id, number, pair->received);
    pair->received++;
    last_receipt = now;
    if (phase == MEASURING)
        report_add_latency(now - due_ns);
    if (phase != DRAINING && options.rate == 0)
        say(pair, now);
}

/* Takes the frames that are whole; returns how many bytes they were. */
static size_t take_frames(struct connection *connection) {
    const unsigned char *start = (const unsigned char *)connection->input, *at = start;
    const unsigned char *end = at + connection->input_length;
    while (end - at >= 2) {
        size_t length = at[1], head = 2;
        if (length == 126) {
            if (end - at < 4)
                break;
            length = (size_t)at[2] << 8 | at[3];
            head = 4;
        } else if (length > 126) {
            die("%s got a frame that is too long", connection->id);
        }
        if ((size_t)(end - at) < head + length)
            break;
        const char *payload = (const char *)at + head;
        if (at[0] == 0x81)
            on_text(connection, payload, length);
        else if (at[0] == 0x89)
            add_frame(connection, 10, payload, length);
        else
            die("%s got a frame of kind %02x", connection->id, at[0]);
        at += head + length;
    }
    return (size_t)(at - start);
}

static void read_input(struct connection *connection) {
    ssize_t count = recv(connection->fd, connection->input + connection->input_length,
                         INPUT_BYTES - connection->input_length, 0);
    if (count == 0 || (count < 0 && errno != EAGAIN))
        die("%s was disconnected", connection->id);
    if (count < 0)
        return;
    connection->input_length += (size_t)count;
    size_t taken = take_frames(connection);
    connection->input_length -= taken;
    memmove(connection->input, connection->input + taken, connection->input_length);
}

/* --- setting up, which may block ------------------------------------------------------------- */

/* Reads until `end` is in the input; the text up to it, which the next call overwrites. */
static char *await(struct connection *connection, const char *end) {
    for (;;) {
        connection->input[connection->input_length] = '\0';
        char *found = memmem(connection->input, connection->input_length, end, strlen(end));
        if (found != NULL) {
            connection->input_length = 0;
            return connection->input;
        }
        ssize_t count = recv(connection->fd, connection->input + connection->input_length,
                             INPUT_BYTES - 1 - connection->input_length, 0);
        if (count <= 0)
            die("%s could not log in: %.*s", connection->id, (int)connection->input_length,
                connection->input);
        connection->input_length += (size_t)count;
    }
}

static void connect_to_server(struct connection *connection) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(options.port)};
    struct timeval limit = {.tv_sec = 30};
    int on = 1;
    if (inet_pton(AF_INET, options.host, &address.sin_addr) != 1)
        die("%s is not an IPv4 address", options.host);
    connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection->fd < 0 ||
        connect(connection->fd, (struct sockaddr *)&address, sizeof address) != 0)
        die("cannot connect to %s:%u: %s", options.host, options.port, strerror(errno));
    setsockopt(connection->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

static void log_in(struct connection *connection, struct pair *pair, char side) {
    static const char upgrade[] = "GET / HTTP/1.1\r\nHost: parley\r\nUpgrade: websocket\r\n"
                                  "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                                  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    char text[256];
    connection->pair = pair;
    connection->input = grow(NULL, INPUT_BYTES);
    snprintf(connection->id, sizeof connection->id, "load-%ld-%zu%c", (long)getpid(),
             (size_t)(pair - pairs), side);
    connect_to_server(connection);
    if (send(connection->fd, upgrade, sizeof upgrade - 1, MSG_NOSIGNAL) < 0)
        die("%s: %s", connection->id, strerror(errno));
    await(connection, "\r\n\r\n");
    int length = snprintf(text, sizeof text,
                          "{\"msgType\":\"113\",\"msgBody\":{\"userId\":\"%s\"}}", connection->id);
    add_frame(connection, 1, text, (size_t)length);
    length = snprintf(text, sizeof text, "{\"msgType\":\"1\",\"msgBody\":{\"loginUserId\":\"%s\"}}",
                      connection->id);
    add_frame(connection, 1, text, (size_t)length);
    flush();
    const char *token = strstr(await(connection, "}"), "\"success\",\"token\":\"");
    if (token == NULL || sscanf(token, "\"success\",\"token\":\"%79[^\"]", connection->token) != 1)
        die("%s could not log in", connection->id);
    fcntl(connection->fd, F_SETFL, O_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, connection->fd, &event) != 0)
        die("epoll: %s", strerror(errno));
}

/* --- measuring ------------------------------------------------------------------------------- */

static bool all_received(void) {
    for (unsigned i = 0; i < options.pairs; i++)
        if (pairs[i].received != pairs[i].sent)
            return false;
    return true;
}

/* Texts that are due by now, one pair after the other. */
static void say_due(uint64_t now) {
    uint64_t interval = (uint64_t)((double)NS_PER_S / options.rate);
    for (; next_due <= now; next_due += interval) {
        struct pair *pair = &pairs[due_count++ % options.pairs];
        if (pair->sent - pair->received >= OPEN_WINDOW)
            die("the server does not keep up with %.0f texts a second", options.rate);
        say(pair, next_due);
    }
}

/* Whether the run is over. */
static bool advance(uint64_t now) {
    if (now - last_receipt > STALL_NS)
        die("nothing has arrived for %llu s", STALL_NS / NS_PER_S);
    if (phase == WARMING_UP && now >= measure_from) {
        phase = MEASURING;
        report_begin();
        measure_until = now_ns() + (uint64_t)(options.seconds * (double)NS_PER_S);
    } else if (phase == MEASURING && now >= measure_until) {
        report_end();
        phase = DRAINING;
    }
    if (phase != DRAINING && options.rate > 0)
        say_due(now);
    return phase == DRAINING && all_received();
}

static void run_load(void) {
    struct epoll_event events[512];
    uint64_t now = last_receipt = next_due = now_ns();
    measure_from = now + (uint64_t)(options.warm_up * (double)NS_PER_S);
    for (unsigned i = 0; options.rate == 0 && i < options.pairs; i++)
        for (unsigned k = 0; k < options.window; k++)
            say(&pairs[i], now);
    while (!advance(now_ns())) {
        flush();
        int count = epoll_wait(epoll, events, 512, options.rate > 0 ? 1 : 100);
        for (int i = 0; i < count; i++) {
            struct connection *connection = events[i].data.ptr;
            if (events[i].events & EPOLLOUT)
                write_output(connection);
            if (events[i].events & ~(uint32_t)EPOLLOUT)
                read_input(connection);
        }
    }
}

static void print_head(void) {
    printf("%u pairs, texts of %u bytes, ", options.pairs, options.bytes);
    if (options.rate > 0)
        printf("%.0f a second (open loop)", options.rate);
    else
        printf("%u under way for each pair (closed loop)", options.window);
    printf(", %.1f s after %.1f s of warming up\n\n", options.seconds, options.warm_up);
}

/* --- options --------------------------------------------------------------------------------- */

static void add_process(char *text) {
    char *pid = strchr(text, '=');
    if (pid == NULL)
        die("--process needs NAME=PID");
    *pid++ = '\0';
    report_add_process(text, strtol(pid, NULL, 10));
}

static double number(const char *text, double least, double most) {
    char *end;
    double value = strtod(text, &end);
    if (*end != '\0' || !(value >= least && value <= most))
        die("%s is not a number from %g to %g", text, least, most);
    return value;
}

static void read_options(int argc, char **argv) {
    static const struct option names[] = {
        {"pairs", required_argument, NULL, 'n'},   {"window", required_argument, NULL, 'w'},
        {"bytes", required_argument, NULL, 'b'},   {"seconds", required_argument, NULL, 's'},
        {"warm-up", required_argument, NULL, 'u'}, {"rate", required_argument, NULL, 'r'},
        {"host", required_argument, NULL, 'H'},    {"port", required_argument, NULL, 'p'},
        {"process", required_argument, NULL, 'P'}, {NULL, 0, NULL, 0}};
    int option;
    while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
        switch (option) {
        case 'n':
            options.pairs = (unsigned)number(optarg, 1, 100000);
            break;
        case 'w':
            options.window = (unsigned)number(optarg, 1, 100000);
            break;
        case 'b':
            options.bytes = (unsigned)number(optarg, 32, MAX_TEXT_BYTES);
            break;
        case 's':
            options.seconds = number(optarg, 0.1, 86400);
            break;
        case 'u':
            options.warm_up = number(optarg, 0, 86400);
            break;
        case 'r':
            options.rate = number(optarg, 1, 1e6);
            break;
        case 'H':
            options.host = optarg;
            break;
        case 'p':
            options.port = (uint16_t)number(optarg, 1, 65535);
            break;
        case 'P':
            add_process(optarg);
            break;
        default:
            exit(2);
        }
    }
}

int main(int argc, char **argv) {
    read_options(argc, argv);
    report_add_process("load", getpid());
    memset(padding, 'x', sizeof padding);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    pairs = calloc(options.pairs, sizeof *pairs);
    if (epoll < 0 || pairs == NULL)
        die("out of memory");
    for (unsigned i = 0; i < options.pairs; i++) {
        log_in(&pairs[i].to, &pairs[i], 'b');
        log_in(&pairs[i].from, &pairs[i], 'a');
    }
    run_load();
    print_head();
    report_print();
    return 0;
}
