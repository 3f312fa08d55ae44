/*
 * Child processes of a test: start, wait for lines of their output, stop. See service_process.h.
 *
 * A child's output goes to an unlinked temporary file rather than a pipe: a pipe that nobody reads
 * would stop the child.
 */
#include "tests/support/service_process.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/loop.h"
#include "tests/support/test_keys.h"

/* Between two looks at a condition. */
#define LOOK_MS 5

struct service_process {
    char program[64];
    pid_t pid;
    bool ended;
    int status;
    int output; /* descriptor of the file */
    char *text; /* the last result of service_process_output */
};

const char *test_text(const char *format, ...) {
    static char *texts[TEST_MAX_TEXTS];
    static size_t count;
    va_list arguments;
    if (count == TEST_MAX_TEXTS)
        fail_msg("more than %d texts", TEST_MAX_TEXTS);
    va_start(arguments, format);
    int n = vasprintf(&texts[count], format, arguments);
    va_end(arguments);
    if (n < 0)
        fail_msg("out of memory");
    return texts[count++];
}

/* Ports below the kernel's range for outgoing connections, so that none of these takes one while a
 * service is down. Test programs run side by side: each has blocks of ports to itself. */
#define FIRST_PORT 20000
#define BLOCKS 240
#define BLOCK_PORTS 50

static bool is_free(uint16_t port) {
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        fail_msg("cannot look for a free port: %s", strerror(errno));
    bool bound = bind(fd, (struct sockaddr *)&address, sizeof address) == 0;
    close(fd);
    return bound;
}

/* Whether this program has the block from now on: for that it holds a socket of the block's name,
 * which the kernel gives to one process at a time, and takes back when that ends. */
static bool take_block(unsigned block) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int n =
        snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "parley-test-ports-%u", block);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        fail_msg("cannot reserve ports: %s", strerror(errno));
    socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
    if (bind(fd, (struct sockaddr *)&address, length) == 0)
        return true; /* `fd` stays open */
    close(fd);
    return false;
}

static uint16_t first_of_a_block(void) {
    uint16_t random;
    if (getrandom(&random, sizeof random, 0) != sizeof random)
        fail_msg("no random number: %s", strerror(errno));
    for (unsigned i = 0; i < BLOCKS; i++)
        if (take_block((random + i) % BLOCKS))
            return (uint16_t)(FIRST_PORT + (random + i) % BLOCKS * BLOCK_PORTS);
    fail_msg("all ports for tests are taken");
    return 0;
}

uint16_t test_free_port(void) {
    static uint16_t next, left;
    for (;;) {
        if (left == 0) {
            next = first_of_a_block();
            left = BLOCK_PORTS;
        }
        left--;
        if (is_free(next++))
            return (uint16_t)(next - 1);
    }
}

/* Which program listens on which port, as their options say. */
#define PORTS_MAX 4096
static struct {
    uint16_t port;
    char program[16];
} listening[PORTS_MAX];
static size_t listening_count;

static void note_port(const char *argument) {
    char program[16];
    int end = 0;
    if (sscanf(argument, "--%15[a-z]-port=%n", program, &end) != 1 || end == 0)
        return;
    if (listening_count == PORTS_MAX)
        fail_msg("more than %d ports", PORTS_MAX);
    listening[listening_count].port = (uint16_t)strtoul(argument + end, NULL, 10);
    memcpy(listening[listening_count++].program, program, sizeof program);
}

const char *service_process_at(uint16_t port) {
    for (size_t i = listening_count; i > 0; i--)
        if (listening[i - 1].port == port)
            return listening[i - 1].program;
    fail_msg("no program was started with port %u", (unsigned)port);
    return NULL;
}

static void pause_ms(long ms) {
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

/* --- what a program starts with --- */

/* Adds "NAME=value", unless there is one of that name. */
static void add_entry(char **entries, size_t *count, const char *entry) {
    size_t length = strcspn(entry, "=") + 1;
    for (size_t i = 0; i < *count; i++)
        if (strncmp(entries[i], entry, length) == 0)
            return;
    entries[(*count)++] = (char *)entry;
}

static size_t count_entries(const char *const *entries) {
    size_t count = 0;
    while (entries != NULL && entries[count] != NULL)
        count++;
    return count;
}

/* What is given, then our own environment. The strings are borrowed. */
static char **make_environment(const char *const *given, const char *keys_folder) {
    /* Tests run side by side: only those that want it give it a port. */
    static const char *const ports[] = {
        "PARLEY_GATEWAY_METRICS_PORT=0",  "PARLEY_AUTH_METRICS_PORT=0",
        "PARLEY_GROUP_METRICS_PORT=0",    "PARLEY_SESSION_METRICS_PORT=0",
        "PARLEY_DELIVERY_METRICS_PORT=0", "PARLEY_FILES_METRICS_PORT=0",
        "PARLEY_HOOKS_METRICS_PORT=0",    NULL};
    const char *const keys[] = {keys_folder, NULL};
    const char *const *const lists[] = {given, ports, keys, (const char *const *)environ};
    size_t lists_count = sizeof lists / sizeof lists[0], most = 1, count = 0;
    for (size_t i = 0; i < lists_count; i++)
        most += count_entries(lists[i]);
    char **entries = calloc(most, sizeof *entries);
    if (entries == NULL)
        fail_msg("out of memory");
    for (size_t i = 0; i < lists_count; i++)
        for (const char *const *entry = lists[i]; entry != NULL && *entry != NULL; entry++)
            add_entry(entries, &count, *entry);
    return entries;
}

/* In the child: becomes the program, or says that it can't. Other threads of ours may have held
 * locks, that of malloc among them, when it was forked: here nothing may take one. */
static _Noreturn void become(const char *path, int output, char *const *argv,
                             char *const *environment, pid_t parent) {
    static const char failed[] = "cannot be run\n";
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) /* it died before we asked for the signal */
        _exit(127);
    int nothing = open("/dev/null", O_RDONLY);
    dup2(nothing, STDIN_FILENO);
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    execve(path, argv, environment);
    (void)!write(STDERR_FILENO, failed, sizeof failed - 1);
    _exit(127);
}

