/* lib/codec/xml_canonical.h: the canonical form of XML in one pass over its octets: Canonical XML 1.0 and 1.1 and
 * Exclusive XML Canonicalization, all without comments, of what our reader takes (xml.h). libxml2 is the oracle of its
 * tests. */
#ifndef OSPREY_CODEC_XML_CANONICAL_H
#define OSPREY_CODEC_XML_CANONICAL_H

#include "writer.h"

enum xml_canonical { XML_INCLUSIVE, XML_EXCLUSIVE };

/* Writes the form of the document's root element (path NULL), or of the first element below it with that path of local names:
 * "Body", "Header/To". After an error what was written is worthless. ERR_BAD_VALUE (not what the reader takes), ERR_TOO_LONG
 * (over one of its ceilings), ERR_MISSING (no such element), ERR_UNSUPPORTED (a namespace that is no absolute URI of
 * letters, digits and - . _ ~ / : with at most a # at its end; an attribute xml:… outside of the element when the form is
 * inclusive: the versions differ there), ERR_NO_SPACE. */
MUST_USE enum err xml_canonical(struct span document, const char *path, enum xml_canonical method, struct writer *out);

#endif
