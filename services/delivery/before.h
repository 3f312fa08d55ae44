/*
 * Asking the operator's own program about texts before they are stored (the option `hook_before`).
 *
 *     struct before *before;
 *     if (before_new(service, &settings, context, &before) != 0) ...    NULL: no hook_before
 *     err = before_hold(before, call, &texts, release);          from a loop handler
 *     ... later, from the loop: release(context, call, &held), or the call has its reply
 *     before_destroy(&before);
 *
 * A question is a signed POST of JSON for each text (before_question.h); the answer allows, changes
 * or refuses it (before_answer.h). Where there is none that can be used within
 * hook_before_timeout_ms, waiting for a connection included, hook_before_default decides.
 *
 * Always:
 * - a text is released only when it has its answer, and those of one account to one conversation
 *   are released in the order in which they were held, whatever the order of the answers. Nobody
 *   else waits for them;
 * - a text whose nonce is stored is not asked about: it is released to get its first reply. So one
 *   that a crash or a retry repeats is asked about until it is stored, with the same webhook-id;
 * - a request with a text that is refused is refused as a whole, as delivery.send says.
 *
 * Everything runs on the loop, but for the look into the database.
 */
#ifndef PARLEY_DELIVERY_BEFORE_H
#define PARLEY_DELIVERY_BEFORE_H

#include "common/config.h"
#include "common/error.h"
#include "common/service.h"
#include "services/delivery/before_question.h"

struct before;

/* What is done with a text without an answer. */
enum before_default { BEFORE_DEFAULT_ALLOW, BEFORE_DEFAULT_REFUSE };

struct before_settings {
    char *hook_before, *hook_before_secret, *hook_ca_file;
    uint64_t hook_before_timeout_ms, hook_before_connections, hook_before_queue;
    uint64_t hook_before_default; /* an enum before_default */
};
extern const struct config_option before_options[];

/* Texts with their answers; lives as long as the call. */
struct before_released {
    struct before_texts texts; /* with the words as they are to be stored */
    uint64_t reworded;         /* a bit for each text: its words were changed */
    bool stored;               /* all are there already: they are to get their first reply alone */
};

/* Goes on with the call. An error: the call stays with the caller, who replies with it. */
typedef enum err before_release(void *context, struct call *call,
                                const struct before_released *released);

/* 0, or -1 after a logged line. All is borrowed; `context` is for `release`. */
int before_new(struct service *service, const struct before_settings *settings, void *context,
               struct before **self_r) __attribute__((warn_unused_result));
/* Calls that are held are refused as `unavailable`. */
void before_destroy(struct before **self);

/* Takes the call over. The texts are copied; what their lists hold lives as long as the call.
 * ERR_OVERLOADED: too many are held, and the call stays with the caller. */
enum err before_hold(struct before *self, struct call *call, const struct before_texts *texts,
                     before_release *go_on) __attribute__((warn_unused_result));

#endif
