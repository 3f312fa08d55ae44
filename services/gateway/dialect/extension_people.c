/* 307, 309, 311, 325, 337; see extension_people.h. */
#include "services/gateway/dialect/extension_people.h"

#include "proto/ids.h"
#include "services/gateway/dialect/answer.h"
#include "services/gateway/dialect/json.h"
#include "services/gateway/dialect/shown_file.h"

static void write_text(const char *key, struct slice text, struct buffer *out) {
    json_raw(out, key);
    json_text(out, text);
}

static void write_flag(const char *key, bool flag, struct buffer *out) {
    json_raw(out, key);
    json_raw(out, flag ? "true" : "false");
}

static void write_number(const char *key, uint64_t number, struct buffer *out) {
    json_raw(out, key);
    json_number(out, number);
}

/* --- lists --------------------------------------------------------------------------------- */

/* An item up to its name. */
static void open_item(const struct dialect_form *form, bool first, uint64_t account,
                      struct slice id, struct slice name, struct buffer *out) {
    json_raw(out, first ? "{\"user\":" : ",{\"user\":");
    json_id(out, form->string_ids, account, id);
    write_text(",\"name\":", name, out);
}

/* One of a list that is left out where it is empty; false: the next one is not the first. */
static bool write_other(const struct dialect_form *form, const char *list, bool first,
                        uint64_t number, struct slice id, struct slice name, struct buffer *out) {
    if (first)
        json_raw(out, list);
    open_item(form, first, number, id, name, out);
    json_raw(out, "}");
    return false;
}

/* `last`: the account that ends the page. */
static void write_more(bool more, uint64_t last, struct buffer *out) {
    write_flag("],\"more\":", more, out);
    if (more)
        write_number(",\"after\":", last, out);
}

/* `after` is the number from the answer before: the same in every dialect. */
static void read_page(struct reading *reading) {
    struct dialect_request *request = reading->request;
    if (field_given(reading->body, "after"))
        reading_whole(reading, reading->body, "after", 0, NUMBER_LIMIT - 1, &request->after);
    if (field_given(reading->body, "limit"))
        reading_whole(reading, reading->body, "limit", 1, LIST_MAX, &request->limit);
}

/* --- 307, 308 ------------------------------------------------------------------------------ */

void extension_read_friends(struct reading *reading) { read_page(reading); }

static void write_friend(const struct dialect_form *form, const struct acquaintance *item,
                         bool first, bool online, struct buffer *out) {
    open_item(form, first, item->account, item->id, item->name, out);
    write_text(",\"remark\":", item->remark, out);
    shown_file_write_avatar(",\"avatar\":", item->avatar, form, out);
    write_flag(",\"online\":", online, out);
    json_raw(out, "}");
}

static void write_friend_request(const struct dialect_form *form, const struct acquaintance *item,
                                 bool first, struct buffer *out) {
    open_item(form, first, item->account, item->id, item->name, out);
    shown_file_write_avatar(",\"avatar\":", item->avatar, form, out);
    write_flag(",\"mine\":", item->relation == RELATION_ASKED, out);
    json_raw(out, "}");
}

void extension_write_friends(const struct dialect_form *form, const struct dialect_account *self,
                             const struct dialect_request *request,
                             const struct dialect_result *result, struct buffer *out) {
    const struct dialect_people *people = result->reply;
    const struct group_friends_reply *list = people->list;
    const struct acquaintance *items = list->items.items;
    bool first = true;
    (void)self;
    (void)request;
    json_raw(out, "\"friends\":[");
    for (size_t i = 0; i < list->items.count; i++) {
        if (items[i].relation != RELATION_FRIEND)
            continue;
        write_friend(form, &items[i], first, people->online[i], out);
        first = false;
    }
    json_raw(out, "],\"requests\":[");
    first = true;
    for (size_t i = 0; i < list->items.count; i++) {
        if (items[i].relation != RELATION_ASKED && items[i].relation != RELATION_ASKS)
            continue;
        write_friend_request(form, &items[i], first, out);
        first = false;
    }
    first = true;
    for (size_t i = 0; i < list->items.count; i++)
        if (items[i].blocked)
            first = write_other(form, "],\"blocked\":[", first, items[i].account, items[i].id,
                                items[i].name, out);
    write_more(list->more, list->more ? items[list->items.count - 1].account : 0, out);
}

/* --- 309, 310 ------------------------------------------------------------------------------ */

