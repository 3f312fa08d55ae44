/* What becomes of files: quotas, removal, stickers, keeping house, and whether rows and bytes
 * agree. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/loop.h"
#include "proto/conversation.h"
#include "tests/support/files_fixture.h"

#define MIB ((uint64_t)1 << 20)
#define GIB ((uint64_t)1 << 30)
#define AGED 90000000 /* ms: more than a day */

static struct files_open ask_of(uint64_t account, uint64_t size) {
    return (struct files_open){.account = account,
                               .name = slice_text("a.png"),
                               .mime = slice_text("image/png"),
                               .size = size};
}

static enum err set_sticker(struct files_fixture *f, uint64_t account, uint64_t file, bool on,
                            bool *repeat_r) {
    const struct files_set_sticker ask = {.account = account, .file = file, .on = on};
    struct done done = {0};
    enum err err =
        caller_ask(f->caller, &message_FILES_SET_STICKER, &ask, FILES_ANSWER_MS, &f->arena, &done);
    *repeat_r = done.repeat;
    return err;
}

static struct files_stickers_reply stickers(struct files_fixture *f, uint64_t account) {
    const struct files_stickers ask = {.account = account};
    struct files_stickers_reply reply;
    assert_err(
        caller_ask(f->caller, &message_FILES_STICKERS, &ask, FILES_ANSWER_MS, &f->arena, &reply),
        ERR_OK);
    return reply;
}

static void age(struct files_fixture *f, uint64_t file) {
    test_database_run(f->database, test_text("UPDATE file SET finished_ms = finished_ms - %d,"
                                             " expires_ms = expires_ms - %d WHERE id = %" PRIu64,
                                             AGED, AGED, file));
}

static size_t bytes_of(struct files_fixture *f, uint64_t file) {
    return test_folder_bytes(files_kept_path(f, file)) + files_incoming_bytes(f, file);
}

/* A pass begins with the start. The row goes before the bytes. */
static void keep_house(struct files_fixture *f, uint64_t until_gone) {
    files_fixture_restart(f);
    int64_t end_ms = loop_now_ms() + TEST_DEADLINE_MS;
    while ((files_has_row(f, until_gone) || bytes_of(f, until_gone) > 0) && loop_now_ms() < end_ms)
        usleep(10000);
    assert_false(files_has_row(f, until_gone));
    assert_int_equal(bytes_of(f, until_gone), 0);
}

/* --- room ------------------------------------------------------------------------------------ */

FILES_TEST(an_account_has_only_so_much_room) {
    const uint64_t account = files_account(f);
    struct test_upload upload, last;
    for (int i = 0; i < 10; i++)
        assert_err(files_open(f, ask_of(account, 100 * MIB), &upload), ERR_OK);
    assert_err(files_open(f, ask_of(account, 25 * MIB), &upload), ERR_QUOTA);
    assert_err(files_open(f, ask_of(account, 24 * MIB - 65536), &last), ERR_OK);
    /* Small ones count as 64 KiB. */
    assert_err(files_open(f, ask_of(account, 1), &upload), ERR_OK);
    assert_err(files_open(f, ask_of(account, 1), &upload), ERR_QUOTA);
    assert_err(files_open(f, ask_of(files_account(f), 1), &upload), ERR_OK);
    assert_err(files_abandon(f, &last), ERR_OK);
    assert_err(files_open(f, ask_of(account, 1), &upload), ERR_OK);
}

/* Two that fit, but not together. */
FILES_TEST(uploads_that_begin_at_once_take_no_more_room) {
    struct caller *callers[2] = {f->caller, NULL};
    struct service_process *second = files_fixture_start(f, (const char *[]){NULL}, &callers[1]);
    for (int round = 0; round < 20; round++) {
        const uint64_t account = files_account(f);
        struct test_upload upload;
        struct files_open ask = ask_of(account, 64 * MIB);
        int taken = 0;
        for (int i = 0; i < 15; i++)
            assert_err(files_open(f, ask, &upload), ERR_OK);
        for (int c = 0; c < 2; c++)
            assert_err(caller_send(callers[c], &message_FILES_OPEN, &ask), ERR_OK);
        for (int c = 0; c < 2; c++) {
            struct files_open_reply reply;
            enum err err = caller_receive(callers[c], &message_FILES_OPEN,
                                          loop_now_ms() + TEST_DEADLINE_MS, &f->arena, &reply);
            taken += err == ERR_OK;
            if (err != ERR_OK)
                assert_err(err, ERR_QUOTA);
        }
        assert_int_equal(taken, 1);
    }
    caller_destroy(&callers[1]);
    assert_int_equal(service_process_stop(&second), 0);
}

