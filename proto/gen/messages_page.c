/*
 * Prints docs/internal-messages.md: every internal message, from the tables that the services are
 * built from. `make docs` runs it.
 */
#include <stdio.h>
#include <string.h>

#include "common/envelope.h"
#include "common/service.h"
#include "proto/messages.h"

static const struct message_desc *const service_messages[] = {
    &message_SERVICE_PING, &message_SERVICE_STATUS, &message_SERVICE_CANCEL};

#define X(name_, fields_, help_) &name_##_desc,
static const struct record_desc *const records[] = {RECORDS(X)};
#undef X

static const struct {
    const char *word, *text;
} errors[] = {
#define X(name_, word_, text_) {word_, text_},
    PARLEY_ERRORS(X)
#undef X
};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const char *type_name(enum record_type type) {
    switch (type) {
    case RECORD_U64:
        return "uint";
    case RECORD_BOOL:
        return "bool";
    case RECORD_TEXT:
        return "str";
    case RECORD_BYTES:
        return "bin";
    case RECORD_U64S:
        return "array of uint";
    case RECORD_TEXTS:
        return "array of str";
    case RECORD_BLOBS:
        return "array of bin";
    case RECORD_LIST:
        return "array of map";
    }
    return "";
}

/* Text in a table's cell. */
static void print_cell(const char *text) {
    for (; *text; text++) {
        if (*text == '|')
            putchar('\\');
        putchar(*text);
    }
}

static void print_limit(const struct record_field *field) {
    const char *below = field->most == RECORD_NUMBER_MOST ? "below 2^53" : "";
    if (field->max == 0) {
        printf("%s", below);
        return;
    }
    bool bytes = field->type == RECORD_TEXT || field->type == RECORD_BYTES;
    printf("%zu %s%s%s", field->max, bytes ? "bytes" : "items", *below ? ", each " : "", below);
}

static void print_fields(const struct record_desc *record) {
    if (record->field_count == 0) {
        puts("\nAn empty map.");
        return;
    }
    puts("\n| key | type | required | limit | meaning |\n| --- | --- | --- | --- | --- |");
    for (size_t i = 0; i < record->field_count; i++) {
        const struct record_field *field = &record->fields[i];
        printf("| `%s` | %s", field->name, type_name(field->type));
        if (field->element)
            printf(" [`%s`](#%s)", field->element->name, field->element->name);
        printf(" | %s | ", field->required ? "yes" : "");
        print_limit(field);
        printf(" | ");
        print_cell(field->help);
        puts(" |");
    }
}

static void print_message(const struct message_desc *message) {
    printf("\n### %s\n\n%s: %s.\n", message->name, message->reply ? "Request" : "Event",
           message->help);
    printf("\nBody: %s.\n", message->body->help);
    print_fields(message->body);
    if (!message->reply)
        return;
    printf("\nReply: %s.\n", message->reply->help);
    print_fields(message->reply);
}

/* A heading for each run of messages with the same word before the dot. */
static void print_messages(const struct message_desc *const *messages, size_t count) {
    const char *section = "";
    size_t section_length = 0;
    for (size_t i = 0; i < count; i++) {
        const char *name = messages[i]->name;
        size_t length = strcspn(name, ".");
        if (length != section_length || strncmp(name, section, length) != 0)
            printf("\n## %.*s\n", (int)length, name);
        section = name;
        section_length = length;
        print_message(messages[i]);
    }
}

static bool is_body_or_reply(const struct record_desc *record) {
    for (size_t i = 0; i < messages_all_count; i++) {
        if (messages_all[i]->body == record || messages_all[i]->reply == record)
            return true;
    }
    return false;
}

/* Maps that travel within messages. */
static void print_parts(void) {
    puts("\n## Parts\n\nMaps that travel within messages: as items of an array, or packed into a "
         "bin.");
    for (size_t i = 0; i < COUNT(records); i++) {
        if (is_body_or_reply(records[i]))
            continue;
        printf("\n### %s\n\n%c%s.\n", records[i]->name, records[i]->help[0] & ~0x20,
               records[i]->help + 1);
        print_fields(records[i]);
    }
}

static void print_envelope(void) {
    puts("# Internal messages\n\n"
         "Made by `make docs` from `proto/messages.def` and the common runtime.\n\n"
         "## Envelope\n\n"
         "A service binds one ZeroMQ ROUTER; a caller holds a DEALER to each instance. A message\n"
         "is one frame that holds two msgpack objects, one after the other:\n\n"
         "1. the header, an array `[kind, id, name]`, of a request `[kind, id, name, trace,\n"
         "   wait_ms]`; further elements are ignored. `trace` is a number that a gateway gave to "
         "the\n"
         "   client's request behind it, for logs; `wait_ms` says how long the caller waits for "
         "the\n"
         "   answer. Work that has not begun by then is dropped. 0 or absent: not known;\n"
         "2. the body, a map with string keys. Keys that a reader does not know are ignored; a\n"
         "   key that is absent counts as 0, false or empty, unless it is required.\n");
    puts("| kind | what | id | name | body |\n| --- | --- | --- | --- | --- |");
    printf("| %d | event, not answered | 0 | the message's | the message's |\n", ENVELOPE_EVENT);
    printf("| %d | request | chosen by the caller | the message's | the message's |\n",
           ENVELOPE_REQUEST);
    printf("| %d | reply | the request's | the request's | the reply's |\n", ENVELOPE_REPLY);
    printf("| %d | error | the request's | the request's | below |\n", ENVELOPE_ERROR);
    printf("\nA frame has at most %zu bytes, a name at most %d, nesting is at most %d deep.\n",
           ENVELOPE_MAX_BYTES, ENVELOPE_MAX_NAME, RECORD_MAX_DEPTH);
    puts("\nThe body of an error:");
    print_fields(&envelope_error_desc);
    puts("\n| error | text, where the service has none of its own |\n| --- | --- |");
    for (size_t i = ERR_OK + 1; i < COUNT(errors); i++) {
        printf("| `%s` | ", errors[i].word);
        print_cell(errors[i].text);
        puts(" |");
    }
}

int main(void) {
    print_envelope();
    puts(
        "\nAccounts, groups and conversations are numbers. The string form of an account or group\n"
        "travels beside its number as `..._id`, only where it is not the number's decimal form.");
    print_messages(service_messages, COUNT(service_messages));
    print_messages(messages_all, messages_all_count);
    print_parts();
    return ferror(stdout) || fflush(stdout) != 0;
}
