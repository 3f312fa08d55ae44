/* files alone, for its isolation tests; see files_fixture.h. */
#include "tests/support/files_fixture.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/test_keys.h"

struct service_process *files_fixture_start(struct files_fixture *fixture,
                                            const char *const *options, struct caller **caller_r) {
    const char *arguments[TEST_MAX_ARGUMENTS] = {0};
    unsigned port = test_free_port();
    size_t count = 0;
    arguments[count++] = test_text("--files-port=%u", port);
    arguments[count++] = test_text("--files-folder=%s", fixture->folder);
    for (size_t i = 0; options[i] != NULL && count + 1 < TEST_MAX_ARGUMENTS; i++)
        arguments[count++] = options[i];
    struct service_process *files = service_process_start("parley-files", NULL, arguments);
    service_process_wait_ready(files);
    *caller_r =
        caller_new(test_text("tcp://127.0.0.1:%u", port), test_keys(TEST_KEYS_SELF), "files");
    assert_non_null(*caller_r);
    return files;
}

static void start(struct files_fixture *fixture) {
    fixture->files = files_fixture_start(fixture, (const char *[]){NULL}, &fixture->caller);
}

int files_fixture_setup(void **state) {
    struct files_fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    *state = fixture;
    fixture->folder = test_folder();
    fixture->database = test_database_new("files");
    start(fixture);
    return 0;
}

int files_fixture_teardown(void **state) {
    struct files_fixture *fixture = *state;
    caller_destroy(&fixture->caller);
    int status = service_process_stop(&fixture->files);
    test_database_destroy(&fixture->database);
    free(fixture);
    return status;
}

int files_fixture_test_teardown(void **state) {
    struct files_fixture *fixture = *state;
    record_arena_free(&fixture->arena);
    return 0;
}

void files_fixture_kill(struct files_fixture *fixture) {
    caller_destroy(&fixture->caller);
    service_process_kill(&fixture->files);
    start(fixture);
}

void files_fixture_restart(struct files_fixture *fixture) {
    caller_destroy(&fixture->caller);
    assert_int_equal(service_process_stop(&fixture->files), 0);
    start(fixture);
}

uint64_t files_account(struct files_fixture *fixture) {
    const uint64_t number = 1000 + ++fixture->accounts;
    test_database_run(fixture->database,
                      test_text("INSERT INTO account (number, id, name, created_ms) VALUES"
                                " (%" PRIu64 ", 'a%" PRIu64 "', 'a', 0)",
                                number, number));
    return number;
}

#define ASK(message_, reply_)                                                                      \
    caller_ask(fixture->caller, message_, &ask, FILES_ANSWER_MS, &fixture->arena, reply_)

enum err files_open(struct files_fixture *fixture, struct files_open ask,
                    struct test_upload *upload_r) {
    struct files_open_reply reply;
    enum err err = ASK(&message_FILES_OPEN, &reply);
    if (err == ERR_OK)
        *upload_r = (struct test_upload){
            .file = reply.file,
            .token = test_text("%.*s", (int)reply.token.length, reply.token.data),
            .expires_ms = reply.expires_ms};
    return err;
}

enum err files_state(struct files_fixture *fixture, const struct test_upload *upload,
                     struct upload_state *state_r) {
    const struct files_state ask = {.file = upload->file, .token = slice_text(upload->token)};
    return ASK(&message_FILES_STATE, state_r);
}

enum err files_append_at(struct files_fixture *fixture, struct caller *caller,
                         const struct test_upload *upload, uint64_t offset, struct slice data) {
    const struct files_append ask = {
        .file = upload->file, .token = slice_text(upload->token), .offset = offset, .data = data};
    struct files_append_reply reply;
    enum err err =
        caller_ask(caller, &message_FILES_APPEND, &ask, FILES_ANSWER_MS, &fixture->arena, &reply);
    if (err == ERR_OK)
        assert_true(reply.offset == offset + data.length);
    return err;
}

enum err files_append(struct files_fixture *fixture, const struct test_upload *upload,
                      uint64_t offset, struct slice data) {
    return files_append_at(fixture, fixture->caller, upload, offset, data);
}

