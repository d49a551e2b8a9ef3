#include "eum_signature.h"

#include <libxml/c14n.h>
#include <libxml/parser.h>

#include "lib/codec/xml.h"
#include "lib/crypto/openssl.h"
#include "message.h"

#define DSIG_NS           "http://www.w3.org/2000/09/xmldsig#"
#define EXCLUSIVE_C14N    "http://www.w3.org/2001/10/xml-exc-c14n#"
#define SIGNATURE_MAX     1024u /* octets of a signature value */
#define CERTIFICATE_MAX   8192u
#define SIGNATURE_XML_MAX 16384u

/* --- the algorithms that are allowed --------------------------------------------------------------------------- */

struct algorithm {
    const char *uri;
    int value; /* C14N mode, or kind of key */
    const char *digest;
};
static const struct algorithm c14n_methods[] = {
    { EXCLUSIVE_C14N, XML_C14N_EXCLUSIVE_1_0, NULL },
    { "http://www.w3.org/TR/2001/REC-xml-c14n-20010315", XML_C14N_1_0, NULL },
    { "http://www.w3.org/2006/12/xml-c14n11", XML_C14N_1_1, NULL },
};
static const struct algorithm digest_methods[] = {
    { "http://www.w3.org/2001/04/xmlenc#sha256", 0, "SHA256" },
    { "http://www.w3.org/2001/04/xmldsig-more#sha384", 0, "SHA384" },
    { "http://www.w3.org/2001/04/xmlenc#sha512", 0, "SHA512" },
};
static const struct algorithm signature_methods[] = {
    { "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256", EVP_PKEY_EC, "SHA256" },
    { "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", EVP_PKEY_RSA, "SHA256" },
    { "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384", EVP_PKEY_EC, "SHA384" },
    { "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384", EVP_PKEY_RSA, "SHA384" },
    { "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512", EVP_PKEY_EC, "SHA512" },
    { "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512", EVP_PKEY_RSA, "SHA512" },
};

static const struct algorithm *algorithm(const struct algorithm *table, size_t count, struct span uri)
{
    for (size_t i = 0; i < count; i++)
        if (span_eq(uri, span_text(table[i].uri)))
            return &table[i];
    return NULL;
}
#define ALGORITHM(table, uri) algorithm((table), ARRAY_LEN(table), (uri))

enum err eum_signature_start(void)
{
    xmlInitParser();
    return ERR_NONE;
}

/* --- the structure of a signature ------------------------------------------------------------------------------ */

struct dsig {
    const struct algorithm *canonical, *transform, *method, *digest;
    uint8_t digest_value[64], value[SIGNATURE_MAX];
    size_t digest_len, value_len;
    size_t references;
    struct eum_key_info key;
    enum err err;
};

static bool is(const struct xml_reader *r, const char *name)
{
    return span_eq(r->local, span_text(name)) && span_eq(r->ns, SPAN_LIT(DSIG_NS));
}

static void refuse(struct dsig *d, enum err err)
{
    if (d->err == ERR_NONE)
        d->err = err;
}

/* The element's Algorithm; it may have no children (no InclusiveNamespaces, no HMAC length, no XPath). */
static const struct algorithm *read_algorithm(struct xml_reader *r, struct arena *a, struct dsig *d,
                                              const struct algorithm *table, size_t count)
{
    struct span uri = SPAN_NONE;
    const struct algorithm *found = xml_attribute(r, "Algorithm", a, &uri) ? algorithm(table, count, uri) : NULL;
    if (!found)
        refuse(d, ERR_UNSUPPORTED);
    while (xml_child(r)) {
        refuse(d, ERR_UNSUPPORTED);
        xml_skip(r);
    }
    return found;
}

/* Base64 with white space; ERR_BAD_VALUE, ERR_TOO_LONG. */
static enum err base64_read(struct span text, uint8_t *out, size_t cap, size_t *ret_len)
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
    enum err err = base64_read(xml_text(r, a), out, cap, ret_len);
    if (err != ERR_NONE)
        refuse(d, err);
}

static void read_transforms(struct xml_reader *r, struct arena *a, struct dsig *d)
{
    while (xml_child(r)) {
        if (!is(r, "Transform") || d->transform)
            refuse(d, ERR_UNSUPPORTED);
        d->transform = read_algorithm(r, a, d, c14n_methods, ARRAY_LEN(c14n_methods));
    }
}

