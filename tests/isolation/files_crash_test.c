/* Uploads while instances work side by side, are killed, or their disk is full or gone. */
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/loop.h"
#include "tests/support/files_fixture.h"

#define PIECES 40
#define PIECE 1000

static const char *piece(int number) {
    static char bytes[PIECE + 1];
    memset(bytes, 'a' + number % 26, PIECE);
    return bytes;
}

static uint64_t offset_of(struct files_fixture *f, const struct test_upload *upload) {
    struct upload_state state;
    assert_err(files_state(f, upload, &state), ERR_OK);
    return state.offset;
}

static void assert_pieces(struct files_fixture *f, uint64_t file, int count) {
    struct slice data;
    files_show(f, file);
    for (int i = 0; i < count; i++) {
        assert_err(files_read(f, file, (uint64_t)i * PIECE, PIECE, &data), ERR_OK);
        assert_int_equal(data.length, PIECE);
        assert_memory_equal(data.data, piece(i), PIECE);
    }
}

/* Both send every piece at once: one of each is taken. */
FILES_TEST(two_instances_append_to_one_upload) {
    const struct test_upload upload = files_opened(f, files_account(f), PIECES * PIECE);
    struct caller *callers[2] = {f->caller, NULL};
    struct service_process *second = files_fixture_start(f, (const char *[]){NULL}, &callers[1]);
    struct file file;
    for (int i = 0; i < PIECES; i++) {
        const struct files_append ask = {.file = upload.file,
                                         .token = slice_text(upload.token),
                                         .offset = (uint64_t)i * PIECE,
                                         .data = slice_make(piece(i), PIECE)};
        int taken = 0;
        for (int c = 0; c < 2; c++)
            assert_err(caller_send(callers[c], &message_FILES_APPEND, &ask), ERR_OK);
        for (int c = 0; c < 2; c++) {
            struct files_append_reply reply;
            enum err err = caller_receive(callers[c], &message_FILES_APPEND,
                                          loop_now_ms() + TEST_DEADLINE_MS, &f->arena, &reply);
            taken += err == ERR_OK;
            if (err != ERR_OK)
                assert_err(err, ERR_WRONG_OFFSET);
        }
        assert_int_equal(taken, 1);
    }
    assert_true(offset_of(f, &upload) == PIECES * PIECE);
    /* Both finish it at once. */
    const struct files_finish ask = {.file = upload.file, .token = slice_text(upload.token)};
    for (int c = 0; c < 2; c++)
        assert_err(caller_send(callers[c], &message_FILES_FINISH, &ask), ERR_OK);
    for (int c = 0; c < 2; c++)
        assert_err(caller_receive(callers[c], &message_FILES_FINISH,
                                  loop_now_ms() + TEST_DEADLINE_MS, &f->arena, &file),
                   ERR_OK);
    assert_pieces(f, upload.file, PIECES);
    caller_destroy(&callers[1]);
    assert_int_equal(service_process_stop(&second), 0);
}

FILES_TEST(what_was_acknowledged_is_there_after_a_kill) {
    const struct test_upload upload = files_opened(f, files_account(f), PIECES * PIECE);
    struct file file;
    for (int i = 0; i < PIECES; i++) {
        assert_err(files_append(f, &upload, (uint64_t)i * PIECE, slice_make(piece(i), PIECE)),
                   ERR_OK);
        if (i % 10 == 5)
            files_fixture_kill(f);
        assert_true(i % 10 != 5 || offset_of(f, &upload) == (uint64_t)(i + 1) * PIECE);
    }
    assert_err(files_finish(f, &upload, &file), ERR_OK);
    files_fixture_kill(f);
    assert_pieces(f, upload.file, PIECES);
}

/* Killed while pieces and the finish are on their way: whatever stays is a beginning of the file,
 * and the rest can follow. */
FILES_TEST(a_kill_at_any_moment_leaves_a_beginning) {
    for (int round = 0; round < 6; round++) {
        const struct test_upload upload = files_opened(f, files_account(f), PIECES * PIECE);
        struct upload_state state = {0};
        struct file file;
        int sent = 7 * round;
        for (int i = 0; i < sent && i < PIECES; i++)
            assert_err(files_append(f, &upload, (uint64_t)i * PIECE, slice_make(piece(i), PIECE)),
                       ERR_OK);
        const struct files_append ask = {.file = upload.file,
                                         .token = slice_text(upload.token),
                                         .offset = (uint64_t)sent * PIECE,
                                         .data = slice_make(piece(sent), PIECE)};
        assert_err(caller_send(f->caller, &message_FILES_APPEND, &ask), ERR_OK);
        files_fixture_kill(f);
        assert_err(files_state(f, &upload, &state), ERR_OK);
        assert_true(state.offset == (uint64_t)sent * PIECE ||
                    state.offset == (uint64_t)(sent + 1) * PIECE);
        for (int i = (int)(state.offset / PIECE); i < PIECES; i++)
            assert_err(files_append(f, &upload, (uint64_t)i * PIECE, slice_make(piece(i), PIECE)),
                       ERR_OK);
        const struct files_finish finish = {.file = upload.file, .token = slice_text(upload.token)};
        assert_err(caller_send(f->caller, &message_FILES_FINISH, &finish), ERR_OK);
        files_fixture_kill(f);
        assert_err(files_finish(f, &upload, &file), ERR_OK);
        assert_true(file.size == PIECES * PIECE);
        assert_pieces(f, upload.file, PIECES);
    }
}