void extension_read_members(struct reading *reading) {
    reading->read_id(reading, reading->body, "group", &reading->request->group);
    read_page(reading);
}

static const char *role_word(uint64_t role) {
    return role == 3 ? "\"owner\"" : role == 2 ? "\"administrator\"" : "\"member\"";
}

static void write_member(const struct dialect_form *form, const struct group_member *item,
                         bool first, bool online, const uint64_t *read, struct buffer *out) {
    open_item(form, first, item->account, item->id, item->name, out);
    if (item->avatar.length > 0)
        shown_file_write_avatar(",\"avatar\":", item->avatar, form, out);
    write_text(",\"nick\":", item->nick, out);
    json_raw(out, ",\"role\":");
    json_raw(out, role_word(item->role));
    write_flag(",\"online\":", online, out);
    write_number(",\"muted_until\":", item->muted_until_ms, out);
    if (read != NULL)
        write_number(",\"read\":", *read, out);
    json_raw(out, "}");
}

void extension_write_members(const struct dialect_form *form, const struct dialect_account *self,
                             const struct dialect_request *request,
                             const struct dialect_result *result, struct buffer *out) {
    const struct dialect_people *people = result->reply;
    const struct group_members_reply *list = people->list;
    const struct group_member *items = list->items.items;
    bool first = true;
    (void)self;
    json_raw(out, "\"group\":");
    json_id(out, form->string_ids, request->group.number, request->group.text);
    json_raw(out, ",\"members\":[");
    for (size_t i = 0; i < list->items.count; i++) {
        if (items[i].role == 0)
            continue;
        write_member(form, &items[i], first, people->online[i],
                     people->read == NULL ? NULL : &people->read[i], out);
        first = false;
    }
    json_raw(out, "],\"requests\":[");
    first = true;
    for (size_t i = 0; i < list->items.count; i++) {
        if (items[i].role != 0 || items[i].banned)
            continue;
        open_item(form, first, items[i].account, items[i].id, items[i].name, out);
        json_raw(out, "}");
        first = false;
    }
    first = true;
    for (size_t i = 0; i < list->items.count; i++)
        if (items[i].banned)
            first = write_other(form, "],\"banned\":[", first, items[i].account, items[i].id,
                                items[i].name, out);
    write_more(list->more, list->more ? items[list->items.count - 1].account : 0, out);
}

/* --- 311, 312 ------------------------------------------------------------------------------ */

void extension_read_profile(struct reading *reading) {
    struct dialect_request *request = reading->request;
    const cJSON *body = reading->body;
    bool user = field_given(body, "user"), group = field_given(body, "group");
    if (user + group + field_given(body, "email") != 1)
        reading_fail(reading, "exactly one of user, group and email is needed");
    else if (user)
        reading->read_id(reading, body, "user", &request->person);
    else if (group)
        reading->read_id(reading, body, "group", &request->group);
    else
        reading_email(reading, body, "email", &request->email);
}

void extension_write_profile(const struct dialect_form *form, const struct dialect_account *self,
                             const struct dialect_request *request,
                             const struct dialect_result *result, struct buffer *out) {
    const struct group_profile_reply *profile = result->reply;
    bool group = profile->group != 0;
    (void)self;
    (void)request;
    json_raw(out, group ? "\"group\":" : "\"user\":");
    json_id(out, form->string_ids, group ? profile->group : profile->user, profile->id);
    write_text(",\"name\":", profile->name, out);
    shown_file_write_avatar(",\"avatar\":", profile->avatar, form, out);
    write_text(",\"about\":", profile->about, out);
    if (group) {
        write_number(",\"slow_s\":", profile->slow_s, out);
    } else {
        write_text(",\"remark\":", profile->remark, out);
    }
    write_flag(group ? ",\"member\":" : ",\"friend\":", profile->near, out);
}

/* --- 325 ----------------------------------------------------------------------------------- */

/* Empty: it is to have none. */
static void read_avatar(struct reading *reading) {
    const cJSON *avatar = cJSON_GetObjectItemCaseSensitive(reading->body, "avatar");
    if (!cJSON_IsString(avatar) || avatar->valuestring[0] != '\0')
        reading_file_id(reading, reading->body, "avatar", &reading->request->file);
}

