/* See extreme.h. */
#include "tests/support/extreme.h"

#include <stddef.h>

#include "tests/support/test_list.h"

const uint64_t extreme_numbers[EXTREME_COUNT] = {
    0,         1, RECORD_NUMBER_MOST, RECORD_NUMBER_MOST + 1, INT64_MAX, (uint64_t)INT64_MAX + 1,
    UINT64_MAX};

static void *make(size_t bytes, struct record_arena *arena) {
    void *memory = record_arena_alloc(arena, bytes);
    assert_non_null(memory);
    return memory;
}

static bool has_number(const struct record_desc *desc) {
    for (size_t i = 0; i < desc->field_count; i++) {
        const struct record_field *field = &desc->fields[i];
        if (field->type == RECORD_U64 || field->type == RECORD_U64S ||
            (field->type == RECORD_LIST && has_number(field->element)))
            return true;
    }
    return false;
}

static void fill(const struct record_field *field, char *member, size_t chosen, uint64_t number,
                 struct record_arena *arena) {
    struct slice text = slice_text("a");
    switch (field->type) {
    case RECORD_U64:
        *(uint64_t *)member = number;
        return;
    case RECORD_BOOL:
        *(bool *)member = true;
        return;
    case RECORD_TEXT:
    case RECORD_BYTES:
        *(struct slice *)member = text;
        return;
    case RECORD_U64S: {
        struct u64_list *list = (struct u64_list *)member;
        *list = (struct u64_list){make(sizeof number, arena), 1};
        list->items[0] = number;
        return;
    }
    case RECORD_TEXTS:
    case RECORD_BLOBS: {
        struct slice_list *list = (struct slice_list *)member;
        *list = (struct slice_list){make(sizeof text, arena), 1};
        list->items[0] = text;
        return;
    }
    case RECORD_LIST: {
        struct record_list *list = (struct record_list *)member;
        *list = (struct record_list){extreme_record(field->element, chosen, number, arena), 1};
        if (list->items == NULL) /* it has no number */
            list->count = 0;
        return;
    }
    }
}

void *extreme_record(const struct record_desc *desc, size_t chosen, uint64_t number,
                     struct record_arena *arena) {
    char *record = make(desc->size, arena);
    if (!has_number(desc))
        return NULL;
    if (chosen != EXTREME_ALL) {
        const struct record_field *field = &desc->fields[chosen];
        if (field->type != RECORD_U64 && field->type != RECORD_U64S &&
            (field->type != RECORD_LIST || !has_number(field->element)))
            return NULL;
    }
    for (size_t i = 0; i < desc->field_count; i++) {
        bool is_chosen = chosen == EXTREME_ALL || chosen == i;
        fill(&desc->fields[i], record + desc->fields[i].offset, EXTREME_ALL, is_chosen ? number : 1,
             arena);
    }
    return record;
}
