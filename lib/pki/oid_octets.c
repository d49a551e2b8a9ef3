#include "oid_octets.h"

#include <stdio.h>

/* Next arc of the text; *at is left behind its dot. */
static bool arc_read(const char **at, uint64_t *ret)
{
    uint64_t arc = 0;
    const char *p = *at;
    while (*p >= '0' && *p <= '9' && arc <= UINT32_MAX)
        arc = arc * 10 + (uint64_t)(*p++ - '0');
    if (p == *at || arc > UINT32_MAX || (*p && *p != '.') || (*p == '.' && !p[1]))
        return false;
    *at = *p ? p + 1 : p;
    *ret = arc;
    return true;
}

static void arc_write(struct writer *w, uint64_t arc)
{
    int groups = 1;
    while (groups < 10 && arc >> (7 * groups))
        groups++;
    while (groups--)
        wr_u8(w, (uint8_t)((arc >> (7 * groups) & 0x7F) | (groups ? 0x80 : 0)));
}

enum err oid_to_octets(const struct oid *oid, struct writer *out)
{
    WRITER_ON_STACK(w, OID_OCTETS_MAX);
    const char *at = oid->text;
    uint64_t first, second, arc;
    if (!arc_read(&at, &first) || !*at || !arc_read(&at, &second) || first > 2 || (first < 2 && second >= 40))
        return ERR_BAD_VALUE;
    arc_write(&w, first * 40 + second);
    while (*at) {
        if (!arc_read(&at, &arc))
            return ERR_BAD_VALUE;
        arc_write(&w, arc);
    }
    if (w.err != ERR_NONE)
        return ERR_TOO_LONG;
    wr_bytes(out, wr_span(&w));
    return out->err;
}

static bool arc_of_octets(struct span *s, uint64_t *ret)
{
    uint64_t arc = 0;
    while (s->len && arc <= UINT32_MAX) {
        uint8_t octet = s->ptr[0];
        if (arc == 0 && octet == 0x80) /* a leading group of zeroes */
            return false;
        *s = span_from(*s, 1);
        arc = arc << 7 | (octet & 0x7F);
        if (!(octet & 0x80)) {
            *ret = arc;
            return true;
        }
    }
    return false;
}

enum err oid_from_octets(struct span octets, struct oid *ret)
{
    WRITER_ON_STACK(w, OID_TEXT_MAX);
    uint64_t arc;
    if (octets.len == 0)
        return ERR_BAD_LENGTH;
    if (octets.ptr[octets.len - 1] & 0x80)
        return ERR_TRUNCATED;
    if (!arc_of_octets(&octets, &arc))
        return ERR_BAD_VALUE;
    uint64_t first = arc < 80 ? arc / 40 : 2;
    wr_printf(&w, "%llu.%llu", (unsigned long long)first, (unsigned long long)(arc - first * 40));
    while (octets.len) {
        if (!arc_of_octets(&octets, &arc))
            return ERR_BAD_VALUE;
        wr_printf(&w, ".%llu", (unsigned long long)arc);
    }
    return w.err == ERR_NONE ? oid_from_text(wr_span(&w), ret) : ERR_TOO_LONG;
}
