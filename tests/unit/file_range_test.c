/* The header Range, and the addresses of uploads. */
#include "services/gateway/file_range.h"
#include "services/gateway/file_upload_address.h"
#include "tests/support/test_list.h"

TEST(a_range_lies_within_the_file) {
    static const struct {
        const char *range;
        enum file_range_result result;
        uint64_t from, end;
    } cases[] = {{"bytes=0-9", FILE_RANGE_PART, 0, 10},
                 {"bytes=9-", FILE_RANGE_PART, 9, 10},
                 {"bytes=3-100", FILE_RANGE_PART, 3, 10},
                 {"bytes=-3", FILE_RANGE_PART, 7, 10},
                 {"bytes=-100", FILE_RANGE_PART, 0, 10},
                 {"bytes=10-", FILE_RANGE_NONE, 0, 10},
                 {"bytes=-0", FILE_RANGE_NONE, 0, 10},
                 {"bytes=999999999999999999-", FILE_RANGE_NONE, 0, 10},
                 {"bytes=9999999999999999999-", FILE_RANGE_WHOLE, 0, 10},
                 {"bytes=0-18446744073709551616", FILE_RANGE_WHOLE, 0, 10},
                 {"bytes=5-4", FILE_RANGE_WHOLE, 0, 10},
                 {"bytes=-", FILE_RANGE_WHOLE, 0, 10},
                 {"bytes=", FILE_RANGE_WHOLE, 0, 10},
                 {"bytes=1-2,3-4", FILE_RANGE_WHOLE, 0, 10},
                 {"bytes=a-b", FILE_RANGE_WHOLE, 0, 10},
                 {"", FILE_RANGE_WHOLE, 0, 10}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t from, end;
        assert_int_equal(file_range_read(slice_text(cases[i].range), 10, &from, &end),
                         cases[i].result);
        assert_int_equal(from, cases[i].from);
        assert_int_equal(end, cases[i].end);
    }
}

TEST(only_an_id_and_a_token_are_the_address_of_an_upload) {
    static const char too_long[] =
        "/upload/0123456789abcdef-"
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    static const char *const bad[] = {"",
                                      "/upload/",
                                      "/upload/0123456789abcdef",
                                      "/upload/0123456789abcdef-",
                                      "/upload/0123456789ABCDEF-t",
                                      "/upload/0123456789abcdef_t",
                                      "/upload/0123456789abcdef-a/b",
                                      "/upload/0123456789abcdef-a b",
                                      too_long};
    struct upload_address address;
    assert_true(upload_address_read(slice_text("/upload/0123456789abcdef-t_-9"), &address));
    assert_int_equal(address.file, UINT64_C(0x0123456789abcdef));
    assert_string_equal(address.token, "t_-9");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(upload_address_read(slice_text(bad[i]), &address));
}

int main(void) { return test_run_all(NULL, NULL); }
