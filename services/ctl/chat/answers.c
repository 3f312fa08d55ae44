/* Answers with content, as lines; see answers.h. */
#include "services/ctl/chat/answers.h"

#include <string.h>

#include "common/loop.h"
#include "services/ctl/chat/events.h"
#include "services/ctl/chat/show.h"

/* Characters of the last text in a list of conversations. */
#define EXCERPT_CHARACTERS 60

static const cJSON *member(const cJSON *object, const char *name) {
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

static void add_id(struct buffer *line, const cJSON *object, const char *name) {
    chat_show_id(line, slice_text(chat_text_of(object, name)));
}

/* `LABEL: TEXT`, where there is one. */
static void add_text(struct buffer *line, const char *label, const char *text) {
    if (text[0] == '\0')
        return;
    buffer_add_text(line, label);
    chat_show_id(line, slice_text(text));
}

/* --- history and search ------------------------------------------------------------------------
 */

static void show_messages(struct chat *chat, const cJSON *answer) {
    const cJSON *message;
    cJSON_ArrayForEach(message, member(answer, "messages")) { chat_events_show(chat, message); }
}

static void show_history(struct chat *chat, const cJSON *answer) {
    struct chat_peer peer;
    double from = chat_number_of(answer, "from");
    show_messages(chat, answer);
    if (from == 0) {
        chat_screen_say(&chat->screen, "there is nothing earlier");
        return;
    }
    chat->older = chat_is_true(answer, "more") ? (uint64_t)from : 0;
    chat_screen_say(&chat->screen, chat->older != 0
                                       ? "end of the page: /older shows what was before"
                                       : "end of the page: it begins here");
    if (!chat_peer_of(member(answer, "peer"), &peer))
        return;
    chat_marks_show(&chat->marks, &peer, (uint64_t)chat_number_of(answer, "to"));
    chat_confirm_soon(chat);
}

static void show_found(struct chat *chat, const cJSON *answer) {
    show_messages(chat, answer);
    chat_screen_say(&chat->screen, "%d found%s", cJSON_GetArraySize(member(answer, "messages")),
                    chat_is_true(answer, "more") ? " so far: use more of the text to find others"
                                                 : "");
}

/* --- lists --------------------------------------------------------------------------------------
 */

static void show_conversation(struct chat *chat, const cJSON *one) {
    struct chat_peer peer;
    const cJSON *last = member(one, "last");
    if (!chat_peer_of(member(one, "peer"), &peer))
        return;
    struct buffer *line = chat_screen_begin(&chat->screen);
    buffer_add_text(line, peer.group ? "#" : "");
    chat_show_id(line, slice_text(peer.id));
    if (strcmp(chat_text_of(one, "name"), peer.id) != 0)
        add_text(line, " ", chat_text_of(one, "name"));
    buffer_printf(line, "  %.0f unread", chat_number_of(one, "unread"));
    if (chat_number_of(one, "mentions") != 0)
        buffer_printf(line, ", %.0f to you", chat_number_of(one, "mentions"));
    const char *file = chat_text_of(member(last, "file"), "name");
    if (chat_text_of(last, "msg")[0] != '\0' || file[0] != '\0') {
        buffer_add_text(line, "  ");
        chat_show_time(line, (int64_t)chat_number_of(last, "time_ms"), loop_wall_ms());
        buffer_add_text(line, " ");
        add_id(line, last, "fromUserId");
        buffer_add_text(line, ": ");
        add_text(line, "", file);
        buffer_add_text(line, file[0] == '\0' ? "" : " ");
        chat_show_excerpt(line, slice_text(chat_text_of(last, "msg")), EXCERPT_CHARACTERS);
    }
    chat_screen_end(&chat->screen);
}

static void show_conversations(struct chat *chat, const cJSON *answer) {
    const cJSON *one;
    cJSON_ArrayForEach(one, member(answer, "conversations")) { show_conversation(chat, one); }
    chat_screen_say(&chat->screen, "%d conversations%s",
                    cJSON_GetArraySize(member(answer, "conversations")),
                    chat_is_true(answer, "more") ? ", and older ones" : "");
}

/* A line `ID NAME  WORDS` for each of a list. */
static void show_people(struct chat *chat, const cJSON *answer, const char *list,
                        const char *(*words)(const cJSON *one)) {
    const cJSON *one;
    cJSON_ArrayForEach(one, member(answer, list)) {
        struct buffer *line = chat_screen_begin(&chat->screen);
        add_id(line, one, "user");
        if (strcmp(chat_text_of(one, "name"), chat_text_of(one, "user")) != 0)
            add_text(line, " ", chat_text_of(one, "name"));
        add_text(line, " called ", chat_text_of(one, "remark"));
        add_text(line, " called ", chat_text_of(one, "nick"));
        buffer_printf(line, "  %s%s", words(one), chat_is_true(one, "online") ? ", online" : "");
        if (chat_number_of(one, "muted_until") > (double)loop_wall_ms())
            buffer_add_text(line, ", muted");
        chat_screen_end(&chat->screen);
    }
}

static const char *as_friend(const cJSON *one) {
    (void)one;
    return "friend";
}

static const char *as_request(const cJSON *one) {
    return chat_is_true(one, "mine") ? "asked, no answer yet" : "asks: /accept or /refuse";
}

static const char *as_blocked(const cJSON *one) {
    (void)one;
    return "blocked";
}

static const char *as_member(const cJSON *one) {
    const char *role = chat_text_of(one, "role");
    if (strcmp(role, "owner") == 0)
        return "owner";
    return strcmp(role, "administrator") == 0 ? "administrator" : "member";
}

static const char *as_banned(const cJSON *one) {
    (void)one;
    return "banned";
}

static void show_more(struct chat *chat, const cJSON *answer, const char *what) {
    chat_screen_say(&chat->screen, "end of the %s%s", what,
                    chat_is_true(answer, "more") ? "; there are more than one answer holds" : "");
}

static void show_friends(struct chat *chat, const cJSON *answer) {
    show_people(chat, answer, "friends", as_friend);
    show_people(chat, answer, "requests", as_request);
    show_people(chat, answer, "blocked", as_blocked);
    show_more(chat, answer, "friends");
}

static void show_members(struct chat *chat, const cJSON *answer) {
    show_people(chat, answer, "members", as_member);
    show_people(chat, answer, "requests", as_request);
    show_people(chat, answer, "banned", as_banned);
    show_more(chat, answer, "members");
}

static void show_profile(struct chat *chat, const cJSON *answer) {
    struct buffer *line = chat_screen_begin(&chat->screen);
    bool group = chat_text_of(answer, "group")[0] != '\0';
    buffer_add_text(line, group ? "-- #" : "-- ");
    add_id(line, answer, group ? "group" : "user");
    add_text(line, " ", chat_text_of(answer, "name"));
    add_text(line, " called ", chat_text_of(answer, "remark"));
    if (chat_is_true(answer, "friend"))
        buffer_add_text(line, ", a friend");
    if (chat_is_true(answer, "member"))
        buffer_add_text(line, ", you are a member");
    if (chat_text_of(answer, "about")[0] != '\0') {
        buffer_add_text(line, ": ");
        chat_show_text(line, slice_text(chat_text_of(answer, "about")));
    }
    chat_screen_end(&chat->screen);
}

bool chat_answers_show(struct chat *chat, const cJSON *answer) {
    static const struct {
        int number;
        void (*show)(struct chat *chat, const cJSON *answer);
    } all[] = {{304, show_history}, {306, show_conversations}, {308, show_friends},
               {310, show_members}, {312, show_profile},       {332, show_found}};
    int number = (int)chat_number_of(answer, "msgType");
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (all[i].number == number) {
            all[i].show(chat, answer);
            return true;
        }
    return false;
}
