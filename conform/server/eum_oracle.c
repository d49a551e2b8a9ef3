#include "eum_oracle.h"

#include <libxml/c14n.h>
#include <libxml/tree.h>
#include <string.h>

#include "lib/crypto/openssl.h"

#define EXCLUSIVE "http://www.w3.org/2001/10/xml-exc-c14n#"
#define INCLUSIVE "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
#define SHA256_URI "http://www.w3.org/2001/04/xmlenc#sha256"
#define ECDSA_URI "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"

static int below(void *top, xmlNodePtr node, xmlNodePtr parent)
{
    for (xmlNodePtr n = node && node->type != XML_NAMESPACE_DECL ? node : parent; n; n = n->parent)
        if (n == top)
            return 1;
    return 0;
}

static struct span canonical(struct stage *s, xmlNodePtr node, const char *algorithm)
{
    int mode = !strcmp(algorithm, EXCLUSIVE) ? XML_C14N_EXCLUSIVE_1_0 : XML_C14N_1_0;
    if (strcmp(algorithm, EXCLUSIVE) && strcmp(algorithm, INCLUSIVE))
        fail(s, "canonicalisation %s", algorithm);
    xmlOutputBufferPtr out = xmlAllocOutputBuffer(NULL);
    if (!out || xmlC14NExecute(node->doc, below, node, mode, NULL, 0, out) < 0)
        fail(s, "no canonical form");
    const struct span octets = { xmlOutputBufferGetContent(out), xmlOutputBufferGetSize(out) };
    struct span copy = arena_copy(&s->arena, octets);
    xmlOutputBufferClose(out);
    return copy;
}

static const char *algorithm_of(struct stage *s, const struct message *m, const char *path)
{
    xmlNodePtr n = node_at(m, path, 0);
    xmlChar *text = n ? xmlGetProp(n, BAD_CAST "Algorithm") : NULL;
    const char *copy = textf(s, "%s", text ? (const char *)text : "");
    xmlFree(text);
    return copy;
}

static struct span decoded(struct stage *s, const char *base64)
{
    char *clean = textf(s, "%s", base64), *to = clean;
    for (const char *at = base64; *at; at++)
        if ((unsigned char)*at > ' ')
            *to++ = *at;
    *to = '\0';
    size_t len = (size_t)(to - clean);
    uint8_t *out = arena_alloc(&s->arena, len + 4);
    int n = EVP_DecodeBlock(out, (const uint8_t *)clean, (int)len);
    size_t pad = len > 1 ? (size_t)(clean[len - 1] == '=') + (size_t)(clean[len - 2] == '=') : 0;
    return n < 0 ? SPAN_NONE : (struct span){ out, (size_t)n - pad };
}

static bool ecdsa_good(struct stage *s, EVP_PKEY *key, struct span text, struct span raw)
{
    ECDSA_SIG *sig = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(raw.ptr, (int)raw.len / 2, NULL);
    BIGNUM *t = BN_bin2bn(raw.ptr + raw.len / 2, (int)raw.len / 2, NULL);
    uint8_t der[200], *end = der;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    (void)s;
    bool good = sig && r && t && ctx && ECDSA_SIG_set0(sig, r, t) == 1;
    int len = good ? i2d_ECDSA_SIG(sig, &end) : -1;
    good = len > 0 && EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
           EVP_DigestVerify(ctx, der, (size_t)len, text.ptr, text.len) == 1;
    EVP_MD_CTX_free(ctx);
    ECDSA_SIG_free(sig);
    return good;
}

static EVP_PKEY *eum_key(struct stage *s)
{
    if (!s->target.eum)
        skip(s, "the target has no [trust] eum");
    FILE *f = fopen(s->target.eum, "r");
    X509 *x = f ? PEM_read_X509(f, NULL, NULL, NULL) : NULL;
    EVP_PKEY *key = x ? X509_get_pubkey(x) : NULL;
    if (f)
        fclose(f);
    X509_free(x);
    if (!key)
        fail(s, "%s is no certificate", s->target.eum);
    return key;
}

void need_eum_signature(struct stage *s, const struct message *m)
{
#define SIGNED "Eis/EumSignature/SignedInfo"
    uint8_t digest[32];
    unsigned len = 0;
    xmlNodePtr info = node_at(m, "Eis/EumSignedInfo", 0), sig = node_at(m, SIGNED, 0);
    need(s, info && sig, "the EIS comes without the EUM's signature");
    const char *transform = algorithm_of(s, m, SIGNED "/Reference/Transforms/Transform");
    struct span text = canonical(s, info, *transform ? transform : INCLUSIVE);
    need(s, !strcmp(algorithm_of(s, m, SIGNED "/Reference/DigestMethod"), SHA256_URI), "the digest is not SHA-256");
    EVP_Digest(text.ptr, text.len, digest, &len, EVP_sha256(), NULL);
    need(s, span_eq(decoded(s, must_value(s, m, SIGNED "/Reference/DigestValue")), SPAN_OF(digest)),
         "the digest is not that of EumSignedInfo as it came");
    need(s, !strcmp(algorithm_of(s, m, SIGNED "/SignatureMethod"), ECDSA_URI), "the signature is not ECDSA with SHA-256");
    text = canonical(s, sig, algorithm_of(s, m, SIGNED "/CanonicalizationMethod"));
    EVP_PKEY *key = eum_key(s);
    bool good = ecdsa_good(s, key, text, decoded(s, must_value(s, m, "Eis/EumSignature/SignatureValue")));
    EVP_PKEY_free(key);
    need(s, good, "the EUM's signature is wrong");
}
