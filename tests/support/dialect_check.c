/* See dialect_check.h. */
#include "tests/support/dialect_check.h"

#include <inttypes.h>

char *json_of(const char *text) {
    char *copy = strdup(text);
    assert_non_null(copy);
    for (char *c = copy; *c; c++) {
        if (*c == '\'')
            *c = '"';
    }
    return copy;
}

void check_detected(const char *text, enum dialect dialect) {
    char *json_text = json_of(text);
    cJSON *json = cJSON_Parse(json_text);
    assert_non_null(json);
    assert_int_equal(dialect_detect(json), dialect);
    cJSON_Delete(json);
    free(json_text);
}

void check_read(enum dialect dialect, bool ext, const char *text, const char *fault,
                struct dialect_request *request) {
    char *json_text = json_of(text);
    char found[DIALECT_FAULT_BYTES] = "";
    cJSON *json = dialect_parse(slice_text(json_text), found);
    *request = (struct dialect_request){.memory = NULL};
    if (json && found[0] != '\0') {
        cJSON_Delete(json);
    } else if (json) {
        enum err err = dialect_read(dialect, ext, json, request, found);
        if (err != (fault ? ERR_BAD_REQUEST : ERR_OK))
            fail_msg("%s: %s (%s)", text, err_word(err), found);
    }
    if (strcmp(found, fault ? fault : "") != 0)
        fail_msg("%s: the fault is \"%s\", and not \"%s\"", text, found, fault ? fault : "");
    free(json_text);
}

void read_as(enum dialect dialect, bool ext, unsigned number, const char *body, const char *fault,
             struct dialect_request *request) {
    char text[4096];
    snprintf(text, sizeof text,
             dialect == DIALECT_OURCHAT ? "{'code':%u,'time':1,'ref':'r','data':%s}"
                                        : "{'msgType':'%u','ref':'r','msgBody':%s}",
             number, body);
    check_read(dialect, ext, text, fault, request);
}

void check_fault_of(enum dialect dialect, unsigned number, const char *body, const char *fault) {
    struct dialect_request request;
    read_as(dialect, true, number, body, fault, &request);
    dialect_request_free(&request);
}

void check_faults_of(unsigned number, const struct fault_case *cases, size_t count) {
    for (EACH_DIALECT(dialect))
        for (size_t i = 0; i < count; i++)
            check_fault_of(dialect, number, cases[i].json, cases[i].fault);
}

void check_needs_ext(unsigned number, const char *body) {
    struct dialect_request request;
    for (EACH_DIALECT(dialect)) {
        char fault[64];
        snprintf(fault, sizeof fault, "%s %u is not known",
                 dialect == DIALECT_OURCHAT ? "code" : "msgType", number);
        read_as(dialect, false, number, body, fault, &request);
        dialect_request_free(&request);
    }
}

void check_faults(enum dialect dialect, bool ext, const struct fault_case *cases, size_t count) {
    for (size_t i = 0; i < count; i++) {
        struct dialect_request request;
        check_read(dialect, ext, cases[i].json, cases[i].fault, &request);
        dialect_request_free(&request);
    }
}

