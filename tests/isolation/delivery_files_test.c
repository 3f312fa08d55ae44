/*
 * parley-delivery alone: texts that show files. The rows of files are the test's.
 */
#include "tests/support/delivery_change.h"
#include "tests/support/delivery_puller.h"
#include "tests/support/test_db.h"

#define NAME "sea and sky.jpg"

static uint64_t files_made;

/* A picture of an account; `finished`: all bytes are there. */
static uint64_t new_file(struct delivery_fixture *f, uint64_t account, bool finished) {
    uint64_t id = (UINT64_C(1) << 62) + ++files_made;
    sql_run(f->database,
            "INSERT INTO file (id, account, name, mime, size, width, height, preview, created_ms,"
            " expires_ms, finished_ms) VALUES (%" PRIu64 ", %" PRIu64 ", '" NAME
            "', 'image/jpeg', 9007199254740991, 640, 480, 17, 1, 2, %s)",
            id, account, finished ? "3" : "NULL");
    return id;
}

static void add_sticker(struct delivery_fixture *f, uint64_t account, uint64_t file) {
    sql_run(f->database, "INSERT INTO sticker VALUES (%" PRIu64 ", %" PRIu64 ", 1)", account, file);
}

/* A letter with files: points into itself. */
struct parcel {
    struct letter letter;
    uint64_t files[LETTER_MAX_TEXTS], kinds[LETTER_MAX_TEXTS];
    struct slice captions[LETTER_MAX_TEXTS];
};

static void parcel_add(struct delivery_fixture *f, struct parcel *parcel, const char *text,
                       uint64_t file, uint64_t kind) {
    struct delivery_send *body = &parcel->letter.body;
    size_t at = body->texts.count;
    letter_add(f, &parcel->letter, file == 0 ? text : "");
    parcel->files[at] = file;
    parcel->kinds[at] = kind;
    parcel->captions[at] = slice_text(file == 0 ? "" : text);
    body->files = (struct u64_list){parcel->files, at + 1};
    body->file_kinds = (struct u64_list){parcel->kinds, at + 1};
    body->captions = (struct slice_list){parcel->captions, at + 1};
}

static struct parcel *parcel_of(struct delivery_fixture *f, uint64_t from, uint64_t to_account,
                                uint64_t to_group, const char *text, uint64_t file, uint64_t kind) {
    static struct parcel parcel;
    letter_begin(&parcel.letter, from, to_account, to_group);
    parcel_add(f, &parcel, text, file, kind);
    return &parcel;
}

static enum err try_show(struct delivery_fixture *f, uint64_t from, uint64_t to_account,
                         uint64_t to_group, uint64_t file, uint64_t *cid_r) {
    struct parcel *parcel = parcel_of(f, from, to_account, to_group, "look", file, FILE_IMAGE);
    struct delivery_send_reply reply;
    enum err err = ask_send(f->caller, &parcel->letter, &reply);
    if (err == ERR_OK && cid_r != NULL)
        *cid_r = reply.cids.items[0];
    return err;
}

static uint64_t show(struct delivery_fixture *f, uint64_t from, uint64_t to, uint64_t file) {
    uint64_t cid = 0;
    assert_err(try_show(f, from, to, 0, file, &cid), ERR_OK);
    return cid;
}

static uint64_t uses(struct delivery_fixture *f, uint64_t file) {
    return sql_number(f->database, "SELECT COUNT(*) FROM file_use WHERE file = %" PRIu64, file);
}

static void expect_file(const struct entry *entry, uint64_t id, uint64_t kind) {
    struct record_arena arena = {0};
    struct file file;
    const char *fault;
    assert_int_equal(record_unpack(&file_desc, entry->file, &arena, &file, &fault), 0);
    assert_int_equal(file.id, id);
    assert_int_equal(file.kind, kind);
    assert_slice_text(file.name, NAME);
    assert_slice_text(file.mime, "image/jpeg");
    assert_int_equal(file.size, RECORD_NUMBER_MOST);
    assert_int_equal(file.width, 640);
    assert_int_equal(file.height, 480);
    assert_int_equal(file.preview, 17);
    record_arena_free(&arena);
}

