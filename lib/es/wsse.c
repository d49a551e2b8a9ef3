#include "wsse.h"

#include <stdio.h>
#include <stdlib.h>

#include "dsig.h"
#include "field.h"
#include "lib/codec/datetime.h"
#include "lib/crypto/openssl.h"
#include "lib/crypto/sha256.h"
#include "lib/pki/x509.h"

#define TOKEN_PROFILE "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0"
#define X509_V3       "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509v3"
#define BASE64        "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary"
#define SHA1_LEN      20u
#define WAYS          8u /* places for one nonce */
#define HEADER_MAX    (DSIG_XML_MAX + 2 * DSIG_CERTIFICATE_MAX)

/* ---- nonces */

struct seen {
    uint64_t name, octets, until_ms; /* what was said, with what */
};
struct wsse_seen {
    uint64_t since_ms;
    struct seen list[WSSE_SEEN_MAX];
};

struct wsse_seen *wsse_seen_new(uint64_t now_ms)
{
    struct wsse_seen *seen = calloc(1, sizeof *seen);
    if (seen)
        seen->since_ms = now_ms;
    return seen;
}

void wsse_seen_free(struct wsse_seen *seen) { free(seen); }

static bool digest64(uint64_t *ret, struct span octets)
{
    uint8_t digest[32];
    if (sha256(octets, digest) != ERR_NONE)
        return false;
    memcpy(ret, digest, sizeof *ret);
    return true;
}

/* Remembers it. false: it was here with other octets, or there is no room. */
static bool is_new(struct wsse_seen *seen, const struct wsse_token *t, struct span soap, uint64_t now_ms)
{
    WRITER_ON_STACK(w, WSSE_USER_MAX + WSSE_NONCE_MAX + 64);
    struct seen s = { .until_ms = now_ms + WSSE_PAST_MS + WSSE_FUTURE_MS }, *place = NULL;
    wr_bytes(&w, t->user);
    wr_u8(&w, 0);
    wr_bytes(&w, t->nonce);
    wr_u8(&w, 0);
    wr_bytes(&w, t->created);
    if (w.err != ERR_NONE || !digest64(&s.name, wr_span(&w)) || !digest64(&s.octets, soap))
        return false;
    struct seen *way = &seen->list[s.name % (WSSE_SEEN_MAX / WAYS) * WAYS];
    for (size_t i = 0; i < WAYS; i++) {
        if (way[i].until_ms > now_ms && way[i].name == s.name)
            return way[i].octets == s.octets;
        if (way[i].until_ms <= now_ms && !place)
            place = &way[i];
    }
    if (place)
        *place = s;
    return place;
}

/* ---- checking */

static bool refuse(struct es_fault *fault, enum es_fault_kind kind, const char *text)
{
    es_fault_set(fault, kind, "%s", text);
    return false;
}

static bool check_time(const struct wsse_token *t, struct wsse_seen *seen, struct span soap, uint64_t now_ms,
                       struct es_fault *fault)
{
    uint64_t created = 0;
    if (!t->nonce.len || t->nonce.len > WSSE_NONCE_MAX || datetime_read(t->created, &created) != ERR_NONE)
        return refuse(fault, ES_FAULT_SECURITY_INVALID, "a UsernameToken without good Nonce and Created");
    if (!seen || created + WSSE_PAST_MS < now_ms || created > now_ms + WSSE_FUTURE_MS || created < seen->since_ms)
        return refuse(fault, ES_FAULT_SECURITY_EXPIRED, "a UsernameToken that is too old, or ahead of our clock");
    return is_new(seen, t, soap, now_ms) ||
           refuse(fault, ES_FAULT_SECURITY_EXPIRED, "a UsernameToken whose Nonce was used for another message");
}

