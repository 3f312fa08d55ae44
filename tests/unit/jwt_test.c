/* JWTs: what is good, and every way in which one is bad. */
#include <stdlib.h>
#include <string.h>

#include "proto/messages.h"
#include "services/jwt/jwt.h"
#include "tests/support/assertions.h"
#include "tests/support/jwt_signer.h"
#include "tests/support/service_process.h"
#include "tests/support/test_list.h"

#define NOW_S INT64_C(1800000000)
#define SKEW_S 30
#define GOOD "\"sub\":\"anna\",\"exp\":1800000060"

static const struct jwt_rules no_rules = {.issuer = "", .audience = "", .skew_s = SKEW_S};

struct bench {
    struct jwt_signer *hs, *rs, *es, *ed;
    const char *path;
    struct jwt_keys *keys;
    struct record_arena arena;
    struct jwt_claims claims;
};

static struct bench bench;

static const char *jwks(const char *more) {
    return test_text("{\"keys\":[%s,%s,%s,%s%s]}", jwt_signer_jwk(bench.hs),
                     jwt_signer_jwk(bench.rs), jwt_signer_jwk(bench.es), jwt_signer_jwk(bench.ed),
                     more);
}

static int set_up(void **state) {
    char fault[JWT_KEYS_FAULT_BYTES];
    bench = (struct bench){.hs = jwt_signer_new(JWT_HS256, "hs"),
                           .rs = jwt_signer_new(JWT_RS256, "rs"),
                           .es = jwt_signer_new(JWT_ES256, "es"),
                           .ed = jwt_signer_new(JWT_EDDSA, "ed")};
    bench.path = jwt_signer_file(jwks(""));
    bench.keys = jwt_keys_new(bench.path, fault);
    assert_non_null(bench.keys);
    *state = &bench;
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    jwt_keys_destroy(&bench.keys);
    jwt_signer_destroy(&bench.hs);
    jwt_signer_destroy(&bench.rs);
    jwt_signer_destroy(&bench.es);
    jwt_signer_destroy(&bench.ed);
    return 0;
}

static int end_test(void **state) {
    (void)state;
    record_arena_free(&bench.arena);
    bench.arena = (struct record_arena){0};
    return 0;
}
#define JWT_TEST(name_) TEST_WITH(name_, NO_FIXTURE, NULL, end_test)

static enum err check_by(const struct jwt_rules *rules, const char *token) {
    return jwt_check(bench.keys, rules, slice_text(token), NOW_S * 1000, &bench.arena,
                     &bench.claims);
}

static enum err check(const char *token) { return check_by(&no_rules, token); }

JWT_TEST(test_every_algorithm) {
    struct jwt_signer *const signers[] = {bench.hs, bench.rs, bench.es, bench.ed};
    for (size_t i = 0; i < 4; i++) {
        assert_err(check(jwt_signer_token(signers[i], "{" GOOD ",\"name\":\"Анна\"}")), ERR_OK);
        assert_slice_text(bench.claims.subject, "anna");
        assert_slice_text(bench.claims.name, "Анна");
    }
}

JWT_TEST(test_one_byte_of_a_signature) {
    struct jwt_signer *const signers[] = {bench.hs, bench.rs, bench.es, bench.ed};
    for (size_t i = 0; i < 4; i++) {
        char *token = strdup(jwt_signer_token(signers[i], "{" GOOD "}"));
        char *signature = strrchr(token, '.') + 1;
        signature[3] = signature[3] == 'A' ? 'B' : 'A';
        assert_err(check(token), ERR_JWT_SIGNATURE);
        free(token);
    }
}

/* The signature is another's, longer, shorter, or of other claims. */
JWT_TEST(test_signatures_that_do_not_belong) {
    const char *token = jwt_signer_token(bench.es, "{" GOOD "}"),
               *other = jwt_signer_token(bench.es, "{\"sub\":\"ben\",\"exp\":1800000060}");
    const char *signature = strrchr(other, '.');
    size_t length = (size_t)(strrchr(token, '.') - token);
    assert_err(check(test_text("%.*s%s", (int)length, token, signature)), ERR_JWT_SIGNATURE);
    assert_err(check(test_text("%.*s%s", (int)length, token, strrchr(token, '.') + 5)),
               ERR_JWT_MALFORMED);
    assert_err(check(test_text("%.*s.AAAA", (int)length, token)), ERR_JWT_SIGNATURE);
    assert_err(check(test_text("%sAAAA", token)), ERR_JWT_SIGNATURE);
    static const unsigned char zero[64];
    assert_err(check(test_text("%.*s.%s", (int)length, token, jwt_signer_base64(zero, 64))),
               ERR_JWT_SIGNATURE);
}

