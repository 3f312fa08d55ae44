/* The scanner that finds JSON objects in a stream of bytes. */
#include "services/gateway/edge/json.h"

#include <string.h>

#define TEXT_OF(number) #number
#define DEPTH_TEXT(number) "the object is nested deeper than " TEXT_OF(number) " levels"

const char edge_json_not_utf8[] = "the text is not valid UTF-8";
static const char not_an_object[] = "the input is not a JSON object";
static const char no_end[] = "the object has no end";
static const char trailing[] = "the message holds more than one object";
static const char too_deep[] = DEPTH_TEXT(EDGE_MAX_DEPTH);
static const char too_long[] = "the object is longer than 65536 bytes";
static const char control[] = "a string holds a control character that is not escaped";
static const char no_memory[] = "the server is short of memory";

_Static_assert(EDGE_MAX_OBJECT == 65536, "the text of too_long names the limit");

void edge_json_init(struct edge_json *self) {
    *self = (struct edge_json){.kept = buffer_make(EDGE_MAX_OBJECT)};
}

void edge_json_free(struct edge_json *self) { buffer_free(&self->kept); }

static bool is_space(uint8_t byte) {
    return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t';
}

static void set_fault(struct edge_json *self, const char *fault) {
    if (self->fault == NULL)
        self->fault = fault;
}

/* The first byte of a sequence says how many follow; the ranges of the second exclude overlong
 * forms, surrogates and what lies beyond U+10FFFF (RFC 3629). false: no sequence starts so. */
static bool utf8_start(struct edge_json_utf8 *utf8, uint8_t byte) {
    *utf8 = (struct edge_json_utf8){.low = 0x80, .high = 0xbf};
    if (byte >= 0xc2 && byte <= 0xdf) {
        utf8->need = 1;
    } else if (byte >= 0xe0 && byte <= 0xef) {
        utf8->need = 2;
        utf8->low = byte == 0xe0 ? 0xa0 : 0x80;
        utf8->high = byte == 0xed ? 0x9f : 0xbf;
    } else if (byte >= 0xf0 && byte <= 0xf4) {
        utf8->need = 3;
        utf8->low = byte == 0xf0 ? 0x90 : 0x80;
        utf8->high = byte == 0xf4 ? 0x8f : 0xbf;
    }
    return utf8->need != 0;
}

/* A byte within a sequence. false: it can't stand there, and was not consumed. */
static bool utf8_continue(struct edge_json_utf8 *utf8, uint8_t byte) {
    if (byte < utf8->low || byte > utf8->high) {
        utf8->need = 0;
        return false;
    }
    *utf8 = (struct edge_json_utf8){(uint8_t)(utf8->need - 1), 0x80, 0xbf};
    return true;
}

/* A byte of 0x80 or more, or one after an incomplete sequence. Whether it is dealt with: an ASCII
 * byte that cuts a sequence short still means what it means, so that framing goes on. */
static bool scan_utf8(struct edge_json *self, uint8_t byte) {
    if (self->utf8.need != 0) {
        if (utf8_continue(&self->utf8, byte))
            return true;
        set_fault(self, edge_json_not_utf8);
    }
    if (byte < 0x80)
        return false;
    if (!utf8_start(&self->utf8, byte))
        set_fault(self, edge_json_not_utf8);
    return true;
}

static void scan_in_string(struct edge_json *self, uint8_t byte) {
    if (byte < 0x20)
        set_fault(self, control);
    if (self->escaped)
        self->escaped = false;
    else if (byte == '\\')
        self->escaped = true;
    else if (byte == '"')
        self->in_string = false;
}

/* Whether the object ends here. Braces alone end it: brackets count for the depth, and the parser
 * checks whether they match. */
static bool scan_structure(struct edge_json *self, uint8_t byte) {
    switch (byte) {
    case '"':
        self->in_string = true;
        return false;
    case '{':
        self->braces++;
        break;
    case '[':
        self->brackets++;
        break;
    case ']':
        self->brackets -= self->brackets != 0;
        return false;
    case '}':
        return --self->braces == 0;
    default:
        return false;
    }
    if (self->levels + self->braces + self->brackets > EDGE_MAX_DEPTH)
        set_fault(self, too_deep);
    return false;
}

/* Bytes that mean nothing within a string: neither quote, backslash, control nor beyond ASCII. */
static bool is_plain(uint8_t byte) {
    return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
}

/* Scans up to the object's end; how many bytes belong to it. `*whole_r`: the end was found. */
static size_t scan_object(struct edge_json *self, const uint8_t *bytes, size_t length,
                          bool *whole_r) {
    for (size_t i = 0; i < length; i++) {
        if (self->in_string && self->utf8.need == 0 && !self->escaped) {
            while (i < length && is_plain(bytes[i]))
                i++;
            if (i == length)
                break;
        }
        uint8_t byte = bytes[i];
        if ((byte >= 0x80 || self->utf8.need != 0) && scan_utf8(self, byte)) {
            self->escaped = false; /* a backslash before it: the parser's business */
            continue;
        }
        if (self->in_string) {
            scan_in_string(self, byte);
        } else if (scan_structure(self, byte)) {
            *whole_r = true;
            return i + 1;
        }
    }
    *whole_r = false;
    return length;
}