/* --- an account's own ------------------------------------------------------------------------ */

FILES_TEST(a_file_that_is_not_shown_is_removed) {
    const uint64_t account = files_account(f);
    const struct test_upload file = files_finished(f, account, "bytes");
    const struct test_upload half = files_opened(f, account, 10);
    const struct test_upload by_another = {.file = file.file, .token = half.token};
    const struct test_upload unknown = {.file = 1, .token = file.token};
    assert_err(files_append(f, &half, 0, slice_text("bytes")), ERR_OK);
    assert_err(files_abandon(f, &by_another), ERR_NO_FILE);
    assert_err(files_abandon(f, &unknown), ERR_NO_FILE);
    files_show(f, file.file);
    assert_err(files_abandon(f, &file), ERR_NOT_ALLOWED);
    assert_int_equal(bytes_of(f, file.file), 5);
    files_hide(f, file.file);
    assert_err(files_abandon(f, &file), ERR_OK);
    assert_err(files_abandon(f, &file), ERR_NO_FILE);
    assert_int_equal(bytes_of(f, file.file), 0);
    assert_err(files_abandon(f, &half), ERR_OK);
    assert_int_equal(bytes_of(f, half.file), 0);
}

/* Whoever shows a file has its row locked: the removal waits, and then finds that it is shown. */
FILES_TEST(a_file_is_not_removed_while_it_is_being_shown) {
    const uint64_t account = files_account(f);
    const struct test_upload file = files_finished(f, account, "bytes");
    struct db *db = db_new(test_database_settings(f->database), NULL);
    const struct db_statement lock = {"lock",
                                      "SELECT id FROM file WHERE id = ? LOCK IN SHARE MODE"};
    const struct db_statement show = {"show", "INSERT INTO file_use VALUES (77, 1, ?)"};
    const struct files_abandon ask = {.file = file.file, .token = slice_text(file.token)};
    struct done done;
    struct db_rows *rows;
    assert_non_null(db);
    assert_err(db_connect(db), ERR_OK);
    assert_err(db_begin(db), ERR_OK);
    assert_err(db_query(db, &lock, DB_ARGS(db_u64(file.file)), &rows), ERR_OK);
    db_rows_destroy(&rows);
    assert_err(caller_send(f->caller, &message_FILES_ABANDON, &ask), ERR_OK);
    assert_err(db_query(db, &show, DB_ARGS(db_u64(file.file)), NULL), ERR_OK);
    assert_err(db_commit(db), ERR_OK);
    assert_err(caller_receive(f->caller, &message_FILES_ABANDON, loop_now_ms() + TEST_DEADLINE_MS,
                              &f->arena, &done),
               ERR_NOT_ALLOWED);
    assert_int_equal(bytes_of(f, file.file), 5);
    db_destroy(&db);
}