static void read_reference(struct xml_reader *r, struct arena *a, struct dsig *d)
{
    struct span uri;
    d->references++;
    if (xml_attribute(r, "URI", a, &uri))
        refuse(d, ERR_UNSUPPORTED);
    while (xml_child(r)) {
        if (is(r, "Transforms") && !d->transform)
            read_transforms(r, a, d);
        else if (is(r, "DigestMethod") && !d->digest)
            d->digest = read_algorithm(r, a, d, digest_methods, ARRAY_LEN(digest_methods));
        else if (is(r, "DigestValue") && !d->digest_len)
            read_base64(r, a, d, d->digest_value, sizeof d->digest_value, &d->digest_len);
        else {
            refuse(d, ERR_UNSUPPORTED);
            xml_skip(r);
        }
    }
}

static void read_signed_info(struct xml_reader *r, struct arena *a, struct dsig *d)
{
    while (xml_child(r)) {
        if (is(r, "CanonicalizationMethod") && !d->canonical)
            d->canonical = read_algorithm(r, a, d, c14n_methods, ARRAY_LEN(c14n_methods));
        else if (is(r, "SignatureMethod") && !d->method)
            d->method = read_algorithm(r, a, d, signature_methods, ARRAY_LEN(signature_methods));
        else if (is(r, "Reference"))
            read_reference(r, a, d);
        else {
            refuse(d, ERR_UNSUPPORTED);
            xml_skip(r);
        }
    }
}

static struct span base64_in_arena(struct xml_reader *r, struct arena *a, struct dsig *d, size_t cap)
{
    uint8_t *out = arena_alloc(a, cap);
    size_t len = 0;
    if (!out) {
        refuse(d, ERR_NO_SPACE);
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
                d->key.certificate = base64_in_arena(r, a, d, CERTIFICATE_MAX);
            else
                xml_skip(r);
        }
    }
}

static enum err dsig_read(struct span signature, struct arena *a, struct dsig *d)
{
    struct xml_reader r;
    *d = (struct dsig){ .err = ERR_NONE };
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
        else {
            refuse(d, ERR_UNSUPPORTED);
            xml_skip(&r);
        }
    }
    if (xml_close(&r) != XML_OK)
        return ERR_BAD_VALUE;
    if (d->err == ERR_NONE && (!d->canonical || !d->method || !d->digest || !d->digest_len || !d->value_len))
        d->err = ERR_MISSING;
    if (d->references > 1)
        refuse(d, ERR_UNSUPPORTED);
    if (!d->transform)
        d->transform = ALGORITHM(c14n_methods, SPAN_LIT("http://www.w3.org/TR/2001/REC-xml-c14n-20010315"));
    return d->err;
}

/* --- canonical form -------------------------------------------------------------------------------------------- */

/* Is the node inside the element? A namespace node has no parent of its own. */
static int inside(void *element, xmlNodePtr node, xmlNodePtr parent)
{
    xmlNodePtr n = node && node->type != XML_NAMESPACE_DECL ? node : parent;
    if (n == node && n && n->type == XML_ATTRIBUTE_NODE)
        n = n->parent;
    for (; n; n = n->parent)
        if (n == element)
            return 1;
    return 0;
}

/* The canonical form of the whole element in `xml`, or of its child. */
static enum err canonical(struct span xml, const char *child, const struct algorithm *method, xmlBufferPtr out)
{
    int options = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_NODICT;
    xmlDocPtr doc = xmlReadMemory((const char *)xml.ptr, (int)xml.len, "", NULL, options);
    xmlNodePtr target = doc ? xmlDocGetRootElement(doc) : NULL;
    xmlOutputBufferPtr sink = xmlOutputBufferCreateBuffer(out, NULL);
    for (xmlNodePtr n = child && target ? target->children : NULL; n; n = n->next)
        if (n->type == XML_ELEMENT_NODE && !strcmp((const char *)n->name, child)) {
            target = n;
            break;
        }
    bool good = sink && target && xmlC14NExecute(doc, inside, target, method->value, NULL, 0, sink) >= 0;
    good = sink && xmlOutputBufferClose(sink) >= 0 && good;
    xmlFreeDoc(doc);
    return good ? ERR_NONE : ERR_BAD_VALUE;
}

