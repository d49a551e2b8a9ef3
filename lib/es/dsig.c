#include "dsig.h"

#include "lib/codec/xml.h"
#include "lib/codec/xml_canonical.h"
#include "lib/crypto/openssl.h"
#include "lib/crypto/sha256.h"

/* --- the algorithms that are allowed --------------------------------------------------------------------------- */

struct dsig_algorithm {
    const char *uri;
    int value; /* enum xml_canonical, or kind of key */
    const char *digest;
};
static const struct dsig_algorithm c14n_methods[] = {
    { DSIG_EXCLUSIVE, XML_EXCLUSIVE, NULL },
    { "http://www.w3.org/TR/2001/REC-xml-c14n-20010315", XML_INCLUSIVE, NULL },
    { "http://www.w3.org/2006/12/xml-c14n11", XML_INCLUSIVE, NULL },
};
static const struct dsig_algorithm digest_methods[] = {
    { "http://www.w3.org/2001/04/xmlenc#sha256", 0, "SHA256" },
    { "http://www.w3.org/2001/04/xmldsig-more#sha384", 0, "SHA384" },
    { "http://www.w3.org/2001/04/xmlenc#sha512", 0, "SHA512" },
};
static const struct dsig_algorithm signature_methods[] = {
    { "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256", EVP_PKEY_EC, "SHA256" },
    { "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", EVP_PKEY_RSA, "SHA256" },
    { "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384", EVP_PKEY_EC, "SHA384" },
    { "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384", EVP_PKEY_RSA, "SHA384" },
    { "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512", EVP_PKEY_EC, "SHA512" },
    { "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512", EVP_PKEY_RSA, "SHA512" },
};

static const struct dsig_algorithm *algorithm(const struct dsig_algorithm *table, size_t count, struct span uri)
{
    for (size_t i = 0; i < count; i++)
        if (span_eq(uri, span_text(table[i].uri)))
            return &table[i];
    return NULL;
}
#define ALGORITHM(table, uri) algorithm((table), ARRAY_LEN(table), (uri))

/* --- the structure of a signature ------------------------------------------------------------------------------ */

static bool is(const struct xml_reader *r, const char *name)
{
    return span_eq(r->local, span_text(name)) && span_eq(r->ns, SPAN_LIT(DSIG_NS));
}

static void refuse(struct dsig *d, enum err err, const char *what)
{
    if (d->err != ERR_NONE)
        return;
    d->err = err;
    d->wrong = what;
}

/* The current element has no place here. */
static void refuse_element(struct xml_reader *r, struct dsig *d, const char *what)
{
    refuse(d, ERR_UNSUPPORTED, what);
    xml_skip(r);
}

static const struct dsig_algorithm *read_name(struct xml_reader *r, struct arena *a, struct dsig *d,
                                              const struct dsig_algorithm *table, size_t count)
{
    struct span uri = SPAN_NONE;
    const struct dsig_algorithm *found = xml_attribute(r, "Algorithm", a, &uri) ? algorithm(table, count, uri) : NULL;
    if (!found)
        refuse(d, ERR_UNSUPPORTED, "an algorithm that is not taken");
    return found;
}

/* The element's Algorithm; it may have no children (no HMAC length). */
static const struct dsig_algorithm *read_algorithm(struct xml_reader *r, struct arena *a, struct dsig *d,
                                                   const struct dsig_algorithm *table, size_t count)
{
    const struct dsig_algorithm *found = read_name(r, a, d, table, count);
    while (xml_child(r))
        refuse_element(r, d, "a parameter of an algorithm that has none");
    return found;
}

/* InclusiveNamespaces of the exclusive form's own namespace. */
static void read_prefixes(struct xml_reader *r, struct arena *a, struct dsig *d, struct span *ret)
{
    struct span names[XML_PREFIXES_MAX];
    size_t count;
    if (!xml_attribute(r, "PrefixList", a, ret))
        refuse(d, ERR_MISSING, "InclusiveNamespaces without a PrefixList");
    enum err err = xml_prefix_list(*ret, names, &count);
    if (err != ERR_NONE)
        refuse(d, err,
               err == ERR_TOO_LONG ? "a PrefixList that is too long" : "a PrefixList of something else than prefixes");
    while (xml_child(r))
        refuse_element(r, d, "an element in InclusiveNamespaces");
}