static void expect_packed_file(struct slice packed, uint64_t id) {
    struct record_arena arena = {0};
    struct entry entry;
    const char *fault;
    assert_int_equal(record_unpack(&entry_desc, packed, &arena, &entry, &fault), 0);
    expect_file(&entry, id, FILE_IMAGE);
    record_arena_free(&arena);
}

static void refused(struct delivery_fixture *f, enum err expected, const struct parcel *parcel) {
    uint64_t before = delivery_rows(f);
    struct delivery_send_reply reply;
    assert_err(ask_send(f->caller, &parcel->letter, &reply), expected);
    assert_int_equal(delivery_rows(f), before);
    expect_no_text_routed(f);
}

static void not_shown(struct delivery_fixture *f, uint64_t from, uint64_t to, uint64_t file) {
    uint64_t before = uses(f, file);
    refused(f, ERR_NO_FILE, parcel_of(f, from, to, 0, "look", file, FILE_IMAGE));
    assert_int_equal(uses(f, file), before);
}

/* --- showing ------------------------------------------------------------------------------- */

DELIVERY_TEST(test_every_reader_gets_it) {
    uint64_t ada = new_account(f->database, "ada-shows"), bob = new_account(f->database, "");
    uint64_t file = new_file(f, ada, true);
    uint64_t cid = show(f, ada, bob, file);
    struct entry entry = expect_text_routed(f, (uint64_t[]){ada, bob}, 2);
    assert_int_equal(entry.type, ENTRY_TEXT);
    assert_slice_text(entry.text, "look");
    expect_file(&entry, file, FILE_IMAGE);
    assert_int_equal(uses(f, file), 1);
    assert_int_equal(sql_number(f->database,
                                "SELECT file FROM file_use WHERE conversation = %" PRIu64
                                " AND cid = %" PRIu64,
                                pair_of(f, ada, bob), cid),
                     file);
    struct puller *puller = puller_of(bob, false);
    assert_int_equal(pull(f, puller), 1);
    expect_file(&puller->entries[0], file, FILE_IMAGE);
    struct delivery_history history = {.account = bob, .user = ada};
    struct delivery_history_reply page;
    assert_err(test_caller_ask(f->caller, &message_DELIVERY_HISTORY, &history, &page), ERR_OK);
    assert_int_equal(page.entries.count, 1);
    expect_packed_file(page.entries.items[0], file);
    struct delivery_conversations list = {.account = bob};
    struct delivery_conversations_reply conversations;
    assert_err(test_caller_ask(f->caller, &message_DELIVERY_CONVERSATIONS, &list, &conversations),
               ERR_OK);
    assert_int_equal(conversations.conversations.count, 1);
    const struct overview *overview = conversations.conversations.items;
    expect_packed_file(overview->last, file);
    assert_int_equal(overview->unread, 1);
    struct delivery_search search = {
        .account = bob, .user = ada, .text = slice_text("look"), .everywhere = false};
    struct delivery_search_reply found;
    assert_err(test_caller_ask(f->caller, &message_DELIVERY_SEARCH, &search, &found), ERR_OK);
    assert_int_equal(found.entries.count, 1);
    expect_packed_file(found.entries.items[0], file);
}

DELIVERY_TEST(test_a_caption_need_not_be) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    uint64_t file = new_file(f, ada, true);
    struct delivery_send_reply reply;
    assert_err(
        ask_send(f->caller, &parcel_of(f, ada, bob, 0, "", file, FILE_STICKER)->letter, &reply),
        ERR_OK);
    struct entry entry = next_routed(f).entry;
    assert_int_equal(entry.text.length, 0);
    expect_file(&entry, file, FILE_STICKER);
}

