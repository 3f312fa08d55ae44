/* Keys: made, changed, read; what is wrong with a file is said. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#include "common/keys_make.h"
#include "tests/support/service_process.h"
#include "tests/support/test_list.h"

static char folder[] = "/tmp/parley-keys-XXXXXX";

static const char *path_of(const char *program, const char *file) {
    return test_text("%s/%s/%s", folder, program, file);
}

static void write_file(const char *path, const char *text) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
}

static const char *secret_of(const char *program) {
    static char secret[KEYS_TEXT_BYTES];
    char public[KEYS_TEXT_BYTES], fault[KEYS_FAULT_BYTES];
    if (keys_read_secret(path_of(program, "secret"), secret, public, fault) != 0)
        fail_msg("%s", fault);
    return secret;
}

static size_t trusted(const char *program, const char *by) {
    char fault[KEYS_FAULT_BYTES];
    struct keys *keys = keys_load(folder, by, fault);
    if (keys == NULL)
        fail_msg("%s", fault);
    size_t count = keys_count(keys, program);
    keys_destroy(&keys);
    return count;
}

static void make(void) {
    char fault[KEYS_FAULT_BYTES];
    if (keys_make(folder, fault) != 0)
        fail_msg("%s", fault);
}

static void rotate(const char *program) {
    char fault[KEYS_FAULT_BYTES];
    if (keys_rotate(folder, program, fault) != 0)
        fail_msg("%s", fault);
}

static void retire(const char *program) {
    char fault[KEYS_FAULT_BYTES];
    if (keys_retire(folder, program, fault) != 0)
        fail_msg("%s", fault);
}

TEST(every_program_gets_a_key_and_nothing_is_overwritten) {
    char before[KEYS_TEXT_BYTES];
    struct stat file;
    make();
    for (size_t i = 0; i < PROGRAM_COUNT; i++) {
        assert_int_equal(stat(path_of(keys_programs[i], ""), &file), 0);
        assert_int_equal(file.st_mode & 0777, 0700);
        assert_int_equal(stat(path_of(keys_programs[i], "secret"), &file), 0);
        assert_int_equal(file.st_mode & 0777, 0600);
        assert_int_equal(trusted(keys_programs[i], "auth"), 1);
        assert_int_equal(trusted("auth", keys_programs[i]), 1);
    }
    snprintf(before, sizeof before, "%s", secret_of("group"));
    make();
    assert_string_equal(secret_of("group"), before);
    /* What is missing is made. */
    assert_int_equal(unlink(path_of("group", "secret")), 0);
    make();
    assert_string_not_equal(secret_of("group"), before);
    assert_int_equal(trusted("group", "auth"), 2);
    retire("group");
    assert_int_equal(trusted(NULL, "auth"), PROGRAM_COUNT);
}

TEST(a_key_is_changed_in_steps) {
    char before[KEYS_TEXT_BYTES], public[KEYS_TEXT_BYTES], fault[KEYS_FAULT_BYTES];
    snprintf(before, sizeof before, "%s", secret_of("gateway"));
    assert_int_equal(zmq_curve_public(public, before), 0);
    rotate("gateway");
    assert_string_not_equal(secret_of("gateway"), before);
    for (size_t i = 0; i < PROGRAM_COUNT; i++)
        assert_int_equal(trusted("gateway", keys_programs[i]), 2);
    struct keys *keys = keys_load(folder, "session", fault);
    assert_non_null(keys);
    assert_int_equal(keys_programs_of(keys, public), PROGRAM_BIT_GATEWAY);
    retire("gateway");
    assert_int_equal(keys_reload(keys, fault), 0);
    assert_null(keys_find(keys, public));
    assert_int_equal(keys_programs_of(keys, public), 0);
    assert_int_equal(keys_count(keys, "gateway"), 1);
    keys_destroy(&keys);
}

/* A service that can write its own folder, and no other's, gets nobody to trust a key of its
 * making. */
TEST(what_a_program_lists_for_itself_goes_no_further) {
    char public[KEYS_TEXT_BYTES], secret[KEYS_TEXT_BYTES];
    assert_int_equal(zmq_curve_keypair(public, secret), 0);
    write_file(path_of("gateway", "trusted"), test_text("parleyctl %s\n", public));
    make();
    assert_int_equal(trusted("parleyctl", "auth"), 1);
    assert_int_equal(trusted("parleyctl", "gateway"), 1);
}

TEST(a_key_may_stand_for_several_programs) {
    char fault[KEYS_FAULT_BYTES];
    struct keys *keys = keys_load(folder, "auth", fault);
    assert_non_null(keys);
    char public[KEYS_TEXT_BYTES], secret[KEYS_TEXT_BYTES];
    assert_int_equal(zmq_curve_keypair(public, secret), 0);
    write_file(path_of("auth", "trusted"),
               test_text("gateway %s\nsession %s\nlater %s\n", public, public, public));
    assert_int_equal(keys_reload(keys, fault), 0);
    assert_int_equal(keys_programs_of(keys, public), PROGRAM_BIT_GATEWAY | PROGRAM_BIT_SESSION);
    keys_destroy(&keys);
    make();
}

