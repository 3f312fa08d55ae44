/* Pictures through files.finish: their size, their preview, and what they say no more. */
#include <string.h>

#include "tests/support/files_fixture.h"
#include "tests/support/test_pictures.h"

/* Uploads these bytes, which it frees, claimed to be of that type, and shows the file. */
static struct file finish(struct files_fixture *f, const char *mime, struct buffer bytes) {
    const struct files_open ask = {.account = files_account(f),
                                   .name = slice_text("name.svg"),
                                   .mime = slice_text(mime),
                                   .size = bytes.length};
    struct test_upload upload;
    struct file file, again;
    assert_err(files_open(f, ask, &upload), ERR_OK);
    for (size_t at = 0; at < bytes.length; at += FILE_PIECE_BYTES) {
        size_t left = bytes.length - at;
        struct slice piece =
            slice_make(bytes.data + at, left < FILE_PIECE_BYTES ? left : FILE_PIECE_BYTES);
        assert_err(files_append(f, &upload, at, piece), ERR_OK);
    }
    assert_err(files_finish(f, &upload, &file), ERR_OK);
    files_show(f, file.id);
    assert_err(files_find(f, file.id, &again), ERR_OK);
    assert_true(again.size == file.size && again.width == file.width &&
                again.height == file.height && again.preview == file.preview);
    assert_int_equal(files_incoming_files(f, file.id), 0);
    buffer_free(&bytes);
    return again;
}

static struct slice read_all(struct files_fixture *f, uint64_t file, bool preview) {
    const struct files_read ask = {.file = file, .preview = preview, .length = FILE_PIECE_BYTES};
    struct files_read_reply reply;
    assert_err(caller_ask(f->caller, &message_FILES_READ, &ask, FILES_ANSWER_MS, &f->arena, &reply),
               ERR_OK);
    return reply.data;
}

static bool has_place(struct slice bytes) {
    return memmem(bytes.data, bytes.length, TEST_PLACE, strlen(TEST_PLACE)) != NULL;
}

FILES_TEST(a_picture_has_a_size_and_a_preview_and_names_no_place) {
    struct buffer plain = test_picture("jpg", 300, 200, 1);
    struct buffer jpeg = test_jpeg_with_places(&plain, 6, false);
    const uint64_t sent = jpeg.length;
    const struct file file = finish(f, "text/html", jpeg);
    assert_true(file.width == 200 && file.height == 300 && file.size < sent);
    assert_slice_text(file.mime, "image/jpeg");
    const struct slice bytes = read_all(f, file.id, false), preview = read_all(f, file.id, true);
    assert_true(bytes.length == file.size && !has_place(bytes));
    assert_true(preview.length == file.preview && preview.length > 0 && !has_place(preview));
    assert_memory_equal(preview.data + 8, "WEBP", 4);
    buffer_free(&plain);
}

/* Without its places a picture is smaller than what its client has sent, which counts by that. */
FILES_TEST(a_client_that_asks_again_finds_its_upload_whole) {
    struct buffer plain = test_picture("jpg", 300, 200, 1);
    struct buffer jpeg = test_jpeg_with_places(&plain, 1, false);
    const struct files_open ask = {
        .account = files_account(f), .name = slice_text("sea.jpg"), .size = jpeg.length};
    struct test_upload upload;
    struct upload_state state;
    struct file file, again;
    assert_err(files_open(f, ask, &upload), ERR_OK);
    assert_err(files_append(f, &upload, 0, slice_make(jpeg.data, jpeg.length)), ERR_OK);
    assert_err(files_finish(f, &upload, &file), ERR_OK);
    assert_true(file.size < jpeg.length);
    assert_err(files_state(f, &upload, &state), ERR_OK);
    assert_true(state.finished && state.size == jpeg.length && state.offset == jpeg.length);
    assert_err(files_finish(f, &upload, &again), ERR_OK);
    assert_true(again.size == file.size);
    buffer_free(&plain);
    buffer_free(&jpeg);
}

FILES_TEST(bombs_and_false_pictures_end_no_service) {
    const pid_t pid = service_process_pid(f->files);
    struct buffer svg = buffer_make(64);
    const struct file gif = finish(f, "image/gif", test_gif_bomb());
    assert_true(gif.width == 50000 && gif.height == 50000 && gif.preview == 0);
    const struct file png = finish(f, "image/png", test_png_bomb());
    assert_true(png.width == 50000 && png.height == 50000 && png.preview == 0);
    const struct file webp = finish(f, "image/webp", test_webp_bomb());
    assert_true(webp.width == 16383 && webp.height == 16383 && webp.preview == 0);
    assert_int_equal(buffer_add_text(&svg, "<svg onload='alert(1)'/>"), 0);
    const struct file active = finish(f, "image/svg+xml", svg);
    assert_true(active.width == 0 && active.height == 0 && active.preview == 0);
    assert_slice_text(active.mime, "application/octet-stream");
    assert_true(service_process_is_running(f->files) && service_process_pid(f->files) == pid);
}

int main(void) { return test_run_all(files_fixture_setup, files_fixture_teardown); }
