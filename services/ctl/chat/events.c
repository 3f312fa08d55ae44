/* Texts, notices, changes and marks, as lines; see events.h. */
#include "services/ctl/chat/events.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/loop.h"
#include "services/ctl/chat/files.h"
#include "services/ctl/chat/show.h"

/*
 * How notices read: `{name}` stands for the id under that key, `{#name}` for a group's, `{=name}`
 * for a text, `{number:name}` for a number. Of two rows of a number the first is for
 * `confirmResult` true.
 */
static const struct notice {
    int number;
    const char *words;
} notices[] = {
    {4, "{toUserId} is a member of {#groupId}"},
    {4, "the request of {toUserId} to join {#groupId} was refused"},
    {12, "{fromUserId} has left {#groupId}"},
    {14, "{fromUserId} and {toUserId} are friends"},
    {14, "{fromUserId} has refused the friendship"},
    {16, "{fromUserId} has ended the friendship with {toUserId}"},
    {18, "{fromAdministratorUserId} has removed {toUserId} from {#fromGroupId}"},
    {20, "{toUserId} is an administrator of {#groupId}"},
    {22, "{fromUserId} is no administrator of {#groupId} any more"},
    {103, "{fromUserId} asks for friendship: /accept {fromUserId} or /refuse {fromUserId}"},
    {105, "{fromUserId} asks to join {#groupId}: /accept {fromUserId} {groupId} or /refuse"
          " {fromUserId} {groupId}"},
    {107, "{friendId} is online"},
    {108, "{friendId} is offline"},
    {109, "{userId} of {#groupId} is online"},
    {110, "{userId} of {#groupId} is offline"},
    {112, "{#groupId} was dissolved"},
    {315, "{user} has recalled [{%target}]"},
    {327, "{user} has edited [{%target}]: {=msg}"},
};
#define NOTICES (sizeof notices / sizeof notices[0])

/* --- lines ----------------------------------------------------------------------------------- */

static void add_id(struct buffer *line, const char *mark, const char *id) {
    buffer_add_text(line, mark);
    chat_show_id(line, slice_text(id));
}

/* Time, and the cid by which commands name it. */
static struct buffer *begin(struct chat *chat, const cJSON *message) {
    struct buffer *line = chat_screen_begin(&chat->screen);
    double cid = chat_number_of(message, "cid");
    int64_t now_ms = loop_wall_ms(), time_ms = (int64_t)chat_number_of(message, "time_ms");
    chat_show_time(line, time_ms == 0 ? now_ms : time_ms, now_ms);
    if (cid != 0)
        buffer_printf(line, " [%.0f]", cid);
    buffer_add_text(line, " ");
    return line;
}

static void add_reactions(struct buffer *line, const cJSON *message) {
    const cJSON *one;
    cJSON_ArrayForEach(one, cJSON_GetObjectItemCaseSensitive(message, "reactions")) {
        buffer_add_text(line, " {");
        chat_show_excerpt(line, slice_text(chat_text_of(one, "emoji")), 32);
        buffer_printf(line, " %.0f}", chat_number_of(one, "count"));
    }
}

static void show_content(const struct chat *chat, struct buffer *line, const cJSON *message) {
    chat_files_describe(chat, line, message);
    chat_show_text(line, slice_text(chat_text_of(message, "msg")));
}

static void show_text(struct chat *chat, const cJSON *message, const char *from, const char *to,
                      const char *group) {
    struct buffer *line = begin(chat, message);
    double reply = chat_number_of(message, "reply");
    if (group[0] != '\0') {
        add_id(line, "#", group);
        buffer_add_text(line, " ");
    }
    add_id(line, "", from);
    if (group[0] == '\0' && to[0] != '\0' && strcmp(to, chat->id) != 0)
        add_id(line, " -> ", to);
    buffer_add_text(line, ": ");
    if (reply != 0)
        buffer_printf(line, "(to [%.0f]) ", reply);
    if (chat_is_true(message, "recalled"))
        buffer_add_text(line, "(recalled)");
    else
        show_content(chat, line, message);
    if (chat_number_of(message, "edited_ms") != 0)
        buffer_add_text(line, " (edited)");
    add_reactions(line, message);
    chat_screen_end(&chat->screen);
}

