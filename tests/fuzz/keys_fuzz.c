/*
 * Fuzz target of the files of keys: they are refused with one sentence, or every word of them is
 * taken, so that they can be written again and read as the same.
 */
#include <ctype.h>
#include <stdbool.h>
#include <zmq.h>

#include "common/keys.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/memory_file.h"

static void require_sentence(const char fault[KEYS_FAULT_BYTES]) {
    require(fault[0] != '\0' && memchr(fault, '\0', KEYS_FAULT_BYTES) != NULL);
    require(strchr(fault, '\n') == NULL);
}

/* The text has exactly this word next; moves behind it. */
static void require_word(struct slice *text, const char *word) {
    while (text->length > 0 && isspace((unsigned char)text->data[0]))
        *text = slice_make(text->data + 1, text->length - 1);
    size_t length = strlen(word);
    require(length > 0 && length <= text->length && memcmp(text->data, word, length) == 0);
    *text = slice_make(text->data + length, text->length - length);
    require(text->length == 0 || isspace((unsigned char)text->data[0]));
}

static void require_end(struct slice text) {
    for (size_t i = 0; i < text.length; i++)
        require(isspace((unsigned char)text.data[i]));
}

static void try_secret(struct slice text) {
    char name[MEMORY_FILE_NAME_BYTES], fault[KEYS_FAULT_BYTES] = "";
    char secret[KEYS_TEXT_BYTES], public[KEYS_TEXT_BYTES], made[KEYS_TEXT_BYTES];
    memory_file(text.data, text.length, name);
    if (keys_read_secret(name, secret, public, fault) != 0) {
        require_sentence(fault);
        return;
    }
    require(strlen(secret) == KEYS_TEXT_BYTES - 1 && text.length >= KEYS_TEXT_BYTES - 1);
    require(memcmp(text.data, secret, KEYS_TEXT_BYTES - 1) == 0);
    require(zmq_curve_public(made, secret) == 0 && strcmp(made, public) == 0);
}

static void try_trusted(struct slice text) {
    static struct keys_list list, again;
    char name[MEMORY_FILE_NAME_BYTES], fault[KEYS_FAULT_BYTES] = "";
    memory_file(text.data, text.length, name);
    if (keys_read_trusted(name, &list, fault) != 0) {
        require_sentence(fault);
        return;
    }
    require(list.count <= KEYS_MAX);
    struct buffer written = buffer_make(KEYS_FILE_BYTES);
    for (size_t i = 0; i < list.count; i++) {
        const struct keys_entry *entry = &list.entries[i];
        require_word(&text, entry->program);
        require_word(&text, entry->key);
        require(entry->number == program_by_name(entry->program));
        buffer_printf(&written, "%s %s\n", entry->program, entry->key);
    }
    require_end(text);
    memory_file(written.data, written.length, name);
    require(keys_read_trusted(name, &again, fault) == 0 && again.count == list.count);
    for (size_t i = 0; i < list.count; i++)
        require(strcmp(list.entries[i].program, again.entries[i].program) == 0 &&
                strcmp(list.entries[i].key, again.entries[i].key) == 0);
    buffer_free(&written);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct slice text = slice_make((const char *)data, size);
    try_secret(text);
    try_trusted(text);
    return 0;
}