static int make_output_file(void) {
    FILE *file = tmpfile();
    int fd = file == NULL ? -1 : fcntl(fileno(file), F_DUPFD_CLOEXEC, 3);
    if (fd < 0)
        fail_msg("cannot make a temporary file: %s", strerror(errno));
    fclose(file);
    fcntl(fd, F_SETFL, O_APPEND);
    return fd;
}

struct service_process *service_process_start(const char *program, const char *const *environment,
                                              const char *const *arguments) {
    const char *folder = getenv("PARLEY_BIN");
    char path[4096], *argv[TEST_MAX_ARGUMENTS + 2] = {path};
    snprintf(path, sizeof path, "%s/%s", folder == NULL ? "build/bin" : folder, program);
    for (size_t i = 0; arguments != NULL && arguments[i] != NULL; i++) {
        if (i == TEST_MAX_ARGUMENTS)
            fail_msg("more than %d arguments", TEST_MAX_ARGUMENTS);
        argv[i + 1] = (char *)arguments[i];
        note_port(arguments[i]);
    }
    struct service_process *self = calloc(1, sizeof *self);
    if (self == NULL)
        fail_msg("out of memory");
    snprintf(self->program, sizeof self->program, "%s", program);
    self->output = make_output_file();
    pid_t parent = getpid();
    char keys[4096];
    snprintf(keys, sizeof keys, "PARLEY_KEYS_FOLDER=%s", test_keys_folder());
    char **entries = make_environment(environment, keys);
    fflush(NULL);
    self->pid = fork();
    if (self->pid < 0)
        fail_msg("cannot start %s: %s", program, strerror(errno));
    if (self->pid == 0)
        become(path, self->output, argv, entries, parent);
    free(entries);
    return self;
}

bool service_process_is_running(struct service_process *self) {
    int status;
    if (!self->ended && waitpid(self->pid, &status, WNOHANG) == self->pid) {
        self->ended = true;
        self->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    }
    return !self->ended;
}

pid_t service_process_pid(const struct service_process *self) { return self->pid; }

const char *service_process_output(struct service_process *self) {
    struct stat file;
    if (fstat(self->output, &file) != 0)
        fail_msg("cannot read what %s wrote", self->program);
    char *text = realloc(self->text, (size_t)file.st_size + 1);
    if (text == NULL)
        fail_msg("out of memory");
    self->text = text;
    ssize_t n = pread(self->output, text, (size_t)file.st_size, 0);
    text[n < 0 ? 0 : n] = '\0';
    return text;
}

bool service_process_wait_text(struct service_process *self, const char *text, int64_t timeout_ms) {
    int64_t deadline = loop_now_ms() + timeout_ms;
    for (;;) {
        /* Asked first, so that output just before its end is seen. */
        bool running = service_process_is_running(self);
        if (strstr(service_process_output(self), text) != NULL)
            return true;
        if (!running || loop_now_ms() >= deadline)
            return false;
        pause_ms(LOOK_MS);
    }
}

void service_process_wait_ready(struct service_process *self) {
    if (!service_process_wait_text(self, " event=ready", TEST_DEADLINE_MS))
        fail_msg("%s is not ready%s; it wrote:\n%s", self->program,
                 self->ended ? ", it has ended" : "", service_process_output(self));
}

int service_process_wait_exit(struct service_process *self) {
    int64_t deadline = loop_now_ms() + TEST_DEADLINE_MS;
    while (service_process_is_running(self)) {
        if (loop_now_ms() >= deadline)
            fail_msg("%s does not end; it wrote:\n%s", self->program, service_process_output(self));
        pause_ms(LOOK_MS);
    }
    return self->status;
}

static void release(struct service_process **self) {
    close((*self)->output);
    free((*self)->text);
    free(*self);
    *self = NULL;
}

int service_process_stop(struct service_process **self) {
    if (service_process_is_running(*self))
        kill((*self)->pid, SIGTERM);
    int status = service_process_wait_exit(*self);
    if (status != 0)
        print_message("%s ended with %d; it wrote:\n%s", (*self)->program, status,
                      service_process_output(*self));
    release(self);
    return status;
}

void service_process_kill(struct service_process **self) {
    if (*self == NULL)
        return;
    if (service_process_is_running(*self)) {
        kill((*self)->pid, SIGKILL);
        service_process_wait_exit(*self);
    }
    release(self);
}

int service_process_run(const char *program, const char *const *arguments, char **output_r) {
    struct service_process *process = service_process_start(program, NULL, arguments);
    int status = service_process_wait_exit(process);
    if (output_r != NULL)
        *output_r = strdup(service_process_output(process));
    release(&process);
    return status;
}