/* An algorithm other than the key's: `none`, and an RSA key's PEM as the secret of HS256. */
JWT_TEST(test_key_confusion) {
    static const char *const none[] = {"{\"alg\":\"none\"}",
                                       "{\"alg\":\"None\"}",
                                       "{\"alg\":\"nOnE\",\"kid\":\"rs\"}",
                                       "{\"alg\":\"\"}",
                                       "{}",
                                       "{\"alg\":[\"HS256\"]}",
                                       "{\"alg\":\"HS384\"}",
                                       "{\"alg\":\"RS512\"}",
                                       "{\"alg\":\"PS256\"}",
                                       "{\"alg\":\"hs256\"}",
                                       "{\"alg\":null}"};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        const char *token = jwt_signer_token_as(bench.hs, none[i], "{" GOOD "}");
        assert_err(check(token), ERR_JWT_ALGORITHM);
        size_t length = (size_t)(strrchr(token, '.') - token) + 1;
        assert_err(check(test_text("%.*s", (int)length, token)), ERR_JWT_ALGORITHM);
    }
    static const char *const names[] = {"rs", "es", "ed"};
    for (size_t i = 0; i < 3; i++)
        assert_err(
            check(jwt_signer_token_as(
                bench.hs, test_text("{\"alg\":\"HS256\",\"kid\":\"%s\"}", names[i]), "{" GOOD "}")),
            ERR_JWT_ALGORITHM);
}

JWT_TEST(test_keys_that_are_meant) {
    assert_err(check(jwt_signer_token_as(bench.hs, "{\"alg\":\"HS256\"}", "{" GOOD "}")), ERR_OK);
    assert_err(
        check(jwt_signer_token_as(bench.hs, "{\"alg\":\"HS256\",\"kid\":\"who\"}", "{" GOOD "}")),
        ERR_JWT_KEY);
    assert_err(
        check(jwt_signer_token_as(bench.hs, "{\"alg\":\"HS256\",\"kid\":\"\"}", "{" GOOD "}")),
        ERR_JWT_KEY);
    assert_err(check(jwt_signer_token_as(bench.hs, "{\"alg\":\"HS256\",\"kid\":7}", "{" GOOD "}")),
               ERR_JWT_MALFORMED);
}

/* A key that the token brings or points to is not even looked at. */
JWT_TEST(test_keys_within_the_token) {
    struct jwt_signer *stranger = jwt_signer_new(JWT_RS256, "rs");
    const char *const headers[] = {
        test_text("{\"alg\":\"RS256\",\"kid\":\"rs\",\"jwk\":%s}", jwt_signer_jwk(stranger)),
        "{\"alg\":\"RS256\",\"kid\":\"rs\",\"jku\":\"http://127.0.0.1:1/keys\"}",
        "{\"alg\":\"RS256\",\"kid\":\"rs\",\"x5u\":\"http://127.0.0.1:1/c.pem\"}"};
    for (size_t i = 0; i < 3; i++)
        assert_err(check(jwt_signer_token_as(stranger, headers[i], "{" GOOD "}")),
                   ERR_JWT_SIGNATURE);
    jwt_signer_destroy(&stranger);
}

JWT_TEST(test_forms) {
    const char *good = jwt_signer_token(bench.hs, "{" GOOD "}");
    const char *const bad[] = {"",
                               ".",
                               "..",
                               "...",
                               "a.b",
                               "a.b.c.d",
                               test_text("%s.", good),
                               test_text(".%s", good),
                               test_text("%s=", good),
                               test_text(" %s", good),
                               test_text("%s\n", good),
                               test_text("%s+", good)};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_err(check(bad[i]), ERR_JWT_MALFORMED);
    /* The last character of a text has bits that belong to no byte: they must be 0. */
    char *loose = strdup(good);
    char *last = loose + strlen(loose) - 1;
    *last = *last == '9' ? '8' : (char)(*last + 1);
    assert_err(check(loose), ERR_JWT_MALFORMED);
    free(loose);
}

