#include "guard.h"

#include <stdio.h>

#include "lib/crypto/tls_mutual.h"
#include "lib/io/file.h"
#include "lib/pki/x509.h"
#include "reading.h"

#define PASSWORD_FILE_MAX 512u
#define RATE_MAX          1000000u
#define TIMESTAMP_MAX_S   86400u

/* ---- the configuration */

static bool choose(struct guard *g, struct span word)
{
    bool found = false;
    for (int f = 1; f < ES_FUNCTION_COUNT; f++) {
        const struct es_function_info *info = es_function_info((enum es_function)f);
        char name[128];
        snprintf(name, sizeof name, "%s-%s", info->interface, info->name);
        if (!span_eq(word, span_text(info->interface)) && !span_eq(word, span_text(name)))
            continue;
        g->functions[f / 64] |= 1ull << (f % 64);
        found = g->chosen = true;
    }
    return found;
}

static enum err read_functions(const struct reading *r, struct guard *g)
{
    struct span rest = span_text(reading_of(r, "functions")), word;
    while (reading_word(&rest, &word))
        if (!choose(g, word))
            return reading_wrong(r, "functions", "interfaces (ES4) or functions (ES4-EnableProfile)");
    return ERR_NONE;
}

static bool namespace_of(char digit, enum es_namespace *ret)
{
    *ret = digit == '1' ? ES_NS_1 : digit == '3' ? ES_NS_3 : ES_NS_4;
    return digit == '1' || digit == '3' || digit == '4';
}

static enum err read_namespaces(const struct reading *r, struct guard *g)
{
    struct span rest = span_text(reading_of(r, "namespaces")), word;
    enum es_namespace ns;
    bool any = false;
    for (int i = 0; i < ES_NAMESPACE_COUNT; i++)
        g->refused[i] = true;
    while (reading_word(&rest, &word)) {
        if (word.len != 1 || !namespace_of((char)word.ptr[0], &ns))
            return reading_wrong(r, "namespaces", "1, 3 and 4, with blanks between");
        g->refused[ns] = false;
        any = true;
    }
    uint64_t own = config_number(r->file, r->section, "namespace");
    if (own > 9 || !namespace_of((char)('0' + own), &g->dialect.ns))
        return reading_wrong(r, "namespace", "1, 3 or 4");
    g->dialect.v4 = config_bool(r->file, r->section, "v4");
    return any ? ERR_NONE : reading_wrong(r, "namespaces", "at least one");
}

static enum err read_speaks_for(const struct reading *r, struct guard *g)
{
    struct span rest = span_text(reading_of(r, "speaks_for")), word;
    while (reading_word(&rest, &word))
        if (g->speaks_for_count == GUARD_SPEAKS_FOR_MAX ||
            oid_from_text(word, &g->speaks_for[g->speaks_for_count++]) != ERR_NONE)
            return reading_wrong(r, "speaks_for", "OIDs with blanks between, at most 64");
    return ERR_NONE;
}

static enum err read_limits(const struct reading *r, struct guard *g)
{
    uint32_t calls_per_s = 0;
    enum err err = reading_number(r, "calls_per_s", RATE_MAX, &calls_per_s);
    if (err == ERR_NONE)
        err = reading_number(r, "burst", RATE_MAX, &g->calls.burst);
    if (err == ERR_NONE)
        err = reading_number(r, "in_flight", RATE_MAX, &g->in_flight);
    if (err == ERR_NONE && g->calls.burst && !calls_per_s)
        err = reading_wrong(r, "burst", "counts only with calls_per_s");
    g->calls.per_minute = 60 * calls_per_s;
    return err;
}

enum err guard_read_codes(const struct config *file, const char *section, struct codes *ret, char *detail, size_t cap)
{
    static const char prefix[] = "code.";
    struct reading r = { file, section, detail, cap };
    *ret = (struct codes){ .count = 0 };
    for (const char *name = NULL; (name = config_next_option(file, section, prefix, name));) {
        enum err err = codes_set(ret, span_text(name + strlen(prefix)), span_text(config_text(file, section, name)));
        if (err == ERR_NOT_FOUND)
            return reading_wrong(&r, name, "no status has that name; `osprey status` lists them");
        if (err != ERR_NONE)
            return reading_wrong(&r, name, err == ERR_BAD_VALUE ? "SUBJECT/REASON, like 8.1/4.4" : err_text(err));
    }
    return ERR_NONE;
}

static enum err read_codes(const struct reading *r, struct guard *g)
{
    return guard_read_codes(r->file, r->section, &g->codes, r->detail, r->cap);
}

