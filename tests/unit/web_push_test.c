/* Web Push: the example of RFC 8291, keys, VAPID, and addresses that strangers may choose. */
#include <arpa/inet.h>
#include <openssl/evp.h>
#include <sodium.h>
#include <string.h>

#include "services/hooks/web_push_crypto.h"
#include "services/webhook/public_address.h"
#include "tests/support/service_process.h"
#include "tests/support/test_list.h"

static size_t decode(const char *text, void *out, size_t room) {
    size_t length = 0;
    assert_int_equal(sodium_base642bin(out, room, text, strlen(text), NULL, &length, NULL,
                                       sodium_base64_VARIANT_URLSAFE_NO_PADDING),
                     0);
    return length;
}

/* RFC 8291, section 5 and appendix A. */
static const char ua_public[] =
    "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7"
    "Vd8pZGH6SRpkNtoIAiw4";
static const char as_public[] =
    "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6Tl"
    "zAC8wEqKK6PBru3jl7A8";
static const char as_private[] = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw";
static const char body[] =
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_"
    "c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6Tl"
    "zAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_"
    "Qulcy4a-"
    "fN";

static struct web_push_keys keys_of_example(void) {
    struct web_push_keys keys = {{0}, {0}};
    assert_int_equal(decode(ua_public, keys.p256dh, sizeof keys.p256dh), sizeof keys.p256dh);
    assert_int_equal(decode("BTBZMqHH6r4Tts7J_aSIgg", keys.auth, sizeof keys.auth),
                     sizeof keys.auth);
    return keys;
}

TEST(the_example_of_rfc_8291) {
    const struct web_push_keys keys = keys_of_example();
    unsigned char secret[WEB_PUSH_SECRET_BYTES], salt[WEB_PUSH_SALT_BYTES];
    unsigned char out[WEB_PUSH_MESSAGE_MAX], expected[WEB_PUSH_MESSAGE_MAX];
    size_t length = 0;
    decode(as_private, secret, sizeof secret);
    decode("DGv6ra1nlYgDCS1FRnbzlw", salt, sizeof salt);
    assert_true(web_push_encrypt_as(&keys, slice_text("When I grow up, I want to be a watermelon"),
                                    secret, salt, out, &length));
    assert_int_equal(length, decode(body, expected, sizeof expected));
    assert_memory_equal(out, expected, length);
}

TEST(public_keys) {
    unsigned char secret[WEB_PUSH_SECRET_BYTES], public[WEB_PUSH_PUBLIC_BYTES];
    unsigned char expected[WEB_PUSH_PUBLIC_BYTES];
    decode(as_private, secret, sizeof secret);
    decode(as_public, expected, sizeof expected);
    assert_true(web_push_key_public(secret, public));
    assert_memory_equal(public, expected, sizeof public);
    assert_true(web_push_key_is_valid(public));
    public[20] ^= 1;
    assert_false(web_push_key_is_valid(public));
    memset(public, 0, sizeof public);
    assert_false(web_push_key_is_valid(public));
    memset(secret, 0, sizeof secret);
    assert_false(web_push_key_public(secret, public));
    memset(secret, 0xff, sizeof secret); /* above the order */
    assert_false(web_push_key_public(secret, public));
    assert_true(web_push_key_make(secret) && web_push_key_public(secret, public));
}

TEST(messages_of_all_lengths) {
    static char text[WEB_PUSH_TEXT_MAX + 1];
    struct web_push_keys keys = keys_of_example();
    unsigned char out[WEB_PUSH_MESSAGE_MAX], other[WEB_PUSH_MESSAGE_MAX];
    size_t length = 0;
    memset(text, 'x', sizeof text);
    assert_true(web_push_encrypt(&keys, slice_make(text, WEB_PUSH_TEXT_MAX), out, &length));
    assert_int_equal(length, WEB_PUSH_MESSAGE_MAX);
    /* Each has a key and a salt of its own. */
    assert_true(web_push_encrypt(&keys, slice_make(text, WEB_PUSH_TEXT_MAX), other, &length));
    assert_memory_not_equal(out, other, length);
    assert_false(web_push_encrypt(&keys, slice_make(text, sizeof text), out, &length));
    keys.p256dh[5] ^= 1;
    assert_false(web_push_encrypt(&keys, slice_make(text, 5), out, &length));
}

TEST(an_authorization) {
    unsigned char secret[WEB_PUSH_SECRET_BYTES], signature[64];
    char out[WEB_PUSH_AUTHORIZATION_ROOM], again[WEB_PUSH_AUTHORIZATION_ROOM], claims[256] = "";
    decode(as_private, secret, sizeof secret);
    assert_true(web_push_authorization(secret, "https://push.example", "mailto:a@b.example",
                                       1700000000, out));
    assert_true(strncmp(out, "vapid t=eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9.", 45) == 0);
    char *middle = out + 45, *end = strchr(middle, '.'), *comma = strchr(middle, ',');
    *end = *comma = '\0';
    decode(middle, claims, sizeof claims - 1);
    assert_string_equal(claims,
                        "{\"aud\":\"https://push.example\",\"exp\":1700000000,\"sub\":\"mailto:"
                        "a@b.example\"}");
    assert_int_equal(decode(end + 1, signature, sizeof signature), sizeof signature);
    assert_string_equal(comma + 1, test_text(" k=%s", as_public));
    assert_true(web_push_authorization(secret, "https://push.example", "", 1, again));
    assert_false(web_push_authorization(secret, "https://push.example", "a\"b", 1, again));
}

static bool is_public(const char *text) {
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    if (strchr(text, ':') == NULL) {
        assert_int_equal(inet_pton(AF_INET, text, &v4.sin_addr), 1);
        return address_is_public((struct sockaddr *)&v4);
    }
    assert_int_equal(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
    return address_is_public((struct sockaddr *)&v6);
}

TEST(addresses_that_strangers_may_choose) {
    static const char *const public[] = {
        "1.1.1.1",     "8.8.8.8",     "172.15.255.255",  "172.32.0.0",   "100.63.0.1",
        "100.128.0.1", "169.253.0.1", "2606:4700::1111", "2a00:1450::1", "2001:4860::8888"};
    static const char *const others[] = {
        "0.0.0.0",        "10.1.2.3",        "127.0.0.1",       "127.255.1.1", "169.254.169.254",
        "172.16.0.1",     "172.31.255.255",  "192.168.1.1",     "100.64.0.1",  "198.18.0.1",
        "192.0.2.1",      "224.0.0.1",       "255.255.255.255", "::1",         "::",
        "fe80::1",        "fc00::1",         "fd12::1",         "ff02::1",     "::ffff:127.0.0.1",
        "::ffff:8.8.8.8", "64:ff9b::7f00:1", "2002:7f00:1::",   "2001::1",     "2001:db8::1"};
    for (size_t i = 0; i < sizeof public / sizeof public[0]; i++)
        if (!is_public(public[i]))
            fail_msg("%s is public", public[i]);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (is_public(others[i]))
            fail_msg("%s is not public", others[i]);
    const struct sockaddr local = {.sa_family = AF_UNIX};
    assert_false(address_is_public(&local));
}

int main(void) {
    if (sodium_init() < 0)
        return 1;
    return test_run_all(NULL, NULL);
}
