#include "channel_params.h"

#include "lib/codec/ber_tlv.h"

#define BUFFER_SIZE_DEFAULT 1400u

static void first_of(struct span *kept, struct span value)
{
    if (!kept->ptr)
        *kept = value;
}

/* Objects of a connection (84 of a trigger, A1 and A2 of a profile: COMPREHENSION-TLVs) and of an HTTP POST (89). */
static const struct {
    uint8_t tag;
    bool comprehension; /* bit 8 does not count */
    size_t place;
} known_objects[] = {
    { 0x05, true, offsetof(struct found_params, alpha) },
    { 0x35, true, offsetof(struct found_params, bearer) },
    { 0x39, true, offsetof(struct found_params, buffer) },
    { 0x47, true, offsetof(struct found_params, name) },
    { 0x3E, true, offsetof(struct found_params, address) },
    { 0x36, true, offsetof(struct found_params, identification) },
    { 0x8A, false, offsetof(struct found_params, host) },
    { 0x8B, false, offsetof(struct found_params, agent) },
    { 0x8C, false, offsetof(struct found_params, uri) },
    { 0xD6, false, offsetof(struct found_params, name_of_host) },
};

static void found_one(struct found_params *f, const struct tlv *t)
{
    if ((t->tag & 0x7F) == 0x3C && t->val.len) {
        first_of(t->val.ptr[0] == TRANSPORT_LINK ? &f->link_port : &f->transport, t->val);
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(known_objects); i++) {
        uint32_t tag = known_objects[i].comprehension ? t->tag & 0x7F : t->tag;
        if (tag == known_objects[i].tag)
            first_of((struct span *)((uint8_t *)f + known_objects[i].place), t->val);
    }
}

void found_add(struct found_params *f, struct span objects)
{
    struct reader r = rd_of(objects);
    struct tlv t;
    bool login = false;
    while (tlv_next(&r, &t)) {
        if (t.tag == 0x84 || t.tag == 0x89 || t.tag == 0xA5 || t.tag == 0xB3) {
            found_add(f, t.val);
        } else if (t.tag == 0xFA) {
            if (f->dns_count < FOUND_DNS_MAX)
                f->dns[f->dns_count++] = t.val;
        } else if ((t.tag & 0x7F) == 0x0D) { /* the second text is the password */
            first_of(login ? &f->password : &f->login, t.val);
            login = true;
        } else {
            found_one(f, &t);
        }
    }
}

void found_source_ends(struct found_params *f)
{
    if (f->name_of_host.ptr)
        first_of(&f->address, SPAN_LIT(""));
}

static bool copy_octets(struct span s, uint8_t *out, size_t cap, uint8_t *ret_len)
{
    if (s.len > cap)
        return false;
    if (s.len)
        memcpy(out, s.ptr, s.len);
    *ret_len = (uint8_t)s.len;
    return true;
}

enum err channel_params_set(const struct found_params *f, uint8_t transport, struct channel_params *ret)
{
    struct reader r = rd_of(f->transport);
    uint8_t protocol = rd_u8(&r);
    struct channel_params p = { .port = rd_u16(&r), .has_alpha = f->alpha.ptr != NULL };
    bool by_name = f->name_of_host.len && f->address.len == 0;
    if (r.err != ERR_NONE || protocol != transport || (f->address.len < 5 && !by_name))
        return ERR_MISSING;
    uint64_t size = BUFFER_SIZE_DEFAULT;
    if (f->buffer.len && span_uint(f->buffer, &size) != ERR_NONE)
        return ERR_BAD_LENGTH;
    p.buffer_size = (uint16_t)(size > 0 && size <= UINT16_MAX ? size : BUFFER_SIZE_DEFAULT);
    bool fits = copy_octets(f->alpha, p.alpha, sizeof p.alpha, &p.alpha_len) &&
                copy_octets(f->address, p.address, sizeof p.address, &p.address_len) &&
                copy_octets(f->bearer, p.bearer, sizeof p.bearer, &p.bearer_len) &&
                copy_octets(f->name, p.name, sizeof p.name, &p.name_len) &&
                copy_octets(f->login, p.login, sizeof p.login, &p.login_len) &&
                copy_octets(f->password, p.password, sizeof p.password, &p.password_len);
    if (fits)
        *ret = p;
    return fits ? ERR_NONE : ERR_TOO_LONG;
}

struct bip_open channel_params_open(const struct channel_params *p, uint8_t transport)
{
    return (struct bip_open){ .immediate = true,
                              .alpha = { p->has_alpha ? p->alpha : NULL, p->alpha_len },
                              .buffer_size = p->buffer_size,
                              .bearer = { p->bearer, p->bearer_len },
                              .network_access_name = { p->name, p->name_len },
                              .login = { p->login, p->login_len },
                              .password = { p->password, p->password_len },
                              .transport = transport,
                              .port = p->port,
                              .address = { p->address, p->address_len } };
}