/* A canonical form; an exclusive one may have one list of prefixes. */
static struct dsig_form read_form(struct xml_reader *r, struct arena *a, struct dsig *d)
{
    struct dsig_form form = { .method = read_name(r, a, d, c14n_methods, ARRAY_LEN(c14n_methods)) };
    bool exclusive = form.method && form.method->value == XML_EXCLUSIVE, listed = false;
    while (xml_child(r)) {
        bool list = span_eq(r->local, SPAN_LIT("InclusiveNamespaces")) && span_eq(r->ns, SPAN_LIT(DSIG_EXCLUSIVE));
        if (list && exclusive && !listed)
            read_prefixes(r, a, d, &form.prefixes);
        else
            refuse_element(r, d,
                           !list    ? "a parameter of a canonical form that is not taken"
                           : listed ? "two lists of InclusiveNamespaces"
                                    : "InclusiveNamespaces in an inclusive form");
        listed |= list;
    }
    return form;
}

enum err dsig_base64_read(struct span text, uint8_t *out, size_t cap, size_t *ret_len)
{
    uint8_t quad[4], three[3];
    size_t n = 0, len = 0, padding = 0;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        if (c == ' ' || c == '\n' || c == '\t' || c == '\r')
            continue;
        if (padding && c != '=')
            return ERR_BAD_VALUE;
        padding += c == '=';
        quad[n++] = c;
        if (n < 4)
            continue;
        n = 0;
        if (padding > 2 || EVP_DecodeBlock(three, quad, 4) != 3)
            return ERR_BAD_VALUE;
        if (len + 3 - padding > cap)
            return ERR_TOO_LONG;
        memcpy(out + len, three, 3 - padding);
        len += 3 - padding;
    }
    if (n)
        return ERR_BAD_VALUE;
    *ret_len = len;
    return ERR_NONE;
}

static void read_base64(struct xml_reader *r, struct arena *a, struct dsig *d, uint8_t *out, size_t cap,
                        size_t *ret_len)
{
    enum err err = dsig_base64_read(xml_text(r, a), out, cap, ret_len);
    if (err != ERR_NONE)
        refuse(d, err, "a value that is not base64, or too long");
}

static void read_transforms(struct xml_reader *r, struct arena *a, struct dsig *d, struct dsig_reference *one)
{
    while (xml_child(r)) {
        if (!is(r, "Transform") || one->transform.method)
            refuse(d, ERR_UNSUPPORTED, "more than one Transform");
        one->transform = read_form(r, a, d);
    }
}

static void read_reference(struct xml_reader *r, struct arena *a, struct dsig *d)
{
    struct dsig_reference rest = { .digest_len = 0 };
    struct dsig_reference *one = d->reference_count < DSIG_REFERENCES_MAX ? &d->references[d->reference_count++] : &rest;
    if (one == &rest || (xml_attribute(r, "URI", a, &one->uri) && (!one->uri.len || one->uri.len > DSIG_ID_MAX)))
        refuse(d, ERR_UNSUPPORTED, "too many references, or one with a URI that is not taken");
    while (xml_child(r)) {
        if (is(r, "Transforms") && !one->transform.method)
            read_transforms(r, a, d, one);
        else if (is(r, "DigestMethod") && !one->digest)
            one->digest = read_algorithm(r, a, d, digest_methods, ARRAY_LEN(digest_methods));
        else if (is(r, "DigestValue") && !one->digest_len)
            read_base64(r, a, d, one->digest_value, sizeof one->digest_value, &one->digest_len);
        else
            refuse_element(r, d, "a Reference with something else in it");
    }
    if (!one->digest || !one->digest_len)
        refuse(d, ERR_MISSING, "a Reference without digest");
    if (!one->transform.method)
        one->transform.method = ALGORITHM(c14n_methods, SPAN_LIT("http://www.w3.org/TR/2001/REC-xml-c14n-20010315"));
}

static void read_signed_info(struct xml_reader *r, struct arena *a, struct dsig *d)
{
    while (xml_child(r)) {
        if (is(r, "CanonicalizationMethod") && !d->canonical.method)
            d->canonical = read_form(r, a, d);
        else if (is(r, "SignatureMethod") && !d->method)
            d->method = read_algorithm(r, a, d, signature_methods, ARRAY_LEN(signature_methods));
        else if (is(r, "Reference"))
            read_reference(r, a, d);
        else
            refuse_element(r, d, "a SignedInfo with something else in it");
    }
}