TEST(a_wrong_file_is_explained_and_changes_nothing) {
    static const char *const wrong[] = {"gateway", "gateway x", "gateway <key>", "\x01\x02",
                                        "one two three"};
    char fault[KEYS_FAULT_BYTES], whole[KEYS_FILE_BYTES + 1];
    struct keys *keys = keys_load(folder, "auth", fault);
    assert_non_null(keys);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        write_file(path_of("auth", "trusted"), wrong[i]);
        assert_int_equal(keys_reload(keys, fault), -1);
        assert_non_null(strstr(fault, "a line is not `PROGRAM KEY`"));
    }
    memset(whole, '\n', KEYS_FILE_BYTES);
    whole[KEYS_FILE_BYTES] = '\0';
    write_file(path_of("auth", "trusted"), whole);
    assert_int_equal(keys_reload(keys, fault), -1);
    assert_non_null(strstr(fault, "too long"));
    assert_int_equal(unlink(path_of("auth", "trusted")), 0);
    assert_int_equal(keys_reload(keys, fault), -1);
    assert_int_equal(keys_count(keys, NULL), PROGRAM_COUNT);
    keys_destroy(&keys);
    make();
}

TEST(keys_are_bounded) {
    char fault[KEYS_FAULT_BYTES];
    for (size_t i = PROGRAM_COUNT; i < KEYS_MAX; i++)
        rotate("auth");
    assert_int_equal(trusted(NULL, "auth"), KEYS_MAX);
    assert_int_equal(keys_rotate(folder, "auth", fault), -1);
    assert_non_null(strstr(fault, "retire old ones"));
    retire("auth");
    assert_int_equal(trusted(NULL, "auth"), PROGRAM_COUNT);
}

/* What stands behind a byte 0 would be left out in silence, and a name that leaves no space for the
 * key would be taken for another. */
TEST(no_part_of_a_file_is_left_out) {
    char public[KEYS_TEXT_BYTES], secret[KEYS_TEXT_BYTES], fault[KEYS_FAULT_BYTES];
    struct keys_list list;
    const char *path = path_of("auth", "copy");
    assert_int_equal(zmq_curve_keypair(public, secret), 0);
    write_file(path, test_text("abcdefghijklmnopqrstuvwxyzabcde%s\n", public));
    assert_int_equal(keys_read_trusted(path, &list, fault), -1);
    assert_non_null(strstr(fault, "a line is not `PROGRAM KEY`"));
    write_file(path, test_text("abcdefghijklmnopqrstuvwxyzabcde\t %s\r\n", public));
    assert_int_equal(keys_read_trusted(path, &list, fault), 0);
    assert_int_equal(list.count, 1);
    write_file(path, test_text("auth %s\n", public));
    int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    assert_true(fd >= 0 && write(fd, "\0auth", 5) == 5);
    close(fd);
    assert_int_equal(keys_read_trusted(path, &list, fault), -1);
    assert_non_null(strstr(fault, "is not a text"));
    assert_int_equal(unlink(path), 0);
}

TEST(a_secret_is_for_its_owner) {
    char fault[KEYS_FAULT_BYTES];
    assert_int_equal(chmod(path_of("auth", "secret"), 0604), 0);
    assert_null(keys_load(folder, "auth", fault));
    assert_non_null(strstr(fault, "chmod 600"));
    assert_int_equal(chmod(path_of("auth", "secret"), 0400), 0);
    assert_int_equal(trusted("auth", "auth"), 1);
    write_file(path_of("session", "secret"), "no key");
    assert_null(keys_load(folder, "session", fault));
    assert_non_null(strstr(fault, "holds no key"));
}

TEST(there_are_no_keys_of_an_unknown_program) {
    char fault[KEYS_FAULT_BYTES];
    assert_int_equal(keys_rotate(folder, "mail", fault), -1);
    assert_non_null(strstr(fault, "there is no program 'mail'"));
    assert_null(keys_load(folder, "mail", fault));
    assert_non_null(strstr(fault, "parleyctl keys"));
}

static int begin(void **state) {
    (void)state;
    return mkdtemp(folder) == NULL ? -1 : 0;
}

static int end(void **state) {
    (void)state;
    for (size_t i = 0; i < PROGRAM_COUNT; i++) {
        (void)unlink(path_of(keys_programs[i], "secret"));
        (void)unlink(path_of(keys_programs[i], "secret.new"));
        (void)unlink(path_of(keys_programs[i], "trusted"));
        (void)rmdir(path_of(keys_programs[i], ""));
    }
    return rmdir(folder);
}

int main(void) { return test_run_all(begin, end); }