FILES_TEST(stickers_are_pictures_of_ones_own) {
    const uint64_t account = files_account(f), other = files_account(f);
    const struct test_upload first = files_finished(f, account, FILES_PICTURE);
    const struct test_upload second = files_finished(f, account, FILES_PICTURE);
    const struct test_upload half = files_opened(f, account, 10);
    struct files_open ask = ask_of(account, 1);
    struct test_upload text;
    struct file file;
    bool repeat;
    assert_err(set_sticker(f, other, first.file, true, &repeat), ERR_NO_FILE);
    assert_err(set_sticker(f, account, half.file, true, &repeat), ERR_NO_FILE);
    assert_err(set_sticker(f, account, 1, true, &repeat), ERR_NO_FILE);
    assert_err(set_sticker(f, 999999, first.file, true, &repeat), ERR_NO_ACCOUNT);
    ask.mime = slice_text("text/plain");
    assert_err(files_open(f, ask, &text), ERR_OK);
    assert_err(files_append(f, &text, 0, slice_text("x")), ERR_OK);
    assert_err(files_finish(f, &text, &file), ERR_OK);
    assert_err(set_sticker(f, account, text.file, true, &repeat), ERR_NO_FILE);
    assert_int_equal(stickers(f, account).files.count, 0);
    assert_err(set_sticker(f, account, first.file, true, &repeat), ERR_OK);
    assert_false(repeat);
    assert_err(set_sticker(f, account, first.file, true, &repeat), ERR_OK);
    assert_true(repeat);
    test_database_run(f->database, "UPDATE sticker SET added_ms = added_ms - 1000");
    assert_err(set_sticker(f, account, second.file, true, &repeat), ERR_OK);
    const struct files_stickers_reply list = stickers(f, account);
    const struct file *files = list.files.items;
    assert_int_equal(list.files.count, 2);
    assert_true(files[0].id == second.file && files[1].id == first.file);
    assert_slice_text(files[1].name, "a.png");
    /* It is served, and not removed. */
    assert_err(files_find(f, first.file, &file), ERR_OK);
    assert_err(files_abandon(f, &first), ERR_NOT_ALLOWED);
    assert_err(set_sticker(f, account, first.file, false, &repeat), ERR_OK);
    assert_false(repeat);
    assert_err(set_sticker(f, account, first.file, false, &repeat), ERR_OK);
    assert_true(repeat);
    assert_err(files_find(f, first.file, &file), ERR_NO_FILE);
    assert_err(files_abandon(f, &first), ERR_OK);
}

FILES_TEST(an_account_has_only_so_many_stickers) {
    const uint64_t account = files_account(f);
    const struct test_upload one = files_finished(f, account, FILES_PICTURE);
    bool repeat;
    test_database_run(f->database,
                      test_text("INSERT INTO sticker SELECT %" PRIu64 ", seq, 0 FROM seq_1_to_%d",
                                account, STICKERS_MAX));
    assert_err(set_sticker(f, account, one.file, true, &repeat), ERR_TOO_MANY);
    test_database_run(f->database, "DELETE FROM sticker WHERE file = 7");
    assert_err(set_sticker(f, account, one.file, true, &repeat), ERR_OK);
    test_database_run(f->database, "DELETE FROM sticker");
}

/* --- keeping house --------------------------------------------------------------------------- */

FILES_TEST(what_has_had_its_time_goes) {
    const uint64_t account = files_account(f);
    const struct test_upload fresh = files_finished(f, account, "fresh");
    const struct test_upload unused = files_finished(f, account, "unused");
    const struct test_upload shown = files_finished(f, account, "shown");
    const struct test_upload sticker = files_finished(f, account, FILES_PICTURE);
    const struct test_upload late = files_opened(f, account, 10);
    const struct test_upload open = files_opened(f, account, 10);
    bool repeat;
    assert_err(files_append(f, &late, 0, slice_text("bytes")), ERR_OK);
    assert_err(files_append(f, &open, 0, slice_text("bytes")), ERR_OK);
    assert_err(set_sticker(f, account, sticker.file, true, &repeat), ERR_OK);
    files_show(f, shown.file);
    age(f, unused.file);
    age(f, shown.file);
    age(f, sticker.file);
    age(f, late.file);
    keep_house(f, unused.file);
    keep_house(f, late.file);
    assert_int_equal(bytes_of(f, unused.file) + bytes_of(f, late.file), 0);
    const struct test_upload *left[] = {&fresh, &shown, &sticker, &open};
    for (size_t i = 0; i < sizeof left / sizeof left[0]; i++) {
        assert_true(files_has_row(f, left[i]->file));
        assert_true(bytes_of(f, left[i]->file) > 0);
    }
    /* Shown no more: recalled, or removed by age. */
    files_hide(f, shown.file);
    keep_house(f, shown.file);
    assert_int_equal(bytes_of(f, shown.file), 0);
    assert_err(set_sticker(f, account, sticker.file, false, &repeat), ERR_OK);
    keep_house(f, sticker.file);
}