/* One request with texts and files in turns, the same file twice. */
DELIVERY_TEST(test_files_and_texts_in_one_request) {
    static struct parcel parcel;
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    uint64_t first = new_file(f, ada, true), second = new_file(f, ada, true);
    struct delivery_send_reply reply;
    letter_begin(&parcel.letter, ada, bob, 0);
    parcel_add(f, &parcel, "a text", 0, FILE_NONE);
    parcel_add(f, &parcel, "", first, FILE_PLAIN);
    parcel_add(f, &parcel, "another", 0, FILE_NONE);
    parcel_add(f, &parcel, "a caption", second, FILE_IMAGE);
    parcel_add(f, &parcel, "", first, FILE_STICKER);
    assert_err(ask_send(f->caller, &parcel.letter, &reply), ERR_OK);
    assert_int_equal(reply.cids.count, 5);
    static const char *const texts[] = {"a text", "", "another", "a caption", ""};
    const uint64_t files[] = {0, first, 0, second, first};
    const uint64_t kinds[] = {FILE_NONE, FILE_PLAIN, FILE_NONE, FILE_IMAGE, FILE_STICKER};
    for (size_t i = 0; i < 5; i++) {
        struct entry entry = next_routed(f).entry;
        assert_int_equal(entry.cid, reply.cids.items[i]);
        assert_slice_text(entry.text, texts[i]);
        if (files[i] == 0)
            assert_int_equal(entry.file.length, 0);
        else
            expect_file(&entry, files[i], kinds[i]);
    }
    assert_int_equal(uses(f, first), 2);
    assert_int_equal(uses(f, second), 1);
}

/* --- rights -------------------------------------------------------------------------------- */

DELIVERY_TEST(test_whose_files_it_may_show) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    say(f, bob, ada, 0, "this opens the conversation");
    skip_routed(f, 1);
    uint64_t others = new_file(f, bob, true);
    not_shown(f, ada, bob, others);
    not_shown(f, ada, bob, new_file(f, ada, false));
    not_shown(f, ada, bob, new_file(f, 0, true));
    not_shown(f, ada, bob, 1);
    not_shown(f, ada, bob, UINT64_MAX);
    not_shown(f, ada, bob, INT64_MAX);
    /* What it received, it may not send. */
    show(f, bob, ada, others);
    skip_routed(f, 1);
    not_shown(f, ada, bob, others);
    /* Nor a sticker of somebody else's. */
    add_sticker(f, bob, others);
    not_shown(f, ada, bob, others);
}

/* One text of a request may not be stored: none of it is. Another sender's is. */
DELIVERY_TEST(test_others_go_on) {
    static struct parcel parcel;
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    uint64_t cleo = new_account(f->database, "");
    uint64_t group = new_group_of(f, "", (uint64_t[]){ada, bob, cleo}, 3);
    uint64_t file = new_file(f, ada, true);
    letter_begin(&parcel.letter, ada, 0, group);
    parcel_add(f, &parcel, "a text", 0, FILE_NONE);
    parcel_add(f, &parcel, "", file, FILE_PLAIN);
    parcel_add(f, &parcel, "", file + 1000, FILE_PLAIN);
    refused(f, ERR_NO_FILE, &parcel);
    assert_int_equal(uses(f, file), 0);
    /* While the head is locked both wait, and one batch has them. */
    struct test_caller *first = test_caller_new("first", f->port);
    struct test_caller *other = test_caller_new("other", f->port);
    struct delivery_send_reply reply;
    struct letter plain;
    struct db *holder = hold(f->database, conversation_of_group(group));
    letter_one(f, &plain, cleo, 0, group, "the first goes alone");
    test_caller_start(first, &message_DELIVERY_SEND, &plain.body);
    wait_for_connections(f->database, WAITS_FOR_LOCK, 1);
    struct letter second;
    letter_one(f, &second, bob, 0, group, "goes on");
    uint64_t refusal = test_caller_post(other, &message_DELIVERY_SEND, &parcel.letter.body);
    uint64_t stored = test_caller_post(other, &message_DELIVERY_SEND, &second.body);
    wait_for_calls(f->caller, 3);
    let_go(&holder);
    assert_err(test_caller_finish(first, &message_DELIVERY_SEND, &reply), ERR_OK);
    test_caller_destroy(&first);
    for (int i = 0; i < 2; i++) {
        uint64_t id;
        enum err err = test_caller_take(other, &id);
        assert_true(id == refusal || id == stored);
        assert_err(err, id == refusal ? ERR_NO_FILE : ERR_OK);
    }
    test_caller_destroy(&other);
    struct entry entry = next_routed(f).entry;
    assert_slice_text(entry.text, "the first goes alone");
    entry = next_routed(f).entry;
    assert_slice_text(entry.text, "goes on");
    assert_int_equal(uses(f, file), 0);
    assert_int_equal(sql_number(f->database,
                                "SELECT COUNT(*) FROM message WHERE conversation = %" PRIu64,
                                conversation_of_group(group)),
                     2);
}

