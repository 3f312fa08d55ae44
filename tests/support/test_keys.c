/* Keys for a test program; see test_keys.h. */
#include "tests/support/test_keys.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#include <cmocka.h>

#include "common/keys_make.h"
#include "tests/support/service_process.h"

/* Beside the programs: the service of service_fixture, and the test itself. */
static const char *const others[] = {"test", TEST_KEYS_SELF};
#define OTHERS (sizeof others / sizeof others[0])
#define LOADED_MAX 16

static char folder[64];
static pid_t maker;

static void remove_them(void) {
    static const char *const files[] = {"secret", "trusted", ""};
    char path[KEYS_PATH_BYTES];
    if (getpid() != maker)
        return;
    for (size_t i = 0; i < PROGRAM_COUNT + OTHERS; i++) {
        const char *name = i < PROGRAM_COUNT ? keys_programs[i] : others[i - PROGRAM_COUNT];
        for (size_t n = 0; n < 3; n++)
            if (keys_path(path, folder, name, files[n]))
                (void)(n < 2 ? unlink(path) : rmdir(path));
    }
    (void)rmdir(folder);
}

static void append(const char *program, const char *file, const char *text) {
    char path[KEYS_PATH_BYTES];
    assert_true(keys_path(path, folder, program, file));
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
}

/* Everybody trusts the key as that of `program`. */
static void trust(const char *program, const char *key) {
    char line[KEYS_PROGRAM_BYTES + KEYS_TEXT_BYTES + 2];
    snprintf(line, sizeof line, "%s %s\n", program, key);
    for (size_t i = 0; i < PROGRAM_COUNT; i++)
        append(keys_programs[i], "trusted", line);
}

static void copy_trusted(const char *program) {
    char path[KEYS_PATH_BYTES], text[KEYS_FILE_BYTES];
    assert_true(keys_path(path, folder, keys_programs[0], "trusted"));
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = read(fd, text, sizeof text - 1);
    assert_true(length > 0);
    close(fd);
    text[length] = '\0';
    append(program, "trusted", text);
}

static void make_others(void) {
    char public[KEYS_TEXT_BYTES], secret[KEYS_TEXT_BYTES], path[KEYS_PATH_BYTES];
    for (size_t i = 0; i < OTHERS; i++) {
        assert_true(keys_path(path, folder, others[i], ""));
        assert_int_equal(mkdir(path, 0700), 0);
        assert_int_equal(zmq_curve_keypair(public, secret), 0);
        append(others[i], "secret", secret);
        trust(others[i], public);
        for (size_t p = 0; p < PROGRAM_COUNT && strcmp(others[i], TEST_KEYS_SELF) == 0; p++)
            trust(keys_programs[p], public);
    }
    for (size_t i = 0; i < OTHERS; i++)
        copy_trusted(others[i]);
}

const char *test_keys_folder(void) {
    char fault[KEYS_FAULT_BYTES];
    if (folder[0] != '\0')
        return folder;
    const char *place = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/parley-keys-XXXXXX", place == NULL ? "/tmp" : place);
    assert_non_null(mkdtemp(folder));
    maker = getpid();
    atexit(remove_them);
    if (keys_make(folder, fault) != 0)
        fail_msg("%s", fault);
    make_others();
    return folder;
}

struct keys *test_keys(const char *program) {
    static struct {
        char program[KEYS_PROGRAM_BYTES];
        struct keys *keys;
    } loaded[LOADED_MAX];
    char fault[KEYS_FAULT_BYTES];
    for (size_t i = 0; i < LOADED_MAX; i++) {
        if (loaded[i].keys != NULL && strcmp(loaded[i].program, program) != 0)
            continue;
        if (loaded[i].keys == NULL) {
            snprintf(loaded[i].program, sizeof loaded[i].program, "%s", program);
            loaded[i].keys = keys_load(test_keys_folder(), program, fault);
        }
        if (loaded[i].keys == NULL)
            fail_msg("%s", fault);
        return loaded[i].keys;
    }
    fail_msg("more than %d programs", LOADED_MAX);
    return NULL;
}

void test_keys_call_as(const char *self, void *socket, const char *program) {
    if (keys_call(test_keys(self), socket, program, 0) != 0)
        fail_msg("no key of %s: %s", program, zmq_strerror(zmq_errno()));
}

void test_keys_call(void *socket, const char *program) {
    test_keys_call_as(TEST_KEYS_SELF, socket, program);
}

void test_keys_serve(void *socket, const char *program) {
    assert_int_equal(
        keys_serve(test_keys(test_text("%.*s", (int)strcspn(program, " "), program)), socket), 0);
}
