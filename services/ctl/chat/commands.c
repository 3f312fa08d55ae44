/* Lines that the user types; see commands.h. */
#include "services/ctl/chat/commands.h"

#include <stdio.h>
#include <string.h>

#include "common/loop.h"
#include "proto/ids.h"
#include "services/ctl/chat/files.h"
#include "services/ctl/chat/show.h"
#include "services/ctl/chat/words.h"

#define MINUTE_MS 60000
#define PAGE_ENTRIES 20
#define BODY_BYTES 256

/* The conversation that must be open. */
enum needs { ANY, CONVERSATION, GROUP };

/*
 * A command is a request, or a function. Of a request `body` has the fields, `key=VALUE` each,
 * where VALUE is @ (this account), 1 and 2 (words), #1 (a word that is a number), g (the open
 * group), p (the open conversation as `peer`), o (the open group as `of`), m ("me"), + or - (true,
 * false). Of two commands of a name the number of words decides.
 */
struct command {
    const char *name, *arguments, *help;
    size_t words; /* arguments; the last of a `text` command is all that is left of the line */
    bool text;
    enum needs needs;
    int number;
    const char *body;
    void (*run)(struct chat *chat, char **words);
};

static void run_help(struct chat *chat, char **words);

/* --- functions ----------------------------------------------------------------------------------
 */

void chat_commands_open(struct chat *chat, bool group, const char *id) {
    struct slice text = slice_text(id);
    if (text.length == 0 || text.length >= CHAT_ID_BYTES || !text_is_plain(text)) {
        chat_refuse(chat, group ? "group" : "to", "that is no id");
        return;
    }
    chat->open = (struct chat_peer){.group = group};
    snprintf(chat->open.id, sizeof chat->open.id, "%s", id);
    chat->older = 0;
    struct buffer *line = chat_screen_begin(&chat->screen);
    buffer_add_text(line, group ? "-- you write to #" : "-- you write to ");
    chat_show_id(line, text);
    chat_screen_end(&chat->screen);
    chat_confirm_soon(chat);
}

static void run_to(struct chat *chat, char **words) { chat_commands_open(chat, false, words[0]); }

static void run_group(struct chat *chat, char **words) { chat_commands_open(chat, true, words[0]); }

static void send_text(struct chat *chat, const char *text, double reply) {
    cJSON *body = cJSON_CreateObject();
    const char *key = chat->open.group ? "toGroup" : "toUserId";
    if (chat->open.id[0] == '\0') {
        cJSON_Delete(body);
        chat_refuse(chat, NULL, "say /to ID or /group ID first");
        return;
    }
    bool complete = cJSON_AddStringToObject(body, "fromUserId", chat->id) != NULL &&
                    cJSON_AddStringToObject(body, key, chat->open.id) != NULL &&
                    cJSON_AddStringToObject(body, "msg", text) != NULL &&
                    (reply == 0 || cJSON_AddNumberToObject(body, "reply", reply) != NULL);
    if (!complete) {
        cJSON_Delete(body);
        body = NULL;
    }
    chat_ask(chat, chat->open.group ? 7 : 5, body, NULL);
}

static bool read_number(struct chat *chat, const char *command, const char *word,
                        uint64_t *number_r) {
    if (id_is_decimal(slice_text(word), number_r))
        return true;
    chat_refuse(chat, command, "a number is needed");
    return false;
}

static void run_reply(struct chat *chat, char **words) {
    uint64_t cid;
    if (read_number(chat, "reply", words[0], &cid))
        send_text(chat, words[1], (double)cid);
}

/* A page of `limit` entries, before `before` unless that is 0. */
static void ask_history(struct chat *chat, const char *command, uint64_t limit, uint64_t before) {
    cJSON *body = cJSON_CreateObject(), *peer = chat_peer_make(&chat->open);
    bool complete = cJSON_AddItemToObject(body, "peer", peer);
    if (!complete)
        cJSON_Delete(peer);
    complete = complete && cJSON_AddNumberToObject(body, "limit", (double)limit) != NULL &&
               (before == 0 || cJSON_AddNumberToObject(body, "before", (double)before) != NULL);
    if (!complete) {
        cJSON_Delete(body);
        body = NULL;
    }
    chat_ask(chat, 303, body, command);
}

