/* Errors over HTTP; see api.h. */
#include "services/gateway/dialect/api.h"
#include "services/gateway/dialect/json.h"

int api_status_of(enum err err) {
    switch (err) {
    case ERR_OK:
        return 200;
    case ERR_BAD_REQUEST:
    case ERR_BAD_MENTION:
    case ERR_TO_ONESELF:
        return 400;
    case ERR_BAD_API_KEY:
        return 401;
    case ERR_FORBIDDEN:
    case ERR_NOT_ALLOWED:
    case ERR_DISABLED:
    case ERR_BLOCKED:
    case ERR_BANNED:
    case ERR_MUTED:
    case ERR_STRANGERS:
    case ERR_REFUSED:
        return 403;
    case ERR_NO_ACCOUNT:
    case ERR_NO_GROUP:
    case ERR_NO_REQUEST:
    case ERR_NO_MESSAGE:
    case ERR_NO_FILE:
    case ERR_NO_HOOK:
        return 404;
    case ERR_FILE_TOO_LARGE:
    case ERR_QUOTA:
        return 413;
    case ERR_THROTTLED:
    case ERR_SLOW_MODE:
        return 429;
    case ERR_INTERNAL:
        return 500;
    case ERR_UNAVAILABLE:
    case ERR_TIMEOUT:
    case ERR_UNKNOWN_OUTCOME:
    case ERR_OVERLOADED:
    case ERR_NOT_CHECKED:
    case ERR_UNKNOWN_MESSAGE: /* an older service */
        return 503;
    case ERR_STORE_FULL:
        return 507;
    default:
        return 409; /* it contradicts what there is */
    }
}

const char *api_status_text(int status) {
    static const struct {
        int status;
        const char *text;
    } texts[] = {{200, "200 OK"},
                 {201, "201 Created"},
                 {204, "204 No Content"},
                 {400, "400 Bad Request"},
                 {401, "401 Unauthorized"},
                 {403, "403 Forbidden"},
                 {404, "404 Not Found"},
                 {405, "405 Method Not Allowed"},
                 {409, "409 Conflict"},
                 {413, "413 Content Too Large"},
                 {415, "415 Unsupported Media Type"},
                 {429, "429 Too Many Requests"},
                 {500, "500 Internal Server Error"},
                 {503, "503 Service Unavailable"},
                 {507, "507 Insufficient Storage"}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (texts[i].status == status)
            return texts[i].text;
    return "500 Internal Server Error";
}

void api_write_problem(int status, enum err err, struct slice detail, struct buffer *out) {
    buffer_printf(out, "{\"type\":\"urn:parley:error:%s\",\"title\":", err_word(err));
    json_text(out, slice_text(err_text(err)));
    buffer_printf(out, ",\"status\":%d,\"detail\":", status);
    json_text(out, detail.length > 0 ? detail : slice_text(err_text(err)));
    buffer_printf(out, ",\"error\":\"%s\"}", err_word(err));
}