static enum err read_choices(const struct reading *r, struct guard *g)
{
    uint64_t min_s = config_number(r->file, r->section, "validity_min_s");
    uint64_t max_s = config_number(r->file, r->section, "validity_max_s");
    g->takes_any_pol2 = !config_bool(r->file, r->section, "pol2_strict");
    g->validity_min_s = (uint32_t)min_s;
    g->validity_max_s = (uint32_t)max_s;
    if (min_s > ES_VALIDITY_MAX || max_s > ES_VALIDITY_MAX)
        return reading_wrong(r, "validity_max_s", "too long");
    return !max_s || min_s <= max_s ? ERR_NONE : reading_wrong(r, "validity_max_s", "below validity_min_s");
}

/* The file's octets without line end. */
static enum err read_password(const struct reading *r, const char *name, uint8_t *out, size_t *ret_len)
{
    const char *path = config_text(r->file, r->section, name);
    struct arena a;
    struct span file = SPAN_NONE;
    arena_init(&a, 2 * PASSWORD_FILE_MAX);
    enum err err = path ? file_read(path, PASSWORD_FILE_MAX, &a, &file) : ERR_MISSING;
    while (file.len && (file.ptr[file.len - 1] == '\n' || file.ptr[file.len - 1] == '\r'))
        file.len--;
    if (err == ERR_NONE && file.len && file.len <= WSSE_PASSWORD_MAX)
        memcpy(out, file.ptr, *ret_len = file.len);
    else
        err = reading_wrong(r, name, "a readable file with a password of 1 to 128 octets is needed");
    arena_release(&a);
    return err;
}

static enum err read_user(const struct reading *r, const char *name, char out[WSSE_USER_MAX + 1])
{
    const char *user = reading_of(r, name);
    if (!*user || strlen(user) > WSSE_USER_MAX)
        return reading_wrong(r, name, "1 to 80 characters are needed");
    snprintf(out, WSSE_USER_MAX + 1, "%s", user);
    return ERR_NONE;
}

static enum err read_kind(const struct reading *r, const char *name, enum wsse_kind *ret)
{
    static const char *const kinds[] = {
        [WSSE_NONE] = "none", [WSSE_USERNAME] = "username", [WSSE_TEXT] = "text", [WSSE_DIGEST] = "digest", [WSSE_X509] = "x509"
    };
    const char *text = reading_of(r, name);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (!strcmp(text, kinds[i])) {
            *ret = (enum wsse_kind)i;
            return ERR_NONE;
        }
    return reading_wrong(r, name, "none, username, text, digest or x509");
}

static enum err read_security(const struct reading *r, struct guard *g)
{
    struct wsse_rule *rule = &g->security;
    const char *signer = config_text(r->file, r->section, "signer");
    enum err err = read_kind(r, "security", &rule->kind);
    if (err != ERR_NONE || rule->kind == WSSE_NONE)
        return err;
    rule->body_only = config_bool(r->file, r->section, "signs_body_only");
    if (rule->kind == WSSE_X509)
        return signer && x509_load(signer, &rule->certificate) == ERR_NONE ? ERR_NONE
                                                                          : reading_wrong(r, "signer", "a readable certificate is needed");
    err = read_user(r, "user", rule->user);
    return err == ERR_NONE ? read_password(r, "password_file", rule->password, &rule->password_len) : err;
}

enum err guard_sender_read(const struct config *file, const char *section, struct guard_sender *s, char *detail, size_t cap)
{
    struct reading r = { file, section, detail, cap };
    *s = (struct guard_sender){ .user = "" };
    enum err err = read_kind(&r, "send_security", &s->token.kind);
    if (err == ERR_NONE && s->token.kind == WSSE_USERNAME)
        err = reading_wrong(&r, "send_security", "none, text, digest or x509");
    if (err == ERR_NONE)
        err = reading_number(&r, "send_timestamp_s", TIMESTAMP_MAX_S, &s->token.timestamp_s);
    if (err == ERR_NONE && s->token.timestamp_s && s->token.kind != WSSE_X509)
        err = reading_wrong(&r, "send_timestamp_s", "counts only with send_security = x509");
    if (err != ERR_NONE || s->token.kind == WSSE_NONE || s->token.kind == WSSE_X509)
        return err;
    err = read_user(&r, "send_user", s->user);
    s->token.user = span_text(s->user);
    s->token.password.ptr = s->password;
    return err == ERR_NONE ? read_password(&r, "send_password_file", s->password, &s->token.password.len) : err;
}

