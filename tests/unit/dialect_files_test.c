/* Texts that show files, uploads, stickers and avatars in both dialects. */
#include <inttypes.h>

#include "proto/avatar.h"
#include "proto/conversation.h"
#include "tests/support/dialect_check.h"

#define ID "0000000000000abc"
#define HEX64 "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define UPPER64 "00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF"
#define NOW UINT64_C(1700000000999)

static const struct dialect_account self = {2, {"2", 1}};

static bool write_file(const void *context, uint64_t file, bool preview, struct slice name,
                       char out[DIALECT_ADDRESS_BYTES]) {
    const bool *signs = context;
    snprintf(out, DIALECT_ADDRESS_BYTES, preview ? "/preview/%" PRIx64 : "/files/%" PRIx64 "/%.*s",
             file, (int)name.length, name.data);
    return *signs;
}

static void write_upload(const void *context, uint64_t file, struct slice token,
                         char out[DIALECT_ADDRESS_BYTES]) {
    (void)context;
    snprintf(out, DIALECT_ADDRESS_BYTES, "/upload/%" PRIx64 "-%.*s", file, (int)token.length,
             token.data);
}

static const bool yes = true, no = false;
static const struct dialect_addresses signing = {write_file, write_upload, &yes};
static const struct dialect_addresses without_key = {write_file, write_upload, &no};

static struct file picture(uint64_t kind) {
    return (struct file){.id = 0xabc,
                         .kind = kind,
                         .name = slice_text("a \"b\".jpg"),
                         .mime = slice_text("image/jpeg"),
                         .size = 1234,
                         .width = 640,
                         .height = 480,
                         .preview = 99};
}

/* As the account 2 sees a text of account 1 that shows this file. */
static void check_shown_file(enum dialect dialect, bool ext,
                             const struct dialect_addresses *addresses, const struct file *file,
                             const char *caption, const char *sample) {
    struct buffer packed = buffer_make(1024), out = buffer_make(1 << 20);
    record_pack(&file_desc, file, &packed);
    const struct entry entry = {.conversation = 5,
                                .cid = 17,
                                .time_ms = NOW,
                                .from = 1,
                                .to = 2,
                                .text = slice_text(caption),
                                .file = slice_make(packed.data, packed.length)};
    dialect_write_entry(dialect, ext, addresses, &entry, 2, &out);
    check_json(out.data, out.length, sample);
    buffer_free(&out);
    buffer_free(&packed);
}

#define FILE_FIELDS "'id':'" ID "','name':'a \\'b\\'.jpg','size':1234,'mime':'image/jpeg'"
#define ALL_FIELDS                                                                                 \
    FILE_FIELDS ",'url':'/files/abc/a \\'b\\'.jpg','width':640,'height':480,"                      \
                "'preview':'/preview/abc'"

TEST(ourchat_has_codes) {
    static const char *const codes[] = {
        [FILE_STICKER] = "1", [FILE_IMAGE] = "2", [FILE_PLAIN] = "3"};
    for (uint64_t kind = FILE_STICKER; kind <= FILE_PLAIN; kind++) {
        char plain[512], ext[512];
        const struct file file = picture(kind);
        snprintf(plain, sizeof plain,
                 "{'code':%s,'time':1700000000,'data':{'cid':17,'sender':{'ocid':1,'private_id':2},"
                 "'file':{" FILE_FIELDS ",'url':'/files/abc/a \\'b\\'.jpg'}}}",
                 codes[kind]);
        snprintf(ext, sizeof ext,
                 "{'code':%s,'time':1700000000,'data':{'cid':17,'sender':{'ocid':1,'private_id':2},"
                 "'file':{" ALL_FIELDS "},'msg':'look','time_ms':1700000000999}}",
                 codes[kind]);
        check_shown_file(DIALECT_OURCHAT, false, &signing, &file, "", plain);
        check_shown_file(DIALECT_OURCHAT, true, &signing, &file, "look", ext);
    }
}

