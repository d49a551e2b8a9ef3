/* lib/codec/xml_canonical.h: the canonical form of plain documents, in one pass over their octets: Canonical XML 1.0
 * and 1.1 and Exclusive XML Canonicalization, all without comments.
 *
 * Plain: no comment, CDATA, carriage return, processing instruction or DOCTYPE; no reference but those that the
 * canonical form has itself; no attribute of the prefix xml (the versions differ there); namespaces are absolute URIs
 * of ordinary characters. Nearly all that is signed is plain; for the rest ask a whole implementation. */
#ifndef OSPREY_CODEC_XML_CANONICAL_H
#define OSPREY_CODEC_XML_CANONICAL_H

#include "writer.h"

enum xml_canonical { XML_INCLUSIVE, XML_EXCLUSIVE };

/* Writes the form of the document's root element, or of the first child of the root that has the local name `child`
 * (not NULL). false, and what was written is worthless: the document is not plain, has no such child, is not well
 * formed, or `out` is too small. */
bool xml_canonical(struct span document, const char *child, enum xml_canonical method, struct writer *out);

#endif
