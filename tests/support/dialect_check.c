/* See dialect_check.h. */
#include "tests/support/dialect_check.h"

char *json_of(const char *text) {
    char *copy = strdup(text);
    assert_non_null(copy);
    for (char *c = copy; *c; c++) {
        if (*c == '\'')
            *c = '"';
    }
    return copy;
}

void check_read(enum dialect dialect, bool ext, const char *text, const char *fault,
                struct dialect_request *request) {
    char *json_text = json_of(text);
    char found[DIALECT_FAULT_BYTES] = "";
    cJSON *json = dialect_parse(slice_text(json_text), found);
    *request = (struct dialect_request){.memory = NULL};
    if (json && found[0] != '\0') {
        cJSON_Delete(json);
    } else if (json) {
        enum err err = dialect_read(dialect, ext, json, request, found);
        assert_int_equal(err, fault ? ERR_BAD_REQUEST : ERR_OK);
    }
    assert_string_equal(found, fault ? fault : "");
    free(json_text);
}

void check_faults(enum dialect dialect, const struct fault_case *cases, size_t count) {
    for (size_t i = 0; i < count; i++) {
        struct dialect_request request;
        check_read(dialect, true, cases[i].json, cases[i].fault, &request);
        dialect_request_free(&request);
    }
}

void check_slice(struct slice found, const char *expected) {
    assert_int_equal(found.length, strlen(expected));
    assert_memory_equal(found.length ? found.data : "", expected, found.length);
}

void check_id(struct dialect_id id, uint64_t number, const char *text) {
    assert_true(id.present);
    check_slice(id.text, text);
    if (id.text.length == 0)
        assert_int_equal(id.number, number);
}

void check_json(const char *data, size_t length, const char *sample) {
    char *expected = json_of(sample);
    cJSON_Minify(expected);
    char *found = slice_copy(slice_make(data, length));
    assert_non_null(found);
    assert_string_equal(found, expected);
    free(found);
    free(expected);
}

void check_answers(enum dialect dialect, bool ext, const struct dialect_account *self,
                   const struct dialect_request *request, const struct dialect_result *result,
                   const char *const samples[]) {
    struct buffer out = buffer_make(65536);
    struct dialect_texts texts = {.out = &out};
    dialect_write_result(dialect, ext, self, request, result, &texts);
    assert_false(out.failed);
    size_t start = 0;
    for (size_t i = 0; i < texts.count; i++) {
        assert_non_null(samples[i]);
        check_json(out.data + start, texts.ends[i] - start, samples[i]);
        start = texts.ends[i];
    }
    assert_null(samples[texts.count]);
    assert_int_equal(start, out.length);
    buffer_free(&out);
}

void check_entry(enum dialect dialect, bool ext, uint64_t account, const struct entry *entry,
                 const char *sample) {
    struct buffer out = buffer_make(1 << 20);
    enum dialect_view view = dialect_entry_view(dialect, ext, entry, account);
    if (sample) {
        assert_int_not_equal(view, DIALECT_VIEW_NOTHING);
        dialect_write_entry(dialect, ext, entry, account, &out);
        assert_false(out.failed);
        check_json(out.data, out.length, sample);
    } else {
        assert_int_equal(view, DIALECT_VIEW_NOTHING);
    }
    buffer_free(&out);
}
