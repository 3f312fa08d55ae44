/* Heads of requests: their lines, and lists with commas between their items. */
#include "services/gateway/edge/http_header.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* --- lines --- */

/* Of the name of a method or header (RFC 9110, 5.6.2). */
static bool is_name_character(char character) {
    return isalnum((unsigned char)character) ||
           (character != '\0' && strchr("!#$%&'*+-.^_`|~", character) != NULL);
}

static bool has_control_character(struct slice text) {
    for (size_t i = 0; i < text.length; i++)
        if (iscntrl((unsigned char)text.data[i]) && text.data[i] != '\t')
            return true;
    return false;
}

/* Its length at the begin of the text. */
static size_t name_length(struct slice text) {
    size_t length = 0;
    while (length < text.length && is_name_character(text.data[length]))
        length++;
    return length;
}

/* "NAME: value". */
static bool is_header(struct slice line) {
    size_t length = name_length(line);
    return length > 0 && length < line.length && line.data[length] == ':';
}

/* "METHOD /target HTTP/1.1". */
static bool is_request_line(struct slice line) {
    size_t length = name_length(line);
    if (length == 0 || line.length < length + 2 || line.data[length] != ' ' ||
        line.data[length + 1] != '/')
        return false;
    const char *target = line.data + length + 1;
    size_t left = line.length - length - 1;
    const char *space = memchr(target, ' ', left);
    if (space == NULL)
        return false;
    struct slice version = slice_make(space + 1, left - (size_t)(space - target) - 1);
    return slice_equal(version, slice_text("HTTP/1.1")) ||
           slice_equal(version, slice_text("HTTP/1.0"));
}

/* Takes a line off the front, without its end. false: there is no whole one, or its end is not a
 * CR and LF. */
static bool take_line(struct slice *rest, struct slice *line_r) {
    const char *end = rest->length == 0 ? NULL : memmem(rest->data, rest->length, "\r\n", 2);
    if (end == NULL)
        return false;
    *line_r = slice_make(rest->data, (size_t)(end - rest->data));
    *rest = slice_make(end + 2, rest->length - line_r->length - 2);
    return true;
}

/* Of a line whose end is not there. */
static bool is_part_of_line(struct slice text) {
    if (text.length > 0 && text.data[text.length - 1] == '\r')
        text.length--;
    return !has_control_character(text);
}

enum edge_http_verdict edge_http_judge(struct slice begin, size_t *length_r) {
    struct slice rest = begin, line;
    bool first = true;
    for (; take_line(&rest, &line); first = false) {
        *length_r = begin.length - rest.length;
        if (*length_r > EDGE_HEAD_BYTES)
            return EDGE_HTTP_TOO_LARGE;
        if (!first && line.length == 0)
            return EDGE_HTTP_WHOLE;
        if (has_control_character(line) || !(first ? is_request_line(line) : is_header(line)))
            return EDGE_HTTP_BAD;
    }
    if (!is_part_of_line(rest))
        return EDGE_HTTP_BAD;
    return begin.length >= EDGE_HEAD_BYTES ? EDGE_HTTP_TOO_LARGE : EDGE_HTTP_PART;
}

/* --- lists --- */

static struct slice trim(struct slice text) {
    while (text.length > 0 && isspace((unsigned char)text.data[0]))
        text = slice_make(text.data + 1, text.length - 1);
    while (text.length > 0 && isspace((unsigned char)text.data[text.length - 1]))
        text.length--;
    return text;
}

/* Takes what is in front of `separator` off the front of `rest`; false: nothing is left. */
static bool take_item(struct slice *rest, char separator, struct slice *item_r) {
    if (rest->data == NULL)
        return false;
    const char *end = memchr(rest->data, separator, rest->length);
    size_t length = end == NULL ? rest->length : (size_t)(end - rest->data);
    *item_r = trim(slice_make(rest->data, length));
    *rest = end == NULL ? slice_make(NULL, 0) : slice_make(end + 1, rest->length - length - 1);
    return true;
}

static bool is_word(struct slice text, const char *word) {
    return text.length == strlen(word) && strncasecmp(text.data, word, text.length) == 0;
}

/* "q=0", "q=0.0" and so on. */
static bool is_refusal(struct slice parameter) {
    if (parameter.length < 3 || strncasecmp(parameter.data, "q=", 2) != 0)
        return false;
    for (size_t i = 2; i < parameter.length; i++)
        if (parameter.data[i] != '0' && parameter.data[i] != '.')
            return false;
    return true;
}

/* gzip has an older name. */
static bool is_coding(struct slice word, const char *coding) {
    return is_word(word, coding) || (strcmp(coding, "gzip") == 0 && is_word(word, "x-gzip"));
}