static void run_history(struct chat *chat, char **words) {
    uint64_t limit = PAGE_ENTRIES;
    if (words[0] == NULL || read_number(chat, "history", words[0], &limit))
        ask_history(chat, "history", limit, 0);
}

static void run_older(struct chat *chat, char **words) {
    (void)words;
    if (chat->older == 0)
        chat_screen_say(&chat->screen, "there is nothing earlier, or no /history yet");
    else
        ask_history(chat, "older", PAGE_ENTRIES, chat->older);
}

static void run_mute(struct chat *chat, char **words) {
    uint64_t minutes;
    cJSON *body = NULL;
    if (!read_number(chat, "mute", words[1], &minutes))
        return;
    double until_ms =
        minutes == 0 ? 0 : (double)loop_wall_ms() + (double)minutes * (double)MINUTE_MS;
    if ((body = cJSON_CreateObject()) == NULL ||
        cJSON_AddStringToObject(body, "group", chat->open.id) == NULL ||
        cJSON_AddStringToObject(body, "user", words[0]) == NULL ||
        cJSON_AddNumberToObject(body, "until_ms", until_ms) == NULL) {
        cJSON_Delete(body);
        body = NULL;
    }
    chat_ask(chat, 333, body, "mute");
}

static void run_send(struct chat *chat, char **words) {
    chat_files_send(chat, words[0], words[1] == NULL ? "" : words[1]);
}

static void run_save(struct chat *chat, char **words) {
    uint64_t cid;
    if (read_number(chat, "save", words[0], &cid))
        chat_files_save(chat, cid, words[1]);
}

static void run_resume(struct chat *chat, char **words) {
    (void)words;
    if (chat->stage != CHAT_REPLACED)
        return;
    chat->stage = CHAT_AWAY;
    chat_wire_connect(chat->wire);
}

static void run_quit(struct chat *chat, char **words) {
    (void)words;
    chat->leaving = true;
}

/* --- the table ----------------------------------------------------------------------------------
 */

