/* Uploads: from files.open to a file that can be read, and everything that can be wrong on the way.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/files_fixture.h"

#define HELLO "hello, file"
#define HELLO_BYTES (sizeof HELLO - 1)
#define HOUR_MS 3600000

static void assert_state(struct files_fixture *f, const struct test_upload *upload, uint64_t offset,
                         bool finished) {
    struct upload_state state;
    assert_err(files_state(f, upload, &state), ERR_OK);
    assert_true(state.size == HELLO_BYTES);
    assert_true(state.offset == offset);
    assert_int_equal(state.finished, finished);
    assert_true(state.expires_ms == upload->expires_ms);
}

FILES_TEST(bytes_come_in_pieces_and_are_read_in_pieces) {
    const struct test_upload upload = files_opened(f, files_account(f), HELLO_BYTES);
    struct file file;
    struct slice data;
    assert_state(f, &upload, 0, false);
    assert_err(files_append(f, &upload, 0, slice_text("hello")), ERR_OK);
    assert_state(f, &upload, 5, false);
    assert_err(files_append(f, &upload, 5, slice_text(", file")), ERR_OK);
    assert_state(f, &upload, HELLO_BYTES, false);
    assert_err(files_finish(f, &upload, &file), ERR_OK);
    assert_true(file.id == upload.file && file.size == HELLO_BYTES);
    assert_slice_text(file.name, "a.png");
    /* It is no picture, whatever it claims. */
    assert_slice_text(file.mime, "application/octet-stream");
    assert_state(f, &upload, HELLO_BYTES, true);
    /* Once more is no fault. */
    memset(&file, 0, sizeof file);
    assert_err(files_finish(f, &upload, &file), ERR_OK);
    assert_true(file.id == upload.file && file.size == HELLO_BYTES);
    files_show(f, upload.file);
    assert_err(files_find(f, upload.file, &file), ERR_OK);
    assert_true(file.size == HELLO_BYTES);
    assert_err(files_read(f, upload.file, 0, FILE_PIECE_BYTES, &data), ERR_OK);
    assert_slice_text(data, HELLO);
    assert_err(files_read(f, upload.file, 7, 2, &data), ERR_OK);
    assert_slice_text(data, "fi");
    assert_err(files_read(f, upload.file, HELLO_BYTES, 1, &data), ERR_OK);
    assert_int_equal(data.length, 0);
    assert_int_equal(files_incoming_files(f, upload.file), 0);
}

FILES_TEST(only_what_something_shows_is_served) {
    const struct test_upload upload = files_finished(f, files_account(f), HELLO);
    const struct test_upload half = files_opened(f, files_account(f), HELLO_BYTES);
    struct file file;
    struct slice data;
    assert_err(files_find(f, upload.file, &file), ERR_NO_FILE);
    assert_err(files_read(f, upload.file, 0, 1, &data), ERR_NO_FILE);
    files_show(f, upload.file);
    assert_err(files_read(f, upload.file, 0, 1, &data), ERR_OK);
    files_hide(f, upload.file);
    assert_err(files_read(f, upload.file, 0, 1, &data), ERR_NO_FILE);
    assert_err(files_find(f, upload.file, &file), ERR_NO_FILE);
    /* Even if delivery were wrong: nothing half-made. */
    files_show(f, half.file);
    assert_err(files_append(f, &half, 0, slice_text("hello")), ERR_OK);
    assert_err(files_find(f, half.file, &file), ERR_NO_FILE);
    assert_err(files_read(f, half.file, 0, 1, &data), ERR_NO_FILE);
    assert_err(files_find(f, 0, &file), ERR_NO_FILE);
    assert_err(files_read(f, upload.file, 0, 0, &data), ERR_BAD_REQUEST);
    assert_err(files_read(f, upload.file, 0, FILE_PIECE_BYTES + 1, &data), ERR_BAD_REQUEST);
    /* There is no preview. */
    files_show(f, upload.file);
    const struct files_read ask = {.file = upload.file, .preview = true, .length = 1};
    struct files_read_reply reply;
    assert_err(caller_ask(f->caller, &message_FILES_READ, &ask, FILES_ANSWER_MS, &f->arena, &reply),
               ERR_NO_FILE);
}