/* The states of the disk in which a kill can leave the last step. */
FILES_TEST(a_finish_goes_on_from_every_step) {
    for (int step = 0; step < 3; step++) {
        const struct test_upload upload = files_opened(f, files_account(f), PIECE);
        const char *part = files_incoming_path(f, upload.file, "part");
        const char *whole = files_incoming_path(f, upload.file, "whole");
        struct upload_state state;
        struct file file;
        assert_err(files_append(f, &upload, 0, slice_make(piece(1), PIECE)), ERR_OK);
        const char *kept = files_kept_path(f, upload.file);
        assert_int_equal(rename(part, whole), 0);
        (void)mkdir(test_text("%.*s", (int)(strrchr(kept, '/') - kept), kept), 0700);
        if (step > 0)
            assert_int_equal(link(whole, step == 1 ? test_text("%s.new", kept) : kept), 0);
        assert_err(files_state(f, &upload, &state), ERR_OK);
        assert_true(state.offset == PIECE && !state.finished);
        assert_err(files_append(f, &upload, PIECE, slice_text("")), ERR_WRONG_OFFSET);
        assert_err(files_finish(f, &upload, &file), ERR_OK);
        assert_int_equal(files_incoming_files(f, upload.file), 0);
        assert_int_equal(test_folder_files(test_text("%s.new", kept)), 0);
        assert_int_equal(test_folder_bytes(kept), PIECE);
    }
}

static void limit_files(struct files_fixture *f, rlim_t bytes) {
    const struct rlimit limit = {bytes, RLIM_INFINITY};
    assert_int_equal(prlimit(service_process_pid(f->files), RLIMIT_FSIZE, &limit, NULL), 0);
}

FILES_TEST(a_full_disk_refuses_what_does_not_fit_and_nothing_else) {
    const struct test_upload upload = files_opened(f, files_account(f), 3 * PIECE);
    const struct test_upload before = files_finished(f, files_account(f), "before");
    struct slice data;
    struct file file;
    files_show(f, before.file);
    assert_err(files_append(f, &upload, 0, slice_make(piece(0), PIECE)), ERR_OK);
    /* A half of the next piece fits. */
    limit_files(f, PIECE + PIECE / 2);
    assert_err(files_append(f, &upload, PIECE, slice_make(piece(1), PIECE)), ERR_STORE_FULL);
    assert_true(offset_of(f, &upload) == PIECE);
    assert_err(files_append(f, &upload, PIECE, slice_make(piece(1), PIECE)), ERR_STORE_FULL);
    assert_err(files_read(f, before.file, 0, 100, &data), ERR_OK);
    assert_slice_text(data, "before");
    limit_files(f, RLIM_INFINITY);
    for (int i = 1; i < 3; i++)
        assert_err(files_append(f, &upload, (uint64_t)i * PIECE, slice_make(piece(i), PIECE)),
                   ERR_OK);
    assert_err(files_finish(f, &upload, &file), ERR_OK);
    assert_pieces(f, upload.file, 3);
}

FILES_TEST(room_is_left_on_the_disk) {
    const struct test_upload upload = files_opened(f, files_account(f), PIECE);
    struct caller *caller;
    struct service_process *second = files_fixture_start(
        f, (const char *[]){"--files-free-bytes=1000000000000000000", NULL}, &caller);
    assert_err(files_append_at(f, caller, &upload, 0, slice_make(piece(0), PIECE)), ERR_STORE_FULL);
    assert_true(offset_of(f, &upload) == 0);
    assert_err(files_append(f, &upload, 0, slice_make(piece(0), PIECE)), ERR_OK);
    caller_destroy(&caller);
    assert_int_equal(service_process_stop(&second), 0);
}

/* As on a disk that is read-only: nothing can be made there. Root may write everywhere, so a file
 * stands in the folder's place. */
FILES_TEST(where_nothing_can_be_written_files_are_read) {
    const struct test_upload before = files_finished(f, files_account(f), "before");
    const struct test_upload upload = files_opened(f, files_account(f), PIECE);
    const char *incoming = test_text("%s/incoming", f->folder);
    const char *aside = test_text("%s/aside", f->folder);
    struct slice data;
    files_show(f, before.file);
    assert_int_equal(rename(incoming, aside), 0);
    assert_int_equal(symlink("/dev/null", incoming), 0);
    for (int start = 0; start < 2; start++) {
        assert_err(files_append(f, &upload, 0, slice_make(piece(0), PIECE)), ERR_UNAVAILABLE);
        assert_err(files_read(f, before.file, 0, 100, &data), ERR_OK);
        assert_slice_text(data, "before");
        /* It is logged, though not for each piece. */
        assert_true(service_process_wait_text(f->files, "event=store_failed", TEST_DEADLINE_MS));
        files_fixture_restart(f);
    }
    assert_int_equal(unlink(incoming), 0);
    assert_int_equal(rename(aside, incoming), 0);
    assert_err(files_append(f, &upload, 0, slice_make(piece(0), PIECE)), ERR_OK);
}

TEST(without_its_folder_it_does_not_start) {
    char *output = NULL;
    const char *arguments[] = {"--files-folder=/dev/null/files", NULL};
    assert_int_equal(service_process_run("parley-files", arguments, &output), 1);
    assert_non_null(strstr(output, "/dev/null/files"));
    free(output);
}

int main(void) { return test_run_all(files_fixture_setup, files_fixture_teardown); }
