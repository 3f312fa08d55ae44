/*
 * The gateway alone, given replies at the ends of what their descriptions allow, and beyond: for
 * each message that it sends and each shape of a reply (extreme.h), in both dialects. The client
 * gets an answer or its connection ends; what it gets is JSON; and the gateway goes on. (Built with
 * SANITIZE=undefined, it ends at the first overflow.)
 *
 * A message that the gateway may send and no row here makes it send, fails the test; but for those
 * to files, which have gateway_file_replies_test.c, and to hooks, which is not played here.
 */
#include <cjson/cJSON.h>
#include <string.h>

#include "common/program.h"
#include "common/unicode.h"
#include "tests/support/extreme.h"
#include "tests/support/gateway_scene.h"
#include "tests/support/shelf.h"
#include "tests/support/test_list.h"

/* Replies of a case that are extreme: a gateway that asks again is answered plainly then. */
#define EXTREME_REPLIES 3
/* Of the gateway's output, when a test fails. */
#define SHOWN_BYTES 3000

/* Which client makes the gateway ask; everybody is account 1, `a`, with the token `a`. */
enum asker { ASKER_NEW, ASKER_IN };

static const struct row {
    const struct message_desc *message;
    enum asker asker;
    unsigned ourchat;
    const char *ourchat_body; /* NULL: this dialect does not ask for it */
    unsigned youim;
    const char *youim_body; /* # stands for a number that no other has */
} rows[] = {
#define BOTH(number_, body_) number_, body_, number_, body_
#define YOUIM_ONLY(number_, body_) 0, NULL, number_, body_
#define OURCHAT_ONLY(number_, body_) number_, body_, 0, NULL
#define ME "'token':'a',"
    {&message_AUTH_REGISTER, ASKER_NEW, 4, "{'email':'a#@b.c','password':'p','name':'n','ext':1}",
     113, "{'userId':'u#','ext':1}"},
    {&message_AUTH_LOGIN, ASKER_NEW, 6, "{'account':'1','password':'p','ext':1}", 1,
     "{'loginUserId':'a','ext':1}"},
    {&message_AUTH_RESUME, ASKER_NEW, BOTH(317, "{'token':'a'}")},
    {&message_AUTH_ENTER, ASKER_NEW, 6, "{'token':'e30.e30.x','ext':1}", 1,
     "{'token':'e30.e30.x','ext':1}"},
    {&message_SESSION_BIND, ASKER_NEW, 6, "{'account':'1','password':'p','ext':1}", 1,
     "{'loginUserId':'a','ext':1}"},
    {&message_DELIVERY_PULL, ASKER_NEW, 6, "{'account':'1','password':'p','ext':1}", 1,
     "{'loginUserId':'a','ext':1}"},
    {&message_AUTH_LOGOUT, ASKER_IN, YOUIM_ONLY(9, "{" ME "'logoutUserId':'a'}")},
    {&message_AUTH_DEVICES, ASKER_IN, BOTH(319, "{}")},
    {&message_SESSION_LOGINS, ASKER_IN, BOTH(319, "{}")},
    {&message_AUTH_END_DEVICE, ASKER_IN, BOTH(319, "{'close':'0123456789abcdef'}")},
    {&message_SESSION_END_LOGIN, ASKER_IN, BOTH(319, "{'close':'0123456789abcdef'}")},
    {&message_AUTH_RESOLVE, ASKER_IN, YOUIM_ONLY(311, "{'user':'n#'}")},
    {&message_GROUP_RESOLVE, ASKER_IN, YOUIM_ONLY(311, "{'group':'g#'}")},
    {&message_AUTH_FORGET, ASKER_IN, BOTH(339, "{'confirm':true}")},
    {&message_GROUP_FORGET, ASKER_IN, BOTH(339, "{'confirm':true}")},
    {&message_GROUP_CREATE, ASKER_IN, 8, "{'ocid':1,'group_name':'g'}", 114,
     "{" ME "'ownerId':'a','groupId':'g#'}"},
    {&message_GROUP_ADD, ASKER_IN, OURCHAT_ONLY(10, "{'group_id':5,'ocid':2}")},
    {&message_GROUP_BEFRIEND, ASKER_IN, 9, "{'ocid':1,'add_ocid':2}", 13,
     "{" ME "'fromUserId':'a','toUserId':'2'}"},
    {&message_GROUP_ANSWER_FRIEND, ASKER_IN, 10, "{'add_ocid':1,'ocid':2}", 104,
     "{" ME "'fromUserId':'a','toUserId':'2','confirmResult':true}"},
    {&message_GROUP_UNFRIEND, ASKER_IN, 115, "{'ocid':1,'target_ocid':2}", 15,
     "{" ME "'fromUserId':'a','toUserId':'2'}"},
    {&message_GROUP_BLOCK, ASKER_IN, BOTH(321, "{'user':2,'on':true}")},
    {&message_GROUP_JOIN, ASKER_IN, 9, "{'ocid':1,'group_id':5}", 3,
     "{" ME "'fromUserId':'a','groupId':'5'}"},
    {&message_GROUP_ANSWER_JOIN, ASKER_IN, 11, "{'group_id':5,'ocid':2}", 106,
     "{" ME "'handleAdministratorId':'a','groupId':'5','toUserId':'2','confirmResult':false}"},
    {&message_GROUP_LEAVE, ASKER_IN, 111, "{'group_id':5,'ocid':1}", 11,
     "{" ME "'fromUserId':'a','groupId':'5'}"},
    {&message_GROUP_REMOVE, ASKER_IN, 117, "{'group_id':5,'ocid':1,'target_ocid':2}", 17,
     "{" ME "'fromAdministratorId':'a','fromGroupId':'5','toUserId':'2'}"},
    {&message_GROUP_SET_ADMIN, ASKER_IN, 119, "{'group_id':5,'ocid':1,'target_ocid':2}", 19,
     "{" ME "'ownerId':'a','groupId':'5','toUserId':'2'}"},
    {&message_GROUP_MUTE, ASKER_IN, BOTH(333, "{'group':5,'user':2,'until_ms':0}")},
    {&message_GROUP_BAN, ASKER_IN, BOTH(335, "{'group':5,'user':2,'on':true}")},
    {&message_GROUP_DISSOLVE, ASKER_IN, 211, "{'group_id':5,'ocid':1}", 111,
     "{" ME "'ownerId':'a','groupId':'5'}"},
    {&message_GROUP_RENAME, ASKER_IN, OURCHAT_ONLY(12, "{'group_id':5,'name':'x'}")},
    {&message_GROUP_RENAME_ACCOUNT, ASKER_IN, OURCHAT_ONLY(12, "{'ocid':1,'name':'x'}")},
    {&message_GROUP_FRIENDS, ASKER_IN, BOTH(307, "{}")},
    {&message_SESSION_ONLINE, ASKER_IN, BOTH(309, "{'group':5}")},
    {&message_GROUP_MEMBERS, ASKER_IN, BOTH(309, "{'group':5}")},
    {&message_DELIVERY_CURSORS, ASKER_IN, BOTH(309, "{'group':5}")},
    {&message_GROUP_PROFILE, ASKER_IN, BOTH(311, "{'user':2}")},
    {&message_GROUP_SET_PROFILE, ASKER_IN, BOTH(325, "{'of':'me','name':'x'}")},
    {&message_GROUP_SET_GROUP_PROFILE, ASKER_IN, BOTH(325, "{'of':{'group':5},'name':'x'}")},
    {&message_GROUP_SET_REMARK, ASKER_IN, BOTH(325, "{'of':{'friend':2},'remark':'x'}")},
    {&message_GROUP_SET_NICK, ASKER_IN, BOTH(325, "{'of':{'member':{'group':5}},'nick':'x'}")},
    {&message_DELIVERY_SEND, ASKER_IN, 0, "{'sender':{'ocid':1,'private_id':2},'msg':'x'}", 5,
     "{" ME "'fromUserId':'a','toUserId':'2','msg':'x'}"},
    {&message_DELIVERY_QUIET, ASKER_IN, BOTH(337, "{'peer':{'user':2},'until_ms':0}")},
    {&message_DELIVERY_RECEIVED, ASKER_IN, BOTH(301, "{'peer':{'user':2},'cid':3}")},
    {&message_DELIVERY_READ, ASKER_IN, BOTH(302, "{'peer':{'user':2},'cid':3}")},
    {&message_DELIVERY_RECALL, ASKER_IN, BOTH(315, "{'peer':{'user':2},'cid':3}")},
    {&message_DELIVERY_EDIT, ASKER_IN, BOTH(327, "{'peer':{'user':2},'cid':3,'msg':'x'}")},
    {&message_DELIVERY_REACT, ASKER_IN,
     BOTH(329, "{'peer':{'user':2},'cid':3,'emoji':'x','on':true}")},
    {&message_DELIVERY_SEARCH, ASKER_IN, BOTH(331, "{'text':'ab'}")},
    {&message_DELIVERY_HISTORY, ASKER_IN, BOTH(303, "{'peer':{'user':2},'around':9}")},
    {&message_DELIVERY_HISTORY, ASKER_IN,
     BOTH(303, "{'peer':{'user':2},'after':9007199254740991}")},
    {&message_DELIVERY_CONVERSATIONS, ASKER_IN, BOTH(305, "{}")},
    {&message_DELIVERY_TYPING, ASKER_IN, BOTH(313, "{'peer':{'user':2}}")},
};