FILES_TEST(a_request_that_makes_no_sense_is_refused) {
    const uint64_t account = files_account(f);
    static const char *const names[] = {"", ".", "..", "a/b", "a\\b", "a\nb", "\x7f", "\xc2\x85"};
    static const char *const mimes[] = {"image", "image/",        "/png",       "a/b/c",  "a b/c",
                                        "a/b;c", "image/\"png\"", "\xc3\xa4/b", "-a/png", "a\n/b"};
    struct test_upload upload;
    struct files_open ask = {.account = account, .size = 1, .mime = slice_text("image/png")};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        ask.name = slice_text(names[i]);
        assert_err(files_open(f, ask, &upload), ERR_BAD_REQUEST);
    }
    ask.name = slice_text("r\xc3\xa9sum\xc3\xa9 (1).pdf");
    for (size_t i = 0; i < sizeof mimes / sizeof mimes[0]; i++) {
        ask.mime = slice_text(mimes[i]);
        assert_err(files_open(f, ask, &upload), ERR_BAD_REQUEST);
    }
    ask.mime = slice_text("Image/SVG+xml");
    ask.size = 0;
    assert_err(files_open(f, ask, &upload), ERR_BAD_REQUEST);
    ask.size = (100 << 20) + 1;
    assert_err(files_open(f, ask, &upload), ERR_FILE_TOO_LARGE);
    ask.size = 100 << 20;
    ask.sha256 = slice_text("short");
    assert_err(files_open(f, ask, &upload), ERR_BAD_REQUEST);
    ask.sha256.length = 0;
    ask.nonce = slice_text("short");
    assert_err(files_open(f, ask, &upload), ERR_BAD_REQUEST);
    ask.nonce.length = 0;
    ask.account = 999999;
    assert_err(files_open(f, ask, &upload), ERR_NO_ACCOUNT);
    test_database_run(
        f->database,
        test_text("UPDATE account SET disabled = TRUE WHERE number = %" PRIu64, account));
    ask.account = account;
    assert_err(files_open(f, ask, &upload), ERR_DISABLED);
    test_database_run(
        f->database,
        test_text("UPDATE account SET disabled = FALSE WHERE number = %" PRIu64, account));
    /* Nothing of all that has left a row. */
    assert_int_equal(test_database_number(f->database, test_text("SELECT COUNT(*) FROM file WHERE"
                                                                 " account = %" PRIu64,
                                                                 account)),
                     0);
    assert_err(files_open(f, ask, &upload), ERR_OK);
    assert_int_equal(
        test_database_number(
            f->database, test_text("SELECT mime = 'image/svg+xml' AND"
                                   " id < 9223372036854775808 FROM file WHERE account = %" PRIu64,
                                   account)),
        1);
    ask.mime.length = 0;
    ask.size = 1;
    assert_err(files_open(f, ask, &upload), ERR_OK);
    assert_int_equal(
        test_database_number(f->database,
                             test_text("SELECT mime ="
                                       " 'application/octet-stream' FROM file WHERE id = %" PRIu64,
                                       upload.file)),
        1);
}

FILES_TEST(a_nonce_begins_one_upload) {
    const uint64_t account = files_account(f);
    struct test_upload one, again, other;
    struct files_open ask = {.account = account,
                             .name = slice_text("a"),
                             .size = HELLO_BYTES,
                             .nonce = slice_text("nonce nonce nonc")};
    struct file file;
    assert_err(files_open(f, ask, &one), ERR_OK);
    assert_err(files_append(f, &one, 0, slice_text("hello")), ERR_OK);
    assert_err(files_open(f, ask, &again), ERR_OK);
    assert_true(again.file == one.file && again.expires_ms == one.expires_ms);
    assert_string_equal(again.token, one.token);
    assert_state(f, &again, 5, false);
    ask.size++;
    assert_err(files_open(f, ask, &other), ERR_REF_USED);
    ask.size--;
    ask.account = files_account(f);
    assert_err(files_open(f, ask, &other), ERR_REF_USED);
    ask.account = account;
    assert_err(files_append(f, &again, 5, slice_text(", file")), ERR_OK);
    assert_err(files_finish(f, &one, &file), ERR_OK);
    assert_err(files_open(f, ask, &again), ERR_OK);
    assert_true(again.file == one.file);
    assert_state(f, &again, HELLO_BYTES, true);
    ask.nonce = slice_text("another nonce...");
    assert_err(files_open(f, ask, &other), ERR_OK);
    assert_true(other.file != one.file && strcmp(other.token, one.token) != 0);
}

