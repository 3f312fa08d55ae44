/* Base64 of others. */
#include <string.h>

#include "common/base64.h"
#include "tests/support/assertions.h"
#include "tests/support/test_list.h"

static bool reads(struct slice text, int variant) {
    unsigned char room[8];
    size_t length;
    return base64_read(text, variant, room, sizeof room, &length);
}

TEST(takes_the_characters_of_its_variant_alone) {
    static const char common[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    for (int c = 0; c < 256; c++) {
        const char text[] = {'A', 'B', (char)c, 'C'};
        const bool is_common = c != 0 && strchr(common, c) != NULL;
        assert_int_equal(reads(slice_make(text, 4), sodium_base64_VARIANT_ORIGINAL),
                         is_common || c == '+' || c == '/');
        assert_int_equal(reads(slice_make(text, 4), sodium_base64_VARIANT_URLSAFE_NO_PADDING),
                         is_common || c == '-' || c == '_');
    }
}

TEST(takes_whole_texts_that_fit) {
    const int padded = sodium_base64_VARIANT_ORIGINAL;
    const int plain = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
    assert_true(reads(slice_text("AA=="), padded) && reads(slice_text("AA"), plain));
    assert_false(reads(slice_text(""), padded) || reads(slice_text(""), plain));
    assert_false(reads(slice_text("AA"), padded) || reads(slice_text("AA=="), plain));
    assert_false(reads(slice_text("AB=="), padded) || reads(slice_text("AB"), plain));
    assert_false(reads(slice_text("AAAA="), padded) || reads(slice_text("AAAA\n"), plain));
    assert_true(reads(slice_text("AAAAAAAAAAA"), plain));
    assert_false(reads(slice_text("AAAAAAAAAAAA"), plain));
}

int main(void) { return test_run_all(NULL, NULL); }