TEST(youim_has_a_field_or_words) {
    struct file file = picture(FILE_IMAGE);
    check_shown_file(DIALECT_YOUIM, true, &signing, &file, "look",
                     "{'msg':'look','file':{" ALL_FIELDS ",'kind':'image'},'msgType':6,"
                     "'fromUserId':'1','cid':17,'time_ms':1700000000999}");
    check_shown_file(DIALECT_YOUIM, false, &signing, &file, "",
                     "{'msg':'[image] a \\'b\\'.jpg /files/abc/a \\'b\\'.jpg','msgType':6,"
                     "'fromUserId':'1'}");
    file.kind = FILE_STICKER;
    check_shown_file(DIALECT_YOUIM, false, &signing, &file, "look",
                     "{'msg':'[sticker] a \\'b\\'.jpg /files/abc/a \\'b\\'.jpg\\nlook','msgType':6,"
                     "'fromUserId':'1'}");
}

/* Without a key, without pixels and a preview, and of a kind of a later release. */
TEST(what_is_not_known_is_left_out) {
    struct file file = picture(FILE_PLAIN + 1);
    file.width = file.height = file.preview = 0;
    check_shown_file(DIALECT_OURCHAT, true, &without_key, &file, "",
                     "{'code':3,'time':1700000000,'data':{'cid':17,'sender':{'ocid':1,"
                     "'private_id':2},'file':{" FILE_FIELDS "},'time_ms':1700000000999}}");
    check_shown_file(DIALECT_YOUIM, false, NULL, &file, "",
                     "{'msg':'[file] a \\'b\\'.jpg','msgType':6,'fromUserId':'1'}");
}

TEST(reads_files) {
    static const char *const bodies[] = {
        "{'code':2,'data':{'sender':{'ocid':1,'private_id':2},'file':{'id':'" ID "'}}}",
        "{'code':2,'data':{'sender':{'ocid':1,'private_id':2},'file':{'id':'" ID "'},'msg':''}}"};
    struct dialect_request request;
    for (size_t i = 0; i < 2; i++) {
        check_read(DIALECT_OURCHAT, false, bodies[i], NULL, &request);
        assert_int_equal(request.operation, OPERATION_SEND);
        assert_int_equal(request.file, 0xabc);
        assert_int_equal(request.file_kind, FILE_IMAGE);
        assert_int_equal(request.text.length, 0);
        dialect_request_free(&request);
    }
    check_read(DIALECT_YOUIM, true,
               "{'msgType':7,'msgBody':{'token':'t','fromUserId':'1','toGroup':'g','msg':'look',"
               "'file':{'id':'" ID "','kind':'sticker'}}}",
               NULL, &request);
    assert_int_equal(request.file, 0xabc);
    assert_int_equal(request.file_kind, FILE_STICKER);
    check_slice(request.text, "look");
    dialect_request_free(&request);
    /* An unmodified client does not mean what it says there. */
    check_read(DIALECT_YOUIM, false,
               "{'msgType':5,'msgBody':{'token':'t','fromUserId':'1','toUserId':'2','msg':'look',"
               "'file':{'id':'" ID "'}}}",
               NULL, &request);
    assert_int_equal(request.file, 0);
    dialect_request_free(&request);
}

