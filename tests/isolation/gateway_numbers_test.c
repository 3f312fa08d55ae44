/*
 * The gateway alone, sent every event with the extreme numbers in each of its fields, and entries
 * with them: it goes on. (Built with SANITIZE=undefined, it ends at the first overflow.)
 */
#include <string.h>

#include "tests/support/extreme.h"
#include "tests/support/gateway_scene.h"
#include "tests/support/test_list.h"

#define ALICE ((uint64_t)1001)

/* It still takes requests, and ends as it should. */
static void expect_well(struct stage *stage) {
    struct auth_login login;
    struct talker *carol = stage_talker(stage, false);
    talker_say(carol, "{'msgType':1,'msgBody':{'loginUserId':'carol'}}");
    struct asked *asked = stage_expect(stage, AUTH, &message_AUTH_LOGIN, &login);
    played_refuse(&asked, ERR_NO_ACCOUNT);
    stage_hears(stage, carol, "{'msgType':2,'resultCode':'fail','token':'~'}");
    assert_null(strstr(service_process_output(stage->gateway), "runtime error"));
    assert_int_equal(stage_stop_gateway(stage), 0);
}

/* An entry that is right in every other field. */
static void push_with(struct stage *stage, struct talker *talker, size_t field, uint64_t number) {
    struct entry entry = stage_text(50, 49, ALICE, "hello");
    const struct record_field *chosen = &entry_desc.fields[field];
    if (chosen->type != RECORD_U64)
        return;
    *(uint64_t *)((char *)&entry + chosen->offset) = number;
    stage_push_to(stage, &entry, talker);
}

STAGED(entries_may_have_extreme_numbers) {
    struct talker *alice = stage_live_as(stage, WITH_EXT, ALICE, "alice");
    for (size_t i = 0; i < EXTREME_COUNT; i++)
        for (size_t field = 0; field < entry_desc.field_count; field++)
            push_with(stage, alice, field, extreme_numbers[i]);
    expect_well(stage);
}

STAGED(events_may_have_extreme_numbers) {
    struct record_arena arena = {0};
    stage_live(stage, ALICE, "alice");
    for (size_t i = 0; i < proto_messages_count; i++) {
        const struct message_desc *message = proto_messages[i];
        if (strncmp(message->name, "gateway.", strlen("gateway.")) != 0)
            continue;
        for (size_t j = 0; j < EXTREME_COUNT; j++)
            for (size_t field = 0; field < message->body->field_count; field++) {
                void *body = extreme_record(message->body, field, extreme_numbers[j], &arena);
                if (body != NULL)
                    played_send(stage->played[SESSION], message, body);
            }
    }
    record_arena_free(&arena);
    expect_well(stage);
}

int main(void) { return test_run_all(NULL, NULL); }