static bool digest_of(const struct wsse_token *t, struct span password, uint8_t out[SHA1_LEN])
{
    uint8_t nonce[WSSE_NONCE_MAX];
    size_t len = 0;
    unsigned out_len = 0;
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    bool good = c && dsig_base64_read(t->nonce, nonce, sizeof nonce, &len) == ERR_NONE &&
                EVP_DigestInit_ex(c, EVP_sha1(), NULL) == 1 && EVP_DigestUpdate(c, nonce, len) == 1 &&
                EVP_DigestUpdate(c, t->created.ptr, t->created.len) == 1 &&
                EVP_DigestUpdate(c, password.ptr, password.len) == 1 && EVP_DigestFinal_ex(c, out, &out_len) == 1;
    EVP_MD_CTX_free(c);
    return good && out_len == SHA1_LEN;
}

static bool password_fits(const struct wsse_rule *rule, const struct wsse_token *t)
{
    struct span want = { rule->password, rule->password_len };
    uint8_t ours[SHA1_LEN], theirs[SHA1_LEN];
    size_t len = 0;
    if (!t->digest)
        return span_eq_ct(t->password, want);
    bool good = digest_of(t, want, ours) && dsig_base64_read(t->password, theirs, sizeof theirs, &len) == ERR_NONE &&
                span_eq_ct(SPAN_OF(ours), (struct span){ theirs, len });
    wipe(ours, sizeof ours);
    return good;
}

static bool check_username(const struct wsse_rule *rule, struct wsse_seen *seen, const struct wsse_token *t,
                           struct span soap, uint64_t now_ms, struct es_fault *fault)
{
    if (!t->has_user || (rule->kind == WSSE_DIGEST && !t->digest) || (rule->kind == WSSE_TEXT && t->digest))
        return refuse(fault, ES_FAULT_SECURITY_INVALID, "no UsernameToken of the kind that is agreed");
    bool user = t->user.len <= WSSE_USER_MAX && span_eq_ct(t->user, span_text(rule->user)), password = password_fits(rule, t);
    if (!user || !password || !rule->password_len)
        return refuse(fault, ES_FAULT_SECURITY_FAILED, "user or password is wrong");
    return (!t->digest && !t->nonce.len && !t->created.len) || check_time(t, seen, soap, now_ms, fault);
}

static bool is_same_certificate(const struct x509 *known, struct span base64)
{
    uint8_t der[X509_DER_MAX];
    size_t len = 0;
    WRITER_ON_STACK(ours, X509_DER_MAX);
    x509_der(known, &ours);
    return dsig_base64_read(base64, der, sizeof der, &len) == ERR_NONE && span_eq(wr_span(&ours), (struct span){ der, len });
}

/* What a signature may cover beside the parts of a message; both are read from the one header Security. */
enum { TIMESTAMP = ES_PART_COUNT, TOKEN, PLACES };

static const char *const paths[] = { [ES_PART_BODY] = "Body",
                                     [ES_PART_FROM] = "Header/From",
                                     [ES_PART_TO] = "Header/To",
                                     [ES_PART_REPLY_TO] = "Header/ReplyTo",
                                     [ES_PART_MESSAGE_ID] = "Header/MessageID",
                                     [ES_PART_ACTION] = "Header/Action",
                                     [ES_PART_RELATES_TO] = "Header/RelatesTo",
                                     [TIMESTAMP] = "Header/Security/Timestamp",
                                     [TOKEN] = "Header/Security/BinarySecurityToken" };

static bool is_meant(struct span uri, struct span id)
{
    return id.len && uri.len == id.len + 1 && uri.ptr[0] == '#' && !memcmp(uri.ptr + 1, id.ptr, id.len);
}

static struct span id_of(const struct es_message *m, int place)
{
    return place == TIMESTAMP ? m->security->timestamp_id
           : place == TOKEN   ? m->security->certificate_id
                              : m->part_ids[place];
}

/* The part that the URI means, of those that we act on; -1: none, or more than one. */
static int part_of(const struct es_message *m, struct span uri)
{
    int found = -1;
    for (int part = 0; part < PLACES; part++) {
        if (!is_meant(uri, id_of(m, part)))
            continue;
        if (found >= 0)
            return -1;
        found = part;
    }
    return found;
}

static const char *wrong_form(enum err err)
{
    return err == ERR_UNSUPPORTED ? "a namespace, or an attribute xml:*, whose canonical form is not taken"
           : err == ERR_VERIFY    ? "the signature is wrong"
                                  : "the canonical form cannot be made";
}