static struct span base64_in_arena(struct xml_reader *r, struct arena *a, struct dsig *d, size_t cap)
{
    uint8_t *out = arena_alloc(a, cap);
    size_t len = 0;
    if (!out) {
        refuse(d, ERR_NO_SPACE, "a signature that takes too much memory");
        xml_skip(r);
        return SPAN_NONE;
    }
    read_base64(r, a, d, out, cap, &len);
    return (struct span){ out, len };
}

/* Only X509Data tells us something; other kinds are skipped. */
static void read_key_info(struct xml_reader *r, struct arena *a, struct dsig *d)
{
    while (xml_child(r)) {
        if (!is(r, "X509Data")) {
            xml_skip(r);
            continue;
        }
        while (xml_child(r)) {
            if (is(r, "X509SKI"))
                d->key.ski = base64_in_arena(r, a, d, 64);
            else if (is(r, "X509SubjectName"))
                d->key.subject = xml_trim(xml_text(r, a));
            else if (is(r, "X509Certificate"))
                d->key.certificate = base64_in_arena(r, a, d, DSIG_CERTIFICATE_MAX);
            else
                xml_skip(r);
        }
    }
}

enum err dsig_read(struct span signature, struct arena *a, struct dsig *d)
{
    struct xml_reader r;
    *d = (struct dsig){ .wrong = "no Signature" };
    bool info = false;
    if (signature.len == 0)
        return ERR_MISSING;
    xml_open(&r, signature);
    while (xml_child(&r)) {
        if (is(&r, "SignedInfo") && !info) {
            info = true;
            read_signed_info(&r, a, d);
        } else if (is(&r, "SignatureValue") && !d->value_len)
            read_base64(&r, a, d, d->value, sizeof d->value, &d->value_len);
        else if (is(&r, "KeyInfo"))
            read_key_info(&r, a, d);
        else
            refuse_element(&r, d, "a Signature with something else in it");
    }
    if (xml_close(&r) != XML_OK)
        refuse(d, ERR_BAD_VALUE, "a Signature that cannot be read");
    if (!d->canonical.method || !d->method || !d->reference_count || !d->value_len)
        refuse(d, ERR_MISSING, "a Signature with a part missing");
    return r.fault == XML_OK ? d->err : ERR_BAD_VALUE;
}

/* --- digests --------------------------------------------------------------------------------------------------- */

#define FORM_ON_STACK  8192u
#define FORM_EXTRA     512u /* octets that most forms are not longer than their document */
#define FORM_ARENA_MAX ((size_t)64 * 1024 * 1024)

/* Memory for a canonical form: most fit into the buffer. */
struct form {
    struct arena arena;
    _Alignas(max_align_t) uint8_t first[FORM_ON_STACK];
    struct span octets;
};

static enum err form_make(struct form *f, struct span xml, const char *path, const struct dsig_form *how)
{
    enum err err = ERR_NO_SPACE;
    struct xml_form form = { (enum xml_canonical)how->method->value, how->prefixes };
    arena_init_buffer(&f->arena, f->first, sizeof f->first, FORM_ARENA_MAX);
    for (size_t cap = xml.len + FORM_EXTRA; err == ERR_NO_SPACE; cap *= 8) {
        struct writer w = wr_arena(&f->arena, cap);
        if (w.err != ERR_NONE)
            return w.err;
        err = xml_canonical(xml, path, &form, &w);
        f->octets = wr_span(&w);
    }
    return err;
}

static enum err digest(struct span s, const char *name, uint8_t out[64], size_t *ret_len)
{
    unsigned len = SHA256_LEN;
    enum err err = ERR_NONE;
    if (!strcmp(name, "SHA256"))
        err = sha256(s, out);
    else if (EVP_Digest(s.ptr, s.len, out, &len, EVP_get_digestbyname(name), NULL) != 1)
        err = ERR_CRYPTO;
    *ret_len = len;
    return err;
}