enum err files_finish(struct files_fixture *fixture, const struct test_upload *upload,
                      struct file *file_r) {
    const struct files_finish ask = {.file = upload->file, .token = slice_text(upload->token)};
    return ASK(&message_FILES_FINISH, file_r);
}

enum err files_abandon(struct files_fixture *fixture, const struct test_upload *upload) {
    const struct files_abandon ask = {.file = upload->file, .token = slice_text(upload->token)};
    struct done done;
    return ASK(&message_FILES_ABANDON, &done);
}

enum err files_find(struct files_fixture *fixture, uint64_t file, struct file *file_r) {
    const struct files_find ask = {.file = file};
    return ASK(&message_FILES_FIND, file_r);
}

enum err files_read(struct files_fixture *fixture, uint64_t file, uint64_t offset, uint64_t length,
                    struct slice *data_r) {
    const struct files_read ask = {.file = file, .offset = offset, .length = length};
    struct files_read_reply reply;
    enum err err = ASK(&message_FILES_READ, &reply);
    *data_r = err == ERR_OK ? reply.data : slice_make(NULL, 0);
    return err;
}

struct test_upload files_opened(struct files_fixture *fixture, uint64_t account, uint64_t size) {
    struct test_upload upload;
    const struct files_open ask = {.account = account,
                                   .name = slice_text("a.png"),
                                   .mime = slice_text("image/png"),
                                   .size = size};
    assert_err(files_open(fixture, ask, &upload), ERR_OK);
    return upload;
}

struct test_upload files_finished(struct files_fixture *fixture, uint64_t account,
                                  const char *bytes) {
    const struct test_upload upload = files_opened(fixture, account, strlen(bytes));
    struct file file;
    assert_err(files_append(fixture, &upload, 0, slice_text(bytes)), ERR_OK);
    assert_err(files_finish(fixture, &upload, &file), ERR_OK);
    return upload;
}

void files_show(struct files_fixture *fixture, uint64_t file) {
    test_database_run(fixture->database,
                      "INSERT INTO message (conversation, cid, time_ms, type, sender, body)"
                      " SELECT 1, COALESCE(MAX(cid), 0) + 1, 1, 0, 1, '' FROM message");
    test_database_run(fixture->database,
                      test_text("INSERT INTO file_use (conversation, cid, file) SELECT 1,"
                                " MAX(cid), %" PRIu64 " FROM message WHERE conversation = 1",
                                file));
}

void files_hide(struct files_fixture *fixture, uint64_t file) {
    test_database_run(fixture->database,
                      test_text("DELETE FROM file_use WHERE file = %" PRIu64, file));
}

bool files_has_row(struct files_fixture *fixture, uint64_t file) {
    return test_database_number(fixture->database,
                                test_text("SELECT COUNT(*) FROM file WHERE id = %" PRIu64, file)) ==
           1;
}

const char *files_incoming_path(struct files_fixture *fixture, uint64_t file, const char *what) {
    return test_text("%s/incoming/%016" PRIx64 ".%s", fixture->folder, file, what);
}

static const char *const incoming[] = {"part", "whole", "preview"};
#define INCOMING_COUNT (sizeof incoming / sizeof incoming[0])

size_t files_incoming_files(struct files_fixture *fixture, uint64_t file) {
    size_t files = 0;
    for (size_t i = 0; i < INCOMING_COUNT; i++)
        files += test_folder_files(files_incoming_path(fixture, file, incoming[i]));
    return files;
}

size_t files_incoming_bytes(struct files_fixture *fixture, uint64_t file) {
    size_t bytes = 0;
    for (size_t i = 0; i < INCOMING_COUNT; i++)
        bytes += test_folder_bytes(files_incoming_path(fixture, file, incoming[i]));
    return bytes;
}

const char *files_kept_path(struct files_fixture *fixture, uint64_t file) {
    return test_text("%s/kept/%02x/%016" PRIx64, fixture->folder, (unsigned)(file >> 56), file);
}
