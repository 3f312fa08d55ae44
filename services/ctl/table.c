/* Lists as columns or as JSON. */
#include "services/ctl/table.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "services/ctl/ctl.h"

#define CELL_BYTES 32

struct table {
    const char *const *columns;
    size_t count, cell; /* columns; the next cell's column */
    bool json, failed;
    cJSON *rows, *row;
};

struct table *table_new(const char *const *columns, bool json) {
    struct table *self = calloc(1, sizeof *self);
    if (self == NULL)
        return NULL;
    self->columns = columns;
    while (columns[self->count] != NULL)
        self->count++;
    self->json = json;
    self->rows = cJSON_CreateArray();
    self->failed = self->rows == NULL;
    return self;
}

static void add(struct table *self, cJSON *cell) {
    if (self->cell == 0) {
        self->row = cJSON_CreateObject();
        if (!cJSON_AddItemToArray(self->rows, self->row))
            self->failed = true;
    }
    if (!cJSON_AddItemToObject(self->row, self->columns[self->cell], cell))
        self->failed = true;
    self->cell = (self->cell + 1) % self->count;
}

void table_text(struct table *self, struct slice text) {
    if (self == NULL)
        return;
    char *copy = slice_copy(text);
    add(self, copy == NULL ? NULL : cJSON_CreateString(copy));
    free(copy);
}

void table_number(struct table *self, uint64_t number) {
    if (self != NULL)
        add(self, cJSON_CreateNumber((double)number)); /* below 2^53: exact */
}

void table_bool(struct table *self, bool value) {
    if (self != NULL)
        add(self, cJSON_CreateBool(value));
}

void table_add_depth(struct table *self, const char *member, struct slice name, uint64_t depth,
                     uint64_t limit) {
    if (self == NULL || !self->json || self->row == NULL)
        return;
    char *key = slice_copy(name);
    cJSON *all = cJSON_GetObjectItemCaseSensitive(self->row, member);
    if (all == NULL)
        all = cJSON_AddObjectToObject(self->row, member);
    cJSON *one = key == NULL ? NULL : cJSON_AddObjectToObject(all, key);
    if (cJSON_AddNumberToObject(one, "depth", (double)depth) == NULL ||
        cJSON_AddNumberToObject(one, "limit", (double)limit) == NULL)
        self->failed = true;
    free(key);
}

/* Whether a column has times. */
static bool has_times(const char *column) {
    size_t length = strlen(column);
    return length > 3 && strcmp(column + length - 3, "_ms") == 0;
}

static void print_time(double time_ms, char out[CELL_BYTES]) {
    time_t seconds = (time_t)(time_ms / 1000);
    struct tm tm;
    out[0] = '\0';
    if (seconds != 0 && localtime_r(&seconds, &tm) != NULL)
        strftime(out, CELL_BYTES, "%Y-%m-%d %H:%M:%S", &tm);
}

/* A column's name, as people see it. */
static void print_name(const char *column, char out[CELL_BYTES]) {
    size_t length = strlen(column) - (has_times(column) ? 3 : 0);
    snprintf(out, CELL_BYTES, "%.*s", (int)length, column);
}

/* One cell as text in `out`. */
static const char *cell_text(const cJSON *cell, char out[CELL_BYTES]) {
    if (cJSON_IsNumber(cell) && has_times(cell->string)) {
        print_time(cell->valuedouble, out);
        return out;
    }
    if (cJSON_IsString(cell))
        return cell->valuestring;
    if (cJSON_IsBool(cell))
        return cJSON_IsTrue(cell) ? "yes" : "no";
    snprintf(out, CELL_BYTES, "%.0f", cell->valuedouble);
    return out;
}

static void print_columns(const struct table *self) {
    size_t widths[TABLE_MAX_COLUMNS] = {0};
    char text[CELL_BYTES];
    const cJSON *row;
    for (size_t i = 0; i < self->count; i++) {
        print_name(self->columns[i], text);
        widths[i] = strlen(text);
    }
    cJSON_ArrayForEach(row, self->rows) {
        for (size_t i = 0; i < self->count; i++) {
            size_t width = strlen(cell_text(cJSON_GetArrayItem(row, (int)i), text));
            widths[i] = width > widths[i] ? width : widths[i];
        }
    }
    for (size_t i = 0; i < self->count; i++) {
        print_name(self->columns[i], text);
        printf("%-*s%s", (int)widths[i], text, i + 1 < self->count ? "  " : "\n");
    }
    cJSON_ArrayForEach(row, self->rows) {
        for (size_t i = 0; i < self->count; i++)
            printf("%-*s%s", (int)widths[i], cell_text(cJSON_GetArrayItem(row, (int)i), text),
                   i + 1 < self->count ? "  " : "\n");
    }
}

int table_print(struct table **self_p) {
    struct table *self = *self_p;
    *self_p = NULL;
    char *json = NULL;
    bool failed = self == NULL || self->failed;
    if (!failed && self->json) {
        json = cJSON_PrintUnformatted(self->rows);
        failed = json == NULL;
    }
    if (failed)
        ctl_fail("out of memory");
    else if (json != NULL)
        puts(json);
    else
        print_columns(self);
    if (self != NULL)
        cJSON_Delete(self->rows);
    cJSON_free(json);
    free(self);
    return failed ? CTL_FAILED : CTL_DONE;
}
