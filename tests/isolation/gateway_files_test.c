/* The gateway alone, and its link to files, which it can do without. */
#include <string.h>

#include "tests/support/gateway_scene.h"
#include "tests/support/test_list.h"

static const char key[] = "0123456789abcdef0123456789abcdef";

static bool signs(struct stage *stage) {
    return strstr(service_process_output(stage->gateway), " event=file_key ") != NULL;
}

STAGED(the_key_of_addresses_is_asked_for_until_it_is_there) {
    struct files_key body;
    stage_play(stage, FILES); /* it was ready without */
    struct asked *asked = stage_expect(stage, FILES, &message_FILES_KEY, &body);
    assert_true(body.instance != 0);
    played_refuse(&asked, ERR_UNAVAILABLE);
    asked = stage_expect(stage, FILES, &message_FILES_KEY, &body);
    const struct files_key_reply reply = {.key = slice_text(key)};
    played_answer(&asked, &reply);
    STAGE_UNTIL(stage, signs(stage));
    played_destroy(&stage->played[FILES]);
    stage_play(stage, FILES);
    stage_wait_live(stage, FILES);
    stage_quiet(stage); /* it has it */
}

int main(void) { return test_run_all(NULL, NULL); }