TEST(faults_of_files) {
    static const char id[] = "file.id must be the id of a file, as 324 gives it";
#define TO_BEN "{'code':3,'data':{'sender':{'ocid':1,'private_id':2}"
    static const struct fault_case cases[] = {
        FAULT(TO_BEN "}}", "file is missing"),
        FAULT(TO_BEN ",'file':'" ID "'}}", "file must be an object"),
        FAULT(TO_BEN ",'file':{}}}", "file.id is missing"),
        FAULT(TO_BEN ",'file':{'id':2748}}}", "file.id must be a string"),
        FAULT(TO_BEN ",'file':{'id':'abc'}}}", id),
        FAULT(TO_BEN ",'file':{'id':'0000000000000ABC'}}}", id),
        FAULT(TO_BEN ",'file':{'id':'0000000000000000'}}}", id),
        FAULT(TO_BEN ",'file':{'id':'00000000000000abc'}}}", id),
        FAULT(TO_BEN ",'file':{'id':'" ID "'},'msg':5}}", "msg must be a string"),
    };
    check_faults(DIALECT_OURCHAT, true, cases, sizeof cases / sizeof cases[0]);
    static const struct fault_case youim[] = {
        FAULT(
            "{'msgType':5,'msgBody':{'token':'t','fromUserId':'1','toUserId':'2','file':{'id':'" ID
            "','kind':'film'}}}",
            "file.kind must be sticker, image or file"),
    };
    check_faults(DIALECT_YOUIM, true, youim, 1);
}

TEST(reads_uploads) {
    struct dialect_request request;
    for (EACH_DIALECT(dialect)) {
        read_as(dialect, true, 323, "{'name':'a.jpg','size':7}", NULL, &request);
        assert_int_equal(request.operation, OPERATION_UPLOAD);
        check_slice(request.name, "a.jpg");
        assert_int_equal(request.size, 7);
        assert_int_equal(request.mime.length + request.sha256.length, 0);
        dialect_request_free(&request);
        read_as(dialect, true, 323,
                "{'name':'a','size':9007199254740991,'mime':'image/jpeg','sha256':'" HEX64 "'}",
                NULL, &request);
        assert_int_equal(request.size, 9007199254740991);
        check_slice(request.mime, "image/jpeg");
        check_slice(request.sha256, HEX64);
        dialect_request_free(&request);
        read_as(dialect, true, 323, "{'name':'a','size':1,'sha256':'" UPPER64 "'}", NULL, &request);
        check_slice(request.sha256, UPPER64);
        dialect_request_free(&request);
    }
    static const char path[] = "name must be the name of a file: no path, no control characters, "
                               "no overrides of the writing direction";
    static const char mime[] = "mime must be a media type, such as image/jpeg";
    static const struct fault_case cases[] = {
        FAULT("{'size':1}", "name is missing"),
        FAULT("{'name':'','size':1}", "name is empty"),
        FAULT("{'name':'" X256 "','size':1}", "name is longer than 255 bytes"),
        FAULT("{'name':'a/b','size':1}", path),
        FAULT("{'name':'a\\nb','size':1}", path),
        FAULT("{'name':'a\\\\b','size':1}", path),
        FAULT("{'name':'..','size':1}", path),
        FAULT("{'name':'a\\u202egnp.exe','size':1}", path), /* shown as aexe.png */
        FAULT("{'name':'a\\u2066b','size':1}", path),
        FAULT("{'name':'a'}", "size is missing"),
        FAULT("{'name':'a','size':0}", "size must be a whole number from 1 to 9007199254740991"),
        FAULT("{'name':'a','size':1,'mime':'jpeg'}", mime),
        FAULT("{'name':'a','size':1,'mime':'/jpeg'}", mime),
        FAULT("{'name':'a','size':1,'mime':'image/'}", mime),
        FAULT("{'name':'a','size':1,'mime':'image/j peg'}", mime),
        FAULT("{'name':'a','size':1,'mime':'image/a/b'}", mime),
        FAULT("{'name':'a','size':1,'sha256':'0011'}", "sha256 must be 64 hexadecimal digits"),
    };
    check_faults_of(323, cases, sizeof cases / sizeof cases[0]);
    check_needs_ext(323, "{'name':'a','size':1}");
}

/* An answer with addresses. */
static void check_answer(enum dialect dialect, const struct dialect_request *request,
                         const void *reply, const char *sample) {
    const struct dialect_result result = {.reply = reply, .time_ms = NOW};
    struct buffer out = buffer_make(65536);
    struct dialect_texts texts = {.out = &out, .addresses = &signing};
    dialect_write_result(dialect, true, &self, request, &result, &texts);
    assert_int_equal(texts.count, 1);
    check_json(out.data, out.length, sample);
    buffer_free(&out);
}