enum err guard_secure(const struct wsse_sender *token, const struct ssl_ctx_st *tls, struct span soap, struct rng *rng,
                      uint64_t now_ms, struct arena *a, struct span *ret)
{
    struct wsse_sender own = *token;
    struct writer der = wr_arena(a, X509_DER_MAX);
    if (own.kind == WSSE_X509) {
        tls_mutual_certificate(tls, &der);
        own.certificate = wr_span(&der);
        own.key = tls_mutual_key(tls);
    }
    return der.err == ERR_NONE ? wsse_add(&own, soap, rng, now_ms, a, ret) : der.err;
}

void guard_sender_done(struct guard_sender *s) { wipe(s->password, sizeof s->password); }

enum err guard_read(const struct config *file, const char *section, struct guard *ret, char *detail, size_t cap)
{
    static enum err (*const parts[])(const struct reading *, struct guard *) = { read_functions, read_namespaces, read_speaks_for,
                                                                 read_limits,    read_security,   read_codes,
                                                                 read_choices };
    struct reading r = { file, section, detail, cap };
    enum err err = ERR_NONE;
    *ret = (struct guard){ .chosen = false };
    for (size_t i = 0; i < ARRAY_LEN(parts) && err == ERR_NONE; i++)
        err = parts[i](&r, ret);
    return err == ERR_NONE ? guard_sender_read(file, section, &ret->send, detail, cap) : err;
}

void guard_done(struct guard *g)
{
    wsse_rule_done(&g->security);
    guard_sender_done(&g->send);
}

/* ---- rights */

bool guard_speaks_for(const struct guard *g, const struct oid *entity)
{
    for (size_t i = 0; i < g->speaks_for_count; i++)
        if (oid_eq(&g->speaks_for[i], entity))
            return true;
    return false;
}

bool guard_validity(const struct guard *g, uint32_t asked_s, uint32_t min_s, uint32_t max_s, uint32_t *ret_fine)
{
    if (g && g->validity_min_s)
        min_s = g->validity_min_s;
    if (g && g->validity_max_s)
        max_s = g->validity_max_s;
    *ret_fine = asked_s < min_s ? min_s : max_s;
    return !asked_s || (asked_s >= min_s && asked_s <= max_s);
}

bool guard_may(const struct guard *g, enum es_function function)
{
    return !g->chosen || g->functions[function / 64] >> (function % 64) & 1;
}

/* ---- limits */

static bool within_limits(struct guard *g, const char *name, uint64_t now_ms, struct log *log)
{
    if (bucket_take(&g->budget, &g->calls, now_ms)) {
        uint64_t turned_away = bucket_recovered(&g->budget, &g->calls);
        if (turned_away)
            log_fact(log, LOG_INFO_, NULL, "%s is below its calls_per_s again; %llu were turned away", name,
                     (unsigned long long)turned_away);
        return true;
    }
    if (g->budget.turned_away == 1)
        log_fact(log, LOG_WARN_, NULL, "%s calls more often than its %u calls_per_s: turned away", name,
                 g->calls.per_minute / 60);
    return false;
}

/* ---- all of it */

static bool answer(struct es_fault *fault, struct status status)
{
    *fault = (struct es_fault){ .kind = ES_FAULT_INVALID_BODY, .status = status };
    snprintf(fault->text, sizeof fault->text, "%s", status.detail);
    return false;
}

bool guard_admit(struct guard *g, const char *name, struct wsse_seen *seen, const struct es_message *m, struct span soap,
                 uint64_t now_ms, struct log *log, struct es_fault *ret_fault)
{
    if (m->kind != ES_REQUEST)
        return true;
    if (!within_limits(g, name, now_ms, log)) {
        answer(ret_fault, status_failed(REASON_PROVIDER_UNAVAILABLE, "", "more calls than were agreed"));
        ret_fault->text[0] = '\0'; /* it was told */
        return false;
    }
    if (!wsse_check(&g->security, seen, m, soap, now_ms, ret_fault))
        return false;
    if (g->refused[m->dialect.ns])
        return answer(ret_fault, status_failed(REASON_VERSION_UNSUPPORTED, "", "this namespace is not agreed with %s", name));
    if (!guard_may(g, m->function))
        return answer(ret_fault, status_failed(REASON_REQUESTER_NOT_ALLOWED, "", "%s may not call %s-%s", name,
                                               es_function_info(m->function)->interface, es_function_info(m->function)->name));
    return true;
}
