/* Objects that are JSON and still may not be carried out: which they are, and whose `ref` counts.
 */
#include "tests/support/dialect_check.h"

/* Parses `text` (with ' for "): `fault` NULL: nothing is wrong with it. `ref` NULL: none is there.
 */
static void check_parse(const char *text, const char *fault, const char *ref) {
    char *json_text = json_of(text);
    char found[DIALECT_FAULT_BYTES] = "";
    cJSON *json = dialect_parse(slice_text(json_text), found);
    assert_string_equal(found, fault == NULL ? "" : fault);
    assert_non_null(json);
    const char *found_ref = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "ref"));
    assert_int_equal(found_ref == NULL, ref == NULL);
    if (ref != NULL)
        assert_string_equal(found_ref, ref);
    cJSON_Delete(json);
    free(json_text);
}

#define DIGITS_21 "123456789012345678901"
#define DIGITS_63 DIGITS_21 DIGITS_21 DIGITS_21
#define DIGITS_64 DIGITS_63 "2"

TEST(half_a_pair_is_named) {
    static const char fault[] = "msg holds half of a surrogate pair";
    check_parse("{'ref':'r','data':{'msg':'\\ud83d'}}", fault, "r");
    check_parse("{'data':{'msg':'a\\uDE00b'},'ref':'r'}", fault, "r");
    check_parse("{'data':{'msg':'\\ud83dx'},'ref':'r'}", fault, "r");
    check_parse("{'data':{'msg':'\\ud83d\\n'},'ref':'r'}", fault, "r");
    check_parse("{'data':{'msg':'\\ud83d\\u0041'},'ref':'r'}", fault, "r");
    check_parse("{'data':{'msg':'\\ud83d\\ud83d\\ude00'},'ref':'r'}", fault, "r");
    check_parse("{'data':{'msg':'\\ude00\\ud83d'},'ref':'r'}", fault, "r");
    check_parse("{'data':{'\\ud83d':1},'ref':'r'}", "a string holds half of a surrogate pair", "r");
    check_parse("{'data':{'msg':'\\ud83d\\ude00'},'ref':'r'}", NULL, "r");
    check_parse("{'data':{'msg':'\\\\ud83d'},'ref':'r'}", NULL, "r");
}

TEST(nul_and_control_characters_are_named) {
    check_parse("{'ref':'r','data':{'msg':'\\u0000'}}", "msg holds a NUL character", "r");
    check_parse("{'ref':'r','msg':'a\\u0000\\u0000\\ud800'}", "msg holds a NUL character", "r");
    check_parse("{'ref':'r','msg':'a\nb'}", "msg holds a control character that is not escaped",
                "r");
}

TEST(a_number_that_is_too_long_is_named) {
    static const char fault[] = "cid holds a number that is too long";
    check_parse("{'ref':'r','data':{'cid':1" DIGITS_64 "}}", fault, "r");
    check_parse("{'data':{'cid':-1" DIGITS_64 ",'limit':5},'ref':'r'}", fault, "r");
    check_parse("{'data':{'cid':[1, 0." DIGITS_64 "e+5 ]},'ref':'r'}", fault, "r");
    check_parse("{'cid':'1" DIGITS_64 "','ref':'r'}", NULL, "r");
    check_parse("{'ref':1" DIGITS_64 "}", "ref holds a number that is too long", NULL);
    /* As many characters as there may be. */
    check_parse("{'cid':" DIGITS_63 ",'ref':'r'}", NULL, "r");
    check_parse("{'cid':" DIGITS_63 "1,'ref':'r'}", fault, "r");
}

TEST(a_ref_in_doubt_is_none) {
    check_parse("{'ref':'r\\ud800'}", "ref holds half of a surrogate pair", NULL);
    check_parse("{'ref':'\\u0000'}", "ref holds a NUL character", NULL);
    check_parse("{'ref':'a','ref':'b'}", "ref appears twice in one object", NULL);
    check_parse("{'ref':'a','ref':'a','ref':'a'}", "ref appears twice in one object", NULL);
    check_parse("{'msg':'\\u0000','ref':'a','ref':'b'}", "msg holds a NUL character", NULL);
    /* With nothing wrong the same character is the client's own. */
    check_parse("{'ref':'\\ufffd'}", NULL, "\xef\xbf\xbd");
}

TEST(a_key_that_stands_twice_is_named) {
    check_parse("{'code':0,'ref':'r','code':4}", "code appears twice in one object", "r");
    check_parse("{'ref':'r','data':{'sender':{'ocid':1,'ocid':1}}}",
                "ocid appears twice in one object", "r");
    check_parse("{'ref':'r','x':[1,[{},{'a':1,'b':{},'a':null}]]}", "a appears twice in one object",
                "r");
    check_parse("{'ref':'r','a':1,'\\u0061':2}", "a appears twice in one object", "r");
    check_parse("{'ref':'r','':1,'':2}", "a key appears twice in one object", "r");
    check_parse("{'ref':'r','a':{'b':1},'b':{'a':1},'A':0}", NULL, "r");
}

/* As many keys as fit an object, the last of them the first one again. */
TEST(among_many_keys_too) {
    char *text = malloc(200000);
    assert_non_null(text);
    for (int twice = 0; twice < 2; twice++) {
        size_t length = (size_t)sprintf(text, "{'ref':'r'");
        for (int i = 0; i < 10000; i++)
            length += (size_t)sprintf(text + length, ",'k%d':1", i);
        sprintf(text + length, twice ? ",'k0':2}" : "}");
        check_parse(text, twice ? "k0 appears twice in one object" : NULL, "r");
    }
    free(text);
}

int main(void) { return test_run_all(NULL, NULL); }