struct scene {
    struct stage *stage;
    const struct message_desc *extreme; /* whose replies are extreme */
    const void *reply;
    bool refused; /* instead: an error with a strange text */
    unsigned left, asked;
    unsigned last_ref;
    uint64_t connection; /* of the client that came in last */
    bool pages;          /* the message log holds an entry for everybody */
};

/* --- the services -------------------------------------------------------------------------- */

/* What a request is well answered with: 1, `a` and lists of one; or that nothing is to be waited
 * for, and nothing has been missed. */
static void answer_plainly(const struct scene *scene, struct asked **asked,
                           const struct message_desc *message) {
    struct record_arena arena = {0};
    bool nothing = message == &message_SESSION_BIND || message == &message_DELIVERY_CHECK ||
                   message == &message_DELIVERY_PULL;
    void *reply = extreme_shaped(message->reply, nothing ? EXTREME_EMPTY : EXTREME_ONE, &arena);
    if (message == &message_DELIVERY_PULL && scene->pages) {
        uint64_t conversation = 1, position = 0;
        const struct delivery_pull_reply *one = extreme_shaped(message->reply, EXTREME_ONE, &arena);
        struct delivery_pull_reply page = {.entries = one->entries,
                                           .conversations = {&conversation, 1},
                                           .positions = {&position, 1},
                                           .complete = true,
                                           .count = 1};
        played_answer(asked, &page);
    } else {
        played_answer(asked, reply);
    }
    record_arena_free(&arena);
}