/* One `{...}` of a notice's words; `place` is what stands between the braces. */
static void fill(struct buffer *line, const cJSON *message, const char *place) {
    switch (place[0]) {
    case '#':
        add_id(line, "#", chat_text_of(message, place + 1));
        break;
    case '%':
        buffer_printf(line, "%.0f", chat_number_of(message, place + 1));
        break;
    case '=':
        chat_show_text(line, slice_text(chat_text_of(message, place + 1)));
        break;
    default:
        add_id(line, "", chat_text_of(message, place));
    }
}

static void show_notice(struct chat *chat, const cJSON *message, const char *words) {
    struct buffer *line = begin(chat, message);
    char place[32];
    buffer_add_text(line, "-- ");
    while (*words != '\0') {
        size_t plain = strcspn(words, "{");
        buffer_add(line, words, plain);
        words += plain;
        if (*words == '\0')
            break;
        size_t length = strcspn(words, "}");
        snprintf(place, sizeof place, "%.*s", (int)length - 1, words + 1);
        fill(line, message, place);
        words += length + 1;
    }
    chat_screen_end(&chat->screen);
}

/* --- notices that need more than words ----------------------------------------------------------
 */

static void show_until(struct chat *chat, const cJSON *message) {
    struct buffer *line = begin(chat, message);
    double until_ms = chat_number_of(message, "until_ms");
    add_id(line, "-- ", chat_text_of(message, "user"));
    buffer_add_text(line, until_ms == 0 ? " may write again in " : " may not write in ");
    add_id(line, "#", chat_text_of(message, "group"));
    if (until_ms != 0) {
        buffer_add_text(line, " until ");
        chat_show_time(line, (int64_t)until_ms, loop_wall_ms());
    }
    chat_screen_end(&chat->screen);
}

static void show_reaction(struct chat *chat, const cJSON *message) {
    struct buffer *line = begin(chat, message);
    add_id(line, "-- ", chat_text_of(message, "user"));
    buffer_add_text(line, chat_is_true(message, "on") ? " reacts to [" : " takes back from [");
    buffer_printf(line, "%.0f]: ", chat_number_of(message, "target"));
    chat_show_excerpt(line, slice_text(chat_text_of(message, "emoji")), 32);
    chat_screen_end(&chat->screen);
}

static void show_skipped(struct chat *chat, const cJSON *message) {
    struct chat_peer peer;
    struct buffer *line = begin(chat, message);
    buffer_printf(line, "-- %.0f older entries are left out of ",
                  chat_number_of(message, "skipped"));
    if (chat_peer_of(cJSON_GetObjectItemCaseSensitive(message, "peer"), &peer))
        add_id(line, peer.group ? "#" : "", peer.id);
    buffer_add_text(line, ": see /history");
    chat_screen_end(&chat->screen);
}

/* The first row of a number, or its last one where somebody has refused. */
static const char *words_of(const cJSON *message, int number) {
    bool refused = cJSON_IsFalse(cJSON_GetObjectItemCaseSensitive(message, "confirmResult")) != 0;
    const char *words = NULL;
    for (size_t i = 0; i < NOTICES; i++)
        if (notices[i].number == number && (words == NULL || refused))
            words = notices[i].words;
    return words;
}

static void show_other(struct chat *chat, const cJSON *message, int number) {
    bool on = chat_is_true(message, "on");
    const char *words = words_of(message, number);
    if (words != NULL)
        show_notice(chat, message, words);
    else if (number == 321)
        show_notice(chat, message, on ? "{user} is blocked" : "{user} is not blocked any more");
    else if (number == 329)
        show_reaction(chat, message);
    else if (number == 333)
        show_until(chat, message);
    else if (number == 335)
        show_notice(chat, message,
                    on ? "{by} has banned {user} from {#group}"
                       : "{by} has ended the ban of {user} from {#group}");
    else if (number == 318)
        show_skipped(chat, message);
}

void chat_events_show(struct chat *chat, const cJSON *message) {
    int number = (int)chat_number_of(message, "msgType");
    const char *from = chat_text_of(message, "fromUserId");
    switch (number) {
    case 6:
    case 8:
    case 100:
    case 101:
    case 102:
        show_text(chat, message, from, chat_text_of(message, "toUserId"),
                  chat_text_of(message, "toGroup"));
        break;
    default:
        show_other(chat, message, number);
    }
}