FILES_TEST(without_the_token_nothing_is_done) {
    const struct test_upload mine = files_opened(f, files_account(f), HELLO_BYTES);
    const struct test_upload other = files_opened(f, files_account(f), HELLO_BYTES);
    const struct test_upload wrong[] = {{mine.file, other.token, 0},
                                        {mine.file, "", 0},
                                        {mine.file, "x", 0},
                                        {mine.file + 1, mine.token, 0},
                                        {0, mine.token, 0}};
    struct upload_state state;
    struct file file;
    assert_err(files_append(f, &mine, 0, slice_text(HELLO)), ERR_OK);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_err(files_state(f, &wrong[i], &state), ERR_NO_FILE);
        assert_err(files_append(f, &wrong[i], 0, slice_text("x")), ERR_NO_FILE);
        assert_err(files_finish(f, &wrong[i], &file), ERR_NO_FILE);
        assert_err(files_abandon(f, &wrong[i]), ERR_NO_FILE);
    }
    assert_state(f, &mine, HELLO_BYTES, false);
}

FILES_TEST(an_upload_ends_after_its_hour) {
    const struct test_upload upload = files_opened(f, files_account(f), HELLO_BYTES);
    const struct test_upload done = files_finished(f, files_account(f), HELLO);
    struct upload_state state;
    struct file file;
    assert_int_equal(test_database_number(f->database, test_text("SELECT expires_ms - created_ms"
                                                                 " FROM file WHERE id = %" PRIu64,
                                                                 upload.file)),
                     HOUR_MS);
    assert_err(files_append(f, &upload, 0, slice_text(HELLO)), ERR_OK);
    test_database_run(f->database, "UPDATE file SET expires_ms = created_ms");
    assert_err(files_state(f, &upload, &state), ERR_NO_FILE);
    assert_err(files_append(f, &upload, HELLO_BYTES, slice_text("x")), ERR_NO_FILE);
    assert_err(files_finish(f, &upload, &file), ERR_NO_FILE);
    /* What is finished stays so. */
    assert_err(files_finish(f, &done, &file), ERR_OK);
}

FILES_TEST(bytes_are_put_where_they_belong_alone) {
    const struct test_upload upload = files_opened(f, files_account(f), HELLO_BYTES);
    struct file file;
    assert_err(files_append(f, &upload, 1, slice_text("x")), ERR_WRONG_OFFSET);
    assert_err(files_append(f, &upload, 0, slice_text("hello")), ERR_OK);
    assert_err(files_append(f, &upload, 0, slice_text("hello")), ERR_WRONG_OFFSET);
    assert_err(files_append(f, &upload, 6, slice_text("x")), ERR_WRONG_OFFSET);
    assert_err(files_append(f, &upload, RECORD_NUMBER_MOST, slice_text("x")), ERR_WRONG_OFFSET);
    assert_err(files_append(f, &upload, 5, slice_text("")), ERR_OK);
    /* More than were announced. */
    assert_err(files_append(f, &upload, 5, slice_text(", file!")), ERR_BAD_FILE);
    assert_err(files_finish(f, &upload, &file), ERR_WRONG_OFFSET);
    assert_state(f, &upload, 5, false);
    assert_err(files_append(f, &upload, 5, slice_text(", file")), ERR_OK);
    assert_err(files_append(f, &upload, HELLO_BYTES, slice_text("!")), ERR_BAD_FILE);
    assert_err(files_finish(f, &upload, &file), ERR_OK);
    assert_err(files_append(f, &upload, HELLO_BYTES, slice_text("!")), ERR_WRONG_OFFSET);
}

FILES_TEST(bytes_with_another_hash_are_thrown_away) {
    unsigned char sha256[32];
    struct test_upload upload;
    struct file file;
    struct slice data;
    crypto_hash_sha256(sha256, (const unsigned char *)HELLO, HELLO_BYTES);
    const struct files_open ask = {.account = files_account(f),
                                   .name = slice_text("a"),
                                   .size = HELLO_BYTES,
                                   .sha256 = slice_make((const char *)sha256, sizeof sha256)};
    assert_err(files_open(f, ask, &upload), ERR_OK);
    assert_err(files_append(f, &upload, 0, slice_text("hello, fire")), ERR_OK);
    assert_err(files_finish(f, &upload, &file), ERR_BAD_FILE);
    assert_state(f, &upload, 0, false);
    files_show(f, upload.file);
    assert_err(files_read(f, upload.file, 0, 1, &data), ERR_NO_FILE);
    assert_err(files_append(f, &upload, 0, slice_text(HELLO)), ERR_OK);
    assert_err(files_finish(f, &upload, &file), ERR_OK);
    assert_err(files_read(f, upload.file, 0, 100, &data), ERR_OK);
    assert_slice_text(data, HELLO);
}

