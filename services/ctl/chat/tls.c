/* OpenSSL between two buffers. */
#include "services/ctl/chat/tls.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

struct chat_tls_trust {
    SSL_CTX *context;
};

struct chat_tls {
    SSL *ssl;
    BIO *in, *out; /* the ssl's */
};

/* --- whom to trust --------------------------------------------------------------------------- */

static const char *error_of_openssl(void) {
    const char *text = ERR_reason_error_string(ERR_peek_last_error());
    return text != NULL ? text : "OpenSSL doesn't say why";
}

static bool load_issuers(SSL_CTX *context, const char *issuers) {
    return issuers[0] == '\0' ? SSL_CTX_set_default_verify_paths(context) == 1
                              : SSL_CTX_load_verify_file(context, issuers) == 1;
}

struct chat_tls_trust *chat_tls_trust_new(const char *issuers, bool verify,
                                          char reason_r[CHAT_TLS_REASON_BYTES]) {
    struct chat_tls_trust *self = calloc(1, sizeof *self);
    snprintf(reason_r, CHAT_TLS_REASON_BYTES, "memory is short");
    if (self == NULL)
        return NULL;
    ERR_clear_error();
    self->context = SSL_CTX_new(TLS_client_method());
    if (self->context != NULL && !load_issuers(self->context, issuers)) {
        snprintf(reason_r, CHAT_TLS_REASON_BYTES,
                 "--cacert %s cannot be read, or holds no certificate (PEM)", issuers);
        chat_tls_trust_destroy(&self);
    } else if (self->context == NULL ||
               SSL_CTX_set_min_proto_version(self->context, TLS1_2_VERSION) != 1) {
        chat_tls_trust_destroy(&self);
    } else {
        SSL_CTX_set_verify(self->context, verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
    }
    return self;
}

void chat_tls_trust_destroy(struct chat_tls_trust **self) {
    if (*self != NULL)
        SSL_CTX_free((*self)->context);
    free(*self);
    *self = NULL;
}

/* --- life ------------------------------------------------------------------------------------ */

static bool is_numeric(const char *host) {
    unsigned char bytes[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

/* For whom the certificate must be. */
static bool set_host(SSL *ssl, const char *host) {
    if (is_numeric(host))
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
}

struct chat_tls *chat_tls_new(struct chat_tls_trust *trust, const char *host) {
    struct chat_tls *self = calloc(1, sizeof *self);
    if (self == NULL)
        return NULL;
    self->ssl = SSL_new(trust->context);
    self->in = BIO_new(BIO_s_mem());
    self->out = BIO_new(BIO_s_mem());
    if (self->ssl == NULL || self->in == NULL || self->out == NULL || !set_host(self->ssl, host)) {
        BIO_free(self->in);
        BIO_free(self->out);
        SSL_free(self->ssl);
        free(self);
        return NULL;
    }
    SSL_set_bio(self->ssl, self->in, self->out); /* which are its own now */
    SSL_set_connect_state(self->ssl);
    return self;
}

void chat_tls_destroy(struct chat_tls **self) {
    if (*self != NULL)
        SSL_free((*self)->ssl);
    free(*self);
    *self = NULL;
}

/* --- the connection -------------------------------------------------------------------------- */

void chat_tls_take(struct chat_tls *self, struct slice bytes) {
    (void)BIO_write(self->in, bytes.data, (int)bytes.length);
}

static enum chat_tls_result fail(const struct chat_tls *self,
                                 char reason_r[CHAT_TLS_REASON_BYTES]) {
    long verified = SSL_get_verify_result(self->ssl);
    if (SSL_get_verify_mode(self->ssl) != SSL_VERIFY_NONE && verified != X509_V_OK)
        snprintf(reason_r, CHAT_TLS_REASON_BYTES,
                 "its certificate is not trusted: %s (--cacert names a file of issuers to trust)",
                 X509_verify_cert_error_string(verified));
    else if (ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_WRONG_VERSION_NUMBER)
        snprintf(reason_r, CHAT_TLS_REASON_BYTES, "there is no TLS at that port");
    else
        snprintf(reason_r, CHAT_TLS_REASON_BYTES, "TLS failed: %s", error_of_openssl());
    return CHAT_TLS_FAILED;
}

static enum chat_tls_result result_of(const struct chat_tls *self, int done,
                                      char reason_r[CHAT_TLS_REASON_BYTES]) {
    if (done > 0)
        return CHAT_TLS_DONE;
    switch (SSL_get_error(self->ssl, done)) {
    case SSL_ERROR_WANT_READ:
        return CHAT_TLS_MORE;
    case SSL_ERROR_ZERO_RETURN:
        return CHAT_TLS_ENDED;
    default:
        return fail(self, reason_r);
    }
}

enum chat_tls_result chat_tls_shake(struct chat_tls *self, char reason_r[CHAT_TLS_REASON_BYTES]) {
    ERR_clear_error();
    return result_of(self, SSL_do_handshake(self->ssl), reason_r);
}

enum chat_tls_result chat_tls_read(struct chat_tls *self, char *bytes, size_t *size_r,
                                   char reason_r[CHAT_TLS_REASON_BYTES]) {
    ERR_clear_error();
    int done = SSL_read(self->ssl, bytes, (int)*size_r);
    *size_r = done > 0 ? (size_t)done : 0;
    return result_of(self, done, reason_r);
}

bool chat_tls_write(struct chat_tls *self, const char *bytes, size_t length) {
    ERR_clear_error();
    return length == 0 || SSL_write(self->ssl, bytes, (int)length) > 0;
}

void chat_tls_give(struct chat_tls *self, struct buffer *out) {
    char *bytes;
    long length = BIO_get_mem_data(self->out, &bytes);
    if (length > 0)
        (void)buffer_add(out, bytes, (size_t)length);
    (void)BIO_reset(self->out);
}