TEST(answers) {
    const struct files_open_reply opened = {
        .file = 0xabc, .token = slice_text("t0k"), .expires_ms = NOW + 1};
    const struct done done = {false};
    struct file files[] = {picture(FILE_NONE), picture(FILE_NONE)};
    files[1].id = 1;
    files[1].width = files[1].preview = 0;
    const struct files_stickers_reply stickers = {.files = {files, 2}};
    check_answer(DIALECT_YOUIM, &(struct dialect_request){.operation = OPERATION_UPLOAD}, &opened,
                 "{'msgType':324,'file':'" ID
                 "','url':'/upload/abc-t0k','until_ms':1700000001000}");
    check_answer(DIALECT_OURCHAT,
                 &(struct dialect_request){
                     .operation = OPERATION_SET_STICKER, .file = 0xabc, .accept = true},
                 &done, "{'code':342,'time':1700000000,'data':{'file':'" ID "','on':true}}");
    check_answer(DIALECT_YOUIM, &(struct dialect_request){.operation = OPERATION_STICKERS},
                 &stickers,
                 "{'msgType':344,'stickers':[{" ALL_FIELDS "},{'id':'0000000000000001',"
                 "'name':'a \\'b\\'.jpg','size':1234,'mime':'image/jpeg',"
                 "'url':'/files/1/a \\'b\\'.jpg'}]}");
}

TEST(avatars) {
    uint64_t file = 0;
    bool preview = false;
    assert_true(avatar_read(slice_text(ID), &file, &preview));
    assert_int_equal(file, 0xabc);
    assert_true(preview);
    assert_true(avatar_read(slice_text(ID "+"), &file, &preview));
    assert_false(preview);
    static const char *const others[] = {
        "", "abc", "0000000000000000", "0000000000000ABC", ID "-", ID "++", "000000000000abc ",
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_false(avatar_read(slice_text(others[i]), &file, &preview));
    struct group_profile_reply profile = {
        .user = 7, .id = slice_text("7"), .name = slice_text("Ben"), .avatar = slice_text(ID)};
    const struct dialect_request ask = {.operation = OPERATION_PROFILE};
    check_answer(DIALECT_YOUIM, &ask, &profile,
                 "{'msgType':312,'user':'7','name':'Ben','avatar':'/preview/abc','about':'',"
                 "'remark':'','friend':false}");
    profile.avatar = slice_text(ID "+");
    check_answer(DIALECT_YOUIM, &ask, &profile,
                 "{'msgType':312,'user':'7','name':'Ben','avatar':'/files/abc/avatar','about':'',"
                 "'remark':'','friend':false}");
    profile.avatar = slice_text("f1");
    check_answer(DIALECT_YOUIM, &ask, &profile,
                 "{'msgType':312,'user':'7','name':'Ben','avatar':'','about':'','remark':'',"
                 "'friend':false}");
}

TEST(sets_avatars) {
    struct dialect_request request;
    read_as(DIALECT_YOUIM, true, 325, "{'of':'me','avatar':'" ID "'}", NULL, &request);
    assert_int_equal(request.operation, OPERATION_SET_PROFILE);
    assert_true(request.sets_avatar);
    assert_int_equal(request.file, 0xabc);
    dialect_request_free(&request);
    read_as(DIALECT_OURCHAT, true, 325, "{'of':{'group':5},'avatar':''}", NULL, &request);
    assert_int_equal(request.operation, OPERATION_SET_GROUP_PROFILE);
    assert_true(request.sets_avatar);
    assert_int_equal(request.file, 0);
    dialect_request_free(&request);
}

int main(void) { return test_run_all(NULL, NULL); }