static enum err digest_of(struct span signed_info, const struct dsig *d, uint8_t out[64], size_t *ret_len)
{
    unsigned len = 0;
    xmlBufferPtr form = xmlBufferCreate();
    const EVP_MD *md = EVP_get_digestbyname(d->digest->digest);
    enum err err = form ? canonical(signed_info, NULL, d->transform, form) : ERR_NO_MEMORY;
    if (err == ERR_NONE && EVP_Digest(xmlBufferContent(form), (size_t)xmlBufferLength(form), out, &len, md, NULL) != 1)
        err = ERR_CRYPTO;
    xmlBufferFree(form);
    *ret_len = len;
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

static enum err check_value(const struct dsig *d, struct span form, EVP_PKEY *key)
{
    uint8_t der[SIGNATURE_MAX + 32];
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

static EVP_PKEY *key_of_certificate(struct span cert_der)
{
    const uint8_t *p = cert_der.ptr;
    X509 *x = cert_der.len && cert_der.len <= CERTIFICATE_MAX ? d2i_X509(NULL, &p, (long)cert_der.len) : NULL;
    EVP_PKEY *key = x && p == cert_der.ptr + cert_der.len ? X509_get_pubkey(x) : NULL;
    X509_free(x);
    return key;
}

enum err eum_verify_with(const struct eis *eis, struct evp_pkey_st *key)
{
    if (eis->signed_info.len == 0 || eis->signature.len == 0)
        return ERR_MISSING;
    uint8_t digest[64];
    size_t len = 0;
    struct dsig d;
    struct arena a;
    arena_init(&a, 4 * CERTIFICATE_MAX);
    enum err err = dsig_read(eis->signature, &a, &d);
    arena_release(&a);
    if (err == ERR_NONE)
        err = digest_of(eis->signed_info, &d, digest, &len);
    if (err == ERR_NONE && !span_eq((struct span){ digest, len }, (struct span){ d.digest_value, d.digest_len }))
        err = ERR_VERIFY;
    xmlBufferPtr form = err == ERR_NONE ? xmlBufferCreate() : NULL;
    if (err == ERR_NONE)
        err = form ? canonical(eis->signature, "SignedInfo", d.canonical, form) : ERR_NO_MEMORY;
    if (err == ERR_NONE)
        err = check_value(&d, (struct span){ xmlBufferContent(form), (size_t)xmlBufferLength(form) }, key);
    xmlBufferFree(form);
    return err;
}

enum err eum_verify(const struct eis *eis, struct span cert_der)
{
    EVP_PKEY *key = key_of_certificate(cert_der);
    enum err err = key ? eum_verify_with(eis, key) : ERR_BAD_VALUE;
    EVP_PKEY_free(key);
    return err;
}

enum err eum_key_info(const struct eis *eis, struct arena *a, struct eum_key_info *ret)
{
    struct dsig d;
    enum err err = dsig_read(eis->signature, a, &d);
    if (err == ERR_NONE)
        *ret = d.key;
    return err;
}

/* --- signing --------------------------------------------------------------------------------------------------- */

static void wr_base64(struct writer *w, struct span s)
{
    uint8_t four[5];
    for (size_t i = 0; i < s.len; i += 3) {
        struct span three = span_sub(s, i, 3);
        EVP_EncodeBlock(four, three.ptr, (int)three.len);
        wr_bytes(w, (struct span){ four, 4 });
    }
}

static void wr_key_info(struct writer *w, struct span cert_der)
{
    const uint8_t *p = cert_der.ptr;
    X509 *x = cert_der.len ? d2i_X509(NULL, &p, (long)cert_der.len) : NULL;
    if (!x)
        return;
    const ASN1_OCTET_STRING *ski = X509_get0_subject_key_id(x);
    BIO *name = BIO_new(BIO_s_mem());
    char *text = NULL;
    wr_text(w, "<ds:KeyInfo><ds:X509Data>");
    if (ski) {
        wr_text(w, "<ds:X509SKI>");
        wr_base64(w, (struct span){ ASN1_STRING_get0_data(ski), (size_t)ASN1_STRING_length(ski) });
        wr_text(w, "</ds:X509SKI>");
    }
    wr_text(w, "<ds:X509SubjectName>");
    if (name && X509_NAME_print_ex(name, X509_get_subject_name(x), 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) > 0) {
        long len = BIO_get_mem_data(name, &text);
        wr_xml_text(w, (struct span){ (const uint8_t *)text, (size_t)len });
    }
    wr_text(w, "</ds:X509SubjectName></ds:X509Data></ds:KeyInfo>");
    BIO_free(name);
    X509_free(x);
}

/* The element EumSignature; value is empty in the first round. */
static struct span signature_element(struct arena *a, const struct algorithm *method, struct span digest,
                                     struct span value, struct span cert_der)
{
    struct writer w = wr_arena(a, SIGNATURE_XML_MAX);
    wr_text(&w,
            "<rps:EumSignature xmlns:rps=\"http://namespaces.gsma.org/esim-messaging/3\" xmlns:ds=\"" DSIG_NS "\">"
            "<ds:SignedInfo><ds:CanonicalizationMethod Algorithm=\"" EXCLUSIVE_C14N "\"></ds:CanonicalizationMethod>"
            "<ds:SignatureMethod Algorithm=\"");
    wr_text(&w, method->uri);
    wr_text(&w, "\"></ds:SignatureMethod><ds:Reference><ds:Transforms><ds:Transform Algorithm=\"" EXCLUSIVE_C14N
                "\"></ds:Transform></ds:Transforms><ds:DigestMethod Algorithm=\"");
    wr_text(&w, digest_methods[0].uri);
    wr_text(&w, "\"></ds:DigestMethod><ds:DigestValue>");
    wr_base64(&w, digest);
    wr_text(&w, "</ds:DigestValue></ds:Reference></ds:SignedInfo><ds:SignatureValue>");
    wr_base64(&w, value);
    wr_text(&w, "</ds:SignatureValue>");
    wr_key_info(&w, cert_der);
    wr_text(&w, "</rps:EumSignature>");
    return wr_span(&w);
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

static enum err sign_form(struct span form, EVP_PKEY *key, uint8_t out[SIGNATURE_MAX], size_t *ret_len)
{
    size_t len = SIGNATURE_MAX, half = ((size_t)EVP_PKEY_get_bits(key) + 7) / 8;
    uint8_t raw[SIGNATURE_MAX];
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

static enum err sign_with(struct eis *eis, EVP_PKEY *key, struct span cert_der, struct arena *a)
{
    struct dsig d = { .transform = &c14n_methods[0], .digest = &digest_methods[0] };
    struct span signed_info, draft;
    size_t len = 0;
    for (size_t i = 0; i < 2; i++)
        if (signature_methods[i].value == EVP_PKEY_get_base_id(key))
            d.method = &signature_methods[i];
    if (!d.method || EVP_PKEY_get_bits(key) > 8 * (int)SIGNATURE_MAX)
        return ERR_UNSUPPORTED;
    enum err err = eum_signed_info_encode(eis, a, &signed_info);
    if (err == ERR_NONE)
        err = digest_of(signed_info, &d, d.digest_value, &d.digest_len);
    if (err != ERR_NONE)
        return err;
    struct span digest = { d.digest_value, d.digest_len };
    draft = signature_element(a, d.method, digest, SPAN_NONE, SPAN_NONE);
    xmlBufferPtr form = xmlBufferCreate();
    err = draft.len && form ? canonical(draft, "SignedInfo", &c14n_methods[0], form) : ERR_NO_SPACE;
    if (err == ERR_NONE)
        err = sign_form((struct span){ xmlBufferContent(form), (size_t)xmlBufferLength(form) }, key, d.value, &len);
    xmlBufferFree(form);
    struct span element =
        err == ERR_NONE ? signature_element(a, d.method, digest, (struct span){ d.value, len }, cert_der) : SPAN_NONE;
    if (err == ERR_NONE && !element.len)
        err = ERR_NO_SPACE;
    if (err == ERR_NONE) {
        eis->signed_info = signed_info;
        eis->signature = element;
    }
    return err;
}

enum err eum_sign(struct eis *eis, struct span key_pem, struct span cert_der, struct arena *a)
{
    BIO *bio = BIO_new_mem_buf(key_pem.ptr, (int)key_pem.len);
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, (void *)(uintptr_t) "") : NULL;
    enum err err = key ? sign_with(eis, key, cert_der, a) : ERR_BAD_VALUE;
    EVP_PKEY_free(key);
    BIO_free(bio);
    return err;
}
