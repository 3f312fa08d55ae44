/* parleyctl files usage, check, repair: against a real files. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/files_fixture.h"

/* Runs `files WORD`; its status, and what it said lives until the next call. */
static int run(struct files_fixture *f, const char *word, const char *option, char **said_r) {
    const char *address = caller_address(f->caller);
    const char *arguments[] = {
        "files", word, option,
        strcmp(word, "usage") == 0 ? NULL : test_text("--files-peers=%s", address), NULL};
    if (option == NULL) {
        arguments[2] = arguments[3];
        arguments[3] = NULL;
    }
    free(*said_r);
    *said_r = NULL;
    return service_process_run("parleyctl", arguments, said_r);
}

static void assert_says(const char *said, const char *text) {
    if (strstr(said, text) == NULL)
        fail_msg("no \"%s\" in: %s", text, said);
}

FILES_TEST(the_room_of_each_account_is_listed) {
    const uint64_t account = files_account(f);
    char *said = NULL;
    files_finished(f, account, "12345");
    files_finished(f, account, "67");
    files_opened(f, account, 100);
    assert_int_equal(run(f, "usage", "--json", &said), 0);
    assert_says(said, test_text("{\"account\":%" PRIu64 ",\"id\":\"a%" PRIu64
                                "\",\"files\":2,\"bytes\":7,\"uploads\":1,\"stickers\":0}",
                                account, account));
    assert_int_equal(run(f, "usage", "--limit=0", &said), 2);
    free(said);
}

FILES_TEST(faults_are_found_and_repaired) {
    const uint64_t account = files_account(f);
    char *said = NULL;
    const struct test_upload lacks = files_finished(f, account, "12345");
    const struct test_upload extra = files_finished(f, account, "12345");
    assert_int_equal(run(f, "check", NULL, &said), 0);
    assert_says(said, "all with their bytes");
    assert_int_equal(unlink(files_kept_path(f, lacks.file)), 0);
    test_database_run(f->database, test_text("DELETE FROM file WHERE id = %" PRIu64, extra.file));
    assert_int_equal(run(f, "check", NULL, &said), 1);
    assert_says(said, test_text("%016" PRIx64 "  its bytes are missing\n", lacks.file));
    assert_says(said, test_text("%016" PRIx64 "  bytes of no file\n", extra.file));
    assert_says(said, "1 lack their bytes; 1 have bytes and no row");
    assert_int_equal(run(f, "repair", NULL, &said), 0);
    assert_says(said, test_text("%016" PRIx64 "  its bytes are missing, removed\n", lacks.file));
    assert_says(said, "1 files without bytes and 1 bytes without a file are removed");
    assert_false(files_has_row(f, lacks.file));
    assert_int_equal(run(f, "check", NULL, &said), 0);
    free(said);
}

/* As where the folder of files is not mounted. */
FILES_TEST(an_empty_folder_is_not_taken_for_the_truth) {
    const uint64_t account = files_account(f);
    struct test_upload files[20];
    char *said = NULL;
    for (size_t i = 0; i < 20; i++)
        files[i] = files_finished(f, account, "12345");
    for (size_t i = 0; i < 20; i++)
        assert_int_equal(unlink(files_kept_path(f, files[i].file)), 0);
    assert_int_equal(run(f, "repair", NULL, &said), 1);
    assert_says(said, "is files_folder the right one?");
    assert_true(files_has_row(f, files[0].file));
    assert_int_equal(run(f, "repair", "--all", &said), 0);
    assert_false(files_has_row(f, files[0].file));
    free(said);
}

int main(void) { return test_run_all(files_fixture_setup, files_fixture_teardown); }