static void answer(struct scene *scene, struct asked **asked, const struct message_desc *message) {
    if (message != scene->extreme || scene->left == 0) {
        answer_plainly(scene, asked, message);
        return;
    }
    scene->left--;
    scene->asked++;
    if (scene->refused)
        played_refuse_as(asked, scene->reply);
    else
        played_answer(asked, scene->reply);
}

static void answer_all(struct scene *scene, struct played *played) {
    const char *name;
    while ((name = played_waiting(played)) != NULL) {
        const struct message_desc *message = played_message(name);
        void *body = calloc(1, message->body->size);
        assert_non_null(body);
        struct asked *asked = played_take(played, message, body);
        if (message == &message_SESSION_BIND)
            scene->connection = ((const struct session_bind *)body)->connections.items[0];
        answer(scene, &asked, message);
        free(body);
    }
}

/* Fails with the last words of a gateway that has ended, or has met what a sanitizer reports. */
static void expect_well(struct scene *scene) {
    const char *output = service_process_output(scene->stage->gateway);
    size_t length = strlen(output);
    const char *report = strstr(output, "runtime error");
    if (report == NULL && !service_process_is_running(scene->stage->gateway))
        report = length > SHOWN_BYTES ? output + length - SHOWN_BYTES : output;
    if (report != NULL)
        fail_msg("after a reply to %s: %.*s", scene->extreme->name, SHOWN_BYTES, report);
}

static void turn(struct scene *scene) {
    stage_turn(scene->stage);
    if (!service_process_is_running(scene->stage->gateway))
        expect_well(scene);
    for (enum role role = 0; role < ROLE_COUNT; role++)
        if (scene->stage->played[role] != NULL)
            answer_all(scene, scene->stage->played[role]);
}