static const struct command commands[] = {
    {"help", "", "this list", 0, false, ANY, 0, "", run_help},
    {"to", "ID", "write to a person", 1, false, ANY, 0, "", run_to},
    {"group", "ID", "write to a group", 1, false, ANY, 0, "", run_group},
    {"list", "", "your conversations, and their unread messages", 0, false, ANY, 305, "", NULL},
    {"history", "", "the last messages", 0, false, CONVERSATION, 0, "", run_history},
    {"history", "NUMBER", "the same: so many entries", 1, false, CONVERSATION, 0, "", run_history},
    {"older", "", "the messages before those", 0, false, CONVERSATION, 0, "", run_older},
    {"search", "TEXT", "the texts that hold it, in the open conversation", 1, true, CONVERSATION,
     331, "text=1 peer=p", NULL},
    {"find", "TEXT", "the same in all conversations", 1, true, ANY, 331, "text=1", NULL},
    {"reply", "NUMBER TEXT", "answer the text of that number", 2, true, CONVERSATION, 0, "",
     run_reply},
    {"send", "PATH", "send a picture or any other file", 1, false, CONVERSATION, 0, "", run_send},
    {"send", "PATH TEXT", "the same with words beside it", 2, true, CONVERSATION, 0, "", run_send},
    {"save", "NUMBER PATH", "save the file of that message as a new file", 2, false, CONVERSATION,
     0, "", run_save},
    {"edit", "NUMBER TEXT", "change a text of yours", 2, true, CONVERSATION, 327,
     "peer=p cid=#1 msg=2", NULL},
    {"recall", "NUMBER", "take a text of yours back", 1, false, CONVERSATION, 315, "peer=p cid=#1",
     NULL},
    {"react", "NUMBER EMOJI", "put an emoji beside a text", 2, false, CONVERSATION, 329,
     "peer=p cid=#1 emoji=2 on=+", NULL},
    {"unreact", "NUMBER EMOJI", "take it away", 2, false, CONVERSATION, 329,
     "peer=p cid=#1 emoji=2 on=-", NULL},
    {"friends", "", "your friends, and requests for friendship", 0, false, ANY, 307, "", NULL},
    {"who", "ID", "a person's profile", 1, false, ANY, 311, "user=1", NULL},
    {"name", "NAME", "your own name", 1, true, ANY, 325, "of=m name=1", NULL},
    {"add", "ID", "ask for friendship", 1, false, ANY, 13, "fromUserId=@ toUserId=1", NULL},
    {"accept", "ID", "accept friendship", 1, false, ANY, 104,
     "fromUserId=@ toUserId=1 confirmResult=+", NULL},
    {"accept", "ID GROUP", "accept a new member", 2, false, ANY, 106,
     "handleAdministratorId=@ toUserId=1 groupId=2 confirmResult=+", NULL},
    {"refuse", "ID", "refuse friendship", 1, false, ANY, 104,
     "fromUserId=@ toUserId=1 confirmResult=-", NULL},
    {"refuse", "ID GROUP", "refuse a new member", 2, false, ANY, 106,
     "handleAdministratorId=@ toUserId=1 groupId=2 confirmResult=-", NULL},
    {"unfriend", "ID", "end a friendship", 1, false, ANY, 15, "fromUserId=@ toUserId=1", NULL},
    {"block", "ID", "take nothing from a person", 1, false, ANY, 321, "user=1 on=+", NULL},
    {"unblock", "ID", "take things again", 1, false, ANY, 321, "user=1 on=-", NULL},
    {"make", "ID", "make a group", 1, false, ANY, 114, "ownerId=@ groupId=1", NULL},
    {"join", "ID", "ask to join a group", 1, false, ANY, 3, "fromUserId=@ groupId=1", NULL},
    {"title", "NAME", "the open group's name", 1, true, GROUP, 325, "of=o name=1", NULL},
    {"members", "", "the members of the open group", 0, false, GROUP, 309, "group=g", NULL},
    {"invite", "ID", "add a friend to the open group", 1, false, GROUP, 106,
     "handleAdministratorId=@ toUserId=1 groupId=g confirmResult=+", NULL},
    {"leave", "", "leave the open group", 0, false, GROUP, 11, "fromUserId=@ groupId=g", NULL},
    {"kick", "ID", "remove a member", 1, false, GROUP, 17,
     "fromAdministratorId=@ fromGroupId=g toUserId=1", NULL},
    {"ban", "ID", "remove a person and keep it out", 1, false, GROUP, 335, "group=g user=1 on=+",
     NULL},
    {"unban", "ID", "let a person ask to join again", 1, false, GROUP, 335, "group=g user=1 on=-",
     NULL},
    {"mute", "ID MINUTES", "let a member not write (0: let it write)", 2, false, GROUP, 0, "",
     run_mute},
    {"admin", "ID", "make a member an administrator", 1, false, GROUP, 19,
     "ownerId=@ groupId=g toUserId=1", NULL},
    {"unadmin", "ID", "make an administrator a plain member", 1, false, GROUP, 21,
     "ownerId=@ groupId=g fromUserId=1", NULL},
    {"dissolve", "", "dissolve the open group", 0, false, GROUP, 111, "ownerId=@ groupId=g", NULL},
    {"resume", "", "take the login back from another program", 0, false, ANY, 0, "", run_resume},
    {"quit", "", "leave", 0, false, ANY, 0, "", run_quit},
};
#define COMMANDS (sizeof commands / sizeof commands[0])

bool chat_commands_row(size_t index, const char **name_r, const char **arguments_r,
                       const char **help_r) {
    if (index >= COMMANDS)
        return false;
    *name_r = commands[index].name;
    *arguments_r = commands[index].arguments;
    *help_r = commands[index].help;
    return true;
}

static void run_help(struct chat *chat, char **words) {
    (void)words;
    for (size_t i = 0; i < COMMANDS; i++) {
        struct buffer *line = chat_screen_begin(&chat->screen);
        buffer_printf(
            line, "/%s%s%-*s  %s", commands[i].name, commands[i].arguments[0] == '\0' ? "" : " ",
            (int)(20 - strlen(commands[i].name)), commands[i].arguments, commands[i].help);
        chat_screen_end(&chat->screen);
    }
    chat_screen_say(&chat->screen, "anything else is a text; //... is a text that begins with /");
}