/* --- what arrives ---------------------------------------------------------------------------- */

/* A 325 names whose profile it is: a member's and a group's belong to the group. */
static const char *group_of(const cJSON *message) {
    static const char *const keys[] = {"toGroup", "groupId", "fromGroupId", "group"};
    const cJSON *of = cJSON_GetObjectItemCaseSensitive(message, "of");
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(of, "member");
    if (of != NULL)
        message = member != NULL ? member : of;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (chat_text_of(message, keys[i])[0] != '\0')
            return chat_text_of(message, keys[i]);
    return "";
}

bool chat_events_peer(const struct chat *chat, const cJSON *message, struct chat_peer *peer_r) {
    const cJSON *peer = cJSON_GetObjectItemCaseSensitive(message, "peer");
    const cJSON *confirmed = cJSON_GetObjectItemCaseSensitive(message, "confirmResult");
    int number = (int)chat_number_of(message, "msgType");
    const char *id = chat->id, *group = group_of(message);
    if (peer != NULL)
        return chat_peer_of(peer, peer_r);
    /* About a group, but for this account alone. */
    if (number == 20 || number == 22 || number == 105 || cJSON_IsFalse(confirmed))
        group = "";
    if (group[0] != '\0') {
        id = group;
    } else if (number == 6) {
        /* The copy of a text of this account's belongs to the other person, too. */
        bool own = strcmp(chat_text_of(message, "fromUserId"), chat->id) == 0;
        id = chat_text_of(message, own ? "toUserId" : "fromUserId");
    } else if (number == 100) {
        id = "SYSTEM";
    }
    *peer_r = (struct chat_peer){.group = group[0] != '\0'};
    if (id[0] == '\0' || strlen(id) >= sizeof peer_r->id)
        return false;
    snprintf(peer_r->id, sizeof peer_r->id, "%s", id);
    return true;
}

/* Typing is shown once until the person's text arrives, and only where the user looks. */
static void take_typing(struct chat *chat, const cJSON *message) {
    struct chat_peer where, person = {0};
    const char *user = chat_text_of(message, "user");
    if (!chat_peer_of(cJSON_GetObjectItemCaseSensitive(message, "peer"), &where) ||
        !chat_peer_equal(&where, &chat->open) || strlen(user) >= sizeof person.id)
        return;
    snprintf(person.id, sizeof person.id, "%s", user);
    if (chat_peer_equal(&person, &chat->typing))
        return;
    chat->typing = person;
    show_notice(chat, message, "{user} is typing");
}

/* How far others have read the open conversation. */
static void take_read(struct chat *chat, const cJSON *message) {
    struct chat_peer where;
    if (chat_text_of(message, "user")[0] == '\0' ||
        !chat_peer_of(cJSON_GetObjectItemCaseSensitive(message, "peer"), &where) ||
        !chat_peer_equal(&where, &chat->open))
        return;
    struct buffer *line = chat_screen_begin(&chat->screen);
    add_id(line, "-- ", chat_text_of(message, "user"));
    buffer_printf(line, " has read up to [%.0f]", chat_number_of(message, "cid"));
    chat_screen_end(&chat->screen);
}

void chat_events_take(struct chat *chat, const cJSON *message) {
    struct chat_peer peer;
    int number = (int)chat_number_of(message, "msgType");
    uint64_t cid = (uint64_t)chat_number_of(message, "cid");
    if (number == 313) {
        take_typing(chat, message);
        return;
    }
    if (number == 302)
        take_read(chat, message);
    if (number == 301 || number == 302 || number == 337)
        return;
    if (number == 101 && cid == 0) {
        /* A fault of no request: why the server is about to close, as a rule. */
        snprintf(chat->closing, sizeof chat->closing, "%s", chat_text_of(message, "msg"));
        show_notice(chat, message, "the server says: {=msg}");
        return;
    }
    if (number != 318 && cid != 0 && chat_events_peer(chat, message, &peer)) {
        bool is_new = chat_marks_see(&chat->marks, &peer, cid);
        chat_confirm_soon(chat);
        if (!is_new)
            return;
        if (strcmp(chat->typing.id, chat_text_of(message, "fromUserId")) == 0)
            chat->typing = (struct chat_peer){0};
    }
    chat_events_show(chat, message);
}