/* Whoever removes a file waits for a text that is about to show it, and the other way round. */
DELIVERY_TEST(test_a_file_that_is_being_removed) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    uint64_t file = new_file(f, ada, true);
    struct delivery_send_reply reply;
    struct parcel *parcel = parcel_of(f, ada, bob, 0, "look", file, FILE_IMAGE);
    struct db *remover = test_db_new(test_database_settings(f->database));
    test_db_do(remover, test_text("BEGIN; SELECT id FROM file WHERE id = %" PRIu64
                                  " FOR UPDATE; DELETE FROM file WHERE id = %" PRIu64,
                                  file, file));
    test_caller_start(f->caller, &message_DELIVERY_SEND, &parcel->letter.body);
    wait_for_connections(f->database, "info LIKE '%LOCK IN SHARE MODE%'", 1);
    test_db_do(remover, "COMMIT");
    db_destroy(&remover);
    assert_err(test_caller_finish(f->caller, &message_DELIVERY_SEND, &reply), ERR_NO_FILE);
    assert_int_equal(uses(f, file), 0);
    expect_no_text_routed(f);
}

/* --- once ---------------------------------------------------------------------------------- */

DELIVERY_TEST(test_stored_once) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    uint64_t file = new_file(f, ada, true), other = new_file(f, ada, true);
    struct parcel *parcel = parcel_of(f, ada, bob, 0, "look", file, FILE_IMAGE);
    struct delivery_send_reply reply;
    assert_err(ask_send(f->caller, &parcel->letter, &reply), ERR_OK);
    uint64_t cid = reply.cids.items[0];
    assert_err(ask_send(f->caller, &parcel->letter, &reply), ERR_OK);
    assert_int_equal(reply.cids.items[0], cid);
    assert_int_equal(reply.repeats, 1);
    assert_int_equal(uses(f, file), 1);
    /* The same nonce with another file, shown in another way, or without one. */
    parcel->files[0] = other;
    assert_err(ask_send(f->caller, &parcel->letter, &reply), ERR_OK);
    assert_int_equal(reply.cids.items[0], 0);
    assert_int_equal(uses(f, other), 0);
    parcel->files[0] = file;
    parcel->kinds[0] = FILE_PLAIN;
    assert_err(ask_send(f->caller, &parcel->letter, &reply), ERR_OK);
    assert_int_equal(reply.cids.items[0], 0);
    parcel->kinds[0] = FILE_IMAGE;
    parcel->letter.body.files.count = parcel->letter.body.file_kinds.count =
        parcel->letter.body.captions.count = 0;
    parcel->letter.texts[0] = slice_text("look");
    assert_err(ask_send(f->caller, &parcel->letter, &reply), ERR_OK);
    assert_int_equal(reply.cids.items[0], 0);
    assert_int_equal(uses(f, file), 1);
    skip_routed(f, 2);
    expect_no_text_routed(f);
}

/* A file that is gone, and a text that was recalled: the first reply again. */
DELIVERY_TEST(test_repeated_when_it_may_no_longer) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    uint64_t file = new_file(f, ada, true);
    struct parcel *parcel = parcel_of(f, ada, bob, 0, "", file, FILE_STICKER);
    struct delivery_send_reply reply;
    assert_err(ask_send(f->caller, &parcel->letter, &reply), ERR_OK);
    uint64_t cid = reply.cids.items[0];
    sql_run(f->database, "DELETE FROM file WHERE id = %" PRIu64, file);
    assert_err(ask_send(f->caller, &parcel->letter, &reply), ERR_OK);
    assert_int_equal(reply.cids.items[0], cid);
    struct delivery_recall ask = {.account = ada, .user = bob, .cid = cid};
    assert_err(try_recall(f, &ask, NULL), ERR_OK);
    assert_err(ask_send(f->caller, &parcel->letter, &reply), ERR_OK);
    assert_int_equal(reply.cids.items[0], cid);
    assert_int_equal(uses(f, file), 0);
    skip_routed(f, 2);
    expect_no_text_routed(f);
}

/* --- the end of it ------------------------------------------------------------------------- */

