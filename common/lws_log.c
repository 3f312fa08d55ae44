/* libwebsockets' messages as log lines. */
#include "common/lws_log.h"

#include <libwebsockets.h>
#include <string.h>

#include "common/log.h"

static void on_line(int level, const char *line) {
    (void)level;
    char quoted[LOG_QUOTED_BYTES];
    log_warn("libwebsockets", "text=%s", log_quote(quoted, line, strcspn(line, "\n")));
}

void lws_log_open(void) { lws_set_log_level(LLL_ERR | LLL_WARN, on_line); }
