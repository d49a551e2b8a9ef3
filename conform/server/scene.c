#include <string.h>

#include "cases.h"
#include "lib/io/file.h"

static const char *must(struct stage *s, const char *text, const char *kind, const char *name)
{
    if (!text)
        skip(s, "the target has no [%s %s]", kind, name);
    return text;
}

const char *card_eid(struct stage *s, enum card c) { return must(s, s->target.cards[c].eid, "euicc", card_text(c)); }
const char *card_iccid(struct stage *s, enum card c) { return must(s, s->target.cards[c].iccid, "euicc", card_text(c)); }

const char *order_iccid(struct stage *s, enum order o)
{
    return must(s, s->target.orders[o].iccid, "profile", order_text(o));
}

enum role order_owner(enum order o) { return o == TRACKER ? OP2 : o == RELAYED ? OP3 : OP1; }

const char *file_text(struct stage *s, const char *path)
{
    struct span file;
    if (file_read(path, 1u << 20, &s->arena, &file) != ERR_NONE)
        fail(s, "%s cannot be read", path);
    return (const char *)file.ptr;
}

const char *record_xml(struct stage *s, enum record r)
{
    return file_text(s, must(s, s->target.records[r], "eis", record_text(r)));
}

/* The '<' of the first start tag of that local name. */
static const char *tag_at(struct stage *s, const char *xml, const char *name)
{
    size_t len = strlen(name);
    for (const char *at = strchr(xml, '<'); at; at = strchr(at + 1, '<')) {
        const char *end = at + 1 + strcspn(at + 1, " >/"), *colon = memchr(at, ':', (size_t)(end - at));
        const char *local = colon ? colon + 1 : at + 1;
        if ((size_t)(end - local) == len && !memcmp(local, name, len))
            return at;
    }
    fail(s, "there is no element %s", name);
}

const char *xml_with(struct stage *s, const char *xml, const char *name, const char *text)
{
    const char *from = strchr(tag_at(s, xml, name), '>') + 1, *to = strchr(from, '<');
    return textf(s, "%.*s%s%s", (int)(from - xml), xml, text, to ? to : "");
}

const char *xml_before(struct stage *s, const char *xml, const char *name, const char *what)
{
    const char *at = tag_at(s, xml, name);
    return textf(s, "%.*s%s%s", (int)(at - xml), xml, what, at);
}

const char *record_eid(struct stage *s, enum record r)
{
    const char *at = strstr(record_xml(s, r), "Eid>");
    if (!at)
        fail(s, "the record %s has no Eid", record_text(r));
    return textf(s, "%.32s", at + 4);
}

/* The same with another serial number, its check digits made anew (ISO 7064 MOD 97-10). */
const char *no_eid(struct stage *s)
{
    const char *eid = card_eid(s, CARD);
    char *body = textf(s, "%.22s9999999900", eid);
    unsigned rest = 0;
    for (size_t i = 0; i < 32; i++)
        rest = (rest * 10 + (unsigned)(body[i] - '0')) % 97;
    return textf(s, "%.30s%02u", body, 98 - rest);
}

void scene_open(struct stage *s) { (void)s; }
void scene_restore(struct stage *s) { (void)s; }
