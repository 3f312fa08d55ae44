/*
 * The gateway alone: texts with files on their way to delivery, uploads and stickers at files.
 */
#include <string.h>

#include "tests/support/gateway_scene.h"
#include "tests/support/test_list.h"

#define ALICE ((uint64_t)1001)
#define ID "0000000000000abc"

static struct talker *live_ext(struct stage *stage) {
    return stage_live_as(stage, BY_WEBSOCKET | WITH_EXT, ALICE, "alice");
}

static void show(struct talker *talker, const char *to, const char *caption, const char *ref) {
    talker_say(talker,
               "{'msgType':5,'msgBody':{'fromUserId':'alice','token':'%s','toUserId':'%s',"
               "'msg':'%s','file':{'id':'" ID "','kind':'image'}},'ref':'%s'}",
               talker->token, to, caption, ref);
}

/* That the `i`-th text shows the file, or nothing where there is no caption. */
static void assert_text(const struct delivery_send *send, size_t i, const char *text,
                        const char *caption) {
    assert_slice_text(send->texts.items[i], text);
    assert_int_equal(send->files.items[i], caption == NULL ? 0 : 0xabc);
    assert_int_equal(send->file_kinds.items[i], caption == NULL ? FILE_NONE : FILE_IMAGE);
    assert_slice_text(send->captions.items[i], caption == NULL ? "" : caption);
}

STAGED(files_keep_their_place_among_texts) {
    struct talker *alice = live_ext(stage);
    struct delivery_send send;
    stage_say(alice, "alice", "2002", "one", "1");
    stage_say(alice, "alice", "2002", "two", "2");
    show(alice, "2002", "", "3");
    stage_say(alice, "alice", "2002", "four", "4");
    show(alice, "2002", "five", "5");
    struct asked *asked = stage_expect_send(stage, DELIVERY, &send);
    assert_int_equal(send.texts.count, 1);
    assert_int_equal(send.files.count, 0);
    stage_quiet(stage);
    stage_answer_send(&asked, 100);
    asked = stage_expect_send(stage, DELIVERY, &send);
    assert_int_equal(send.texts.count, 4);
    assert_int_equal(send.files.count, 4);
    assert_text(&send, 0, "two", NULL);
    assert_text(&send, 1, "", "");
    assert_text(&send, 2, "four", NULL);
    assert_text(&send, 3, "", "five");
    stage_answer_send(&asked, 200);
    for (size_t i = 0; i < 5; i++)
        stage_hears(stage, alice, "{'msgType':300,'ref':'%zu','ok':true,'cid':%zu,'time_ms':#}",
                    i + 1, i == 0 ? 100 : 199 + i);
}

STAGED(a_file_that_may_not_be_shown) {
    struct talker *alice = live_ext(stage);
    struct delivery_send send;
    show(alice, "2002", "", "1");
    struct asked *asked = stage_expect_send(stage, DELIVERY, &send);
    played_refuse(&asked, ERR_NO_FILE);
    stage_hears(stage, alice,
                "{'msgType':300,'ref':'1','ok':false,'error':'no_file','text':'file " ID
                " does not exist, is not uploaded to its end, or is not yours to show'}");
}

/* A delivery of the release before refuses the text, which has no words in `texts`, and stores
 * nothing of it. It waits for one that knows files. Texts beside it go on. */