/* --- the clients --------------------------------------------------------------------------- */

static void check_json(const char *text) {
    struct slice rest = slice_text(text);
    uint32_t character;
    size_t length;
    while ((length = unicode_read(rest, &character)) > 0)
        rest = slice_make(rest.data + length, rest.length - length);
    cJSON *json = rest.length == 0 ? cJSON_Parse(text) : NULL;
    if (json == NULL)
        fail_msg("this is no JSON: %.*s", SHOWN_BYTES, text);
    cJSON_Delete(json);
}

/* Whether one of the texts that have come answers the request with that ref. */
static bool has_answer(struct talker *talker, const char *ref) {
    bool found = false;
    while (talker->text_count > 0) {
        char *text = talker_take(talker);
        check_json(text);
        found = found || strstr(text, ref) != NULL;
        free(text);
    }
    return found;
}

static void say(struct talker *talker, bool ourchat, unsigned number, const char *body,
                unsigned ref) {
    char own[256];
    size_t length = 0;
    for (; *body != '\0'; body++)
        length += (size_t)(*body == '#' ? snprintf(own + length, sizeof own - length, "%u", ref)
                                        : snprintf(own + length, sizeof own - length, "%c", *body));
    assert_true(length < sizeof own);
    talker_say(talker, "{'%s':%u,'time':1,'ref':'r%u','%s':%s}", ourchat ? "code" : "msgType",
               number, ref, ourchat ? "data" : "msgBody", own);
}

/* Says it and waits for its answer, or the connection's end. */
static void ask(struct scene *scene, struct talker *talker, bool ourchat, unsigned number,
                const char *body) {
    unsigned ref = ++scene->last_ref;
    char wanted[32];
    snprintf(wanted, sizeof wanted, "\"ref\":\"r%u\"", ref);
    int64_t end_ms = loop_now_ms() + TEST_DEADLINE_MS;
    say(talker, ourchat, number, body, ref);
    while (!has_answer(talker, wanted) && !talker->ended) {
        if (loop_now_ms() > end_ms)
            fail_msg("no answer; %s", stage_now(scene->stage));
        turn(scene);
    }
}

static struct talker *come_in(struct scene *scene, bool ourchat) {
    struct talker *talker = stage_talker(scene->stage, false);
    if (ourchat)
        ask(scene, talker, true, 6, "{'account':'1','password':'p','ext':1}");
    else
        ask(scene, talker, false, 1, "{'loginUserId':'a','ext':1}");
    assert_false(talker->ended);
    return talker;
}

/* --- the cases ----------------------------------------------------------------------------- */

/* Until the gateway has asked for what is to be answered so. */
static void wait_asked(struct scene *scene) {
    int64_t end_ms = loop_now_ms() + TEST_DEADLINE_MS;
    while (scene->asked == 0 && loop_now_ms() < end_ms)
        turn(scene);
    if (scene->asked == 0)
        fail_msg("%s was not asked for; %s", scene->extreme->name, stage_now(scene->stage));
}

static void run_case(struct scene *scene, const struct row *row, bool ourchat, struct talker **in) {
    bool is_new = row->asker == ASKER_NEW;
    scene->left = 0;
    if (!is_new && (*in == NULL || (*in)->ended)) {
        stage_hang_up(scene->stage, in);
        *in = come_in(scene, ourchat);
    }
    struct talker *talker = is_new ? stage_talker(scene->stage, false) : *in;
    scene->left = EXTREME_REPLIES;
    scene->asked = 0;
    ask(scene, talker, ourchat, ourchat ? row->ourchat : row->youim,
        ourchat ? row->ourchat_body : row->youim_body);
    wait_asked(scene);
    if (row->message == &message_DELIVERY_PULL && !talker->ended) /* the reply has been read */
        ask(scene, talker, ourchat, ourchat ? 199 : 99, "{}");
    if (is_new || row->message == &message_AUTH_LOGOUT || row->message == &message_AUTH_FORGET ||
        row->message == &message_GROUP_FORGET)
        stage_hang_up(scene->stage, is_new ? &talker : in);
    expect_well(scene);
}