static void take(struct slice *input, size_t length) {
    input->data += length;
    input->length -= length;
}

static void begin_object(struct edge_json *self) {
    self->state = EDGE_JSON_INSIDE;
    self->length = self->braces = self->brackets = 0;
    self->fault = NULL;
    self->in_string = self->escaped = false;
    self->utf8 = (struct edge_json_utf8){0};
}

/* Skips white space and garbage between objects. true: garbage starts here, which is one fault,
 * however long it is. */
static bool skip_to_object(struct edge_json *self, struct slice *input) {
    while (input->length != 0) {
        uint8_t byte = (uint8_t)*input->data;
        if (byte == '{') {
            begin_object(self);
            return false;
        }
        take(input, 1);
        if (self->state == EDGE_JSON_GARBAGE) {
            if (byte == '\n')
                self->state = EDGE_JSON_BETWEEN;
        } else if (!is_space(byte)) {
            self->state = EDGE_JSON_GARBAGE;
            return true;
        }
    }
    return false;
}

/* Joins what was kept with the last part, unless the object arrived in one piece. */
static bool gather(struct edge_json *self, struct slice part, struct slice *object_r) {
    *object_r = part;
    if (self->kept.length == 0)
        return true;
    if (buffer_add(&self->kept, part.data, part.length) != 0)
        return false;
    *object_r = slice_make(self->kept.data, self->kept.length);
    self->handed = true;
    return true;
}

static enum edge_json_result fail(struct edge_json *self, const char *fault, const char **fault_r) {
    buffer_free(&self->kept);
    *fault_r = fault;
    return self->state == EDGE_JSON_BROKEN ? EDGE_JSON_TOO_LONG : EDGE_JSON_FAULT;
}

enum edge_json_result edge_json_next(struct edge_json *self, struct slice *input,
                                     struct slice *object_r, const char **fault_r) {
    if (self->handed) {
        buffer_free(&self->kept);
        self->handed = false;
    }
    if (self->state == EDGE_JSON_BROKEN)
        take(input, input->length);
    else if (self->state != EDGE_JSON_INSIDE && skip_to_object(self, input))
        return fail(self, not_an_object, fault_r);
    if (input->length == 0)
        return EDGE_JSON_MORE;

    size_t room = EDGE_MAX_OBJECT - self->length;
    struct slice part = {input->data, input->length < room ? input->length : room};
    bool whole;
    part.length = scan_object(self, (const uint8_t *)part.data, part.length, &whole);
    take(input, part.length);
    self->length += part.length;
    if (whole) {
        self->state = EDGE_JSON_BETWEEN;
        if (self->fault != NULL)
            return fail(self, self->fault, fault_r);
        return gather(self, part, object_r) ? EDGE_JSON_OBJECT : fail(self, no_memory, fault_r);
    }
    if (self->length == EDGE_MAX_OBJECT) {
        self->state = EDGE_JSON_BROKEN;
        return fail(self, too_long, fault_r);
    }
    /* A faulty object is read to its end, to go on behind it, but never handed over. */
    if (self->fault == NULL && buffer_add(&self->kept, part.data, part.length) != 0)
        set_fault(self, no_memory);
    return EDGE_JSON_MORE;
}

static bool is_utf8(struct slice text) {
    struct edge_json_utf8 utf8 = {0};
    for (size_t i = 0; i < text.length; i++) {
        uint8_t byte = (uint8_t)text.data[i];
        if (utf8.need != 0 ? !utf8_continue(&utf8, byte) : byte >= 0x80 && !utf8_start(&utf8, byte))
            return false;
    }
    return utf8.need == 0;
}

static const char *check(struct slice message, size_t levels, struct slice *object_r) {
    struct edge_json json;
    edge_json_init(&json);
    json.levels = levels;
    const char *fault = NULL;
    enum edge_json_result result = edge_json_next(&json, &message, object_r, &fault);
    if (result == EDGE_JSON_MORE)
        fault = json.state == EDGE_JSON_INSIDE ? no_end : not_an_object;
    for (size_t i = 0; fault == NULL && i < message.length; i++)
        if (!is_space((uint8_t)message.data[i]))
            fault = trailing;
    edge_json_free(&json);
    return fault;
}

const char *edge_json_check(struct slice message, struct slice *object_r) {
    return edge_json_check_within(message, 0, object_r);
}

const char *edge_json_check_within(struct slice message, size_t levels, struct slice *object_r) {
    const char *fault = check(message, levels, object_r);
    /* The encoding is a fault of the message as a whole, wherever in it the bytes stand. */
    return fault != NULL && !is_utf8(message) ? edge_json_not_utf8 : fault;
}
