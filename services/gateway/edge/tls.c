/* Certificates, and OpenSSL's calls. */
#include "services/gateway/edge/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/log.h"

/* limit: gateway | certificates in `tls_certificate` | {ISSUERS_MAX} behind the server's | refused
 */
#define ISSUERS_MAX 10
/* limit: gateway | a certificate that is about to expire | {EXPIRES_SOON_DAYS} days | logged at the
 * start, at SIGHUP and once a day; it stays in use, and so does one that has expired */
#define EXPIRES_SOON_DAYS 14
#define DAY_S (24 * 60 * 60)
#define REASON_BYTES 512

/* TLS 1.2's; those of 1.3 are all of this kind. */
static const char ciphers[] = "ECDHE+AESGCM:ECDHE+CHACHA20";

/* --- reading the files ----------------------------------------------------------------------- */

static const char *error_of_openssl(void) {
    const char *text = ERR_reason_error_string(ERR_peek_last_error());
    return text != NULL ? text : "OpenSSL doesn't say why";
}

static bool is_end_of_file(void) {
    unsigned long error = ERR_peek_last_error();
    return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

static void pair_free(struct edge_tls_pair *pair) {
    X509_free(pair->certificate);
    sk_X509_pop_free(pair->issuers, X509_free);
    EVP_PKEY_free(pair->key);
    *pair = (struct edge_tls_pair){0};
}

static FILE *open_file(const char *option, const char *path, char reason_r[REASON_BYTES]) {
    FILE *file = fopen(path, "re");
    if (file == NULL)
        snprintf(reason_r, REASON_BYTES, "cannot read %s %s: %s", option, path, strerror(errno));
    return file;
}

static bool read_issuers(FILE *file, STACK_OF(X509) * issuers) {
    X509 *issuer;
    while ((issuer = PEM_read_X509(file, NULL, NULL, NULL)) != NULL)
        if (sk_X509_num(issuers) == ISSUERS_MAX || sk_X509_push(issuers, issuer) <= 0) {
            X509_free(issuer);
            return false;
        }
    return is_end_of_file();
}

static bool read_certificates(const char *path, struct edge_tls_pair *pair,
                              char reason_r[REASON_BYTES]) {
    FILE *file = open_file("tls_certificate", path, reason_r);
    if (file == NULL)
        return false;
    pair->certificate = PEM_read_X509_AUX(file, NULL, NULL, NULL);
    pair->issuers = sk_X509_new_null();
    if (pair->certificate == NULL)
        snprintf(reason_r, REASON_BYTES,
                 "tls_certificate %s has no certificate at its begin (PEM): %s", path,
                 error_of_openssl());
    bool whole = pair->certificate != NULL && pair->issuers != NULL;
    if (whole && !read_issuers(file, pair->issuers)) {
        snprintf(reason_r, REASON_BYTES,
                 "tls_certificate %s has a faulty certificate behind the first, or more than %d",
                 path, ISSUERS_MAX);
        whole = false;
    }
    fclose(file);
    return whole;
}

/* Nobody is there to type it. */
static int no_passphrase(char *out, int size, int writing, void *asked) {
    (void)out;
    (void)size;
    (void)writing;
    *(bool *)asked = true;
    return -1;
}

static bool read_key(const char *path, struct edge_tls_pair *pair, char reason_r[REASON_BYTES]) {
    bool asked = false;
    FILE *file = open_file("tls_key", path, reason_r);
    if (file == NULL)
        return false;
    pair->key = PEM_read_PrivateKey(file, NULL, no_passphrase, &asked);
    fclose(file);
    if (pair->key == NULL)
        snprintf(reason_r, REASON_BYTES, "tls_key %s %s%s", path,
                 asked ? "has a passphrase: store it without one"
                       : "has no private key (PEM) that can be read: ",
                 asked ? "" : error_of_openssl());
    return pair->key != NULL;
}

static bool use(SSL_CTX *context, const struct edge_tls_pair *pair) {
    return SSL_CTX_use_cert_and_key(context, pair->certificate, pair->key, pair->issuers, 1) == 1;
}

/* Whether OpenSSL takes them, too: it refuses keys that are too weak. */
static bool try_out(const char *certificate, const char *key, const struct edge_tls_pair *pair,
                    char reason_r[REASON_BYTES]) {
    if (X509_check_private_key(pair->certificate, pair->key) != 1) {
        snprintf(reason_r, REASON_BYTES, "tls_key %s is not the key of tls_certificate %s", key,
                 certificate);
        return false;
    }
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    bool good = context != NULL && use(context, pair);
    if (!good)
        snprintf(reason_r, REASON_BYTES, "cannot use tls_certificate %s: %s", certificate,
                 error_of_openssl());
    SSL_CTX_free(context);
    return good;
}

static bool read_pair(const struct edge_tls *self, struct edge_tls_pair *pair_r,
                      char reason_r[REASON_BYTES]) {
    snprintf(reason_r, REASON_BYTES, "out of memory");
    *pair_r = (struct edge_tls_pair){0};
    ERR_clear_error();
    bool good = read_certificates(self->certificate, pair_r, reason_r) &&
                read_key(self->key, pair_r, reason_r) &&
                try_out(self->certificate, self->key, pair_r, reason_r);
    ERR_clear_error();
    if (!good)
        pair_free(pair_r);
    return good;
}

/* --- when it expires ------------------------------------------------------------------------- */

static int64_t seconds_of(const ASN1_TIME *time) {
    struct tm parts = {0};
    return ASN1_TIME_to_tm(time, &parts) == 1 ? (int64_t)timegm(&parts) : 0;
}

static void warn_of_end(const struct edge_tls *self) {
    int64_t now_s = (int64_t)time(NULL), left_s = self->expires_s - now_s;
    char path[LOG_QUOTED_BYTES];
    log_quote(path, self->certificate, strlen(self->certificate));
    if (left_s <= 0)
        log_warn("certificate_expired", "file=%s since_days=%lld text=\"clients refuse it\"", path,
                 (long long)(-left_s / DAY_S));
    else if (left_s < EXPIRES_SOON_DAYS * DAY_S)
        log_warn("certificate_expires", "file=%s days=%lld", path, (long long)(left_s / DAY_S));
    if (seconds_of(X509_get0_notBefore(self->pair.certificate)) > now_s)
        log_warn("certificate_early", "file=%s text=\"it is not valid yet\"", path);
}

static void on_timer(struct ev_loop *ev, ev_timer *watcher, int revents) {
    (void)ev;
    (void)revents;
    warn_of_end(watcher->data);
}

/* --- life ------------------------------------------------------------------------------------ */

static void take(struct edge_tls *self, struct edge_tls_pair *pair) {
    char path[LOG_QUOTED_BYTES];
    pair_free(&self->pair);
    self->pair = *pair;
    self->expires_s = seconds_of(X509_get0_notAfter(pair->certificate));
    log_info(self->context == NULL ? "certificate_loaded" : "certificate_renewed",
             "file=%s expires_in_days=%lld",
             log_quote(path, self->certificate, strlen(self->certificate)),
             (long long)((self->expires_s - (int64_t)time(NULL)) / DAY_S));
    warn_of_end(self);
}

int edge_tls_start(struct edge_tls *self, struct ev_loop *ev, const char *certificate,
                   const char *key) {
    struct edge_tls_pair pair;
    char reason[REASON_BYTES], quoted[LOG_QUOTED_BYTES];
    *self = (struct edge_tls){.ev = ev, .certificate = certificate, .key = key};
    ev_timer_init(&self->timer, on_timer, DAY_S, DAY_S);
    self->timer.data = self;
    if (!read_pair(self, &pair, reason)) {
        log_error("start_failed", "reason=%s", log_quote(quoted, reason, strlen(reason)));
        return -1;
    }
    take(self, &pair);
    ev_timer_start(ev, &self->timer);
    return 0;
}

int edge_tls_set_up(struct edge_tls *self, SSL_CTX *context) {
    self->context = context;
    /* A client that closes its half of the connection without TLS' own word for it may still read:
     * each object and each request says itself where it ends. */
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                     SSL_OP_IGNORE_UNEXPECTED_EOF);
    /* Sessions are kept by the clients, in tickets. */
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    /* There is one certificate, whatever name a client asks for. */
    SSL_CTX_set_tlsext_servername_callback(context, NULL);
    if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
        SSL_CTX_set_cipher_list(context, ciphers) == 1 && use(context, &self->pair))
        return 0;
    log_error("start_failed", "reason=\"cannot set up TLS: %s\"", error_of_openssl());
    return -1;
}

