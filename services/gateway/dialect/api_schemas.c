/* The objects that the HTTP API answers with; see api_schemas.h. */
#include "services/gateway/dialect/api_schemas.h"

#include "proto/messages.h"
#include "services/gateway/dialect/api_properties.h"

/* --- accounts ------------------------------------------------------------------------------ */

const struct api_schema api_account = {
    "Account", &shown_account_desc,
    PROPERTIES{NUMBER_OF("account"),
               ID_OF("account"),
               TEXT("email", "its e-mail address"),
               TEXT("name", "its nickname"),
               TEXT("about", "its text about itself"),
               FLAG("has_password",
                    "whether it has a password, or is entered by your JWTs; else its id "
                    "alone lets people in, where that is allowed"),
               FLAG("disabled", "whether it may not log in"),
               FLAG("deleted", "whether it was ended for good"),
               {.name = "created_ms",
                .shape = API_SHOW_NUMBER,
                .always = true,
                .field = "created_ms",
                .help = "when it was made, milliseconds since 1970"},
               {0}}};

const struct api_schema api_accounts = {"Accounts", &auth_list_reply_desc,
                                        PROPERTIES{{.name = "accounts",
                                                    .shape = API_SHOW_LIST,
                                                    .always = true,
                                                    .field = "items",
                                                    .schema = &api_account,
                                                    .help = "ascending by number"},
                                                   MORE,
                                                   NUMBER("next", AFTER),
                                                   {0}}};

const struct api_schema api_account_made = {
    "AccountMade", &auth_register_reply_desc,
    PROPERTIES{NUMBER_OF("account"), ID_OF("account"), {0}}};

const struct api_schema api_login = {
    "Login", &auth_login_reply_desc,
    PROPERTIES{{.name = "token",
                .shape = API_SHOW_TEXT,
                .always = true,
                .field = "token",
                .help = "by which a client logs in (317); a secret"},
               NUMBER_OF("account"),
               ID_OF("account"),
               TEXT("name", "the account's nickname"),
               {0}}};

static const char *const transports[] = {"unknown", "websocket", "tcp", "youim", NULL};

static const struct api_schema device_schema = {
    "Device", &device_desc,
    PROPERTIES{{.name = "id",
                .shape = API_SHOW_HEX,
                .always = true,
                .field = "id",
                .help = "by which it is ended"},
               TEXT("device", "what the client calls the device that it runs on"),
               {.name = "transport",
                .shape = API_SHOW_WORD,
                .always = true,
                .field = "transport",
                .words = transports,
                .help = "how it connected last"},
               TEXT("address", "from where it connected last"),
               NUMBER("since_ms", "when it logged in"),
               NUMBER("heard_ms", "when it logged in or resumed last, to the hour"),
               {0}}};

const struct api_schema api_devices = {"Devices", &auth_devices_reply_desc,
                                       PROPERTIES{{.name = "logins",
                                                   .shape = API_SHOW_LIST,
                                                   .always = true,
                                                   .field = "devices",
                                                   .schema = &device_schema,
                                                   .help = "the newest first"},
                                                  MORE,
                                                  {0}}};

const struct api_schema api_sessions = {
    "Sessions", &session_list_reply_desc,
    PROPERTIES{{.name = "sessions",
                .shape = API_SHOW_PAIRS,
                .always = true,
                .field = "accounts",
                .other = "connections",
                .help =
                    "accounts that are connected, ascending by number; the last one's number is "
                    "the `after` of the next page, and an empty page is the end"},
               {0}}};

/* --- groups -------------------------------------------------------------------------------- */