/* Each reference is to a part of this message, and right. Which they are: bits of *ret_covered. */
static const char *check_references(const struct dsig *d, const struct es_message *m, struct span soap, unsigned *ret_covered)
{
    *ret_covered = 0;
    for (size_t i = 0; i < d->reference_count; i++) {
        int part = part_of(m, d->references[i].uri);
        if (part < 0)
            return "a signature over something that is not acted on";
        enum err err = dsig_check_digest(&d->references[i], soap, paths[part]);
        if (err != ERR_NONE)
            return wrong_form(err);
        *ret_covered |= 1u << part;
    }
    return NULL;
}

static const char *check_signed(const struct wsse_rule *rule, const struct es_message *m, struct span soap)
{
    const struct wsse_token *t = m->security;
    struct arena a;
    struct dsig d;
    unsigned covered = 0, wanted = rule->body_only ? 1u << ES_PART_BODY : m->parts;
    EVP_PKEY *key = X509_get0_pubkey(x509_openssl(rule->certificate));
    arena_init(&a, 4 * DSIG_CERTIFICATE_MAX);
    const char *wrong = dsig_read(t->signature, &a, &d) != ERR_NONE ? d.wrong : check_references(&d, m, soap, &covered);
    enum err err = wrong || !key ? ERR_VERIFY : dsig_check_value(&d, t->signature, key);
    if (!wrong && err != ERR_NONE)
        wrong = wrong_form(err);
    arena_release(&a);
    return wrong || !(wanted & ~covered) ? wrong : "the signature does not cover the Body and every header of WS-Addressing";
}

static bool is_over(const struct wsse_token *t, uint64_t now_ms)
{
    uint64_t expires = 0;
    return t->expires.len && (datetime_read(t->expires, &expires) != ERR_NONE || expires + WSSE_FUTURE_MS < now_ms);
}

static bool check_signature(const struct wsse_rule *rule, const struct es_message *m, struct span soap, uint64_t now_ms,
                            struct es_fault *fault)
{
    const struct wsse_token *t = m->security;
    if (!t->signature.len)
        return refuse(fault, ES_FAULT_SECURITY_INVALID, "no signature");
    if (m->other_security)
        return refuse(fault, ES_FAULT_SECURITY_INVALID, "a second header Security"); /* it could hide what was signed */
    if (x509_valid_at(rule->certificate, now_ms) != ERR_NONE)
        return refuse(fault, ES_FAULT_SECURITY_FAILED, "the agreed certificate is not valid now");
    if (t->certificate.len && !is_same_certificate(rule->certificate, t->certificate))
        return refuse(fault, ES_FAULT_SECURITY_FAILED, "another certificate than the agreed one");
    const char *wrong = check_signed(rule, m, soap);
    if (wrong)
        return refuse(fault, ES_FAULT_SECURITY_FAILED, wrong);
    return !is_over(t, now_ms) || refuse(fault, ES_FAULT_SECURITY_EXPIRED, "a Timestamp that is over");
}

bool wsse_check(const struct wsse_rule *rule, struct wsse_seen *seen, const struct es_message *m, struct span soap,
                uint64_t now_ms, struct es_fault *fault)
{
    const struct wsse_token *t = m->security;
    if (rule->kind == WSSE_NONE && t && t->must_understand) {
        es_fault_set(fault, ES_FAULT_MUST_UNDERSTAND, "the header Security must be understood, and nothing is agreed about it");
        return false;
    }
    if (rule->kind == WSSE_NONE)
        return true;
    if (!t)
        return refuse(fault, ES_FAULT_SECURITY_INVALID, "no header Security");
    if (t->malformed)
        return refuse(fault, ES_FAULT_SECURITY_INVALID, "a header Security that is not valid");
    return rule->kind == WSSE_X509 ? check_signature(rule, m, soap, now_ms, fault)
                                   : check_username(rule, seen, t, soap, now_ms, fault);
}

void wsse_rule_done(struct wsse_rule *rule)
{
    x509_free(rule->certificate);
    wipe(rule->password, sizeof rule->password);
    *rule = (struct wsse_rule){ .kind = WSSE_NONE };
}

