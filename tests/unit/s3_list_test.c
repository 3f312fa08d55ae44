/* Lists of objects, as an S3 server answers them. */
#include "services/files/s3_list.h"
#include "tests/support/test_list.h"

#define OBJECT(key_, size_) "<Contents><Key>" key_ "</Key><Size>" size_ "</Size></Contents>"

TEST(files_and_their_previews_are_counted_once) {
    struct store_item items[3];
    size_t count = 0;
    uint64_t last = 0;
    bool more = false;
    const char *xml = "<?xml version=\"1.0\"?><L><IsTruncated>true</IsTruncated>" OBJECT(
        "files/0000000000000001", "5") OBJECT("files/0000000000000001.preview", "70")
        OBJECT("files/other", "1") OBJECT("elsewhere/0000000000000002", "1")
            OBJECT("files/0000000000000003.preview", "7")
                OBJECT("files/7fffffffffffffff", "123456789012")
                    OBJECT("files/7fffffffffffffff.preview", "1") "</L>";
    assert_true(s3_list_read(slice_text(xml), "files/", items, 3, &count, &last, &more));
    assert_true(more && last == INT64_MAX);
    assert_int_equal(count, 3);
    assert_true(items[0].id == 1 && items[0].size == 5);
    assert_true(items[1].id == 3 && items[1].size == 0);
    assert_true(items[2].id == INT64_MAX && items[2].size == 123456789012);
    /* No more than there is room for. */
    count = 0;
    assert_true(s3_list_read(slice_text(xml), "files/", items, 1, &count, &last, &more));
    assert_int_equal(count, 1);
}

TEST(what_is_no_list_is_refused) {
    struct store_item items[1];
    static const char *const wrong[] = {"", "<html>", "<IsTruncated>", "<IsTruncated>true"};
    size_t count = 0;
    uint64_t last;
    bool more;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_false(s3_list_read(slice_text(wrong[i]), "files/", items, 1, &count, &last, &more));
    assert_true(s3_list_read(slice_text("<IsTruncated>false</IsTruncated><Contents><Key>files/00"),
                             "files/", items, 1, &count, &last, &more));
    assert_true(count == 0 && !more);
}

int main(void) { return test_run_all(NULL, NULL); }