static enum err digest_of(struct span xml, const char *path, const struct dsig_reference *r, uint8_t out[64], size_t *ret_len)
{
    struct form form;
    enum err err = form_make(&form, xml, path, &r->transform);
    if (err == ERR_NONE)
        err = digest(form.octets, r->digest->digest, out, ret_len);
    arena_release(&form.arena);
    return err;
}

/* --- verifying ------------------------------------------------------------------------------------------------- */

/* XML-DSig has r || s (RFC 6931), OpenSSL wants DER. Returns its length, 0 on failure. */
static size_t ecdsa_to_der(struct span raw, uint8_t *out, size_t cap)
{
    if (raw.len == 0 || raw.len % 2)
        return 0;
    ECDSA_SIG *sig = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(raw.ptr, (int)raw.len / 2, NULL);
    BIGNUM *s = BN_bin2bn(raw.ptr + raw.len / 2, (int)raw.len / 2, NULL);
    int len = 0;
    if (sig && r && s && ECDSA_SIG_set0(sig, r, s)) {
        len = i2d_ECDSA_SIG(sig, NULL);
        if (len > 0 && (size_t)len <= cap)
            len = i2d_ECDSA_SIG(sig, &out);
        else
            len = 0;
    } else {
        BN_free(r);
        BN_free(s);
    }
    ECDSA_SIG_free(sig);
    return (size_t)len;
}

static enum err check_form(const struct dsig *d, struct span form, EVP_PKEY *key)
{
    uint8_t der[DSIG_VALUE_MAX + 32];
    struct span value = { d->value, d->value_len };
    if (EVP_PKEY_get_base_id(key) != d->method->value)
        return ERR_VERIFY;
    if (d->method->value == EVP_PKEY_EC) {
        if (d->value_len != 2 * (((size_t)EVP_PKEY_get_bits(key) + 7) / 8))
            return ERR_VERIFY;
        value = (struct span){ der, ecdsa_to_der(value, der, sizeof der) };
    }
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool good = value.len && ctx &&
                EVP_DigestVerifyInit(ctx, NULL, EVP_get_digestbyname(d->method->digest), NULL, key) == 1 &&
                EVP_DigestVerify(ctx, value.ptr, value.len, form.ptr, form.len) == 1;
    EVP_MD_CTX_free(ctx);
    return good ? ERR_NONE : ERR_VERIFY;
}

EVP_PKEY *dsig_key_of(struct span cert_der)
{
    const uint8_t *p = cert_der.ptr;
    X509 *x = cert_der.len && cert_der.len <= DSIG_CERTIFICATE_MAX ? d2i_X509(NULL, &p, (long)cert_der.len) : NULL;
    EVP_PKEY *key = x && p == cert_der.ptr + cert_der.len ? X509_get_pubkey(x) : NULL;
    X509_free(x);
    return key;
}

enum err dsig_check_digest(const struct dsig_reference *r, struct span xml, const char *path)
{
    uint8_t digest[64];
    size_t len = 0;
    enum err err = digest_of(xml, path, r, digest, &len);
    if (err == ERR_NONE && !span_eq((struct span){ digest, len }, (struct span){ r->digest_value, r->digest_len }))
        err = ERR_VERIFY;
    return err;
}

enum err dsig_check_value(const struct dsig *d, struct span signature, EVP_PKEY *key)
{
    struct form form;
    enum err err = form_make(&form, signature, "SignedInfo", &d->canonical);
    if (err == ERR_NONE)
        err = check_form(d, form.octets, key);
    arena_release(&form.arena);
    return err;
}

/* Both curves have 32 octets, as their digest has. */
enum err dsig_check_value_ec(const struct dsig *d, struct span signature, struct ec_key *key)
{
    struct form form;
    if (d->method->value != EVP_PKEY_EC || strcmp(d->method->digest, "SHA256"))
        return dsig_check_value(d, signature, ec_key_openssl(key));
    enum err err = form_make(&form, signature, "SignedInfo", &d->canonical);
    if (err == ERR_NONE)
        err = ec_verify(key, form.octets, (struct span){ d->value, d->value_len });
    arena_release(&form.arena);
    return err;
}

/* --- signing --------------------------------------------------------------------------------------------------- */

