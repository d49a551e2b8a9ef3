#include "desk.h"

#include <string.h>

void desk_write(struct writer *w, const char *method, const char *path, struct span json)
{
    wr_printf(w, "%s %s\n", method, path);
    wr_bytes(w, json);
}

bool desk_read(struct span octets, struct http_request *ret)
{
    const uint8_t *end = octets.len && octets.ptr[0] != '<' ? memchr(octets.ptr, '\n', octets.len) : NULL;
    const uint8_t *space = end ? memchr(octets.ptr, ' ', (size_t)(end - octets.ptr)) : NULL;
    if (!space)
        return false;
    size_t method = (size_t)(space - octets.ptr), line = (size_t)(end - octets.ptr);
    *ret = (struct http_request){ .method = span_sub(octets, 0, method), .path = span_sub(octets, method + 1, line - method - 1),
                                  .body = span_from(octets, line + 1) };
    return true;
}