const struct api_schema api_group = {
    "Group", &shown_group_desc,
    PROPERTIES{
        NUMBER_OF("group"),
        ID_OF("group"),
        TEXT("name", "its name"),
        TEXT("about", "its text about itself"),
        {.name = "owner",
         .shape = API_SHOW_ID,
         .always = true,
         .field = "owner",
         .other = "owner_id",
         .help = "the id of its owner"},
        {.name = "members",
         .shape = API_SHOW_NUMBER,
         .always = true,
         .field = "members",
         .help = "how many members it has"},
        NUMBER("slow_s", "the pause between two texts of a plain member, in seconds"),
        {.name = "avatar", .shape = API_SHOW_AVATAR, .field = "avatar", .help = "its picture"},
        NUMBER("retention_days", "for how many days its messages are kept; without: for ever"),
        FLAG("retention_as_all", "whether they are kept as the server's option has it"),
        FLAG("dissolved", "whether it is no more"),
        NUMBER("created_ms", "when it was made, milliseconds since 1970"),
        {0}}};

const struct api_schema api_groups = {"Groups", &group_list_reply_desc,
                                      PROPERTIES{{.name = "groups",
                                                  .shape = API_SHOW_LIST,
                                                  .always = true,
                                                  .field = "items",
                                                  .schema = &api_group,
                                                  .help = "ascending by number"},
                                                 MORE,
                                                 NUMBER("next", AFTER),
                                                 {0}}};

const struct api_schema api_group_made = {
    "GroupMade", &group_create_reply_desc,
    PROPERTIES{NUMBER_OF("group"), ID_OF("group"), TEXT("name", "its name"), {0}}};

static const char *const roles[] = {"none", "member", "administrator", "owner", NULL};

static const struct api_schema member_schema = {
    "Member", &group_member_desc,
    PROPERTIES{
        NUMBER_OF("account"),
        ID_OF("account"),
        TEXT("name", "its nickname"),
        TEXT("nick", "its name in this group"),
        {.name = "role",
         .shape = API_SHOW_WORD,
         .always = true,
         .field = "role",
         .words = roles,
         .help = "none: it asks to become a member, or is banned"},
        NUMBER("muted_until_ms", "until then it may not write, milliseconds since 1970"),
        FLAG("banned", "whether it may not become a member"),
        {.name = "avatar", .shape = API_SHOW_AVATAR, .field = "avatar", .help = "its picture"},
        {0}}};

const struct api_schema api_members = {"Members", &group_members_reply_desc,
                                       PROPERTIES{{.name = "members",
                                                   .shape = API_SHOW_LIST,
                                                   .always = true,
                                                   .field = "items",
                                                   .schema = &member_schema,
                                                   .help = "ascending by number"},
                                                  MORE,
                                                  NEXT("items", "account", AFTER),
                                                  {0}}};

/* --- files --------------------------------------------------------------------------------- */

static const char *const file_kinds[] = {"file", "sticker", "image", "file", NULL};

const struct api_schema api_file = {
    "File", &file_desc,
    PROPERTIES{{.name = "id",
                .shape = API_SHOW_HEX,
                .always = true,
                .field = "id",
                .help = "its id: 16 hexadecimal digits"},
               TEXT("name", "its name"),
               TEXT("mime", "its media type"),
               NUMBER("size", "bytes"),
               {.name = "kind",
                .shape = API_SHOW_WORD,
                .field = "kind",
                .words = file_kinds,
                .help = "how a message shows it"},
               NUMBER("width", "of a picture: pixels across"),
               NUMBER("height", "of a picture: pixels down"),
               {.name = "url",
                .shape = API_SHOW_URL,
                .field = "id",
                .help = "where its bytes are, for some days; whoever has it may fetch them"},
               {.name = "preview", .shape = API_SHOW_PREVIEW, .field = "id", .help = "its preview"},
               {0}}};

const struct api_schema api_upload = {
    "Upload", &files_open_reply_desc,
    PROPERTIES{{.name = "id",
                .shape = API_SHOW_HEX,
                .always = true,
                .field = "file",
                .help = "the file's id"},
               {.name = "upload",
                .shape = API_SHOW_UPLOAD,
                .always = true,
                .field = "file",
                .other = "token",
                .help = "where its bytes go, by PUT or tus; whoever has it may upload them"},
               NUMBER("expires_ms", "until then, milliseconds since 1970"),
               {0}}};

