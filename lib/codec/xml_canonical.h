/* lib/codec/xml_canonical.h: the canonical form of XML in one pass over its octets: Canonical XML 1.0 and 1.1 and
 * Exclusive XML Canonicalization, all without comments, of what our reader takes (xml.h). libxml2 is the oracle of its
 * tests. */
#ifndef OSPREY_CODEC_XML_CANONICAL_H
#define OSPREY_CODEC_XML_CANONICAL_H

#include "writer.h"

#define XML_PREFIXES_MAX    32u   /* prefixes of a list */
#define XML_PREFIX_LIST_MAX 1024u /* octets of its text */

enum xml_canonical { XML_INCLUSIVE, XML_EXCLUSIVE };
struct xml_form {
    enum xml_canonical method;
    struct span prefixes; /* exclusive: PrefixList: their namespaces are shown as in an inclusive form; may be empty */
};

/* Takes a PrefixList apart: prefixes with white space between them; #default gives the empty one. ERR_BAD_VALUE (what is
 * no prefix of ASCII; xmlns), ERR_TOO_LONG. */
MUST_USE enum err xml_prefix_list(struct span text, struct span ret[XML_PREFIXES_MAX], size_t *ret_count);

/* Writes the form of the document's root element (path NULL), or of the first element below it with that path of local
 * names: "Body", "Header/To". After an error what was written is worthless. ERR_BAD_VALUE (not what the reader takes; no
 * list of prefixes), ERR_TOO_LONG (over one of its ceilings, or the list's), ERR_MISSING (no such element), ERR_UNSUPPORTED
 * (a namespace that is no absolute URI of RFC 3986, or has a user or an IPv6 address in it; an attribute xml:… outside of
 * the element when the form is inclusive: the versions differ there), ERR_NO_SPACE. */
MUST_USE enum err xml_canonical(struct span document, const char *path, const struct xml_form *form, struct writer *out);

#endif