static ino_t inode_of(const char *path) {
    struct stat found;
    assert_int_equal(stat(path, &found), 0);
    return found.st_ino;
}

/* Freed inodes make ext4 slow at finding new ones. */
FILES_TEST(an_upload_is_one_inode_that_the_store_takes_over) {
    const struct test_upload upload = files_opened(f, files_account(f), HELLO_BYTES);
    struct file file;
    assert_err(files_append(f, &upload, 0, slice_text("hello")), ERR_OK);
    assert_int_equal(files_incoming_files(f, upload.file), 1);
    const ino_t inode = inode_of(files_incoming_path(f, upload.file, "part"));
    assert_err(files_append(f, &upload, 5, slice_text(HELLO + 5)), ERR_OK);
    assert_err(files_finish(f, &upload, &file), ERR_OK);
    assert_true(inode_of(files_kept_path(f, upload.file)) == inode);
}

/* Another instance that works at the upload, and does not end. */
static int lock_upload(struct files_fixture *f, uint64_t file) {
    const struct flock byte = {
        .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = (off_t)file, .l_len = 1};
    int fd = open(test_text("%s/incoming/lock", f->folder), O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(fcntl(fd, F_OFD_SETLK, &byte), 0);
    return fd;
}

FILES_TEST(only_so_long_is_waited_for_another_request) {
    const struct test_upload upload = files_opened(f, files_account(f), HELLO_BYTES);
    const struct test_upload other = files_opened(f, files_account(f), HELLO_BYTES);
    assert_err(files_append(f, &upload, 0, slice_text("hello")), ERR_OK);
    int lock = lock_upload(f, upload.file);
    assert_err(files_append(f, &upload, 5, slice_text(HELLO + 5)), ERR_OVERLOADED);
    assert_err(files_append(f, &other, 0, slice_text(HELLO)), ERR_OK);
    close(lock);
    assert_state(f, &upload, 5, false);
    assert_err(files_append(f, &upload, 5, slice_text(HELLO + 5)), ERR_OK);
}

FILES_TEST(an_upload_is_abandoned) {
    const struct test_upload upload = files_opened(f, files_account(f), HELLO_BYTES);
    struct upload_state state;
    assert_err(files_append(f, &upload, 0, slice_text("hello")), ERR_OK);
    assert_int_equal(files_incoming_bytes(f, upload.file), 5);
    assert_err(files_abandon(f, &upload), ERR_OK);
    assert_err(files_state(f, &upload, &state), ERR_NO_FILE);
    assert_err(files_abandon(f, &upload), ERR_NO_FILE);
    assert_int_equal(files_incoming_files(f, upload.file), 0);
    /* One that is finished, too, unless something shows it. */
    const struct test_upload done = files_finished(f, files_account(f), HELLO);
    files_show(f, done.file);
    assert_err(files_abandon(f, &done), ERR_NOT_ALLOWED);
    files_hide(f, done.file);
    assert_int_equal(test_folder_files(files_kept_path(f, done.file)), 1);
    assert_err(files_abandon(f, &done), ERR_OK);
    assert_int_equal(test_folder_files(files_kept_path(f, done.file)), 0);
}

FILES_TEST(the_key_is_one_for_all_and_no_token_is_made_with_it) {
    const struct files_key ask = {0};
    struct files_key_reply one, other;
    struct caller *caller;
    struct service_process *second = files_fixture_start(f, (const char *[]){NULL}, &caller);
    assert_err(caller_ask(f->caller, &message_FILES_KEY, &ask, FILES_ANSWER_MS, &f->arena, &one),
               ERR_OK);
    assert_err(caller_ask(caller, &message_FILES_KEY, &ask, FILES_ANSWER_MS, &f->arena, &other),
               ERR_OK);
    assert_int_equal(one.key.length, 32);
    assert_true(slice_equal(one.key, other.key));
    files_opened(f, files_account(f), 1);
    assert_int_equal(
        test_database_number(f->database, "SELECT COUNT(DISTINCT `key`) FROM file_key"), 2);
    caller_destroy(&caller);
    assert_int_equal(service_process_stop(&second), 0);
}

int main(void) { return test_run_all(files_fixture_setup, files_fixture_teardown); }