/* --- requests -----------------------------------------------------------------------------------
 */

static cJSON *make_value(const struct chat *chat, const char *value, char **words) {
    uint64_t number;
    switch (value[0]) {
    case '@':
        return cJSON_CreateString(chat->id);
    case 'g':
        return cJSON_CreateString(chat->open.id);
    case 'm':
        return cJSON_CreateString("me");
    case 'p':
    case 'o':
        return chat_peer_make(&chat->open);
    case '+':
    case '-':
        return cJSON_CreateBool(value[0] == '+');
    case '#':
        return id_is_decimal(slice_text(words[value[1] - '1']), &number)
                   ? cJSON_CreateNumber((double)number)
                   : NULL;
    default:
        return cJSON_CreateString(words[value[0] - '1']);
    }
}

/* The fields of a request; NULL when a word is no number (or memory is short). */
static cJSON *make_body(const struct chat *chat, const struct command *command, char **words) {
    char fields[BODY_BYTES], *place = NULL;
    cJSON *body = cJSON_CreateObject();
    snprintf(fields, sizeof fields, "%s", command->body);
    for (char *key = strtok_r(fields, " ", &place); key != NULL;
         key = strtok_r(NULL, " ", &place)) {
        char *value = strchr(key, '=');
        *value++ = '\0';
        cJSON *item = make_value(chat, value, words);
        if (item == NULL || !cJSON_AddItemToObject(body, key, item)) {
            cJSON_Delete(item);
            cJSON_Delete(body);
            return NULL;
        }
    }
    return body;
}

static const struct command *find(const char *name, size_t words) {
    const struct command *near = NULL;
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i].name, name) == 0) {
            near = &commands[i];
            if (near->words == words || near->text)
                break;
        }
    return near;
}

static void run(struct chat *chat, const struct command *command, char **words) {
    if (command->needs != ANY && chat->open.id[0] == '\0') {
        chat_refuse(chat, command->name, "say /to ID or /group ID first");
    } else if (command->needs == GROUP && !chat->open.group) {
        chat_refuse(chat, command->name, "say /group ID first");
    } else if (command->run != NULL) {
        command->run(chat, words);
    } else {
        cJSON *body = make_body(chat, command, words);
        if (body == NULL)
            chat_refuse(chat, command->name, "a number is needed");
        else
            chat_ask(chat, command->number, body, command->name);
    }
}

/* `line` without its slash. */
static void take_command(struct chat *chat, struct slice line) {
    struct chat_words words;
    char usage[64];
    if (!chat_words_split(line, CHAT_WORDS_MAX, &words) || words.count == 0) {
        chat_words_free(&words);
        chat_refuse(chat, "", "see /help");
        return;
    }
    const struct command *command = find(words.items[0], words.count - 1);
    if (command != NULL && command->text) {
        /* The name may have been found in quotes; its meaning is the same. */
        chat_words_free(&words);
        if (!chat_words_split(line, command->words + 1, &words))
            words.count = 0;
    }
    if (command == NULL) {
        chat_refuse(chat, words.items[0], "there is no such command: see /help");
    } else if (words.count != command->words + 1) {
        snprintf(usage, sizeof usage, "it is /%s%s%s", command->name, command->words > 0 ? " " : "",
                 command->arguments);
        chat_refuse(chat, command->name, usage);
    } else {
        run(chat, command, words.items + 1);
    }
    chat_words_free(&words);
}

void chat_commands_take(struct chat *chat, struct slice line) {
    if (line.length > 0 && line.data[line.length - 1] == '\r')
        line.length--;
    if (line.length == 0)
        return;
    const char *fault = chat_words_fault(line);
    if (fault != NULL) {
        chat_refuse(chat, NULL, fault);
    } else if (line.data[0] == '/' && (line.length == 1 || line.data[1] != '/')) {
        take_command(chat, slice_make(line.data + 1, line.length - 1));
    } else {
        bool slash = line.data[0] == '/';
        char *text = slice_copy(slice_make(line.data + slash, line.length - slash));
        if (text == NULL)
            chat_refuse(chat, NULL, "memory is short");
        else
            send_text(chat, text, 0);
        free(text);
    }
}
