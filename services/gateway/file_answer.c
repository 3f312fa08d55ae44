/* Answers about files over HTTP; see file_answer.h. */
#include "services/gateway/file_answer.h"

#include <cjson/cJSON.h>
#include <ctype.h>
#include <sodium.h>
#include <string.h>

#include "services/gateway/edge/origin.h"

#define HEADERS_BYTES 2048
/* Those of tus, too. */
#define EXPOSED                                                                                    \
    "Content-Range, Content-Disposition, ETag, Retry-After, Tus-Resumable, Tus-Version, "          \
    "Tus-Extension, Upload-Offset, Upload-Length"

/* Only a page that may connect here over WebSocket sees more than that there was an answer. */
static void read_origin(struct file_transfer *transfer) {
    const char *list = transfer->gateway->settings.allowed_origins;
    struct slice origin = edge_exchange_header(transfer->exchange, "Origin");
    bool good =
        origin.length > 0 && origin.length < sizeof transfer->origin &&
        edge_origin_is_allowed(list, origin, edge_exchange_header(transfer->exchange, "Host"));
    for (size_t i = 0; i < origin.length; i++)
        good = good && isgraph((unsigned char)origin.data[i]);
    transfer->is_foreign = !good && origin.length > 0;
    if (good)
        memcpy(transfer->origin, origin.data, origin.length);
    transfer->origin[good ? origin.length : 0] = '\0';
}

void file_transfer_init(struct file_transfer *transfer, struct gateway *gateway,
                        struct edge_exchange *exchange, const struct file_transfer_calls *calls) {
    transfer->calls = calls;
    transfer->gateway = gateway;
    transfer->exchange = exchange;
    randombytes_buf(&transfer->trace, sizeof transfer->trace);
    read_origin(transfer);
    edge_exchange_set_owner(exchange, transfer);
}

/* Pictures in pages of other servers are fetched without an Origin: the address alone lets them. */
static const char *resource_policy(const struct gateway_settings *settings) {
    return settings->allowed_origins[0] == '\0' && settings->public_url[0] == '\0' ? "same-origin"
                                                                                   : "cross-origin";
}

void file_answer_headers(const struct file_transfer *transfer, struct buffer *out) {
    buffer_printf(out,
                  "Content-Security-Policy: default-src 'none'; img-src 'self'; media-src 'self'; "
                  "style-src 'unsafe-inline'; sandbox\r\n"
                  "Cross-Origin-Resource-Policy: %s\r\n",
                  resource_policy(&transfer->gateway->settings));
    if (transfer->origin[0] != '\0')
        buffer_printf(out,
                      "Access-Control-Allow-Origin: %s\r\n"
                      "Access-Control-Expose-Headers: " EXPOSED "\r\n",
                      transfer->origin);
    buffer_add_text(out, "Vary: Origin\r\n");
}

void file_answer_refusal(struct file_transfer *transfer, const char *status, const char *word,
                         const char *text, const char *more) {
    struct buffer headers = buffer_make(HEADERS_BYTES);
    cJSON *fault = cJSON_CreateObject();
    bool whole = cJSON_AddStringToObject(fault, "error", word) != NULL &&
                 cJSON_AddStringToObject(fault, "text", text) != NULL;
    char *body = whole ? cJSON_PrintUnformatted(fault) : NULL;
    buffer_printf(&headers, "Content-Type: application/json\r\nCache-Control: no-store\r\n%s",
                  more);
    file_answer_headers(transfer, &headers);
    buffer_add(&headers, "", 1);
    if (headers.failed || body == NULL)
        edge_exchange_cut(transfer->exchange);
    else
        edge_exchange_answer(transfer->exchange, status, headers.data, slice_text(body));
    buffer_free(&headers);
    cJSON_free(body);
    cJSON_Delete(fault);
}

static const char *status_of(enum err err) {
    switch (err) {
    case ERR_BAD_REQUEST:
        return "400 Bad Request";
    case ERR_NOT_ALLOWED:
    case ERR_FORBIDDEN:
        return "403 Forbidden";
    case ERR_NO_FILE:
        return "404 Not Found";
    case ERR_WRONG_OFFSET:
        return "409 Conflict";
    case ERR_FILE_TOO_LARGE:
    case ERR_QUOTA:
        return "413 Content Too Large";
    case ERR_BAD_FILE:
        return "422 Unprocessable Content";
    case ERR_STORE_FULL:
        return "507 Insufficient Storage";
    case ERR_UNAVAILABLE:
    case ERR_TIMEOUT:
    case ERR_UNKNOWN_OUTCOME:
    case ERR_OVERLOADED:
        return "503 Service Unavailable";
    default:
        return "500 Internal Server Error";
    }
}

void file_answer_fault(struct file_transfer *transfer, enum err err, const char *text,
                       const char *more) {
    const char *status = status_of(err);
    char all[256];
    snprintf(all, sizeof all, "%s%s", strncmp(status, "503", 3) == 0 ? FILE_RETRY_AFTER : "", more);
    file_answer_refusal(transfer, status, err_word(err), text == NULL ? err_text(err) : text, all);
}
