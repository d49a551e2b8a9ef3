/* lib/es/wsse.h: WS-Security as an option between two partners (fact book 5.10): a UsernameToken, or an X.509 token with
 * a signature. It comes on top of TLS, on requests only. Pure, but for the memory of nonces.
 *
 * Taken: one UsernameToken (text, or digest with nonce and time); one signature with references, by wsu:Id, to the Body, the
 * headers of WS-Addressing that are acted on, the Timestamp and the BinarySecurityToken of this very envelope. It must cover
 * the Body and all those headers that are there. What a reference means is found where it is acted on, not searched: there is
 * nothing to be wrapped. */
#ifndef OSPREY_ES_WSSE_H
#define OSPREY_ES_WSSE_H

#include "lib/base/env.h"
#include "lib/codec/xml.h"
#include "message.h"

#define WSSE_NS           SOAP_WSSE_NS
#define WSSE_UTILITY_NS   "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
#define WSSE_USER_MAX     80u
#define WSSE_PASSWORD_MAX 128u
#define WSSE_NONCE_MAX    128u     /* of its text */
#define WSSE_PAST_MS      300000u  /* how old Created may be */
#define WSSE_FUTURE_MS    60000u   /* how far ahead: clocks differ */
#define WSSE_SEEN_MAX     65536u   /* nonces kept for WSSE_PAST_MS; with no room for one the message is refused */

enum wsse_kind { WSSE_NONE, WSSE_USERNAME, WSSE_TEXT, WSSE_DIGEST, WSSE_X509 };

/* The header Security as it came. Spans as the message's. */
struct wsse_token {
    bool must_understand;
    bool malformed; /* something twice, or not as it must be */
    bool has_user, digest;
    struct span user, password, nonce, created;
    bool has_timestamp;
    struct span timestamp_id, expires; /* of the Timestamp; empty: none */
    struct span certificate_id, certificate; /* BinarySecurityToken: wsu:Id, base64; empty: none */
    struct span signature;   /* the element, able to stand alone */
};
/* The attribute wsu:Id of the current element; empty: it has none, or two. */
struct span wsse_id(const struct xml_reader *r);
/* Reads the element Security that is current. */
void wsse_read(struct xml_reader *r, struct arena *a, struct wsse_token *ret);

/* What a partner's requests must carry. */
struct wsse_rule {
    enum wsse_kind kind; /* WSSE_USERNAME: text or digest */
    char user[WSSE_USER_MAX + 1];
    uint8_t password[WSSE_PASSWORD_MAX];
    size_t password_len;
    struct x509 *certificate; /* WSSE_X509: the one that signs; owned */
    bool body_only;           /* WSSE_X509: the headers need not be covered */
};
void wsse_rule_done(struct wsse_rule *rule); /* wipes */

/* Nonces of the last minutes. What was made before the memory began is refused: it could be a repeat of somebody's. */
struct wsse_seen;
struct wsse_seen *wsse_seen_new(uint64_t now_ms); /* NULL: no memory */
void wsse_seen_free(struct wsse_seen *seen);

/* Does the message carry what the rule wants? false, with the fault to answer: what is wrong is told to the log only as
 * far as it helps nobody who guesses. The same nonce may come again with the same octets: a repeat of the sender. */
bool wsse_check(const struct wsse_rule *rule, struct wsse_seen *seen, const struct es_message *m, struct span soap,
                uint64_t now_ms, struct es_fault *ret_fault);

/* What we add to our own requests. Borrowed. */
struct evp_pkey_st;
struct wsse_sender {
    enum wsse_kind kind; /* WSSE_NONE, WSSE_TEXT, WSSE_DIGEST, WSSE_X509 */
    struct span user, password;
    struct evp_pkey_st *key; /* WSSE_X509 */
    struct span certificate; /* DER */
    uint32_t timestamp_s;    /* WSSE_X509: a Timestamp that is over after so many seconds is signed too; 0: none */
};
/* A message of es_encode with that header; in the arena. ERR_BAD_VALUE (no message of ours), ERR_CRYPTO, ERR_NO_SPACE. */
MUST_USE enum err wsse_add(const struct wsse_sender *sender, struct span soap, struct rng *rng, uint64_t now_ms,
                           struct arena *a, struct span *ret);

#endif