bool edge_tls_renew(struct edge_tls *self) {
    struct edge_tls_pair pair;
    char reason[REASON_BYTES], quoted[LOG_QUOTED_BYTES];
    if (read_pair(self, &pair, reason)) {
        if (use(self->context, &pair)) {
            take(self, &pair);
            return true;
        }
        snprintf(reason, sizeof reason, "cannot use it: %s", error_of_openssl());
        pair_free(&pair);
    }
    log_error("certificate_refused", "reason=%s text=\"the old one stays\"",
              log_quote(quoted, reason, strlen(reason)));
    return false;
}

void edge_tls_stop(struct edge_tls *self) {
    if (self->ev == NULL)
        return;
    ev_timer_stop(self->ev, &self->timer);
    pair_free(&self->pair);
}

/* --- connections ----------------------------------------------------------------------------- */

/* What SSL_read and SSL_peek return, as recv does. */
static ssize_t result_of(SSL *ssl, int got) {
    if (got > 0)
        return got;
    switch (SSL_get_error(ssl, got)) {
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    case SSL_ERROR_WANT_READ:
        errno = EAGAIN;
        return -1;
    default: /* WANT_WRITE as well: the client takes nothing, yet asks for new keys */
        errno = EPROTO;
        return -1;
    }
}

ssize_t edge_tls_read(struct lws *wsi, void *bytes, size_t length) {
    SSL *ssl = lws_get_ssl(wsi);
    ERR_clear_error();
    return result_of(ssl, SSL_read(ssl, bytes, (int)length));
}