/* In a message of this type. */
static void show_in(struct files_fixture *f, uint64_t file, uint64_t cid, int type) {
    test_database_run(
        f->database, test_text("INSERT INTO file_use (conversation, cid, file) VALUES (78, %" PRIu64
                               ", %" PRIu64 ")",
                               cid, file));
    test_database_run(f->database,
                      test_text("INSERT INTO message (conversation, cid, time_ms, type, sender, "
                                "body) VALUES (78, %" PRIu64 ", 1, %d, 1, '')",
                                cid, type));
}

static void show_as_avatar(struct files_fixture *f, uint64_t file, uint64_t conversation) {
    test_database_run(
        f->database,
        test_text("INSERT INTO file_use VALUES (%" PRIu64 ", 0, %" PRIu64 ")", conversation, file));
}

/* A delivery of 0.1 recalls without knowing of files. */
FILES_TEST(what_only_recalled_messages_show_goes) {
    const uint64_t account = files_account(f);
    const struct test_upload recalled = files_finished(f, account, "recalled");
    const struct test_upload shown = files_finished(f, account, "shown");
    struct file file;
    show_in(f, recalled.file, 1, ENTRY_RECALLED_TEXT);
    show_in(f, recalled.file, 2, ENTRY_RECALLED_TEXT);
    show_in(f, shown.file, 3, ENTRY_RECALLED_TEXT);
    show_in(f, shown.file, 4, 0);
    age(f, recalled.file);
    age(f, shown.file);
    keep_house(f, recalled.file);
    assert_int_equal(bytes_of(f, recalled.file), 0);
    assert_err(files_find(f, shown.file, &file), ERR_OK);
    test_database_run(f->database, "UPDATE message SET type = 15 WHERE conversation = 78");
    keep_house(f, shown.file);
}

/* A delivery of 0.1 removes old messages, a group of 0.1 dissolves groups, without knowing of
 * files.
 */
FILES_TEST(what_nothing_shows_any_more_goes) {
    const uint64_t account = files_account(f), ended = files_account(f);
    const struct test_upload by_age = files_finished(f, account, "by age");
    const struct test_upload of_group = files_finished(f, account, "of a group");
    const struct test_upload of_ended = files_finished(f, account, "of an account");
    const struct test_upload shown = files_finished(f, account, "shown");
    const struct test_upload avatar = files_finished(f, account, "avatar");
    const struct test_upload *gone[] = {&by_age, &of_group, &of_ended};
    const struct test_upload *left[] = {&shown, &avatar};
    show_in(f, by_age.file, 5, 0);
    show_in(f, shown.file, 6, 0);
    show_as_avatar(f, of_group.file, conversation_of_group(1));
    show_as_avatar(f, of_ended.file, conversation_of_account(ended));
    show_as_avatar(f, avatar.file, conversation_of_group(2));
    test_database_run(
        f->database,
        test_text(
            "INSERT INTO conversation (id, kind, lo, hi, dissolved, created_ms) VALUES (%" PRIu64
            ", 1, 1, 0, TRUE, 1), (%" PRIu64 ", 1, 2, 0, FALSE, 1);"
            " UPDATE account SET deleted_ms = 1 WHERE number = %" PRIu64
            "; DELETE FROM message WHERE conversation = 78 AND cid = 5",
            conversation_of_group(1), conversation_of_group(2), ended));
    for (size_t i = 0; i < 5; i++)
        age(f, i < 3 ? gone[i]->file : left[i - 3]->file);
    for (size_t i = 0; i < 3; i++)
        keep_house(f, gone[i]->file);
    for (size_t i = 0; i < 2; i++)
        assert_true(bytes_of(f, left[i]->file) > 0);
}

FILES_TEST(a_deleted_account_leaves_what_others_are_shown) {
    const uint64_t account = files_account(f);
    const struct test_upload sent = files_finished(f, account, "sent");
    const struct test_upload unsent = files_finished(f, account, "unsent");
    const struct test_upload sticker = files_finished(f, account, FILES_PICTURE);
    const struct test_upload half = files_opened(f, account, 10);
    bool repeat;
    files_show(f, sent.file);
    assert_err(files_append(f, &half, 0, slice_text("bytes")), ERR_OK);
    assert_err(set_sticker(f, account, sticker.file, true, &repeat), ERR_OK);
    test_database_run(f->database,
                      test_text("UPDATE account SET deleted_ms = 1, disabled = TRUE WHERE number ="
                                " %" PRIu64,
                                account));
    keep_house(f, unsent.file);
    keep_house(f, sticker.file);
    keep_house(f, half.file);
    assert_true(files_has_row(f, sent.file));
    assert_int_equal(bytes_of(f, sent.file), 4);
    assert_int_equal(bytes_of(f, unsent.file) + bytes_of(f, sticker.file) + bytes_of(f, half.file),
                     0);
    assert_int_equal(stickers(f, account).files.count, 0);
}