/* Packed, to find shapes that are the same for this message. */
struct seen {
    struct slice packed[EXTREME_SHAPES];
    size_t count;
};

static bool is_repeated(struct seen *seen, const struct record_desc *desc, const void *reply,
                        struct record_arena *arena) {
    struct buffer packed = buffer_make(ENVELOPE_MAX_BYTES);
    record_pack(desc, reply, &packed);
    assert_false(packed.failed);
    struct slice bytes = record_arena_copy(arena, slice_make(packed.data, packed.length));
    buffer_free(&packed);
    for (size_t i = 0; i < seen->count; i++)
        if (slice_equal(seen->packed[i], bytes))
            return true;
    seen->packed[seen->count++] = bytes;
    return false;
}

/* Each shape of a reply to `scene->extreme`, once, and an error that nobody knows. */
static void each_shape(struct scene *scene, void (*run)(struct scene *scene, void *argument),
                       void *argument) {
    const struct record_desc *desc = scene->extreme->reply;
    struct record_arena arena = {0};
    struct seen seen = {.count = 0};
    for (size_t shape = 0; shape < EXTREME_SHAPES; shape++) {
        scene->refused = false;
        scene->reply = extreme_shaped(desc, shape, &arena);
        if (!is_repeated(&seen, desc, scene->reply, &arena))
            run(scene, argument);
    }
    scene->refused = true;
    scene->reply = extreme_shaped(&envelope_error_desc, EXTREME_STRANGE, &arena);
    run(scene, argument);
    record_arena_free(&arena);
}

/* --- what clients ask for ------------------------------------------------------------------ */

struct asking {
    const struct row *row;
    bool ourchat;
    struct talker *in;
};

static void run_row(struct scene *scene, void *argument) {
    struct asking *asking = argument;
    run_case(scene, asking->row, asking->ourchat, &asking->in);
}

static void run_dialect(struct stage *stage, bool ourchat) {
    struct scene scene = {.stage = stage};
    struct asking asking = {.ourchat = ourchat};
    stage->keeps_moves = stage->keeps_syncs = true; /* they are answered here */
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        asking.row = &rows[i];
        scene.extreme = rows[i].message;
        if ((ourchat ? rows[i].ourchat_body : rows[i].youim_body) != NULL)
            each_shape(&scene, run_row, &asking);
    }
    stage_hang_up(stage, &asking.in);
}

static int set_up(void **state) {
    static const char *const options[] = {"--texts-per-minute=0",
                                          "--groups-per-minute=0",
                                          "--invitations-per-minute=0",
                                          "--history-per-minute=0",
                                          "--searches-per-minute=0",
                                          "--requests-per-minute=0",
                                          "--send-timeout-ms=10000",
                                          "--presence-grace-ms=0",
                                          "--registrations-per-address=0",
                                          "--connections-per-address=0",
                                          NULL};
    return stage_set_up_with(state, options);
}

STAGED_WITH(replies_to_ourchat_may_hold_anything, set_up) { run_dialect(stage, true); }

STAGED_WITH(replies_to_youim_may_hold_anything, set_up) { run_dialect(stage, false); }

/* --- what the gateway asks for by itself ---------------------------------------------------- */

/* It is still there for a client, which has an answer. */
static void go_on(struct scene *scene, struct talker *talker) {
    wait_asked(scene);
    ask(scene, talker, false, 99, "{}");
    expect_well(scene);
}

static void begin(struct scene *scene) {
    scene->left = EXTREME_REPLIES;
    scene->asked = 0;
}

/* A session that was restarted, with the ends of what a ping's reply may hold. */
static void relink(struct scene *scene, void *argument) {
    static size_t last;
    struct played *session = scene->stage->played[SESSION];
    begin(scene);
    last = last % (EXTREME_COUNT - 1) + 1; /* 0 is no link */
    played_set_link(session, extreme_numbers[last]);
    played_set_pushed(session, extreme_numbers[EXTREME_COUNT - last]);
    go_on(scene, argument);
}

static void ask_heard(struct scene *scene, void *argument) {
    struct gateway_heard heard = {.connections = {&scene->connection, 1}};
    begin(scene);
    played_send(scene->stage->played[SESSION], &message_GATEWAY_HEARD, &heard);
    go_on(scene, argument);
}

