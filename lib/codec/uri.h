/* lib/codec/uri.h: what is a URI (RFC 3986) and not a reference to one. */
#ifndef OSPREY_CODEC_URI_H
#define OSPREY_CODEC_URI_H

#include "lib/base/span.h"

/* scheme:path or scheme://host:port/path, with ?query and #fragment, of ASCII, and something behind the scheme. A user
 * or an IPv6 address in it is not taken. */
bool uri_is_absolute(struct span uri);

#endif
