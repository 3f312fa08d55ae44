/*
 * Which comments are left out of scripts and sheets.
 */
#include <stdlib.h>
#include <string.h>

#include "common/record.h"
#include "services/gateway/edge/lean.h"
#include "tests/support/test_list.h"

/* In memory of its own size, so that the sanitizer sees a byte read behind it. */
static void check(const char *text, bool slashes, const char *lean) {
    size_t length = strlen(text);
    char *copy = malloc(length > 0 ? length : 1);
    assert_non_null(copy);
    memcpy(copy, text, length);
    size_t left = edge_lean_text(copy, length, slashes);
    if (!slice_equal(slice_make(copy, left), slice_text(lean)))
        fail_msg("'%s' became '%.*s'", text, (int)left, copy);
    free(copy);
}

TEST(whole_lines_are_left_out) {
    check("// a\nb();\n", true, "\nb();\n");
    check("a();\n  // b\n\t//\n//", true, "a();\n\n\n");
    check("/* a */\nb();", true, "\nb();");
    check("a();\n  /** b\n   * c\n   */  \nd();\n", true, "a();\n\n\n\nd();\n");
    check("// a\r\nb();\r\n/* c */\r\n", true, "\nb();\r\n\n");
    check("/* // a\n// b */\nc();", true, "\n\nc();");
    check("/**/\n/***/\n", true, "\n\n");
}

TEST(comments_on_a_line_with_code_stay) {
    static const char *const same[] = {
        "",
        "\n",
        "/",
        "a(); // b\n",
        "a(\"//\");\n",
        "a(); /* b */\n",
        "/** @type {A} */ a = b;\n",
        "/* a */ /* b */\n",
        "/* a\n// b\n*/ c();\n",
        "/* without an end\n// a\n",
        "/*/\n",
        "/a/.test(b);\n",
        "/ 2;\n",
        "* a\n",
    };
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++)
        check(same[i], true, same[i]);
}

TEST(slashes_begin_no_comment_in_a_sheet) {
    check("//a { }\n/* b */\nc { }\n", false, "//a { }\n\nc { }\n");
}

int main(void) { return test_run_all(NULL, NULL); }
