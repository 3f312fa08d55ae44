/* Operations of the HTTP API on messages, people and files. */
#include "common/unicode.h"
#include "proto/file_words.h"
#include "proto/mentions.h"
#include "services/gateway/dialect/api_tables.h"

static const char *const file_kind_words[] = {"file", "sticker", "image", NULL};

/* --- what no field can be copied to --- */

static uint64_t number_of(const struct api_request *request, const char *name) {
    const struct api_value *value = api_value(request, name);
    return value->given ? value->number : 0;
}

/* In the order of file_kind_words. */
static uint64_t kind_of(const struct api_request *request) {
    static const enum file_kind kinds[] = {FILE_PLAIN, FILE_STICKER, FILE_IMAGE};
    return kinds[number_of(request, "file_kind")];
}

static struct slice mentions_of(const struct api_request *request, struct record_arena *arena) {
    const struct dialect_request *references = &request->references;
    uint64_t accounts[MENTIONS_MAX] = {0};
    size_t count = references->mentions_all ? 1 : references->mention_count;
    if (count == 0)
        return slice_make("", 0);
    for (size_t i = 0; i < references->mention_count; i++)
        accounts[i] = references->mentions[i].number;
    char *packed = record_arena_alloc(arena, count * MENTION_BYTES);
    return packed == NULL ? slice_make(NULL, 0) : mentions_pack(accounts, count, packed);
}

/* The lists of one text. */
struct one_text {
    struct slice text, nonce, mentions, caption;
    uint64_t reply, file, kind;
};

static bool build_send(const struct api_request *request, struct record_arena *arena, void *body) {
    struct delivery_send *send = body;
    struct one_text *one = record_arena_alloc(arena, sizeof *one);
    if (one == NULL)
        return false;
    one->file = number_of(request, "file");
    one->kind = one->file == 0 ? 0 : kind_of(request);
    one->reply = request->references.reply;
    one->mentions = mentions_of(request, arena);
    const struct api_value *text = api_value(request, "text");
    *(one->file == 0 ? &one->text : &one->caption) = text->text;
    one->nonce = send->nonces.items[0];
    send->texts = (struct slice_list){&one->text, 1};
    send->mentions = (struct slice_list){&one->mentions, 1};
    send->captions = (struct slice_list){&one->caption, one->file == 0 ? 0 : 1};
    send->replies = (struct u64_list){&one->reply, 1};
    send->files = (struct u64_list){&one->file, one->file == 0 ? 0 : 1};
    send->file_kinds = (struct u64_list){&one->kind, one->file == 0 ? 0 : 1};
    return one->mentions.data != NULL;
}

static const char *check_send(const struct api_request *request) {
    if (!api_value(request, "text")->given && !api_value(request, "file")->given)
        return "text is missing";
    if (api_value(request, "file_kind")->given && !api_value(request, "file")->given)
        return "file_kind belongs to a file";
    return NULL;
}

static enum err judge_send(const void *reply) {
    const struct delivery_send_reply *sent = reply;
    if (sent->cids.count != 1 || sent->times_ms.count != 1)
        return ERR_INTERNAL;
    return sent->cids.items[0] == 0 ? ERR_REF_USED : ERR_OK;
}

static bool build_search(const struct api_request *request, struct record_arena *arena,
                         void *body) {
    struct delivery_search *search = body;
    (void)arena;
    search->everywhere = !api_value(request, "user")->given && !api_value(request, "group")->given;
    return true;
}

static const char *check_places(const struct api_request *request) {
    return api_value(request, "before")->given + api_value(request, "after")->given +
                       api_value(request, "around")->given >
                   1
               ? "only one of before, after and around may be given"
               : NULL;
}

static const char *check_upload(const struct api_request *request) {
    const struct api_value *mime = api_value(request, "mime");
    if (!file_name_is_valid(api_value(request, "name")->text))
        return "name must be the name of a file: no path, no control characters, no overrides of "
               "the writing direction";
    return mime->given && !file_mime_is_valid(mime->text)
               ? "mime must be a media type, such as image/jpeg"
               : NULL;
}