static const char *const operations[OPERATION_COUNT] = {
    [OPERATION_NONE] = "none",
    [OPERATION_HEARTBEAT] = "heartbeat",
    [OPERATION_REGISTER] = "register",
    [OPERATION_LOGIN] = "login",
    [OPERATION_RESUME] = "resume",
    [OPERATION_LOGOUT] = "logout",
    [OPERATION_SEND] = "send",
    [OPERATION_RECEIVED] = "received",
    [OPERATION_CREATE_GROUP] = "create_group",
    [OPERATION_BEFRIEND] = "befriend",
    [OPERATION_ANSWER_FRIEND] = "answer_friend",
    [OPERATION_UNFRIEND] = "unfriend",
    [OPERATION_JOIN] = "join",
    [OPERATION_ANSWER_JOIN] = "answer_join",
    [OPERATION_ADMIT] = "admit",
    [OPERATION_LEAVE] = "leave",
    [OPERATION_REMOVE_MEMBER] = "remove_member",
    [OPERATION_SET_ADMIN] = "set_admin",
    [OPERATION_DISSOLVE] = "dissolve",
    [OPERATION_RENAME_GROUP] = "rename_group",
    [OPERATION_RENAME_SELF] = "rename_self",
    [OPERATION_READ] = "read",
    [OPERATION_TYPING] = "typing",
    [OPERATION_CONVERSATIONS] = "conversations",
    [OPERATION_HISTORY] = "history",
    [OPERATION_SEARCH] = "search",
    [OPERATION_FRIENDS] = "friends",
    [OPERATION_MEMBERS] = "members",
    [OPERATION_PROFILE] = "profile",
    [OPERATION_SET_PROFILE] = "set_profile",
    [OPERATION_SET_GROUP_PROFILE] = "set_group_profile",
    [OPERATION_SET_REMARK] = "set_remark",
    [OPERATION_SET_NICK] = "set_nick",
    [OPERATION_QUIET] = "quiet",
    [OPERATION_BLOCK] = "block",
    [OPERATION_MUTE] = "mute",
    [OPERATION_BAN] = "ban",
    [OPERATION_RECALL] = "recall",
    [OPERATION_EDIT] = "edit",
    [OPERATION_REACT] = "react",
    [OPERATION_FORGET] = "forget",
};

static void add_slice(FILE *out, const char *name, struct slice value) {
    if (value.length > 0)
        fprintf(out, " %s=%.*s", name, (int)value.length, value.data);
}

static void add_number(FILE *out, const char *name, uint64_t value) {
    if (value > 0)
        fprintf(out, " %s=%" PRIu64, name, value);
}

static void add_id(FILE *out, const char *name, struct dialect_id id) {
    if (id.present && id.text.length > 0)
        fprintf(out, " %s='%.*s'", name, (int)id.text.length, id.text.data);
    else if (id.present)
        fprintf(out, " %s=%" PRIu64, name, id.number);
}

/* The request in words, without the fields that it lacks. The caller frees them. */
static char *words_of_request(const struct dialect_request *request) {
    static const char *const to[] = {"to_none", "to_user", "to_group"};
    char *words = NULL;
    size_t length;
    FILE *out = open_memstream(&words, &length);
    assert_non_null(out);
    fprintf(out, "%" PRIu64 " %s%s%s%s", request->number, operations[request->operation],
            request->login_needed ? "" : " before_login", request->ext ? " ext" : "",
            request->accept ? " accept" : "");
    add_id(out, "actor", request->actor);
    add_id(out, to[request->recipient_kind], request->recipient);
    add_id(out, "group", request->group);
    add_id(out, "person", request->person);
    add_slice(out, request->token_given ? "token" : "earlier_token", request->token);
    add_slice(out, "ref", request->ref);
    add_slice(out, "text", request->text);
    add_slice(out, "account", request->account);
    add_slice(out, "email", request->email);
    add_slice(out, "password", request->password);
    add_slice(out, "name", request->name);
    add_slice(out, "registration_token", request->registration_token);
    add_slice(out, "about", request->about);
    add_number(out, "cid", request->cid);
    add_number(out, "before", request->before);
    add_number(out, "after", request->after);
    add_number(out, "around", request->around);
    add_number(out, "limit", request->limit);
    add_number(out, "until_ms", request->until_ms);
    add_number(out, "slow_s", request->slow_s);
    fprintf(out, "%s%s%s%s", request->everywhere ? " everywhere" : "",
            request->blank ? " blank" : "", request->sets_about ? " sets_about" : "",
            request->sets_slow ? " sets_slow" : "");
    assert_int_equal(fclose(out), 0);
    return words;
}

/* Frees the request. */
static void check_words(struct dialect_request *request, const char *json, const char *expected) {
    char *found = words_of_request(request);
    if (strcmp(found, expected) != 0)
        fail_msg("%s\nis read as  %s\nand not as  %s", json, found, expected);
    free(found);
    dialect_request_free(request);
    assert_null(request->memory);
}

