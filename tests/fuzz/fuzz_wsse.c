/* Property: whatever is done to a signed message, elements copied, moved, wrapped, left out or changed, either it is
 * refused or it says what was signed. The input is a list of such changes, four octets each. */
#include <assert.h>

#include "lib/codec/datetime.h"
#include "lib/es/dsig.h"
#include "lib/es/wsse.h"
#include "lib/pki/x509.h"
#include "tests/support/wss4j_message.h"

#define PIECES_MAX  1024u
#define CHANGES_MAX 24u
#define ARENA_MAX   (4u << 20)
#define MESSAGE_MAX 65536u

/* A message as tags and texts. */
struct pieces {
    struct span list[PIECES_MAX];
    size_t count;
};

#define OTHER(name) "<y:" name " xmlns:y=\"urn:y\" xmlns:wsu=\"" WSSE_UTILITY_NS "\" xmlns:wsse=\"" WSSE_NS "\">"
static const char *const others[] = {
    OTHER("Security"),
    "</y:Security>",
    OTHER("z"),
    "</y:z>",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "<e:Header>",
    "</e:Header>",
    "<e:Body>",
    "</e:Body>",
    "<e:Envelope xmlns:e=\"http://www.w3.org/2003/05/soap-envelope\">",
    "</e:Envelope>",
    "<r:Eid>",
    "</r:Eid>",
    "89049032000000000000000000000842",
    "2027-01-01T00:00:00Z",
    "2.999.60.1",
    " ",
    "<wsu:Expires>",
    "</wsu:Expires>",
    "</wsu:Timestamp>",
    "</wsse:Security>",
    "<wsa:To>",
    "</wsa:To>",
    "</wsa:From>",
    "/>",
    "<ec:InclusiveNamespaces xmlns:ec=\"http://www.w3.org/2001/10/xml-exc-c14n#\" PrefixList=\"#default\"/>",
    "&#x39;",
    "\r",
};

static void put_in(struct pieces *p, size_t at, const struct span *from, size_t count)
{
    struct span copy[256];
    if (count > 256 || p->count + count > PIECES_MAX)
        return;
    memcpy(copy, from, count * sizeof copy[0]);
    memmove(p->list + at + count, p->list + at, (p->count - at) * sizeof p->list[0]);
    memcpy(p->list + at, copy, count * sizeof copy[0]);
    p->count += count;
}

static void take_out(struct pieces *p, size_t at, size_t count)
{
    memmove(p->list + at, p->list + at + count, (p->count - at - count) * sizeof p->list[0]);
    p->count -= count;
}

static void change_octet(struct pieces *p, size_t at, struct arena *a, uint8_t where, uint8_t value)
{
    struct span old = p->list[at];
    uint8_t *copy = arena_alloc(a, old.len + 1);
    if (!copy || !old.len)
        return;
    memcpy(copy, old.ptr, old.len);
    copy[where % old.len] = value;
    p->list[at] = (struct span){ copy, old.len };
}

static void change(struct pieces *p, const uint8_t how[4], struct arena *a)
{
    if (!p->count)
        return;
    size_t from = how[1] % p->count, to = how[3] % p->count, left = p->count - from, count = (how[0] >> 3) + 1u;
    struct span other = span_text(others[how[1] % ARRAY_LEN(others)]);
    count = count < left ? count : left;
    switch (how[0] & 7) {
    case 0:
    case 1:
        put_in(p, to, &p->list[from], count);
        break;
    case 2:
        put_in(p, to, &p->list[from], count);
        take_out(p, to <= from ? from + count : from, count);
        break;
    case 3:
        take_out(p, from, count);
        break;
    case 4:
        change_octet(p, from, a, how[2], how[3]);
        break;
    default:
        put_in(p, to, &other, 1);
    }
}

static struct span whole(const struct pieces *p, struct arena *a)
{
    struct writer w = wr_arena(a, MESSAGE_MAX);
    for (size_t i = 0; i < p->count; i++)
        wr_bytes(&w, p->list[i]);
    return wr_span(&w);
}

static struct wsse_rule rule_of(const struct es_message *m)
{
    struct wsse_rule rule = { .kind = WSSE_X509 };
    uint8_t der[2048];
    size_t len = 0;
    assert(dsig_base64_read(m->security->certificate, der, sizeof der, &len) == ERR_NONE);
    assert(x509_read((struct span){ der, len }, &rule.certificate) == ERR_NONE);
    return rule;
}

/* What the message says when it is taken; empty: it is not. */
static struct span taken(struct span soap, struct wsse_rule *rule, struct arena *a, struct span *ret_expires)
{
    struct es_message m;
    struct es_fault fault;
    struct span said;
    uint64_t now_ms = 0;
    assert(datetime_read(SPAN_LIT(WSS4J_SIGNED_AT), &now_ms) == ERR_NONE);
    if (es_decode(soap, a, &m, &fault) != ERR_NONE)
        return SPAN_NONE;
    if (!rule->certificate)
        *rule = rule_of(&m);
    if (!wsse_check(rule, NULL, &m, soap, now_ms, &fault))
        return SPAN_NONE;
    assert(es_encode(&m, a, &said) == ERR_NONE);
    *ret_expires = m.security->expires;
    return said;
}

static void begin(struct pieces *p)
{
    for (p->count = 0; p->count < ARRAY_LEN(wss4j_pieces); p->count++)
        p->list[p->count] = span_text(wss4j_pieces[p->count]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct wsse_rule rule;
    static struct pieces p;
    static struct arena kept;
    static struct span said, expires;
    struct arena a;
    struct span expires_now = SPAN_NONE;
    begin(&p);
    if (!said.len) {
        arena_init(&kept, ARENA_MAX);
        said = taken(whole(&p, &kept), &rule, &kept, &expires);
        assert(said.len && span_eq(expires, SPAN_LIT(WSS4J_EXPIRES)));
    }
    arena_init(&a, ARENA_MAX);
    for (size_t i = 0; i + 4 <= size && i / 4 < CHANGES_MAX; i += 4)
        change(&p, data + i, &a);
    struct span now = taken(whole(&p, &a), &rule, &a, &expires_now);
    assert(!now.len || (span_eq(now, said) && span_eq(expires_now, expires)));
    arena_release(&a);
    return 0;
}