static const char *check_search(const struct api_request *request) {
    size_t count = unicode_count(api_value(request, "text")->text);
    return count < SEARCH_LEAST || count > SEARCH_MOST ? "text must have 2 to 64 characters" : NULL;
}

/* --- the table --- */

const struct api_operation api_talk_table[] = {
    /* messages */
    {"sendMessage", API_POST, "/messages",
     "Sends a text, or a file, as an account. It is stored once the answer is there; with the same "
     "Idempotency-Key it is stored once.",
     SCOPE_BIT_MESSAGES,
     PARAMS{{.name = "from",
             .type = API_ACCOUNT,
             .place = API_BODY,
             .needed = true,
             .actor = true,
             .field = "account",
             .help = "the sender"},
            {.name = "user",
             .type = API_ACCOUNT,
             .place = API_BODY,
             .field = "to_account",
             .help = "the recipient; or"},
            {.name = "group",
             .type = API_GROUP,
             .place = API_BODY,
             .field = "to_group",
             .help = "the group"},
            {.name = "text",
             .type = API_STRING,
             .place = API_BODY,
             .most = TEXT_MAX_BYTES,
             .help = "the text; beside a file it may be missing"},
            {.name = "file",
             .type = API_HEX,
             .place = API_BODY,
             .help = "a file that it shows, the sender's own"},
            {.name = "file_kind",
             .type = API_WORD,
             .place = API_BODY,
             .words = file_kind_words,
             .help = "how it shows that"},
            {.name = "reply",
             .type = API_WHOLE,
             .place = API_BODY,
             .least = 1,
             .most = NUMBER_LIMIT - 1,
             .help = "the cid that it replies to"},
            {.name = "mentions",
             .type = API_MENTIONS,
             .place = API_BODY,
             .help = "ids of accounts that it mentions, or \"all\""},
            END},
     API_PEER_ONE,
     STEPS(2,
           {.message = &message_GROUP_PROFILE,
            .fixed = {{.field = "user", .param = "from"}},
            .keeps_id = "id"},
           {.message = &message_DELIVERY_SEND, .target = API_BY_PARTIES}),
     .build = build_send, .judge = judge_send, .check = check_send, .status = 201,
     .shows = &api_message_sent},
    {"readMessages", API_GET, "/messages",
     "Reads a piece of a conversation as an account sees it: the newest messages, or those beside "
     "one. Without user and group: the operator's messages to all.",
     SCOPE_BIT_MESSAGES,
     PARAMS{AS(API_QUERY),
            USER(API_QUERY),
            IN_GROUP(API_QUERY),
            BEFORE,
            {.name = "after",
             .type = API_WHOLE,
             .place = API_QUERY,
             .least = 1,
             .most = NUMBER_LIMIT - 1,
             .help = "the oldest messages behind this cid"},
            {.name = "around",
             .type = API_WHOLE,
             .place = API_QUERY,
             .least = 1,
             .most = NUMBER_LIMIT - 1,
             .help = "as many before this cid as behind it"},
            PAGE_SIZE,
            END},
     API_PEER_AT_MOST_ONE, STEPS(1, STEP(DELIVERY_HISTORY)), .check = check_places, .status = 200,
     .shows = &api_messages},
    {"editMessage", API_PATCH, "/messages/{cid}", "Changes the words of a text.",
     SCOPE_BIT_MESSAGES,
     PARAMS{CID,
            AS(API_BODY),
            USER(API_BODY),
            IN_GROUP(API_BODY),
            {.name = "text",
             .type = API_STRING,
             .place = API_BODY,
             .needed = true,
             .most = TEXT_MAX_BYTES,
             .help = "its new words"},
            END},
     API_PEER_ONE, STEPS(1, STEP(DELIVERY_EDIT)), .status = 204},
    {"recallMessage", API_DELETE, "/messages/{cid}", "Takes a text back.", SCOPE_BIT_MESSAGES,
     PARAMS{CID, AS(API_QUERY), USER(API_QUERY), IN_GROUP(API_QUERY), END}, API_PEER_ONE,
     STEPS(1, STEP(DELIVERY_RECALL)), .status = 204},
    {"reactToMessage", API_PUT, "/messages/{cid}/reaction",
     "Puts an emoji beside a message, or takes it away.", SCOPE_BIT_MESSAGES,
     PARAMS{CID,
            AS(API_BODY),
            USER(API_BODY),
            IN_GROUP(API_BODY),
            {.name = "emoji",
             .type = API_STRING,
             .place = API_BODY,
             .needed = true,
             .most = EMOJI_MAX_BYTES,
             .help = "the emoji"},
            {.name = "on",
             .type = API_FLAG,
             .place = API_BODY,
             .needed = true,
             .help = "whether it is put there"},
            END},
     API_PEER_ONE, STEPS(1, STEP(DELIVERY_REACT)), .status = 204},
    {"markRead", API_PUT, "/messages/{cid}/read",
     "Notes that an account has read a conversation up to a message.", SCOPE_BIT_MESSAGES,
     PARAMS{CID, AS(API_BODY), USER(API_BODY), IN_GROUP(API_BODY), END}, API_PEER_AT_MOST_ONE,
     STEPS(1, STEP(DELIVERY_READ)), .status = 204},
    {"searchMessages", API_GET, "/search",
     "Finds texts that an account may read, by words in them.", SCOPE_BIT_MESSAGES,
     PARAMS{AS(API_QUERY),
            USER(API_QUERY),
            IN_GROUP(API_QUERY),
            {.name = "text",
             .type = API_STRING,
             .place = API_QUERY,
             .needed = true,
             .most = 4 * SEARCH_MOST,
             .help = "2 to 64 characters"},
            BEFORE,
            END},
     API_PEER_AT_MOST_ONE, STEPS(1, STEP(DELIVERY_SEARCH)), .build = build_search,
     .check = check_search, .status = 200, .shows = &api_found_messages},
    {"listConversations", API_GET, "/accounts/{account}/conversations",
     "Lists an account's conversations, the newest message first.", SCOPE_BIT_MESSAGES,
     PARAMS{OWN_ACCOUNT, BEFORE, PAGE_SIZE, END}, STEPS(1, STEP(DELIVERY_CONVERSATIONS)),
     .status = 200, .shows = &api_conversations},
    {"sendSystemMessage", API_POST, "/system-messages",
     "Sends a message as SYSTEM: to an account, to a group, or to all.", SCOPE_BIT_SYSTEM,
     PARAMS{{.name = "user",
             .type = API_ACCOUNT,
             .place = API_BODY,
             .field = "to_account",
             .help = "the recipient; or"},
            {.name = "group",
             .type = API_GROUP,
             .place = API_BODY,
             .field = "to_group",
             .help = "the group; or"},
            {.name = "everyone",
             .type = API_FLAG,
             .place = API_BODY,
             .help = "true: all accounts there are"},
            {.name = "text",
             .type = API_STRING,
             .place = API_BODY,
             .needed = true,
             .most = TEXT_MAX_BYTES,
             .help = "the text"},
            END},
     API_PEER_ONE, STEPS(1, STEP(GROUP_SAY)), .status = 204},

    /* people */
    {"showProfile", API_GET, "/profile", "Shows an account, or a group, as an account sees it.",
     SCOPE_BIT_PEOPLE, PARAMS{AS(API_QUERY), USER(API_QUERY), IN_GROUP(API_QUERY), END},
     API_PEER_ONE, STEPS(1, STEP(GROUP_PROFILE)), .status = 200, .shows = &api_profile},
    {"listFriends", API_GET, "/accounts/{account}/friends",
     "Lists an account's friends, requests for friendship in both directions, and whom it blocks.",
     SCOPE_BIT_PEOPLE, PARAMS{OWN_ACCOUNT, AFTER, PAGE_SIZE, END}, STEPS(1, STEP(GROUP_FRIENDS)),
     .status = 200, .shows = &api_friends},
    {"askFriend", API_PUT, "/accounts/{account}/friends/{target}",
     "Asks for friendship; where the other one has asked already, the two are friends.",
     SCOPE_BIT_PEOPLE,
     PARAMS{OWN_ACCOUNT,
            {.name = "target", .type = API_ACCOUNT, .needed = true, .help = "whom it asks"},
            END},
     STEPS(1, STEP(GROUP_BEFRIEND)), .status = 204},
    {"endFriendship", API_DELETE, "/accounts/{account}/friends/{target}",
     "Ends a friendship on both sides.", SCOPE_BIT_PEOPLE,
     PARAMS{OWN_ACCOUNT,
            {.name = "target", .type = API_ACCOUNT, .needed = true, .help = "its friend"},
            END},
     STEPS(1, STEP(GROUP_UNFRIEND)), .status = 204},
    {"answerFriend", API_PUT, "/accounts/{account}/requests/{asker}",
     "Accepts or refuses a request for friendship.", SCOPE_BIT_PEOPLE,
     PARAMS{OWN_ACCOUNT,
            {.name = "asker", .type = API_ACCOUNT, .needed = true, .help = "who asked"},
            {.name = "accept",
             .type = API_FLAG,
             .place = API_BODY,
             .needed = true,
             .help = "whether they become friends"},
            END},
     STEPS(1, STEP(GROUP_ANSWER_FRIEND)), .status = 204},
    {"blockAccount", API_PUT, "/accounts/{account}/blocks/{target}",
     "Has an account take no messages and requests from another.", SCOPE_BIT_PEOPLE,
     PARAMS{OWN_ACCOUNT,
            {.name = "target", .type = API_ACCOUNT, .needed = true, .help = "whom it blocks"},
            END},
     STEPS(1, {.message = &message_GROUP_BLOCK, .fixed = {{.field = "on", .number = 1}}}),
     .status = 204},
    {"unblockAccount", API_DELETE, "/accounts/{account}/blocks/{target}", "Ends a block.",
     SCOPE_BIT_PEOPLE,
     PARAMS{OWN_ACCOUNT,
            {.name = "target", .type = API_ACCOUNT, .needed = true, .help = "whom it blocks"},
            END},
     STEPS(1, STEP(GROUP_BLOCK)), .status = 204},

    /* files */
    {"openUpload", API_POST, "/files",
     "Begins an upload of a file: its bytes go to the address in the answer, by PUT or tus.",
     SCOPE_BIT_FILES,
     PARAMS{{.name = "as",
             .type = API_ACCOUNT,
             .place = API_BODY,
             .needed = true,
             .actor = true,
             .field = "account",
             .help = "whose file it is"},
            {.name = "name",
             .type = API_STRING,
             .place = API_BODY,
             .needed = true,
             .most = FILE_NAME_MAX_BYTES,
             .help = "its name, without a path"},
            {.name = "size",
             .type = API_WHOLE,
             .place = API_BODY,
             .needed = true,
             .least = 1,
             .most = NUMBER_LIMIT - 1,
             .help = "bytes"},
            {.name = "mime",
             .type = API_STRING,
             .place = API_BODY,
             .most = FILE_MIME_MAX_BYTES,
             .help = "its media type, such as image/jpeg"},
            {.name = "sha256",
             .type = API_SHA256,
             .place = API_BODY,
             .help = "of its bytes, which are compared: 64 hexadecimal digits"},
            END},
     STEPS(1, STEP(FILES_OPEN)), .check = check_upload, .status = 201, .shows = &api_upload},
    {"showFile", API_GET, "/files/{file}",
     "Describes a file, with an address from which anybody may fetch its bytes for some days.",
     SCOPE_BIT_FILES,
     PARAMS{{.name = "file", .type = API_HEX, .needed = true, .help = "the file"}, END},
     STEPS(1, STEP(FILES_FIND)), .status = 200, .shows = &api_file},
    {0}};
