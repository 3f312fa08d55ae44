/* Events as JSON, what a hook wants of them, words, and signatures. */
#include <sodium.h>

#include "proto/conversation.h"
#include "proto/mentions.h"
#include "services/hooks/events.h"
#include "services/hooks/hook_row.h"
#include "services/webhook/signature.h"
#include "tests/support/test_list.h"

static const struct selection everything = {.families = HOOK_FAMILIES_ALL, .kinds = HOOK_KINDS_ALL};

static const struct event_party anna = {101, {"anna", 4}}, ben = {102, {NULL, 0}};

static struct event_entry text_of_pair(const char *text) {
    return (struct event_entry){.conversation = 7,
                                .cid = 256,
                                .time_ms = 1000,
                                .type = ENTRY_TEXT,
                                .from = anna,
                                .lo = anna,
                                .hi = ben,
                                .text = slice_text(text)};
}

/* The events alone; the caller frees it. */
static char *print(struct event_text *text) {
    events_end(text);
    assert_false(text->json.failed);
    const struct slice whole = slice_make(text->json.data, text->json.length);
    const char *start = memmem(whole.data, whole.length, "\"events\":", 9);
    char *copy =
        slice_copy(slice_make(start + 9, (size_t)(whole.data + whole.length - start - 10)));
    buffer_free(&text->json);
    return copy;
}

static void assert_entry(const struct selection *selection, const struct event_entry *entry,
                         const char *expected) {
    struct event_text text = events_begin("h", 5);
    events_add_entry(&text, selection, entry);
    char *printed = print(&text);
    assert_string_equal(printed, expected);
    free(printed);
}

#define PAIR                                                                                       \
    "\"conversation\":{\"id\":\"7\",\"kind\":\"pair\",\"accounts\":[{\"number\":101,\"id\":"       \
    "\"anna\"},{\"number\":102,\"id\":\"102\"}]}"
#define FROM "\"from\":{\"number\":101,\"id\":\"anna\"}"

TEST(a_text_is_shown_whole) {
    struct event_entry entry = text_of_pair("a \"b\"\n");
    char packed[16];
    assert_entry(&everything, &entry,
                 "[{\"id\":\"256\",\"type\":\"message\",\"time_ms\":1000," PAIR "," FROM
                 ",\"text\":\"a \\\"b\\\"\\n\"}]");
    entry.reply = 128;
    entry.mentions = mentions_pack((uint64_t[]){102, 0}, 2, packed);
    entry.edited_ms = 2000;
    assert_entry(
        &everything, &entry,
        "[{\"id\":\"256\",\"type\":\"message\",\"time_ms\":1000," PAIR "," FROM
        ",\"text\":\"a \\\"b\\\"\\n\",\"edited_ms\":2000,\"reply\":128,\"mentions\":[102,0]}"
        "]");
}

TEST(a_recalled_text_has_no_words) {
    struct event_entry entry = text_of_pair("");
    entry.type = ENTRY_RECALLED_TEXT;
    assert_entry(&everything, &entry,
                 "[{\"id\":\"256\",\"type\":\"message\",\"time_ms\":1000," PAIR "," FROM
                 ",\"recalled\":true}]");
}

TEST(what_is_not_for_hooks_is_left_out) {
    struct event_entry entry = text_of_pair("");
    entry.type = ENTRY_TYPING;
    assert_entry(&everything, &entry, "[]");
    entry.type = (enum entry_type)4000;
    assert_entry(&everything, &entry, "[]");
    /* A friend's copy of a new name. */
    entry.type = ENTRY_RENAMED;
    entry.conversation = conversation_of_account(102);
    entry.subject = anna;
    assert_entry(&everything, &entry, "[]");
}

TEST(a_hook_gets_what_it_wants) {
    const struct event_entry entry = text_of_pair("x");
    struct event_text text = events_begin("h", 5);
    struct selection selection = everything;
    selection.families = HOOK_FAMILY_ACCOUNT;
    events_add_entry(&text, &selection, &entry);
    selection = everything;
    selection.kinds = HOOK_KIND_IMAGE;
    events_add_entry(&text, &selection, &entry);
    selection = everything;
    selection.accounts = (struct parties){{103}, 1};
    events_add_entry(&text, &selection, &entry);
    selection = everything;
    selection.groups = (struct parties){{101}, 1};
    events_add_entry(&text, &selection, &entry);
    assert_int_equal(text.count, 0);
    selection.accounts = (struct parties){{102}, 1};
    events_add_entry(&text, &selection, &entry);
    assert_int_equal(text.count, 1);
    buffer_free(&text.json);
}

