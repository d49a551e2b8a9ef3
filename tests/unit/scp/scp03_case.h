/* tests/unit/scp/scp03_case.h: keys and challenges out of a vector of oncard-scp03. */
#ifndef OSPREY_TESTS_SCP03_CASE_H
#define OSPREY_TESTS_SCP03_CASE_H

#include "lib/gp/ram_script.h"
#include "lib/scp/scp03t.h"
#include "tests/support/test.h"

static inline struct scp03_keys case_keys(const json_t *v)
{
    struct scp03_keys k = { .kvn = 0x30, .key_len = 16 };
    memcpy(k.enc, vec_hex(v, "K_ENC").ptr, 16);
    memcpy(k.mac, vec_hex(v, "K_MAC").ptr, 16);
    if (vec_has(v, "K_DEK"))
        memcpy(k.dek, vec_hex(v, "K_DEK").ptr, 16);
    return k;
}

static inline uint32_t case_counter(const json_t *v)
{
    struct reader r = rd_of(vec_hex(v, "sequence_counter"));
    return rd_u24(&r);
}

/* "A000000559/1010FF…" or plain hex. */
static inline struct span case_aid(const char *text)
{
    char plain[64];
    size_t n = 0;
    for (; *text && n < sizeof plain - 1; text++)
        if (*text != '/')
            plain[n++] = *text;
    plain[n] = 0;
    return hex_lit(plain);
}

/* A card with nothing but a secure channel: executes one script and writes the answer. stream, when given, collects
 * the data of the 86. */
struct case_card {
    struct scp03_keys keys;
    bool has_keys;
    uint32_t counter; /* of the next session */
    struct span aid;
    struct scp03_session session;
    struct writer *stream;
    struct span last_answer; /* plain answer to the last 86 of the last script, if any */
    size_t data_left;        /* 86 still to come before last_answer is due */
};

static inline enum err case_card_item(struct case_card *c, const struct ram_item *item, struct writer *out)
{
    static uint8_t plain_memory[2048];
    struct writer plain = wr_of(plain_memory, sizeof plain_memory);
    struct scp03t_initialize_update iu;
    struct span data;
    enum err err;
    switch (item->tag) {
    case SCP03T_INITIALIZE_UPDATE:
        scp03_session_close(&c->session);
        err = scp03t_initialize_update_parse(item->value, &iu);
        if (err == ERR_NONE && (!c->has_keys || (iu.kvn != 0 && iu.kvn != c->keys.kvn)))
            err = ERR_NOT_FOUND;
        return err != ERR_NONE ? err
                               : scp03t_open_card(&c->keys, c->counter++, c->aid, iu.host_challenge, &c->session, out);
    case SCP03T_EXTERNAL_AUTHENTICATE:
        err = scp03t_external_authenticate_check(&c->session, item->raw);
        if (err == ERR_NONE)
            wr_tlv(out, SCP03T_EXTERNAL_AUTHENTICATE, SPAN_NONE);
        return err;
    case SCP03T_DATA:
        err = scp03t_unwrap(&c->session, item->raw, &plain, &data);
        if (err != ERR_NONE)
            return err;
        if (c->stream)
            wr_bytes(c->stream, data);
        c->data_left -= c->data_left > 0;
        return scp03t_response_wrap(&c->session, c->data_left == 0 ? c->last_answer : SPAN_NONE, out);
    case SCP03T_REPLACE_KEYS:
        err = scp03t_unwrap(&c->session, item->raw, &plain, &data);
        if (err == ERR_NONE)
            err = scp03t_replace_keys(&c->session, data);
        if (err == ERR_NONE)
            wr_tlv(out, SCP03T_REPLACE_KEYS, SPAN_NONE);
        return err;
    default:
        return ERR_UNSUPPORTED;
    }
}

static inline void case_card_script(struct case_card *c, struct span script, struct writer *out)
{
    struct ram_reader r;
    struct ram_answer a;
    struct ram_item item;
    ram_commands_open(&r, script);
    ram_answer_open(&a, out, r.format);
    while (ram_commands_next(&r, &item)) {
        size_t at = out->len;
        enum err err = case_card_item(c, &item, out);
        if (err != ERR_NONE) {
            out->len = at;
            scp03t_error_write(out, (uint8_t)item.tag, err);
            break;
        }
    }
    ram_answer_close(&a);
}

#endif