JWT_TEST(test_headers_that_are_malformed) {
    static const char *const bad[] = {
        "{\"alg\":\"HS256\",\"alg\":\"HS256\"}",
        "{\"alg\":\"HS256\",\"crit\":[\"exp\"]}",
        "{\"alg\":\"HS256\",\"b64\":false,\"crit\":[\"b64\"]}",
        "[\"HS256\"]",
        "\"HS256\"",
        "{\"alg\":\"HS256\"}{}",
        "{\"alg\":\"HS256\"",
        "{\"alg\":\"HS256\\u0000\"}",
        "{\"alg\":\"HS256\",\"x\":\"\xff\"}",
        "{\"alg\":\"HS256\",\"x\":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_err(check(jwt_signer_token_as(bench.hs, bad[i], "{" GOOD "}")), ERR_JWT_MALFORMED);
}

JWT_TEST(test_claims) {
    static const struct {
        const char *claims;
        enum err err;
    } rows[] = {
        {"{" GOOD ",\"name\":null,\"more\":{\"a\":[1,2]}}", ERR_OK},
        {"{" GOOD ",\"nbf\":1800000029.5,\"iat\":1800000030}", ERR_OK},
        {"{" GOOD ",\"sub\":\"ben\"}", ERR_JWT_MALFORMED},
        {"{\"sub\":\"ben\"," GOOD "}", ERR_JWT_MALFORMED},
        {"{" GOOD ",\"more\":{\"a\":1,\"a\":2}}", ERR_JWT_MALFORMED},
        {"[]", ERR_JWT_MALFORMED},
        {"{\"sub\":\"an\\u0000na\",\"exp\":1800000060}", ERR_JWT_MALFORMED},
        {"{\"sub\":\"\xc3\x28\",\"exp\":1800000060}", ERR_JWT_MALFORMED},
        {"{\"sub\":\"\\ud800\",\"exp\":1800000060}", ERR_JWT_MALFORMED},
        {"{\"sub\":\"anna\"}", ERR_JWT_CLAIMS},
        {"{\"sub\":\"anna\",\"exp\":null}", ERR_JWT_CLAIMS},
        {"{\"sub\":\"anna\",\"exp\":\"1800000060\"}", ERR_JWT_CLAIMS},
        {"{\"sub\":\"anna\",\"exp\":true}", ERR_JWT_CLAIMS},
        {"{\"sub\":\"anna\",\"exp\":1e400}", ERR_JWT_CLAIMS},
        {"{\"sub\":\"anna\",\"exp\":1e17}", ERR_JWT_CLAIMS},
        {"{\"sub\":\"anna\",\"exp\":-1}", ERR_JWT_EXPIRED},
        {"{\"sub\":\"anna\",\"exp\":0}", ERR_JWT_EXPIRED},
        {"{\"sub\":\"anna\",\"exp\":1799999970}", ERR_JWT_EXPIRED},
        {"{\"sub\":\"anna\",\"exp\":1799999971}", ERR_OK},
        {"{" GOOD ",\"nbf\":1800000030}", ERR_OK},
        {"{" GOOD ",\"nbf\":1800000031}", ERR_JWT_EARLY},
        {"{" GOOD ",\"iat\":1800000031}", ERR_JWT_EARLY},
        {"{" GOOD ",\"nbf\":\"0\"}", ERR_JWT_CLAIMS},
        {"{" GOOD ",\"iat\":[]}", ERR_JWT_CLAIMS},
        {"{\"exp\":1800000060}", ERR_JWT_CLAIMS},
        {"{\"exp\":1800000060,\"sub\":\"\"}", ERR_JWT_CLAIMS},
        {"{\"exp\":1800000060,\"sub\":null}", ERR_JWT_CLAIMS},
        {"{\"exp\":1800000060,\"sub\":7}", ERR_JWT_CLAIMS},
        {"{\"exp\":1800000060,\"Sub\":\"anna\"}", ERR_JWT_CLAIMS},
        {"{" GOOD ",\"name\":7}", ERR_JWT_CLAIMS},
        {"{" GOOD ",\"aud\":\"chat\"}", ERR_JWT_AUDIENCE},
        {"{" GOOD ",\"aud\":null}", ERR_JWT_AUDIENCE},
        {"{" GOOD ",\"iss\":\"whoever\"}", ERR_OK},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_err(check(jwt_signer_token(bench.hs, rows[i].claims)), rows[i].err);
}

JWT_TEST(test_issuer_and_audience) {
    const struct jwt_rules rules = {.issuer = "app", .audience = "chat", .skew_s = SKEW_S};
    static const struct {
        const char *claims;
        enum err err;
    } rows[] = {
        {"{" GOOD ",\"iss\":\"app\",\"aud\":\"chat\"}", ERR_OK},
        {"{" GOOD ",\"iss\":\"app\",\"aud\":[\"mail\",\"chat\"]}", ERR_OK},
        {"{" GOOD ",\"iss\":\"app\",\"aud\":[\"mail\",7]}", ERR_JWT_AUDIENCE},
        {"{" GOOD ",\"iss\":\"app\",\"aud\":[]}", ERR_JWT_AUDIENCE},
        {"{" GOOD ",\"iss\":\"app\",\"aud\":{\"a\":\"chat\"}}", ERR_JWT_AUDIENCE},
        {"{" GOOD ",\"iss\":\"app\",\"aud\":\"chat2\"}", ERR_JWT_AUDIENCE},
        {"{" GOOD ",\"iss\":\"app\"}", ERR_JWT_AUDIENCE},
        {"{" GOOD ",\"iss\":\"App\",\"aud\":\"chat\"}", ERR_JWT_ISSUER},
        {"{" GOOD ",\"iss\":[\"app\"],\"aud\":\"chat\"}", ERR_JWT_ISSUER},
        {"{" GOOD ",\"aud\":\"chat\"}", ERR_JWT_ISSUER},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_err(check_by(&rules, jwt_signer_token(bench.hs, rows[i].claims)), rows[i].err);
}

/* Of JWT_MAX_BYTES it is good, one byte longer it is not looked at. */
JWT_TEST(test_the_longest) {
    char filler[JWT_MAX_BYTES];
    memset(filler, 'x', sizeof filler);
    size_t good = 0;
    for (size_t n = 5900; n < 6200; n++) {
        const char *token =
            jwt_signer_token(bench.hs, test_text("{" GOOD ",\"more\":\"%.*s\"}", (int)n, filler));
        bool fits = strlen(token) <= JWT_MAX_BYTES;
        good += fits;
        if (strlen(token) + 2 >= JWT_MAX_BYTES)
            assert_err(check(token), fits ? ERR_OK : ERR_JWT_MALFORMED);
    }
    assert_true(good > 0 && good < 300);
}

/* --- files of keys -------------------------------------------------------------------------- */

static const char *fault_of(const char *content) {
    const char *fault;
    struct jwt_key_set *set = jwt_key_file_read(slice_text(content), &fault);
    if (set != NULL)
        fault = test_text("%zu keys", set->count);
    jwt_key_set_destroy(&set);
    return fault;
}

static const char *keys_of(const char *items) { return test_text("{\"keys\":[%s]}", items); }

JWT_TEST(test_files) {
    assert_string_equal(fault_of(jwks("")), "4 keys");
    assert_string_equal(fault_of(test_text("\n %s\n", jwks(""))), "4 keys");
    assert_string_equal(fault_of(jwt_signer_pem(bench.rs)), "1 keys");
    assert_string_equal(fault_of(test_text("%s%s%s", jwt_signer_pem(bench.rs),
                                           jwt_signer_pem(bench.es), jwt_signer_pem(bench.ed))),
                        "3 keys");
    assert_string_equal(fault_of("12345678901234567890123456789012"), "1 keys");
    assert_string_equal(fault_of("12345678901234567890123456789012\n"), "1 keys");
    /* Others' keys are left out. */
    assert_string_equal(
        fault_of(jwks(",{\"kty\":\"EC\",\"crv\":\"P-521\",\"x\":\"AA\"},{\"kty\":\"RSA\",\"use\":"
                      "\"enc\"},{\"kty\":\"RSA\",\"alg\":\"RSA-OAEP\"},{\"kty\":\"AKP\"},"
                      "{\"kty\":\"RSA\",\"key_ops\":[\"encrypt\"]}")),
        "4 keys");
}

JWT_TEST(test_bad_files) {
    const char *hs = jwt_signer_jwk(bench.hs);
    const char *many = hs;
    for (size_t i = 1; i < JWT_KEYS_MAX; i++)
        many = test_text("%s,%s", many, hs);
    assert_string_equal(fault_of(keys_of(many)), "32 keys");
    const struct {
        const char *content, *fault;
    } rows[] = {
        {"", "it is empty"},
        {"{", "it is no JSON object, or has a key twice"},
        {"{\"keys\":[],\"keys\":[]}", "it is no JSON object, or has a key twice"},
        {"{}", "it is no JWKS: `keys` is no list"},
        {"{\"keys\":{}}", "it is no JWKS: `keys` is no list"},
        {"{\"keys\":[]}", "it holds no key for HS256, RS256, ES256 or EdDSA"},
        {"{\"keys\":[7]}", "a key is no object"},
        {keys_of(test_text("%s,%s", many, hs)), "it holds more than 32 keys"},
        {"1234567890123456789012345678901\n", "a secret for HS256 has less than 32 bytes"},
        {keys_of("{\"kty\":\"oct\",\"k\":\"AAAA\"}"), "a secret for HS256 has less than 32 bytes"},
        {keys_of("{\"kty\":\"RSA\",\"n\":\"AAAA\"}"), "a key's numbers are missing or malformed"},
        {keys_of("{\"kty\":\"RSA\",\"n\":\"wwww\",\"e\":\"AQAB\"}"),
         "an RSA key has less than 2048 or more than 8192 bits"},
        {keys_of("{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"use\":\"enc\",\"d\":\"AAAA\"}"),
         "it holds a private key: give the server the public one alone"},
        {jwks(",{\"kty\":\"RSA\",\"n\":\"AAAA\",\"e\":\"AQAB\",\"d\":\"AAAA\"}"),
         "it holds a private key: give the server the public one alone"},
        {keys_of("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
                 "AAAAA\",\"y\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}"),
         "a key's numbers are missing or malformed"},
        {keys_of("{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AAAA\"}"),
         "a key's numbers are missing or malformed"},
        {keys_of(test_text("{\"kty\":\"oct\",\"alg\":\"RS256\",\"k\":\"%s\"}",
                           jwt_signer_base64("12345678901234567890123456789012", 32))),
         "a key's alg is not one that its kty is for"},
        {keys_of(test_text("{\"kty\":\"oct\",\"k\":\"%s\",\"kid\":\"%0257d\"}",
                           jwt_signer_base64("12345678901234567890123456789012", 32), 7)),
         "a key's kid is longer than 256 bytes"},
        {"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
         "a public key in PEM is malformed"},
        {"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
         "it holds no key for HS256, RS256, ES256 or EdDSA"},
        {"-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n",
         "it holds a private key: give the server the public one alone"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_string_equal(fault_of(rows[i].content), rows[i].fault);
}

/* A PEM has no kid: it is meant by all tokens. */
JWT_TEST(test_a_key_without_a_name) {
    char fault[JWT_KEYS_FAULT_BYTES];
    struct jwt_keys *all = bench.keys;
    bench.keys = jwt_keys_new(jwt_signer_file(jwt_signer_pem(bench.rs)), fault);
    assert_non_null(bench.keys);
    assert_err(check(jwt_signer_token(bench.rs, "{" GOOD "}")), ERR_OK);
    /* The confusion that has broken others: HMAC with the public key's text as its secret. */
    assert_err(check(jwt_signer_token_as(bench.hs, "{\"alg\":\"HS256\"}", "{" GOOD "}")),
               ERR_JWT_ALGORITHM);
    jwt_keys_destroy(&bench.keys);
    bench.keys = all;
}

JWT_TEST(test_files_that_cannot_be_read) {
    char fault[JWT_KEYS_FAULT_BYTES];
    char *large = malloc(JWT_KEY_FILE_BYTES + 2);
    assert_null(jwt_keys_new("/nowhere/keys", fault));
    assert_string_equal(fault, "No such file or directory");
    assert_null(jwt_keys_new("/", fault));
    memset(large, ' ', JWT_KEY_FILE_BYTES + 1);
    large[JWT_KEY_FILE_BYTES + 1] = '\0';
    assert_null(jwt_keys_new(jwt_signer_file(large), fault));
    assert_string_equal(fault, "it is larger than 64 KiB");
    free(large);
}

/* Keys come and go with the file; a bad file changes nothing. */
JWT_TEST(test_rotation) {
    struct jwt_signer *next = jwt_signer_new(JWT_EDDSA, "next");
    const char *old_token = jwt_signer_token(bench.ed, "{" GOOD "}"),
               *new_token = jwt_signer_token(next, "{" GOOD "}");
    assert_err(check(new_token), ERR_JWT_KEY);
    jwt_signer_replace(bench.path, jwks(test_text(",%s", jwt_signer_jwk(next))));
    assert_err(check(new_token), ERR_OK);
    assert_err(check(old_token), ERR_OK);
    jwt_signer_replace(bench.path, "{\"keys\":");
    assert_err(check(new_token), ERR_OK);
    assert_int_equal(remove(bench.path), 0);
    assert_err(check(old_token), ERR_OK);
    jwt_signer_replace(bench.path, keys_of(jwt_signer_jwk(next)));
    assert_err(check(new_token), ERR_OK);
    assert_err(check(old_token), ERR_JWT_KEY);
    jwt_signer_replace(bench.path, jwks(""));
    assert_err(check(old_token), ERR_OK);
    jwt_signer_destroy(&next);
}

int main(void) { return test_run_all(set_up, tear_down); }
