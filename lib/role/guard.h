/* lib/role/guard.h: what a partner may do here and how much of it, from its section of the configuration: functions,
 * namespaces, for whom it may speak, calls per second and at a time, WS-Security. All zero: everything its role may. */
#ifndef OSPREY_ROLE_GUARD_H
#define OSPREY_ROLE_GUARD_H

#include "lib/base/bucket.h"
#include "lib/daemon/config.h"
#include "lib/es/wsse.h"

#define GUARD_SPEAKS_FOR_MAX 64u
#define GUARD_WORDS          ((ES_FUNCTION_COUNT + 63) / 64)

/* WS-Security on what we send to a partner. */
struct guard_sender {
    struct wsse_sender token; /* points into the two below; key and certificate are those of TLS, filled in by who sends */
    char user[WSSE_USER_MAX + 1];
    uint8_t password[WSSE_PASSWORD_MAX];
};

struct guard {
    bool chosen; /* only the functions of the set */
    uint64_t functions[GUARD_WORDS];
    bool refused[ES_NAMESPACE_COUNT];
    struct oid speaks_for[GUARD_SPEAKS_FOR_MAX]; /* partners whose messages may come over its connection */
    size_t speaks_for_count;
    struct es_dialect dialect; /* of what is said to it first; answers are in its own */
    struct codes codes;        /* its own numbers for statuses */
    bool takes_any_pol2;       /* rules without meaning too: they are kept and enforced as far as they go */
    uint32_t validity_min_s, validity_max_s; /* of its calls; 0: the server's own */
    struct bucket_rate calls;
    uint32_t in_flight; /* 0: no limit */
    struct wsse_rule security;
    struct guard_sender send;
    /* state */
    struct bucket budget; /* of calls */
};

/* The options of [partner NAME], for the table of a program. */
#define GUARD_SENDER_OPTIONS                                                                                           \
    { "partner *", "send_security", CONFIG_TEXT, "none", false,                                                        \
      "WS-Security on our requests to it: none, text, digest, x509 (with our TLS key)" },                              \
    { "partner *", "send_user", CONFIG_TEXT, "", false, "our user there" },                                            \
    { "partner *", "send_password_file", CONFIG_PATH, NULL, false, "the file with our password there" },               \
    { "partner *", "send_timestamp_s", CONFIG_NUMBER, "0", false,                                                       \
      "with x509: a signed Timestamp that is over after so many seconds; 0: none" }
#define GUARD_CODES_OPTION                                                                                             \
    { "partner *", "code.*", CONFIG_TEXT, "8.1/4.4", false,                                                            \
      "a status in its own numbers, by name (code.EUICC_BUSY); `osprey status` and `osprey codes` list the names" }
#define GUARD_OPTIONS                                                                                                  \
    GUARD_CODES_OPTION,                                                                                                \
    { "partner *", "pol2_strict", CONFIG_BOOL, "yes", false,                                                           \
      "refuse policy rules without meaning (ENABLE Not-Allowed); no: they are kept" },                                 \
    { "partner *", "validity_min_s", CONFIG_NUMBER, "0", false,                                                        \
      "shortest validity period that is taken from it; 0: the server's own" },                                         \
    { "partner *", "validity_max_s", CONFIG_NUMBER, "0", false,                                                        \
      "longest validity period that is taken from it; 0: the server's own" },                                          \
    { "partner *", "functions", CONFIG_TEXT, "", false,                                                                \
      "what it may call: interfaces and functions (ES4 ES2-DownloadProfile); none: all that its kind may" },          \
    { "partner *", "namespaces", CONFIG_TEXT, "1 3 4", false, "versions of esim-messaging that are taken from it" },   \
    { "partner *", "namespace", CONFIG_NUMBER, "3", false, "the version in which it is spoken to first" },             \
    { "partner *", "v4", CONFIG_BOOL, "false", false, "it understands the elements of v4" },                           \
    { "partner *", "speaks_for", CONFIG_TEXT, "", false,                                                               \
      "OIDs of other partners (operators, EUMs) whose messages may come over its connection" },                       \
    { "partner *", "calls_per_s", CONFIG_NUMBER, "0", false, "calls a second that are taken from it; 0: no limit" },   \
    { "partner *", "burst", CONFIG_NUMBER, "0", false, "calls at once before that counts; 0: as calls_per_s" },        \
    { "partner *", "in_flight", CONFIG_NUMBER, "0", false,                                                             \
      "calls of it that may wait for their answer at a time; 0: no limit" },                                           \
    { "partner *", "security", CONFIG_TEXT, "none", false,                                                             \
      "WS-Security on its requests: none, username (either), text, digest, x509" },                                    \
    { "partner *", "user", CONFIG_TEXT, "", false, "the user of its UsernameToken" },                                  \
    { "partner *", "password_file", CONFIG_PATH, NULL, false, "the file with its password" },                          \
    { "partner *", "signer", CONFIG_PATH, NULL, false, "the certificate with which it signs its requests (x509), PEM" }, \
    { "partner *", "signs_body_only", CONFIG_BOOL, "false", false,                                                     \
      "its signatures need not cover the headers of WS-Addressing (x509)" },                                           \
    GUARD_SENDER_OPTIONS

/* detail gets "[partner NAME] option: what is wrong". What is read must stay where it is. */
MUST_USE enum err guard_sender_read(const struct config *file, const char *section, struct guard_sender *ret, char *detail,
                                    size_t cap);
/* The message with its token, put on when it leaves: time and nonce are new each time, the message stays the same. tls: our
 * own context as client. */
struct ssl_ctx_st;
MUST_USE enum err guard_secure(const struct wsse_sender *token, const struct ssl_ctx_st *tls, struct span soap, struct rng *rng,
                               uint64_t now_ms, struct arena *a, struct span *ret);
void guard_sender_done(struct guard_sender *s); /* wipes */
MUST_USE enum err guard_read(const struct config *file, const char *section, struct guard *ret, char *detail, size_t cap);
void guard_done(struct guard *g); /* wipes */

/* The options code.NAME of a section. */
MUST_USE enum err guard_read_codes(const struct config *file, const char *section, struct codes *ret, char *detail, size_t cap);

/* Is that validity period of a call fine? 0: none given. Else *ret_fine is the nearest that is. min_s, max_s: the server's own. */
bool guard_validity(const struct guard *g, uint32_t asked_s, uint32_t min_s, uint32_t max_s, uint32_t *ret_fine);

bool guard_speaks_for(const struct guard *g, const struct oid *entity);
bool guard_may(const struct guard *g, enum es_function function);

/* May this request of the partner called `name` come in? false: ret_fault says what to answer (a status of the function,
 * or a fault). The limits count here; who goes over one is told to the log once, with a sum when it is over. */
bool guard_admit(struct guard *g, const char *name, struct wsse_seen *seen, const struct es_message *m, struct span soap,
                 uint64_t now_ms, struct log *log, struct es_fault *ret_fault);

#endif