/* ---- sending */

static void wr_element(struct writer *w, const char *name, const char *attributes, struct span text)
{
    wr_printf(w, "<%s%s>", name, attributes);
    wr_xml_text(w, text);
    wr_printf(w, "</%.*s>", (int)strcspn(name, " "), name);
}

static void wr_username(struct writer *w, const struct wsse_sender *s, struct rng *rng, uint64_t now_ms)
{
    uint8_t nonce[16], digest[SHA1_LEN];
    char date[DATETIME_TEXT_SIZE];
    WRITER_ON_STACK(nonce_text, 32);
    WRITER_ON_STACK(digest_text, 32);
    struct span created = span_text(datetime_text(now_ms, date));
    rng->fill(rng, nonce, sizeof nonce);
    dsig_base64_write(&nonce_text, SPAN_OF(nonce));
    struct wsse_token t = { .nonce = wr_span(&nonce_text), .created = created };
    bool text = s->kind == WSSE_TEXT;
    if (!text && !digest_of(&t, s->password, digest))
        wr_fail(w, ERR_CRYPTO);
    dsig_base64_write(&digest_text, SPAN_OF(digest));
    wr_text(w, "<wsse:UsernameToken>");
    wr_element(w, "wsse:Username", "", s->user);
    wr_element(w, "wsse:Password", text ? " Type=\"" TOKEN_PROFILE "#PasswordText\"" : " Type=\"" TOKEN_PROFILE "#PasswordDigest\"",
               text ? s->password : wr_span(&digest_text));
    wr_element(w, "wsse:Nonce", " EncodingType=\"" BASE64 "\"", wr_span(&nonce_text));
    wr_element(w, "wsu:Created", "", created);
    wr_text(w, "</wsse:UsernameToken>");
}

/* The message with `what` put in behind the first `mark`; its last octet (a '>') comes after it when `inside`. */
static enum err put_in(struct span soap, const char *mark, struct span what, bool inside, struct arena *a, struct span *ret)
{
    const uint8_t *found = soap.ptr ? memmem(soap.ptr, soap.len, mark, strlen(mark)) : NULL;
    size_t at = found ? (size_t)(found - soap.ptr) + strlen(mark) - inside : 0;
    struct writer w = wr_arena(a, soap.len + what.len);
    wr_bytes(&w, span_sub(soap, 0, at));
    wr_bytes(&w, what);
    wr_bytes(&w, span_from(soap, at));
    if (!found || !what.len)
        return ERR_BAD_VALUE;
    if (w.err == ERR_NONE)
        *ret = wr_span(&w);
    return w.err;
}

/* What we sign, and how it begins in a message of ours. */
static const struct {
    enum es_part part;
    const char *tag, *id;
} signed_parts[] = {
    { ES_PART_BODY, "<env:Body>", "#Body" },          { ES_PART_FROM, "<wsa:From>", "#From" },       { ES_PART_TO, "<wsa:To>", "#To" },
    { ES_PART_REPLY_TO, "<wsa:ReplyTo>", "#ReplyTo" }, { ES_PART_MESSAGE_ID, "<wsa:MessageID>", "#MessageID" },
    { ES_PART_ACTION, "<wsa:Action>", "#Action" },
};

/* Each part that is there gets its wsu:Id; bits of *ret_there: rows of the table. */
static enum err name_parts(struct span *soap, struct arena *a, unsigned *ret_there)
{
    enum err err = ERR_NONE;
    *ret_there = 0;
    for (size_t i = 0; i < ARRAY_LEN(signed_parts) && err == ERR_NONE; i++) {
        char id[160];
        if (!memmem(soap->ptr, soap->len, signed_parts[i].tag, strlen(signed_parts[i].tag)))
            continue;
        snprintf(id, sizeof id, " xmlns:wsu=\"" WSSE_UTILITY_NS "\" wsu:Id=\"%s\"", signed_parts[i].id + 1);
        err = put_in(*soap, signed_parts[i].tag, span_text(id), true, a, soap);
        *ret_there |= 1u << i;
    }
    return err;
}