/* --- messages ------------------------------------------------------------------------------ */

static const char *const entry_types[] = {"text",          "joined",
                                          "left",          "removed",
                                          "admin_added",   "admin_removed",
                                          "dissolved",     "group_renamed",
                                          "renamed",       "friend_request",
                                          "friend_answer", "friend_removed",
                                          "join_request",  "join_refused",
                                          "system",        "recalled_text",
                                          "recalled",      "edited",
                                          "reacted",       "profile",
                                          "group_profile", "nick",
                                          "muted",         "banned",
                                          "blocked",       NULL};

static const struct api_schema reaction_schema = {
    "Reaction", &reaction_desc,
    PROPERTIES{TEXT("emoji", "the emoji"),
               NUMBER("count", "how many accounts have put it there"),
               FLAG("mine", "whether the account that reads is one of them"),
               {0}}};

static const struct api_schema entry_schema = {
    "Message", &entry_desc,
    PROPERTIES{
        {.name = "cid",
         .shape = API_SHOW_NUMBER,
         .always = true,
         .field = "cid",
         .help = "its number: unique, and growing within a conversation"},
        {.name = "time_ms",
         .shape = API_SHOW_NUMBER,
         .always = true,
         .field = "time_ms",
         .help = "when it was stored, milliseconds since 1970"},
        {.name = "type",
         .shape = API_SHOW_WORD,
         .always = true,
         .field = "type",
         .words = entry_types,
         .help = "a text, the operator's message, or a notice"},
        {.name = "from",
         .shape = API_SHOW_ID,
         .always = true,
         .field = "from",
         .other = "from_id",
         .help = "who sent or caused it; SYSTEM: the operator"},
        {.name = "to",
         .shape = API_SHOW_PEER,
         .field = "to",
         .other = "to_id",
         .help = "the group or account that it is for; left out where that is the one who reads"},
        {.name = "subject",
         .shape = API_SHOW_ID,
         .field = "subject",
         .other = "subject_id",
         .help = "the account that a notice is about"},
        TEXT("text", "its words, or a notice's name"),
        {.name = "file",
         .shape = API_SHOW_PACKED,
         .field = "file",
         .schema = &api_file,
         .help = "the file that it shows"},
        NUMBER("reply", "the cid that it replies to"),
        {.name = "mentions",
         .shape = API_SHOW_IDS,
         .field = "mentions",
         .other = "mention_ids",
         .help = "accounts that it mentions; SYSTEM: all"},
        NUMBER("target", "the cid or time that a notice is about"),
        {.name = "accepted",
         .shape = API_SHOW_FLAG,
         .field = "accepted",
         .help = "of a notice: it was accepted, or is so from now on"},
        NUMBER("edited_ms", "when it was last changed"),
        {.name = "reactions",
         .shape = API_SHOW_LIST,
         .field = "reactions",
         .schema = &reaction_schema,
         .help = "emoji beside it"},
        {0}}};

const struct api_schema api_messages = {"Messages", &delivery_history_reply_desc,
                                        PROPERTIES{{.name = "messages",
                                                    .shape = API_SHOW_PACKED_LIST,
                                                    .always = true,
                                                    .field = "entries",
                                                    .schema = &entry_schema,
                                                    .help = "the oldest first"},
                                                   MORE,
                                                   {0}}};

const struct api_schema api_found_messages = {
    "FoundMessages", &delivery_search_reply_desc,
    PROPERTIES{{.name = "messages",
                .shape = API_SHOW_PACKED_LIST,
                .always = true,
                .field = "entries",
                .schema = &entry_schema,
                .help = "the newest first"},
               {.name = "next",
                .shape = API_SHOW_NUMBER,
                .field = "before",
                .help = "where there may be more: the `before` of the next page"},
               {0}}};