/* The fields that both kinds of profiles have; true: one of them is given. */
static bool read_profile_fields(struct reading *reading) {
    struct dialect_request *request = reading->request;
    const cJSON *body = reading->body;
    bool name = field_given(body, "name");
    request->sets_about = field_given(body, "about");
    request->sets_avatar = field_given(body, "avatar");
    if (request->sets_avatar)
        read_avatar(reading);
    if (name)
        reading_name(reading, body, "name", &request->name);
    if (request->sets_about)
        reading_about(reading, body, "about", &request->about);
    return name || request->sets_about || request->sets_avatar;
}

static void read_own_profile(struct reading *reading) {
    reading->request->operation = OPERATION_SET_PROFILE;
    if (!read_profile_fields(reading))
        reading_fail(reading, "there is nothing to set: neither name, avatar nor about");
}

static void read_group_profile(struct reading *reading, const cJSON *of) {
    struct dialect_request *request = reading->request;
    request->operation = OPERATION_SET_GROUP_PROFILE;
    request->sets_slow = field_given(reading->body, "slow_s");
    reading->read_id(reading, of, "of.group", &request->group);
    bool given = read_profile_fields(reading);
    if (request->sets_slow)
        reading_whole(reading, reading->body, "slow_s", 0, SLOW_MAX_S, &request->slow_s);
    else if (!given)
        reading_fail(reading, "there is nothing to set: neither name, avatar, about nor slow_s");
}

static void read_friend(struct reading *reading, const cJSON *of) {
    struct dialect_request *request = reading->request;
    request->operation = OPERATION_SET_REMARK;
    reading->read_id(reading, of, "of.friend", &request->person);
    reading_remark(reading, reading->body, "remark", &request->name);
}

static void read_membership(struct reading *reading, const cJSON *of) {
    struct dialect_request *request = reading->request;
    request->operation = OPERATION_SET_NICK;
    const cJSON *member = reading_object(reading, of, "of.member");
    reading->read_id(reading, member, "of.member.group", &request->group);
    reading_remark(reading, reading->body, "nick", &request->name);
}

void extension_read_set(struct reading *reading) {
    const cJSON *me = cJSON_GetObjectItemCaseSensitive(reading->body, "of");
    if (cJSON_IsString(me) && slice_equal(slice_text(me->valuestring), slice_text("me"))) {
        read_own_profile(reading);
        return;
    }
    const cJSON *of = reading_object(reading, reading->body, "of");
    bool group = field_given(of, "group"), person = field_given(of, "friend");
    if (group + person + field_given(of, "member") != 1)
        reading_fail(reading, "of needs exactly one of group, friend and member, or is \"me\"");
    else if (group)
        read_group_profile(reading, of);
    else if (person)
        read_friend(reading, of);
    else
        read_membership(reading, of);
}

void extension_write_profile_changed(const struct dialect_form *form, const struct entry *entry,
                                     uint64_t account, struct buffer *out) {
    (void)account;
    json_raw(out, "\"of\":{\"user\":");
    json_id(out, form->string_ids, entry->subject, entry->subject_id);
    json_raw(out, "}");
}

void extension_write_group_changed(const struct dialect_form *form, const struct entry *entry,
                                   uint64_t account, struct buffer *out) {
    (void)account;
    json_raw(out, "\"of\":{\"group\":");
    json_id(out, form->string_ids, entry->to, entry->to_id);
    json_raw(out, "},\"by\":");
    json_id(out, form->string_ids, entry->from, entry->from_id);
}

void extension_write_nick(const struct dialect_form *form, const struct entry *entry,
                          uint64_t account, struct buffer *out) {
    (void)account;
    json_raw(out, "\"of\":{\"member\":{\"group\":");
    json_id(out, form->string_ids, entry->to, entry->to_id);
    json_raw(out, ",\"user\":");
    json_id(out, form->string_ids, entry->subject, entry->subject_id);
    write_text("}},\"nick\":", entry->text, out);
}

/* --- 337 ----------------------------------------------------------------------------------- */

void extension_read_quiet(struct reading *reading) {
    struct dialect_request *request = reading->request;
    reading_peer(reading);
    reading_whole(reading, reading->body, "until_ms", 0, NUMBER_LIMIT - 1, &request->until_ms);
    if (!request->group.present && !request->person.present)
        reading_fail(reading, "peer.user must be a person");
}

void extension_write_quiet(const struct dialect_form *form, const struct entry *entry,
                           uint64_t account, struct buffer *out) {
    const struct dialect_account self = {.number = account};
    answer_write_peer(form->string_ids, entry, &self, out);
    write_number(",\"until_ms\":", entry->target, out);
}