/* --- rows and bytes -------------------------------------------------------------------------- */

struct found {
    uint64_t rows, bytes, count, asked;
};

static struct found check_all(struct files_fixture *f, bool repair) {
    struct files_check ask = {.repair = repair};
    struct found found = {0};
    do {
        struct files_check_reply reply;
        assert_err(
            caller_ask(f->caller, &message_FILES_CHECK, &ask, FILES_ANSWER_MS, &f->arena, &reply),
            ERR_OK);
        found.rows += reply.rows.count;
        found.bytes += reply.bytes.count;
        found.count += reply.count;
        found.asked++;
        ask.after = reply.after;
    } while (ask.after != 0);
    return found;
}

FILES_TEST(rows_and_bytes_are_compared_and_repaired) {
    const uint64_t account = files_account(f);
    const struct found before = check_all(f, true);
    struct test_upload files[8];
    for (size_t i = 0; i < 8; i++)
        files[i] = files_finished(f, account, "bytes");
    const struct test_upload half = files_opened(f, account, 10);
    const struct test_upload gone = files_opened(f, account, 10);
    assert_err(files_append(f, &half, 0, slice_text("bytes")), ERR_OK);
    assert_err(files_append(f, &gone, 0, slice_text("bytes")), ERR_OK);
    struct found found = check_all(f, false);
    assert_true(found.rows == 0 && found.bytes == 0);
    assert_true(found.count == before.count - before.rows + 8);
    /* One lacks its bytes, one half of them; two have no row, nor has one upload. */
    files_show(f, files[0].file);
    assert_int_equal(unlink(files_kept_path(f, files[0].file)), 0);
    assert_int_equal(truncate(files_kept_path(f, files[1].file), 3), 0);
    test_database_run(f->database, test_text("DELETE FROM file WHERE id IN (%" PRIu64 ", %" PRIu64
                                             ", %" PRIu64 ")",
                                             files[2].file, files[3].file, gone.file));
    for (int i = 0; i < 2; i++) {
        found = check_all(f, i == 1);
        assert_true(found.rows == 2 && found.bytes == 3);
    }
    found = check_all(f, false);
    assert_true(found.rows == 0 && found.bytes == 0);
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(files_has_row(f, files[i].file), i >= 4);
        assert_int_equal(bytes_of(f, files[i].file), i >= 4 ? 5 : 0);
    }
    assert_int_equal(bytes_of(f, gone.file), 0);
    assert_int_equal(bytes_of(f, half.file), 5);
}

/* More than one answer holds, with faults on both sides of each page. */
FILES_TEST(many_rows_and_bytes_are_compared_in_pages) {
    (void)check_all(f, true);
    const char *folder = test_text("%s/kept/01", f->folder);
    (void)mkdir(folder, 0700);
    for (int i = 1; i <= 1500; i++) {
        const char *path = test_text("%s/01%014x", folder, (unsigned)i);
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        fclose(file);
    }
    test_database_run(f->database,
                      "INSERT INTO file (id, account, name, mime, size, created_ms, expires_ms,"
                      " finished_ms) SELECT 0x0200000000000000 + seq, 1, 'a', 'a/b', 5, 0, 0, 1"
                      " FROM seq_1_to_1500");
    const struct found found = check_all(f, false);
    assert_true(found.rows == 1500 && found.bytes == 1500);
    assert_true(found.asked >= 6);
    (void)check_all(f, true);
    const struct found after = check_all(f, false);
    assert_true(after.rows == 0 && after.bytes == 0);
}

int main(void) { return test_run_all(files_fixture_setup, files_fixture_teardown); }
