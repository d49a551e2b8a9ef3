/* lib/codec/xml.h: reading and writing XML 1.0 with namespaces, for messages: a pull reader without allocation over
 * the whole message, and the escapes for writing.
 *
 * Taken: elements, attributes, namespaces, text, CDATA, comments (dropped), the five entities and character references,
 * UTF-8 with or without byte order mark. Refused, each with its reason: DOCTYPE, processing instructions, other
 * encodings, anything not well formed, more than XML_…_MAX of something. Nothing is ever fetched. */
#ifndef OSPREY_CODEC_XML_H
#define OSPREY_CODEC_XML_H

#include "writer.h"

#define XML_DEPTH_MAX      32u
#define XML_ATTRIBUTES_MAX 24u
#define XML_NAMESPACES_MAX 64u /* declarations in scope at once */
#define XML_NAME_MAX       256u

enum xml_fault {
    XML_OK = 0,
    XML_NOT_WELL_FORMED,
    XML_DOCTYPE,
    XML_INSTRUCTION, /* a processing instruction */
    XML_ENCODING,    /* not UTF-8 */
    XML_TOO_MUCH,    /* over one of the ceilings above */
    XML_NO_ROOM,     /* the arena is full */
    XML_MIXED        /* text where only elements may be, or the other way round */
};

struct xml_attr {
    struct span prefix, local, raw; /* raw: between the quotes, references not resolved */
};
struct xml_namespace {
    struct span prefix, uri;
    uint8_t depth; /* of the element that declares it */
};
struct xml_reader {
    const uint8_t *start, *pos, *end;
    enum xml_fault fault;          /* sticks */
    const char *what;              /* the fault in words, NULL without one */
    struct span prefix, local, ns; /* of the current element; ns is empty without namespace */
    const uint8_t *tag_start;      /* its '<' */
    bool empty;                    /* <a/>: its end is still to be reported */
    uint8_t depth;                 /* of the current element, the root is 1 */
    uint8_t attr_count, ns_count;
    uint64_t ns_used, tag_used;      /* bit i: namespaces[i] was used since it was cleared; by the current start tag */
    struct span open[XML_DEPTH_MAX]; /* qualified names of the open elements */
    struct xml_attr attrs[XML_ATTRIBUTES_MAX];
    struct xml_namespace namespaces[XML_NAMESPACES_MAX];
};

/* Opens the document and stops at its root element; look at r->fault. The bytes are borrowed while r and what it gave
 * are used. Names must be ASCII. prefix, local and ns are those of the element that was entered last. */
void xml_open(struct xml_reader *r, struct span document);
/* The next child element of the current one becomes current. false: there is none, the parent is current again and
 * closed (or a fault). Text other than white space between children is XML_MIXED. */
bool xml_child(struct xml_reader *r);
/* The text of the current element, which is closed; white space stays. Points into the document where it can, else into
 * the arena. A child element is XML_MIXED. */
struct span xml_text(struct xml_reader *r, struct arena *a);
/* Closes the current element without looking at its content (which is checked all the same). */
void xml_skip(struct xml_reader *r);
/* Closes the current element and gives its octets, with the namespace declarations from outside that it uses (or with
 * all in scope) put into its start tag: it can stand alone. Into the document when none are needed. */
struct span xml_raw(struct xml_reader *r, struct arena *a, bool all_namespaces);
/* Attribute without prefix of the current element (before its children are read). false: not there. */
bool xml_attribute(struct xml_reader *r, const char *name, struct arena *a, struct span *ret);
/* Nothing but white space and comments may follow the root element. */
enum xml_fault xml_close(struct xml_reader *r);
/* The reference that starts at p ('&'): its character into out. Returns the octets it takes in the document, 0 when it is
 * none of the allowed ones. */
size_t xml_reference(const uint8_t *p, const uint8_t *end, uint8_t out[4], size_t *ret_len);
void xml_fail(struct xml_reader *r, enum xml_fault fault, const char *what);

/* Names are compared without case and without '-': the one rule that covers all dialects of esim-messaging (§5.2 of
 * the fact book). */
bool xml_name_is(struct span local, const char *name);
struct span xml_trim(struct span text);

/* Escaped as canonical XML does it; octets that XML 1.0 cannot say, or that are not UTF-8, become '?'. */
void wr_xml_text(struct writer *w, struct span text);
void wr_xml_attribute(struct writer *w, struct span value); /* without the quotes */

#endif