void dsig_base64_write(struct writer *w, struct span s)
{
    uint8_t four[5];
    for (size_t i = 0; i < s.len; i += 3) {
        struct span three = span_sub(s, i, 3);
        EVP_EncodeBlock(four, three.ptr, (int)three.len);
        wr_bytes(w, (struct span){ four, 4 });
    }
}

enum err dsig_add(struct dsig *d, struct span uri, struct span xml, const char *path)
{
    if (d->reference_count == DSIG_REFERENCES_MAX)
        return ERR_NO_SPACE;
    struct dsig_reference *r = &d->references[d->reference_count++];
    *r = (struct dsig_reference){ .uri = uri,
                                  .transform = { .method = &c14n_methods[0] },
                                  .digest = &digest_methods[0] };
    return digest_of(xml, path, r, r->digest_value, &r->digest_len);
}

enum err dsig_prepare(struct dsig *d, EVP_PKEY *key)
{
    *d = (struct dsig){ .canonical = { .method = &c14n_methods[0] } };
    for (size_t i = 0; i < 2; i++)
        if (signature_methods[i].value == EVP_PKEY_get_base_id(key))
            d->method = &signature_methods[i];
    return d->method && EVP_PKEY_get_bits(key) <= 8 * (int)DSIG_VALUE_MAX ? ERR_NONE : ERR_UNSUPPORTED;
}

static void write_reference(struct writer *w, const struct dsig_reference *r)
{
    wr_text(w, "<ds:Reference");
    if (r->uri.len)
        wr_printf(w, " URI=\"%.*s\"", (int)r->uri.len, (const char *)r->uri.ptr);
    wr_text(w, "><ds:Transforms><ds:Transform Algorithm=\"" DSIG_EXCLUSIVE
               "\"></ds:Transform></ds:Transforms><ds:DigestMethod Algorithm=\"");
    wr_text(w, r->digest->uri);
    wr_text(w, "\"></ds:DigestMethod><ds:DigestValue>");
    dsig_base64_write(w, (struct span){ r->digest_value, r->digest_len });
    wr_text(w, "</ds:DigestValue></ds:Reference>");
}

void dsig_write(struct writer *w, const struct dsig *d)
{
    wr_text(w, "<ds:SignedInfo><ds:CanonicalizationMethod Algorithm=\"" DSIG_EXCLUSIVE "\"></ds:CanonicalizationMethod>"
               "<ds:SignatureMethod Algorithm=\"");
    wr_text(w, d->method->uri);
    wr_text(w, "\"></ds:SignatureMethod>");
    for (size_t i = 0; i < d->reference_count; i++)
        write_reference(w, &d->references[i]);
    wr_text(w, "</ds:SignedInfo><ds:SignatureValue>");
    dsig_base64_write(w, (struct span){ d->value, d->value_len });
    wr_text(w, "</ds:SignatureValue>");
}

static enum err der_to_ecdsa(struct span der, size_t half, uint8_t *out)
{
    const uint8_t *p = der.ptr;
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &p, (long)der.len);
    bool good = sig && BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, (int)half) == (int)half &&
                BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + half, (int)half) == (int)half;
    ECDSA_SIG_free(sig);
    return good ? ERR_NONE : ERR_CRYPTO;
}

static enum err sign_form(struct span form, EVP_PKEY *key, uint8_t out[DSIG_VALUE_MAX], size_t *ret_len)
{
    size_t len = DSIG_VALUE_MAX, half = ((size_t)EVP_PKEY_get_bits(key) + 7) / 8;
    uint8_t raw[DSIG_VALUE_MAX];
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool good = ctx && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
                EVP_DigestSign(ctx, raw, &len, form.ptr, form.len) == 1;
    EVP_MD_CTX_free(ctx);
    if (!good)
        return ERR_CRYPTO;
    *ret_len = len;
    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_EC) {
        *ret_len = 2 * half;
        return der_to_ecdsa((struct span){ raw, len }, half, out);
    }
    memcpy(out, raw, len);
    return ERR_NONE;
}

enum err dsig_sign(struct dsig *d, struct span draft, EVP_PKEY *key)
{
    struct form form;
    enum err err = form_make(&form, draft, "SignedInfo", &d->canonical);
    if (err == ERR_NONE)
        err = sign_form(form.octets, key, d->value, &d->value_len);
    arena_release(&form.arena);
    return err;
}