static void wr_signature(struct writer *w, const struct dsig *d)
{
    wr_text(w, "<ds:Signature xmlns:ds=\"" DSIG_NS "\">");
    dsig_write(w, d);
    wr_text(w, "<ds:KeyInfo><wsse:SecurityTokenReference xmlns:wsse=\"" WSSE_NS "\"><wsse:Reference URI=\"#Certificate\" ValueType=\"" X509_V3
               "\"/></wsse:SecurityTokenReference></ds:KeyInfo></ds:Signature>");
}

/* Able to stand alone; nothing when none is wanted. */
static void wr_timestamp(struct writer *w, uint32_t seconds, uint64_t now_ms)
{
    char created[DATETIME_TEXT_SIZE], expires[DATETIME_TEXT_SIZE];
    if (seconds)
        wr_printf(w,
                  "<wsu:Timestamp xmlns:wsu=\"" WSSE_UTILITY_NS
                  "\" wsu:Id=\"Timestamp\"><wsu:Created>%s</wsu:Created><wsu:Expires>%s"
                  "</wsu:Expires></wsu:Timestamp>",
                  datetime_text(now_ms, created), datetime_text(now_ms + seconds * 1000ull, expires));
}

static enum err sign_parts(struct dsig *d, struct evp_pkey_st *key, struct span soap, unsigned there,
                           struct span timestamp)
{
    struct arena a;
    enum err err = dsig_prepare(d, key);
    for (size_t i = 0; i < ARRAY_LEN(signed_parts) && err == ERR_NONE; i++)
        if (there & 1u << i)
            err = dsig_add(d, span_text(signed_parts[i].id), soap, paths[signed_parts[i].part]);
    if (timestamp.len && err == ERR_NONE)
        err = dsig_add(d, SPAN_LIT("#Timestamp"), timestamp, NULL);
    arena_init(&a, 2 * DSIG_XML_MAX);
    struct writer draft = wr_arena(&a, DSIG_XML_MAX);
    if (err == ERR_NONE) {
        wr_signature(&draft, d);
        err = dsig_sign(d, wr_span(&draft), key);
    }
    arena_release(&a);
    return err;
}

static void wr_x509(struct writer *w, const struct wsse_sender *s, struct span soap, unsigned there, uint64_t now_ms)
{
    struct dsig d;
    WRITER_ON_STACK(timestamp, 512);
    wr_timestamp(&timestamp, s->timestamp_s, now_ms);
    enum err err = timestamp.err == ERR_NONE ? sign_parts(&d, s->key, soap, there, wr_span(&timestamp)) : timestamp.err;
    if (err != ERR_NONE)
        wr_fail(w, err);
    wr_bytes(w, wr_span(&timestamp));
    wr_text(w, "<wsse:BinarySecurityToken wsu:Id=\"Certificate\" ValueType=\"" X509_V3 "\" EncodingType=\"" BASE64 "\">");
    dsig_base64_write(w, s->certificate);
    wr_text(w, "</wsse:BinarySecurityToken>");
    if (err == ERR_NONE)
        wr_signature(w, &d);
}

enum err wsse_add(const struct wsse_sender *s, struct span soap, struct rng *rng, uint64_t now_ms, struct arena *a,
                  struct span *ret)
{
    enum err err = ERR_NONE;
    unsigned there = 0;
    struct writer w = wr_arena(a, HEADER_MAX);
    if (s->kind == WSSE_NONE) {
        *ret = soap;
        return ERR_NONE;
    }
    if (s->kind == WSSE_X509)
        err = name_parts(&soap, a, &there);
    if (err != ERR_NONE)
        return err;
    wr_text(&w, "<wsse:Security xmlns:wsse=\"" WSSE_NS "\" xmlns:wsu=\"" WSSE_UTILITY_NS "\" env:mustUnderstand=\"true\">");
    if (s->kind == WSSE_X509)
        wr_x509(&w, s, soap, there, now_ms);
    else
        wr_username(&w, s, rng, now_ms);
    wr_text(&w, "</wsse:Security>");
    return w.err == ERR_NONE ? put_in(soap, "<env:Header>", wr_span(&w), false, a, ret) : w.err;
}