const struct api_schema api_message_sent = {
    "MessageSent", &delivery_send_reply_desc,
    PROPERTIES{{.name = "cid",
                .shape = API_SHOW_FIRST,
                .always = true,
                .field = "cids",
                .help = "its number"},
               {.name = "time_ms",
                .shape = API_SHOW_FIRST,
                .always = true,
                .field = "times_ms",
                .help = "when it was stored, milliseconds since 1970"},
               {0}}};

static const char *const conversation_kinds[] = {"pair", "group", "own", "broadcast", NULL};

static const struct api_schema overview_schema = {
    "Conversation", &overview_desc,
    PROPERTIES{
        {.name = "kind",
         .shape = API_SHOW_KIND,
         .always = true,
         .field = "conversation",
         .words = conversation_kinds,
         .help = "own: the account's own notices; broadcast: the operator's messages to all"},
        {.name = "peer",
         .shape = API_SHOW_ID,
         .always = true,
         .field = "peer",
         .other = "peer_id",
         .help = "the other account, the group, the account itself, or SYSTEM"},
        TEXT("name", "its name"),
        {.name = "cid",
         .shape = API_SHOW_NUMBER,
         .always = true,
         .field = "cid",
         .help = "the last message that the account may read there"},
        {.name = "last",
         .shape = API_SHOW_PACKED,
         .field = "last",
         .schema = &entry_schema,
         .help = "that message"},
        NUMBER("unread", "others' texts that the account has not read, at most 999"),
        NUMBER("mentions", "those of them that mention the account, or all"),
        NUMBER("received", "up to where everything has arrived"),
        NUMBER("seen", "up to where everything is read"),
        {0}}};

const struct api_schema api_conversations = {
    "Conversations", &delivery_conversations_reply_desc,
    PROPERTIES{{.name = "conversations",
                .shape = API_SHOW_LIST,
                .always = true,
                .field = "conversations",
                .schema = &overview_schema,
                .help = "the newest message first"},
               MORE,
               NEXT("conversations", "cid", "where there are more: the `before` of the next page"),
               {0}}};

/* --- people -------------------------------------------------------------------------------- */

static const char *const relations[] = {"friend", "asked", "asks", "none", NULL};

static const struct api_schema acquaintance_schema = {
    "Acquaintance", &acquaintance_desc,
    PROPERTIES{
        NUMBER_OF("account"),
        ID_OF("account"),
        TEXT("name", "its nickname"),
        TEXT("remark", "the account's own name for it"),
        {.name = "relation",
         .shape = API_SHOW_WORD,
         .always = true,
         .field = "relation",
         .words = relations,
         .help = "asked: the account waits for its answer; asks: it waits for the account's"},
        FLAG("blocked", "whether the account takes nothing from it"),
        {.name = "avatar", .shape = API_SHOW_AVATAR, .field = "avatar", .help = "its picture"},
        {0}}};

const struct api_schema api_profile = {
    "Profile", &group_profile_reply_desc,
    PROPERTIES{
        {.name = "user",
         .shape = API_SHOW_ID,
         .field = "user",
         .other = "id",
         .help = "the account's id, or"},
        {.name = "group",
         .shape = API_SHOW_ID,
         .field = "group",
         .other = "id",
         .help = "the group's"},
        TEXT("name", "its name"),
        TEXT("about", "its text about itself"),
        {.name = "avatar", .shape = API_SHOW_AVATAR, .field = "avatar", .help = "its picture"},
        TEXT("remark", "what the account that looks calls its friend"),
        FLAG("near", "whether the account that looks is its friend; is a member"),
        NUMBER("slow_s", "of a group: the pause between two texts of a plain member"),
        {0}}};

const struct api_schema api_friends = {"Friends", &group_friends_reply_desc,
                                       PROPERTIES{{.name = "friends",
                                                   .shape = API_SHOW_LIST,
                                                   .always = true,
                                                   .field = "items",
                                                   .schema = &acquaintance_schema,
                                                   .help = "ascending by number"},
                                                  MORE,
                                                  NEXT("items", "account", AFTER),
                                                  {0}}};