ssize_t edge_tls_peek(struct lws *wsi, void *bytes, size_t length) {
    SSL *ssl = lws_get_ssl(wsi);
    ERR_clear_error();
    return result_of(ssl, SSL_peek(ssl, bytes, (int)length));
}

static long fail_reads(BIO *bio, int operation, const char *argument, size_t length, int argi,
                       long argl, int result, size_t *processed) {
    (void)argument, (void)length, (void)argi, (void)argl, (void)processed;
    if (operation != BIO_CB_READ)
        return result;
    BIO_clear_retry_flags(bio);
    return -1;
}

/* The BIO stays: libwebsockets asks it for the socket to close. */
void edge_tls_stop_reading(struct lws *wsi) {
    BIO_set_callback_ex(SSL_get_rbio(lws_get_ssl(wsi)), fail_reads);
}

bool edge_tls_has_more(struct lws *wsi) { return SSL_pending(lws_get_ssl(wsi)) > 0; }

bool edge_tls_end_output(struct lws *wsi) {
    SSL *ssl = lws_get_ssl(wsi);
    ERR_clear_error();
    int done = SSL_shutdown(ssl);
    return done >= 0 || SSL_get_error(ssl, done) != SSL_ERROR_WANT_WRITE;
}

uint64_t edge_tls_added_bytes(struct lws *wsi, uint64_t written) {
    uint64_t given = BIO_number_written(SSL_get_wbio(lws_get_ssl(wsi)));
    return given > written ? given - written : 0;
}
