/*
 * files alone, for its isolation tests: one process, one folder and one database for all tests of a
 * program, an arena for the answers of one test.
 */
#ifndef PARLEY_TESTS_FILES_FIXTURE_H
#define PARLEY_TESTS_FILES_FIXTURE_H

#include "proto/messages.h"
#include "services/ctl/caller.h"
#include "tests/support/assertions.h"
#include "tests/support/service_process.h"
#include "tests/support/test_folder.h"
#include "tests/support/test_list.h"

#define FILES_ANSWER_MS 60000
/* A text that is a picture: the head of a GIF of 257 x 257, cut off in its first frame. */
#define FILES_PICTURE "GIF89a\1\1\1\1\1\1\1,"

struct files_fixture {
    struct test_database *database;
    const char *folder;
    struct service_process *files;
    struct caller *caller;
    struct record_arena arena;
    uint64_t accounts; /* given out by files_account() */
};

/* An upload, as files.open gave it. */
struct test_upload {
    uint64_t file;
    const char *token;
    uint64_t expires_ms;
};

/* Group setup and teardown, and teardown of a test. `*state` is the fixture. */
int files_fixture_setup(void **state);
int files_fixture_teardown(void **state);
int files_fixture_test_teardown(void **state);
#define FILES_TEST(name_)                                                                          \
    TEST_WITH(name_, struct files_fixture *f, NULL, files_fixture_test_teardown)

/* Starts a further files over the fixture's folder and database, with these options
 * (NULL-terminated), and a caller of it; waits until it is ready. */
struct service_process *files_fixture_start(struct files_fixture *fixture,
                                            const char *const *options, struct caller **caller_r);
/* Ends the fixture's own by SIGKILL, or in order, and starts it again. */
void files_fixture_kill(struct files_fixture *fixture);
void files_fixture_restart(struct files_fixture *fixture);

/* A new account. */
uint64_t files_account(struct files_fixture *fixture);

/* Ask the fixture's files; slices of the answers live until the test's end. */
enum err files_open(struct files_fixture *fixture, struct files_open ask,
                    struct test_upload *upload_r);
enum err files_state(struct files_fixture *fixture, const struct test_upload *upload,
                     struct upload_state *state_r);
enum err files_append(struct files_fixture *fixture, const struct test_upload *upload,
                      uint64_t offset, struct slice data);
enum err files_finish(struct files_fixture *fixture, const struct test_upload *upload,
                      struct file *file_r);
enum err files_abandon(struct files_fixture *fixture, const struct test_upload *upload);
enum err files_find(struct files_fixture *fixture, uint64_t file, struct file *file_r);
enum err files_read(struct files_fixture *fixture, uint64_t file, uint64_t offset, uint64_t length,
                    struct slice *data_r);
/* The same at another instance. */
enum err files_append_at(struct files_fixture *fixture, struct caller *caller,
                         const struct test_upload *upload, uint64_t offset, struct slice data);

/* An upload, or a finished file, that must be possible; a file of these bytes. */
struct test_upload files_opened(struct files_fixture *fixture, uint64_t account, uint64_t size);
struct test_upload files_finished(struct files_fixture *fixture, uint64_t account,
                                  const char *bytes);
/* Shows a file, as delivery does: in a message that no other test has. And shows it no longer. */
void files_show(struct files_fixture *fixture, uint64_t file);
void files_hide(struct files_fixture *fixture, uint64_t file);
/* Whether there is a row of the file. */
bool files_has_row(struct files_fixture *fixture, uint64_t file);
/* Where the file's bytes are while it is uploaded (`what`: part, whole or preview), and once it is
 * finished. */
const char *files_incoming_path(struct files_fixture *fixture, uint64_t file, const char *what);
/* How many files there are of its upload, and of how many bytes. */
size_t files_incoming_files(struct files_fixture *fixture, uint64_t file);
size_t files_incoming_bytes(struct files_fixture *fixture, uint64_t file);
const char *files_kept_path(struct files_fixture *fixture, uint64_t file);

#endif