DELIVERY_TEST(test_recalled) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    uint64_t file = new_file(f, ada, true);
    uint64_t first = show(f, ada, bob, file);
    show(f, ada, bob, file);
    skip_routed(f, 2);
    struct delivery_recall ask = {.account = ada, .user = bob, .cid = first};
    assert_err(try_recall(f, &ask, NULL), ERR_OK);
    assert_int_equal(uses(f, file), 1);
    assert_int_equal(sql_number(f->database,
                                "SELECT COUNT(*) FROM message WHERE cid = %" PRIu64
                                " AND file IS NULL AND type = 15",
                                first),
                     1);
    skip_routed(f, 1);
    struct puller *puller = puller_of(bob, false);
    assert_int_equal(pull(f, puller), 3);
    assert_int_equal(puller->entries[0].file.length, 0);
    expect_file(&puller->entries[1], file, FILE_IMAGE);
}

DELIVERY_TEST(test_recalled_by_the_release_before) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    uint64_t cid = show(f, ada, bob, new_file(f, ada, true));
    skip_routed(f, 1);
    sql_run(f->database, "UPDATE message SET type = 15, body = '' WHERE cid = %" PRIu64, cid);
    struct puller *puller = puller_of(bob, false);
    assert_int_equal(pull(f, puller), 1);
    assert_int_equal(puller->entries[0].file.length, 0);
}

DELIVERY_TEST(test_its_caption_is_edited) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    uint64_t file = new_file(f, ada, true), cid = show(f, ada, bob, file);
    skip_routed(f, 1);
    struct delivery_edit ask = {
        .account = ada, .user = bob, .cid = cid, .text = slice_text("look there")};
    assert_err(try_edit(f, &ask, NULL), ERR_OK);
    skip_routed(f, 1);
    struct puller *puller = puller_of(bob, false);
    assert_int_equal(pull(f, puller), 2);
    assert_slice_text(puller->entries[0].text, "look there");
    expect_file(&puller->entries[0], file, FILE_IMAGE);
    assert_int_equal(uses(f, file), 1);
}

/* --- malformed ----------------------------------------------------------------------------- */

DELIVERY_TEST(test_malformed) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    uint64_t file = new_file(f, ada, true);
    static char long_text[TEXT_MAX_BYTES + 1];
    memset(long_text, 'x', sizeof long_text);
    say(f, ada, bob, 0, "this opens the conversation");
    skip_routed(f, 1);
    struct parcel *parcel = parcel_of(f, ada, bob, 0, "look", file, FILE_NONE);
    refused(f, ERR_BAD_REQUEST, parcel);
    refused(f, ERR_BAD_REQUEST, parcel_of(f, ada, bob, 0, "look", file, FILE_PLAIN + 1));
    refused(f, ERR_BAD_REQUEST, parcel_of(f, ada, bob, 0, "look", 0, FILE_PLAIN));
    refused(f, ERR_BAD_REQUEST, parcel_of(f, ada, bob, 0, "", 0, FILE_NONE));
    parcel = parcel_of(f, ada, bob, 0, "look", file, FILE_IMAGE);
    parcel->captions[0] = slice_make(long_text, sizeof long_text);
    refused(f, ERR_BAD_REQUEST, parcel);
    parcel = parcel_of(f, ada, bob, 0, "look", file, FILE_IMAGE);
    parcel->letter.texts[0] = slice_text("a delivery without files would store this");
    refused(f, ERR_BAD_REQUEST, parcel);
    parcel = parcel_of(f, ada, bob, 0, "look", file, FILE_IMAGE);
    parcel->letter.body.captions.count = 0;
    refused(f, ERR_BAD_REQUEST, parcel);
    parcel = parcel_of(f, ada, bob, 0, "look", file, FILE_IMAGE);
    parcel->letter.body.file_kinds.count = 0;
    refused(f, ERR_BAD_REQUEST, parcel);
    parcel = parcel_of(f, ada, bob, 0, "text", 0, FILE_NONE);
    parcel->captions[0] = slice_text("beside no file");
    refused(f, ERR_BAD_REQUEST, parcel);
    static struct parcel two;
    letter_begin(&two.letter, ada, bob, 0);
    parcel_add(f, &two, "", file, FILE_IMAGE);
    letter_add(f, &two.letter, "more texts than files");
    refused(f, ERR_BAD_REQUEST, &two);
    assert_int_equal(uses(f, file), 0);
}

int main(void) { return test_run_all(delivery_set_up, delivery_tear_down); }