STAGED(it_waits_for_a_delivery_that_knows_files) {
    struct talker *alice = live_ext(stage);
    struct delivery_send send;
    stage_say(alice, "alice", "2002", "one", "1");
    struct asked *asked = stage_expect_send(stage, DELIVERY, &send);
    show(alice, "2002", "look", "2");
    stage_say(alice, "alice", "2002", "three", "3");
    stage_quiet(stage);
    stage_answer_send(&asked, 100);
    asked = stage_expect_send(stage, DELIVERY, &send);
    assert_int_equal(send.texts.count, 2);
    assert_text(&send, 0, "", "look");
    played_refuse(&asked, ERR_BAD_REQUEST);
    stage_hears(stage, alice, "{'msgType':300,'ref':'1','ok':true,'cid':100,'time_ms':#}");
    for (int i = 0; i < 2; i++) { /* alone, again and again */
        asked = stage_expect_send(stage, DELIVERY, &send);
        assert_int_equal(send.texts.count, 1);
        assert_text(&send, 0, "", "look");
        played_refuse(&asked, ERR_BAD_REQUEST);
    }
    asked = stage_expect_send(stage, DELIVERY, &send); /* it was restarted */
    assert_text(&send, 0, "", "look");
    stage_answer_send(&asked, 200);
    stage_hears(stage, alice, "{'msgType':300,'ref':'2','ok':true,'cid':200,'time_ms':#}");
    asked = stage_expect_send(stage, DELIVERY, &send);
    assert_slice_text(send.texts.items[0], "three");
    stage_answer_send(&asked, 300);
    stage_hears(stage, alice, "{'msgType':300,'ref':'3','ok':true,'cid':300,'time_ms':#}");
}

/* --- files --------------------------------------------------------------------------------- */

static void play_files(struct stage *stage) {
    struct files_key body;
    stage_play(stage, FILES);
    struct asked *asked = stage_expect(stage, FILES, &message_FILES_KEY, &body);
    const struct files_key_reply reply = {.key = slice_text("0123456789abcdef0123456789abcdef")};
    played_answer(&asked, &reply);
}

STAGED(an_upload) {
    struct files_open body;
    struct talker *alice = live_ext(stage);
    play_files(stage);
    talker_say(alice, "{'msgType':323,'ref':'1','msgBody':{'name':'a.jpg','size':7,"
                      "'mime':'image/jpeg','sha256':'"
                      "3031323334353637303132333435363730313233343536373031323334353637'}}");
    struct asked *asked = stage_expect(stage, FILES, &message_FILES_OPEN, &body);
    assert_int_equal(body.account, ALICE);
    assert_slice_text(body.name, "a.jpg");
    assert_slice_text(body.mime, "image/jpeg");
    assert_int_equal(body.size, 7);
    assert_slice_text(body.sha256, "01234567012345670123456701234567");
    assert_int_equal(body.nonce.length, NONCE_BYTES);
    const struct files_open_reply reply = {
        .file = 0xabc, .token = slice_text("t0k"), .expires_ms = 1700000000000};
    played_answer(&asked, &reply);
    stage_hears(stage, alice,
                "{'msgType':324,'ref':'1','file':'" ID "','url':'/upload/" ID
                "-t0k','until_ms':1700000000000}");
    stage_hears(stage, alice, "{'msgType':300,'ref':'1','ok':true}");
    talker_say(alice, "{'msgType':323,'ref':'2','msgBody':{'name':'a.jpg','size':7}}");
    asked = stage_expect(stage, FILES, &message_FILES_OPEN, &body);
    assert_int_equal(body.sha256.length + body.mime.length, 0);
    played_refuse(&asked, ERR_STORE_FULL);
    stage_hears(stage, alice,
                "{'msgType':300,'ref':'2','ok':false,'error':'store_full',"
                "'text':'the server has no room for files just now'}");
}

STAGED(stickers) {
    struct files_set_sticker set;
    struct files_stickers ask;
    struct talker *alice = live_ext(stage);
    play_files(stage);
    talker_say(alice, "{'msgType':341,'msgBody':{'file':'" ID "','on':true}}");
    struct asked *asked = stage_expect(stage, FILES, &message_FILES_SET_STICKER, &set);
    assert_int_equal(set.account, ALICE);
    assert_int_equal(set.file, 0xabc);
    assert_true(set.on);
    played_answer(&asked, &(struct done){false});
    stage_hears(stage, alice, "{'msgType':342,'file':'" ID "','on':true}");
    talker_say(alice, "{'msgType':343,'msgBody':{}}");
    asked = stage_expect(stage, FILES, &message_FILES_STICKERS, &ask);
    assert_int_equal(ask.account, ALICE);
    played_answer(&asked, &(struct files_stickers_reply){.files = {NULL, 0}});
    stage_hears(stage, alice, "{'msgType':344,'stickers':[]}");
}

int main(void) { return test_run_all(NULL, NULL); }