void check_reads(enum dialect dialect, bool ext, const struct read_case *cases, size_t count) {
    for (size_t i = 0; i < count; i++) {
        struct dialect_request request;
        check_read(dialect, ext, cases[i].json, NULL, &request);
        check_words(&request, cases[i].json, cases[i].read);
    }
}

void check_read_as(enum dialect dialect, const char *body, const char *read) {
    struct dialect_request request;
    read_as(dialect, true, (unsigned)strtoul(read, NULL, 10), body, NULL, &request);
    check_words(&request, body, read);
}

void check_reads_of(const struct read_case *cases, size_t count) {
    for (EACH_DIALECT(dialect))
        for (size_t i = 0; i < count; i++)
            check_read_as(dialect, cases[i].json, cases[i].read);
}

void check_slice(struct slice found, const char *expected) {
    assert_int_equal(found.length, strlen(expected));
    assert_memory_equal(found.length ? found.data : "", expected, found.length);
}

void check_id(struct dialect_id id, uint64_t number, const char *text) {
    assert_true(id.present);
    check_slice(id.text, text);
    if (id.text.length == 0)
        assert_int_equal(id.number, number);
}

void check_json(const char *data, size_t length, const char *sample) {
    char *expected = json_of(sample);
    cJSON_Minify(expected);
    char *found = slice_copy(slice_make(data, length));
    assert_non_null(found);
    assert_string_equal(found, expected);
    free(found);
    free(expected);
}

void check_answers(enum dialect dialect, bool ext, const struct dialect_account *self,
                   const struct dialect_request *request, const struct dialect_result *result,
                   const char *const samples[]) {
    struct buffer out = buffer_make(65536);
    struct dialect_texts texts = {.out = &out};
    dialect_write_result(dialect, ext, self, request, result, &texts);
    assert_false(out.failed);
    size_t start = 0;
    for (size_t i = 0; i < texts.count; i++) {
        assert_non_null(samples[i]);
        check_json(out.data + start, texts.ends[i] - start, samples[i]);
        start = texts.ends[i];
    }
    assert_null(samples[texts.count]);
    assert_int_equal(start, out.length);
    buffer_free(&out);
}

void check_silent(enum dialect dialect, const struct dialect_account *self,
                  enum operation operation, const char *answer_to_ref) {
    struct dialect_request request = {.operation = operation};
    struct dialect_result result = {.time_ms = 1700000000999};
    check_answers(dialect, true, self, &request, &result, NO_ANSWER);
    request.ref = slice_text("r");
    check_answers(dialect, false, self, &request, &result, NO_ANSWER);
    check_answers(dialect, true, self, &request, &result, ANSWERS(answer_to_ref));
}

void check_entry(enum dialect dialect, bool ext, uint64_t account, const struct entry *entry,
                 const char *sample) {
    enum dialect_view view = dialect_entry_view(dialect, ext, entry, account);
    if (view == DIALECT_VIEW_NOTHING && sample)
        fail_msg("account %" PRIu64 " is not shown %s", account, sample);
    if (view == DIALECT_VIEW_NOTHING)
        return;
    struct buffer out = buffer_make(1 << 20);
    dialect_write_entry(dialect, ext, NULL, entry, account, &out);
    assert_false(out.failed);
    if (!sample)
        fail_msg("account %" PRIu64 " is shown %.*s", account, (int)out.length, out.data);
    check_json(out.data, out.length, sample);
    buffer_free(&out);
}

void check_shown(uint64_t account, const struct entry *entry, const char *ourchat,
                 const char *youim) {
    check_entry(DIALECT_OURCHAT, true, account, entry, ourchat);
    check_entry(DIALECT_YOUIM, true, account, entry, youim);
    for (EACH_DIALECT(dialect))
        check_entry(dialect, false, account, entry, NULL);
}