TEST(changes_of_accounts_and_groups_are_shown) {
    struct event_text text = events_begin("h", 5);
    const struct event_change changes[] = {
        {128, 1, slice_text("account_made"), anna, {0}},
        {256, 2, slice_text("account_disabled"), {0}, anna},
        {384, 3, slice_text("group_made"), anna, {9, {"club", 4}}},
        {512, 4, slice_text("unheard_of"), anna, anna},
    };
    for (size_t i = 0; i < 4; i++)
        events_add_change(&text, &everything, &changes[i]);
    char *printed = print(&text);
    assert_string_equal(printed,
                        "[{\"id\":\"128\",\"type\":\"account.made\",\"time_ms\":1,\"subject\":{"
                        "\"number\":101,\"id\":\"anna\"}},{\"id\":\"256\",\"type\":\"account."
                        "disabled\",\"time_ms\":2,\"subject\":{\"number\":101,\"id\":\"anna\"}},{"
                        "\"id\":\"384\",\"type\":\"group.made\",\"time_ms\":3," FROM
                        ",\"group\":{\"number\":9,\"id\":\"club\"}}]");
    free(printed);
}

TEST(there_is_room_for_the_largest_batch) {
    static char words[65000];
    struct event_text text = events_begin("h", 5);
    struct event_entry entry = text_of_pair("");
    /* Each byte is escaped to six. A batch of delivery has 1 MiB of text. */
    memset(words, 1, sizeof words);
    entry.text = slice_make(words, sizeof words);
    while (text.json.length < EVENTS_FULL_BYTES - 1000)
        events_add_entry(&text, &everything, &entry);
    for (size_t i = 0; i < 17; i++)
        events_add_entry(&text, &everything, &entry);
    events_end(&text);
    assert_false(text.json.failed);
    buffer_free(&text.json);
}

TEST(words_and_bits) {
    char out[HOOK_WORDS_BYTES];
    uint64_t bits;
    assert_true(hook_families_read("presence,messages", &bits));
    assert_true(bits == (HOOK_FAMILY_MESSAGES | HOOK_FAMILY_PRESENCE));
    hook_families_write(bits, out);
    assert_string_equal(out, "messages,presence");
    hook_families_write(HOOK_FAMILIES_ALL, out);
    assert_true(hook_families_read(out, &bits) && bits == HOOK_FAMILIES_ALL);
    hook_kinds_write(HOOK_KINDS_ALL, out);
    assert_true(hook_kinds_read(out, &bits) && bits == HOOK_KINDS_ALL);
    static const char *const wrong[] = {"", ",", "messages,", "message", "messages presence"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_false(hook_families_read(wrong[i], &bits));
}

/* The example of the specification of Standard Webhooks. */
TEST(a_signature) {
    char out[SIGNATURE_ROOM], secret[SIGNATURE_SECRET_ROOM];
    const struct slice given = slice_text("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    assert_true(sodium_init() >= 0);
    assert_true(signature_secret_is_valid(given));
    signature_make(given, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330,
                   slice_text("{\"test\": 2432232314}"), out);
    assert_string_equal(out, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    signature_secret_make(secret);
    assert_true(signature_secret_is_valid(slice_text(secret)));
    static const char *const wrong[] = {"", "whsec_", "whsec_MfKQ9r8G",
                                        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                                        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS!"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_false(signature_secret_is_valid(slice_text(wrong[i])));
}

TEST(names_and_addresses) {
    static const char *const good[] = {"http://a", "https://a.b:1/c?d=e"};
    static const char *const bad[] = {"",    "http://",    "ftp://a",
                                      "//a", "http://a b", "http://a\r\nX: y"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(hook_url_is_valid(slice_text(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(hook_url_is_valid(slice_text(bad[i])));
    assert_true(hook_name_is_valid(slice_text("My-hook_1")));
    assert_false(hook_name_is_valid(slice_text("")) || hook_name_is_valid(slice_text("a b")) ||
                 hook_name_is_valid(slice_text("\"")) || hook_name_is_valid(slice_make("a", 2)));
}

int main(void) { return test_run_all(NULL, NULL); }