bool edge_http_takes(struct slice accepted, const char *coding) {
    struct slice item, word, parameter;
    bool named = false, takes = false, takes_any = false;
    while (take_item(&accepted, ',', &item)) {
        bool refused = false;
        if (!take_item(&item, ';', &word))
            continue;
        while (take_item(&item, ';', &parameter))
            refused = refused || is_refusal(parameter);
        if (is_coding(word, coding)) {
            named = true;
            takes = !refused;
        } else if (is_word(word, "*")) {
            takes_any = !refused;
        }
    }
    return named ? takes : takes_any;
}

bool edge_http_has_tag(struct slice tags, struct slice tag) {
    struct slice item;
    while (take_item(&tags, ',', &item)) {
        if (item.length > 2 && memcmp(item.data, "W/", 2) == 0)
            item = slice_make(item.data + 2, item.length - 2);
        if (slice_equal(item, tag) || is_word(item, "*"))
            return true;
    }
    return false;
}

bool edge_http_has_word(struct slice list, const char *word) {
    struct slice item;
    while (take_item(&list, ',', &item))
        if (is_word(item, word))
            return true;
    return false;
}

/* --- a request --- */

struct edge_http_request edge_http_read(struct slice head) {
    struct slice line = slice_text(""), target;
    struct edge_http_request request = {.headers = head};
    (void)take_line(&request.headers, &line);
    size_t method = name_length(line);
    const char *space = memrchr(line.data, ' ', line.length);
    if (space == NULL || (size_t)(space - line.data) <= method)
        return request; /* no head that was found good */
    request.method = slice_make(line.data, method);
    target = slice_make(line.data + method + 1, (size_t)(space - line.data) - method - 1);
    const char *mark = memchr(target.data, '?', target.length);
    request.path = target;
    if (mark != NULL)
        request.path.length = (size_t)(mark - target.data);
    request.is_1_1 = line.data[line.length - 1] == '1';
    return request;
}

/* Takes a header off the front. */
static bool take_header(struct slice *headers, struct slice *name_r, struct slice *value_r) {
    struct slice line;
    if (!take_line(headers, &line) || line.length == 0)
        return false;
    *name_r = slice_make(line.data, name_length(line));
    *value_r = trim(slice_make(line.data + name_r->length + 1, line.length - name_r->length - 1));
    return true;
}

size_t edge_http_count(const struct edge_http_request *request, const char *header) {
    struct slice headers = request->headers, name, value;
    size_t count = 0;
    while (take_header(&headers, &name, &value))
        count += is_word(name, header);
    return count;
}

struct slice edge_http_value(const struct edge_http_request *request, const char *header) {
    struct slice headers = request->headers, name, value;
    while (take_header(&headers, &name, &value))
        if (is_word(name, header))
            return value;
    return slice_make(NULL, 0);
}

bool edge_http_length(const struct edge_http_request *request, uint64_t *length_r) {
    struct slice digits = edge_http_value(request, "Content-Length");
    size_t count = edge_http_count(request, "Content-Length");
    *length_r = EDGE_NO_LENGTH;
    if (count == 0)
        return true;
    if (count > 1 || digits.length == 0 || digits.length > 15)
        return false;
    *length_r = 0;
    for (size_t i = 0; i < digits.length; i++) {
        if (!isdigit((unsigned char)digits.data[i]))
            return false;
        *length_r = *length_r * 10 + (uint64_t)(digits.data[i] - '0');
    }
    return true;
}

bool edge_http_says(const struct edge_http_request *request, const char *header, const char *word) {
    struct slice headers = request->headers, name, value;
    while (take_header(&headers, &name, &value))
        if (is_word(name, header) && edge_http_has_word(value, word))
            return true;
    return false;
}

bool edge_http_has_body(const struct edge_http_request *request) {
    return edge_http_count(request, "Content-Length") > 0 ||
           edge_http_count(request, "Transfer-Encoding") > 0;
}

static int digit(char character) {
    return isdigit((unsigned char)character)    ? character - '0'
           : isxdigit((unsigned char)character) ? tolower((unsigned char)character) - 'a' + 10
                                                : -1;
}

size_t edge_http_unescape(struct slice path, char *out) {
    size_t length = 0;
    for (size_t i = 0; i < path.length; i++) {
        int high = -1, low = -1;
        if (path.data[i] == '%' && i + 2 < path.length) {
            high = digit(path.data[i + 1]);
            low = digit(path.data[i + 2]);
        }
        bool escaped = high >= 0 && low >= 0;
        out[length++] = escaped ? (char)(high * 16 + low) : path.data[i];
        i += escaped ? 2 : 0;
    }
    return length;
}