static void hang_up(struct scene *scene, void *argument) {
    uint64_t connection = scene->connection;
    struct talker *leaving = come_in(scene, false);
    scene->connection = connection;
    begin(scene);
    stage_hang_up(scene->stage, &leaving);
    go_on(scene, argument);
}

/* A client that gets entries, whose arrival is reported. */
static void read_pages(struct scene *scene, void *argument) {
    uint64_t connection = scene->connection;
    scene->pages = true;
    begin(scene);
    struct talker *reader = come_in(scene, false);
    go_on(scene, argument);
    scene->pages = false;
    stage_hang_up(scene->stage, &reader);
    scene->connection = connection;
}

/* A call of the HTTP API, each time with a key of which the gateway has not heard. */
static void call_api(struct scene *scene, void *argument) {
    struct web *web = web_open(scene->stage);
    const char *call = test_text("GET /api/v1/accounts/1 HTTP/1.1\r\nHost: a\r\n"
                                 "Authorization: Bearer key-%u\r\n\r\n",
                                 ++scene->last_ref);
    begin(scene);
    assert_int_equal(web_write_some(web, call, strlen(call)), strlen(call));
    go_on(scene, argument);
    web_close(&web);
}

static const struct own_request {
    const struct message_desc *message;
    void (*provoke)(struct scene *scene, void *argument);
} own_requests[] = {
    {&message_SESSION_SYNC, relink},        {&message_SESSION_HEARD, ask_heard},
    {&message_SESSION_UNBIND, hang_up},     {&message_DELIVERY_ADVANCE, read_pages},
    {&message_AUTH_FIND_API_KEY, call_api},
};

STAGED_WITH(replies_to_the_gateway_itself_may_hold_anything, set_up) {
    struct scene scene = {.stage = stage, .extreme = &message_SESSION_SYNC};
    stage->keeps_moves = stage->keeps_syncs = true;
    struct talker *alice = come_in(&scene, false);
    for (size_t i = 0; i < sizeof own_requests / sizeof own_requests[0]; i++) {
        scene.extreme = own_requests[i].message;
        each_shape(&scene, own_requests[i].provoke, alice);
    }
}

/* After an instance that writes entries was lost; then, some seconds later, the gateway compares.
 */
static void compare_with(struct scene *scene, enum role lost, enum extreme_shape shape,
                         struct talker *talker) {
    struct record_arena arena = {0};
    scene->reply = extreme_shaped(scene->extreme->reply, shape, &arena);
    begin(scene);
    played_destroy(&scene->stage->played[lost]);
    go_on(scene, talker);
    record_arena_free(&arena);
}

STAGED_WITH(comparisons_may_hold_anything, set_up) {
    struct scene scene = {.stage = stage, .extreme = &message_DELIVERY_CHECK, .pages = true};
    stage->keeps_moves = stage->keeps_syncs = true;
    stage_play(stage, DELIVERY_2);
    stage_play(stage, GROUP_2);
    stage_wait_live(stage, DELIVERY_2);
    stage_wait_live(stage, GROUP_2);
    struct talker *alice = come_in(&scene, false);
    compare_with(&scene, DELIVERY_2, EXTREME_UNEVEN, alice);
    compare_with(&scene, GROUP_2, EXTREME_COUNTED, alice);
}

/* --- all ----------------------------------------------------------------------------------- */

static bool is_provoked(const struct message_desc *message) {
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].message == message)
            return true;
    for (size_t i = 0; i < sizeof own_requests / sizeof own_requests[0]; i++)
        if (own_requests[i].message == message)
            return true;
    return message == &message_DELIVERY_CHECK;
}

static bool is_to(const struct message_desc *message, const char *service) {
    return strncmp(message->name, service, strlen(service)) == 0;
}

TEST(every_message_of_the_gateway_is_among_them) {
    for (size_t i = 0; i < proto_messages_count; i++) {
        const struct message_desc *message = proto_messages[i];
        if (message->reply != NULL && (message->senders & PROGRAM_BIT_GATEWAY) != 0 &&
            !is_to(message, "files.") && !is_to(message, "hooks.") && !is_provoked(message))
            fail_msg("nothing here makes the gateway send %s: add a row", message->name);
    }
}

int main(void) { return test_run_all(NULL, NULL); }
