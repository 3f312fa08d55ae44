/* One process of parley-preview: started, watched, ended. */
#include "services/files/preview_child.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/loop.h"
#include "services/preview/steps.h"

/* How often a process that says nothing is looked at. */
#define LOOK_MS 5
/* no limit: arguments of the longest command line, and NULL */
#define ARGUMENTS_MAX 10

struct command {
    char numbers[4][24];
    char *arguments[ARGUMENTS_MAX];
};

static void write_command(const struct preview_child *child, struct command *command_r) {
    int64_t left_ms = child->until_ms - loop_now_ms();
    const uint64_t numbers[4] = {(uint64_t)getpid(), child->memory_bytes,
                                 left_ms > 0 ? (uint64_t)left_ms / 1000 + 1 : 1,
                                 child->output_bytes};
    size_t count = 0;
    command_r->arguments[count++] = (char *)child->program;
    command_r->arguments[count++] = (char *)child->step;
    for (size_t i = 0; i < 4; i++) {
        (void)snprintf(command_r->numbers[i], sizeof command_r->numbers[i], "%" PRIu64, numbers[i]);
        command_r->arguments[count++] = command_r->numbers[i];
    }
    for (size_t i = 0; i < 3 && child->options[i] != NULL; i++)
        command_r->arguments[count++] = (char *)child->options[i];
    command_r->arguments[count] = NULL;
}

/* Input and output alone are left to it. */
static int set_descriptors(posix_spawn_file_actions_t *actions, int input, int output) {
    int fault = posix_spawn_file_actions_adddup2(actions, input, STDIN_FILENO);
    if (fault == 0)
        fault = posix_spawn_file_actions_adddup2(actions, output, STDOUT_FILENO);
    if (fault == 0)
        fault = posix_spawn_file_actions_addopen(actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    if (fault == 0)
        fault = posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO + 1);
    return fault;
}

/* A group of its own, and signals as at a process's beginning. */
static int set_attributes(posix_spawnattr_t *attributes) {
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    int fault = posix_spawnattr_setpgroup(attributes, 0);
    if (fault == 0)
        fault = posix_spawnattr_setsigdefault(attributes, &all);
    if (fault == 0)
        fault = posix_spawnattr_setsigmask(attributes, &none);
    return fault != 0 ? fault
                      : posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETPGROUP |
                                                                 POSIX_SPAWN_SETSIGDEF |
                                                                 POSIX_SPAWN_SETSIGMASK);
}

static bool start(const struct preview_child *child, int output, pid_t *pid_r) {
    static char *const environment[] = {NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    struct command command;
    write_command(child, &command);
    if (posix_spawn_file_actions_init(&actions) != 0)
        return false;
    if (posix_spawnattr_init(&attributes) != 0) {
        posix_spawn_file_actions_destroy(&actions);
        return false;
    }
    int fault = set_descriptors(&actions, child->input, output);
    if (fault == 0)
        fault = set_attributes(&attributes);
    if (fault == 0)
        fault = posix_spawn(pid_r, child->program, &actions, &attributes, command.arguments,
                            environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return fault == 0;
}

/* Whether it has ended; it is not reaped, so its number stays its own. */
static bool has_ended(pid_t pid) {
    siginfo_t found = {.si_pid = 0};
    return waitid(P_PID, (id_t)pid, &found, WEXITED | WNOHANG | WNOWAIT) != 0 ||
           found.si_pid == pid;
}

/* Text as it comes; there is always room to read something. */
struct text {
    char *bytes;
    size_t length;
};

/* False: no more will come. */
static bool read_text(int output, struct text *text) {
    char piece[PREVIEW_CHILD_TEXT_BYTES];
    ssize_t got = read(output, piece, sizeof piece);
    size_t room = PREVIEW_CHILD_TEXT_BYTES - 1 - text->length;
    if (got <= 0)
        return got < 0 && errno == EINTR;
    memcpy(text->bytes + text->length, piece, (size_t)got < room ? (size_t)got : room);
    text->length += (size_t)got < room ? (size_t)got : room;
    text->bytes[text->length] = '\0';
    return true;
}

/* Reads what it prints, if that is wanted, until it has ended (true) or its time is over. */
static bool watch(pid_t pid, int output, int64_t until_ms, char *bytes) {
    struct text text = {.bytes = bytes};
    bool open = output >= 0;
    for (;;) {
        /* Before the look: what it printed at its end is read. */
        bool ended = has_ended(pid);
        struct pollfd at = {.fd = open ? output : -1, .events = POLLIN};
        if (poll(&at, 1, ended ? 0 : LOOK_MS) > 0)
            open = read_text(output, &text);
        else if (ended)
            return true;
        if (loop_now_ms() >= until_ms)
            return ended;
    }
}

static enum preview_end end_of(int status) {
    if (!WIFEXITED(status))
        return PREVIEW_END_NO_PICTURE;
    switch (WEXITSTATUS(status)) {
    case PREVIEW_STATUS_DONE:
        return PREVIEW_END_DONE;
    case PREVIEW_STATUS_NOT_WRITTEN:
        return PREVIEW_END_NOT_WRITTEN;
    case PREVIEW_STATUS_NO_SANDBOX:
    case PREVIEW_STATUS_USAGE:
    case 127: /* from posix_spawn */
        return PREVIEW_END_NOT_RUN;
    default:
        return PREVIEW_END_NO_PICTURE;
    }
}

enum preview_end preview_child_run(const struct preview_child *child,
                                   char text_r[PREVIEW_CHILD_TEXT_BYTES]) {
    int ends[2] = {-1, -1}, status = 0;
    pid_t pid;
    text_r[0] = '\0';
    if (child->output < 0 && pipe2(ends, O_CLOEXEC) != 0)
        return PREVIEW_END_NOT_RUN;
    bool started = start(child, child->output < 0 ? ends[1] : child->output, &pid);
    if (ends[1] >= 0)
        close(ends[1]);
    enum preview_end end = PREVIEW_END_NOT_RUN;
    if (started) {
        bool ended = watch(pid, ends[0], child->until_ms, text_r);
        /* Whatever it started goes with it. While it is not reaped no other group has its number.
         */
        kill(-pid, SIGKILL);
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
        }
        end = ended ? end_of(status) : PREVIEW_END_LATE;
    }
    if (ends[0] >= 0)
        close(ends[0]);
    return end;
}
