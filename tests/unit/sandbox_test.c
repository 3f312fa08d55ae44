/*
 * The sandbox of those who look at pictures, tried from inside, as somebody would who has taken a
 * decoder over. Each attempt is made in a process of its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "services/preview/sandbox.h"
#include "tests/support/service_process.h"
#include "tests/support/test_list.h"

#define MIB ((uint64_t)1 << 20)
/* What a process ends with. */
enum { HELD = 10, GOT_OUT, NO_MEANS };

static char secret[] = "/tmp/parley-sandbox-XXXXXX";

/* Runs `attempt` inside; it returns whether it succeeded. */
static int try_inside(bool (*attempt)(void), bool runs_tool, pid_t parent) {
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct sandbox_limits limits = {.memory_bytes = 512 * MIB,
                                        .cpu_seconds = 1,
                                        .file_bytes = 4096,
                                        .parent = parent == 0 ? getppid() : parent};
        struct sandbox_means means;
        if (!sandbox_enter(&limits, runs_tool, &means) || means.landlock == 0 || !means.seccomp)
            _exit(NO_MEANS);
        _exit(attempt() ? GOT_OUT : HELD);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static bool opens_socket(void) { return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0; }
static bool opens_local_socket(void) { return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0; }
static bool reads_file(void) { return open(secret, O_RDONLY | O_CLOEXEC) >= 0; }
static bool writes_file(void) { return open(secret, O_WRONLY | O_CLOEXEC) >= 0; }
static bool makes_file(void) {
    return open("/tmp/parley-sandbox-made", O_WRONLY | O_CREAT | O_CLOEXEC, 0600) >= 0;
}
static bool removes_file(void) { return unlink(secret) == 0; }
static bool renames_file(void) { return rename(secret, "/tmp/parley-sandbox-made") == 0; }
static bool changes_rights(void) { return chmod(secret, 0666) == 0; }
static bool forks(void) { return fork() >= 0; }
static bool kills_parent(void) { return kill(getppid(), 0) == 0; }
static bool traces_parent(void) { return ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) == 0; }
static bool watches_memory(void) {
    int file = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
    return file >= 0;
}
static bool runs_program(void) {
    execve("/bin/true", (char *const[]){"true", NULL}, (char *const[]){NULL});
    return errno != ENOSYS;
}
static bool raises_limit(void) {
    const struct rlimit more = {.rlim_cur = MIB, .rlim_max = MIB};
    return setrlimit(RLIMIT_FSIZE, &more) == 0;
}
static bool becomes_dumpable(void) { return prctl(PR_SET_DUMPABLE, 1) == 0; }

#define ATTEMPTS                                                                                   \
    {                                                                                              \
        opens_socket, opens_local_socket, reads_file, writes_file, makes_file, removes_file,       \
            renames_file, changes_rights, forks, kills_parent, traces_parent, watches_memory,      \
            raises_limit, becomes_dumpable                                                         \
    }

TEST(nothing_can_be_reached_from_inside) {
    static bool (*const attempts[])(void) = ATTEMPTS;
    for (size_t i = 0; i < sizeof attempts / sizeof attempts[0]; i++) {
        assert_int_equal(try_inside(attempts[i], false, 0), HELD);
        assert_int_equal(try_inside(attempts[i], true, 0), HELD);
    }
    assert_int_equal(try_inside(runs_program, false, 0), HELD);
}

/* A program that is run has the same sandbox: a shell reads no secret, and starts nothing. */
static bool run_shell(const char *script) {
    execve("/bin/sh", (char *const[]){"sh", "-c", (char *)script, NULL}, (char *const[]){NULL});
    return true;
}
static bool reads_in_shell(void) { return run_shell(test_text("read line <%s && exit 0", secret)); }
static bool starts_in_shell(void) { return run_shell("/bin/true && exit 0"); }
static bool lives_in_shell(void) { return run_shell("exit 0"); }
TEST(a_program_that_is_run_there_has_the_same_sandbox) {
    static const int shells_fault = 2;
    assert_int_equal(try_inside(lives_in_shell, true, 0), 0);
    assert_int_equal(try_inside(reads_in_shell, true, 0), shells_fault);
    assert_int_equal(try_inside(starts_in_shell, true, 0), shells_fault);
}

#if !defined(__SANITIZE_ADDRESS__)
static bool takes_memory(void) {
    return mmap(NULL, 600 * MIB, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
}
#endif
static bool works_for_ever(void) {
    volatile bool more = true;
    while (more) {
    }
    return true;
}
static bool writes_much(void) {
    static const char bytes[8192];
    (void)!write(STDOUT_FILENO, bytes, sizeof bytes);
    return true;
}
static bool waits(void) {
    pause();
    return true;
}

TEST(memory_time_and_output_are_bounded) {
#if !defined(__SANITIZE_ADDRESS__)
    assert_int_equal(try_inside(takes_memory, false, 0), HELD);
#endif
    assert_int_equal(try_inside(works_for_ever, false, 0), 128 + SIGKILL);
    FILE *file = tmpfile();
    int out = dup(STDOUT_FILENO);
    assert_true(file != NULL && out >= 0 && dup2(fileno(file), STDOUT_FILENO) >= 0);
    int status = try_inside(writes_much, false, 0);
    assert_true(dup2(out, STDOUT_FILENO) >= 0);
    /* What there was room for is written, then it ends. */
    assert_true(status == GOT_OUT || status == 128 + SIGXFSZ);
    assert_int_equal(lseek(fileno(file), 0, SEEK_END), 4096);
    close(out);
    (void)fclose(file);
}

TEST(without_its_parent_there_is_no_process) {
    assert_int_equal(try_inside(waits, false, 1), NO_MEANS);
}

static int set_up(void **state) {
    (void)state;
    int file = mkstemp(secret);
    assert_true(file >= 0);
    assert_int_equal(write(file, "a key\n", 6), 6);
    close(file);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    return unlink(secret);
}

int main(void) { return test_run_all(set_up, tear_down); }
