#include "es8_client.h"

#include <stdio.h>

#include "lib/gp/put_key.h"
#include "lib/gp/store_data.h"
#include "lib/model/unconfirmed.h"

/* ---- state */

#define STATE_VERSION          2u
#define STATE_VERSION_UNMARKED 1u /* before it was kept which certificate the card was shown */

static void write_lv(struct writer *w, struct span v)
{
    wr_u16(w, (uint16_t)v.len);
    wr_bytes(w, v);
}

static void write_session(struct writer *w, const struct scp03_session *s)
{
    WRITER_ON_STACK(b, SCP03_SESSION_STORED_MAX);
    scp03_session_write(&b, s);
    write_lv(w, wr_span(&b));
    wipe(b_memory, sizeof b_memory);
}

static void write_state(struct writer *w, const struct es8_state *s)
{
    WRITER_ON_STACK(host, KA_HOST_STORED_MAX);
    wr_u8(w, STATE_VERSION);
    wr_u8(w, s->curve);
    wr_bytes(w, SPAN_OF(s->pk_ecasd));
    if (s->has_host)
        ka_host_write(&host, &s->host);
    write_lv(w, wr_span(&host));
    wr_bytes(w, SPAN_OF(s->signature));
    wr_u8(w, s->keys.kvn);
    wr_u8(w, s->keys.key_len);
    wr_bytes(w, SPAN_OF(s->keys.enc));
    wr_bytes(w, SPAN_OF(s->keys.mac));
    wr_bytes(w, SPAN_OF(s->keys.dek));
    wr_bytes(w, SPAN_OF(s->host_challenge));
    wr_bytes(w, SPAN_OF(s->shown));
    write_session(w, &s->start);
    write_session(w, &s->end);
    wipe(host_memory, sizeof host_memory);
}

static enum err read_state(struct span plain, struct es8_state *s)
{
    struct reader r = rd_of(plain);
    uint8_t version = rd_u8(&r);
    s->curve = rd_u8(&r);
    rd_copy(&r, s->pk_ecasd, sizeof s->pk_ecasd);
    struct span host = rd_span(&r, rd_u16(&r));
    rd_copy(&r, s->signature, sizeof s->signature);
    s->keys.kvn = rd_u8(&r);
    s->keys.key_len = rd_u8(&r);
    rd_copy(&r, s->keys.enc, sizeof s->keys.enc);
    rd_copy(&r, s->keys.mac, sizeof s->keys.mac);
    rd_copy(&r, s->keys.dek, sizeof s->keys.dek);
    rd_copy(&r, s->host_challenge, sizeof s->host_challenge);
    if (version > STATE_VERSION_UNMARKED)
        rd_copy(&r, s->shown, sizeof s->shown);
    struct span start = rd_span(&r, rd_u16(&r)), end = rd_span(&r, rd_u16(&r));
    enum err err = rd_finish(&r);
    s->has_host = host.len > 0;
    if (err == ERR_NONE && version != STATE_VERSION && version != STATE_VERSION_UNMARKED)
        err = ERR_BAD_VALUE;
    if (err == ERR_NONE && s->has_host)
        err = ka_host_read(host, &s->host);
    if (err == ERR_NONE)
        err = scp03_session_read(start, &s->start);
    return err == ERR_NONE ? scp03_session_read(end, &s->end) : err;
}

enum err es8_state_load(struct turn *t, const struct job *j, struct es8_state *ret)
{
    uint8_t plain[JOB_SECRET_MAX];
    *ret = (struct es8_state){ 0 };
    if (!j->secret.len)
        return ERR_NONE;
    if (j->secret.len < KEYS_WRAP_OVERHEAD || j->secret.len - KEYS_WRAP_OVERHEAD > sizeof plain)
        return ERR_BAD_LENGTH;
    size_t len = j->secret.len - KEYS_WRAP_OVERHEAD;
    enum err err = t->env->keys->unwrap(t->env->keys, span_text(j->id), j->secret, plain, sizeof plain);
    if (err == ERR_NONE)
        err = read_state((struct span){ plain, len }, ret);
    wipe(plain, sizeof plain);
    return err;
}

enum err es8_state_save(struct turn *t, struct job *j, const struct es8_state *s)
{
    WRITER_ON_STACK(plain, JOB_SECRET_MAX);
    write_state(&plain, s);
    size_t cap = plain.len + KEYS_WRAP_OVERHEAD;
    uint8_t *out = arena_alloc(t->arena, cap);
    enum err err = plain.err != ERR_NONE ? plain.err : out ? ERR_NONE : ERR_NO_SPACE;
    if (err == ERR_NONE)
        err = t->env->keys->wrap(t->env->keys, span_text(j->id), wr_span(&plain), out, cap);
    wipe(plain_memory, sizeof plain_memory);
    if (err == ERR_NONE) {
        j->secret = (struct span){ out, cap };
        j->changed = true;
    }
    return err;
}

/* ---- key establishment */

static size_t certificate_dgi_len(const struct card_certificate *c) { return 2 + (c->len < 0xFF ? 1 : 3) + c->len; }

/* Items only: the script's frame is the SM-SR's. */
static struct ram_script items_into(struct writer *w) { return (struct ram_script){ w, RAM_INDEFINITE, 0 }; }

struct span es8_authenticate_data(struct turn *t, const struct job *j, struct es8_state *s)
{
    const struct card_certificate *c = t->again ? card_certificate_shown(&t->config->certificates, s->curve, s->shown, t->now_ms)
                                                : card_certificate_for(&t->config->certificates, s->curve, t->now_ms);
    if (!c)
        return SPAN_NONE;
    memcpy(s->shown, c->mark, sizeof s->shown);
    uint8_t next_block;
    struct writer dgi = wr_arena(t->arena, certificate_dgi_len(c)),
                  w = wr_arena(t->arena, 2 * certificate_dgi_len(c) + 128);
    struct ram_script items = items_into(&w);
    ka_certificate_dgi_write(&dgi, (struct span){ c->octets, c->len });
    es8_authenticate_write(&items, &j->isdp, wr_span(&dgi), &next_block);
    return wr_span(&w);
}

_Static_assert((int)SMDP_KA_PARAMETERS == (KA_DELETE_OLD_KEYS | KA_WITH_DR | KA_CERTIFICATE_FIRST), "as said there");

static enum err draw_ephemeral(struct turn *t, struct es8_state *s)
{
    struct ka_parameters p = { .parameters = SMDP_KA_PARAMETERS,
                               .usage = KA_USAGE_THREE_KEYS,
                               .key_type = KEY_TYPE_AES,
                               .key_len = KA_KEY_LEN,
                               .kid = 1,
                               .kvn = SMDP_SCP03_KVN };
    struct ec_key *key = NULL;
    uint8_t scalar[EC_FIELD_LEN], point[EC_POINT_LEN];
    enum err err = ec_generate((enum ec_curve)s->curve, t->env->rng, &key);
    if (err == ERR_NONE)
        err = ec_key_scalar(key, scalar);
    if (err == ERR_NONE) {
        ec_key_point(key, point);
        err = ka_host_init(&p, s->curve, scalar, point, &s->host);
    }
    s->has_host = err == ERR_NONE;
    ec_key_free(key);
    wipe(scalar, sizeof scalar);
    return err;
}

static enum err sign(struct turn *t, struct es8_state *s, const struct card_certificate *c, struct span rc)
{
    WRITER_ON_STACK(signed_data, KA_COMMAND_MAX);
    size_t len = 0;
    ka_host_to_be_signed(&signed_data, &s->host, rc);
    enum err err = signed_data.err;
    if (err == ERR_NONE)
        err = t->env->keys->sign(t->env->keys, c->key_name, wr_span(&signed_data), s->signature, sizeof s->signature,
                                 &len);
    return err == ERR_NONE && len != sizeof s->signature ? ERR_CRYPTO : err;
}

enum err es8_establish_data(struct turn *t, struct es8_state *s, struct span rc, struct span *ret)
{
    const struct card_certificate *c = card_certificate_shown(&t->config->certificates, s->curve, s->shown, t->now_ms);
    WRITER_ON_STACK(dgis, KA_COMMAND_MAX);
    enum err err = c ? ERR_NONE : ERR_UNSUPPORTED;
    if (err == ERR_NONE && !t->again)
        err = draw_ephemeral(t, s);
    if (err == ERR_NONE && !t->again)
        err = sign(t, s, c, rc);
    if (err != ERR_NONE)
        return err;
    struct writer w = wr_arena(t->arena, 2 * KA_COMMAND_MAX);
    struct ram_script items = items_into(&w);
    ka_host_command(&dgis, &s->host, SPAN_OF(s->signature));
    es8_establish_write(&items, wr_span(&dgis), (uint8_t)store_data_block_count(certificate_dgi_len(c)));
    *ret = wr_span(&w);
    return dgis.err != ERR_NONE ? dgis.err : w.err;
}

/* ---- SCP03t */

struct span es8_open_data(struct turn *t, struct es8_state *s)
{
    struct writer w = wr_arena(t->arena, 32);
    if (!t->again)
        t->env->rng->fill(t->env->rng, s->host_challenge, sizeof s->host_challenge);
    scp03t_initialize_update_write(&w, s->keys.kvn, s->host_challenge);
    return wr_span(&w);
}

enum err es8_segments_data(struct turn *t, struct job *j, struct es8_state *s, struct span package, struct span *ret)
{
    struct writer w = wr_arena(t->arena, (t->config->segments_per_call + 1) * (size_t)SCP03T_TLV_MAX);
    uint32_t at = j->sent_from;
    s->end = s->start;
    enum err err = w.err;
    if (err == ERR_NONE && s->end.state == SCP03_INITIALIZED)
        err = scp03t_external_authenticate_write(&s->end, &w);
    for (uint32_t n = 0; err == ERR_NONE && n < t->config->segments_per_call && at < package.len; n++) {
        struct span segment = span_sub(package, at, SCP03T_PLAIN_MAX);
        err = scp03t_wrap(&s->end, segment, &w);
        at += (uint32_t)segment.len;
    }
    if (err != ERR_NONE)
        return err;
    j->sent_to = at;
    j->changed = true;
    *ret = wr_span(&w);
    return ERR_NONE;
}

/* ---- answers */

/* Items as they come, or with the script's frame around them. */
static enum err open_answer(struct span answer, struct ram_reader *r)
{
    if (answer.len && (answer.ptr[0] == RAM_TAG_RESULTS_DEFINITE || answer.ptr[0] == RAM_TAG_RESULTS_INDEFINITE))
        return ram_results_open(r, answer);
    *r = (struct ram_reader){ .r = rd_of(answer), .format = RAM_INDEFINITE, .results = true, .executed = -1 };
    return ERR_NONE;
}

bool es8_refuse(struct status *ret, const char *what, const char *why)
{
    *ret = status_failed(REASON_ISDP_FAILED, "", "%s: %s", what, why);
    return false;
}

/* The last R-APDU as it stands; the first bad one is told. */
bool es8_last_answer(struct span answer, const char *what, struct span *ret, struct status *ret_status)
{
    struct ram_reader r;
    struct ram_item item;
    struct rapdu rapdu = { 0 };
    enum err err = open_answer(answer, &r);
    while (err == ERR_NONE && ram_results_next(&r, &item)) {
        if (item.tag != RAM_TAG_RAPDU)
            return es8_refuse(ret_status, what, "the card did not understand the script");
        err = rapdu_parse(item.value, &rapdu);
        if (err == ERR_NONE && !sw_is_positive(rapdu.sw))
            return es8_refuse(ret_status, what, sw_text(rapdu.sw));
        *ret = item.value;
    }
    if (err != ERR_NONE || r.r.err != ERR_NONE || !rapdu.sw)
        return es8_refuse(ret_status, what, "the card's answer cannot be read");
    return true;
}

bool es8_last_answer_data(struct span answer, const char *what, struct span *ret, struct status *ret_status)
{
    if (!es8_last_answer(answer, what, ret, ret_status))
        return false;
    *ret = span_sub(*ret, 0, ret->len - 2);
    return true;
}

bool es8_challenge_of(struct span answer, struct span *ret_rc, struct status *ret_status)
{
    struct span data;
    if (!es8_last_answer_data(answer, "authentication", &data, ret_status))
        return false;
    enum err err = ka_challenge_parse(data, ret_rc);
    return err == ERR_NONE || es8_refuse(ret_status, "random challenge", err_text(err));
}

bool es8_keys_of(struct span answer, struct es8_state *s, struct status *ret_status)
{
    struct span data;
    struct ka_keys k;
    if (!es8_last_answer_data(answer, "key establishment", &data, ret_status))
        return false;
    enum err err = ka_host_finish(&s->host, SPAN_OF(s->pk_ecasd), data, &k);
    if (err != ERR_NONE)
        return es8_refuse(ret_status, "key establishment",
                      err == ERR_VERIFY ? "the card's receipt is wrong" : err_text(err));
    s->keys = (struct scp03_keys){ .kvn = SMDP_SCP03_KVN, .key_len = KA_KEY_LEN };
    memcpy(s->keys.enc, k.keys[0], KA_KEY_LEN);
    memcpy(s->keys.mac, k.keys[1], KA_KEY_LEN);
    memcpy(s->keys.dek, k.keys[2], KA_KEY_LEN);
    wipe(&k, sizeof k);
    wipe(&s->host, sizeof s->host);
    s->has_host = false;
    return true;
}

static bool scp03t_error(const struct ram_item *item, char out[64])
{
    if ((item->tag & 0xFF00) != RAM_TAG_SCP03T_ERROR)
        return false;
    unsigned code = item->value.len ? item->value.ptr[0] : 0;
    snprintf(out, 64, "%X %02X", (unsigned)item->tag, code);
    return true;
}

bool es8_session_of(struct span answer, const struct job *j, struct es8_state *s, struct status *ret_status)
{
    struct ram_reader r;
    struct ram_item item;
    char error[64];
    if (open_answer(answer, &r) != ERR_NONE || !ram_results_next(&r, &item))
        return es8_refuse(ret_status, "secure channel", "the card's answer cannot be read");
    if (scp03t_error(&item, error))
        return es8_refuse(ret_status, "secure channel", error);
    if (item.tag != RAM_TAG_SCP03T_INITIALIZE_UPDATE)
        return es8_refuse(ret_status, "secure channel", "the card answered something else");
    enum err err = scp03t_open_host(&s->keys, s->host_challenge, item.value, aid_span(&j->isdp), &s->start);
    return err == ERR_NONE || es8_refuse(ret_status, "secure channel", err_text(err));
}

/* The session as it was behind the number-th of these segments: made again, but for the last one. */
static enum err session_behind(const struct job *j, const struct es8_state *s, struct span package, size_t number,
                               struct scp03_session *ret)
{
    uint8_t scratch[SCP03T_TLV_MAX];
    uint32_t at = j->sent_from;
    enum err err = ERR_NONE;
    *ret = s->start;
    if (ret->state == SCP03_INITIALIZED) {
        struct writer w = wr_of(scratch, sizeof scratch);
        err = scp03t_external_authenticate_write(ret, &w);
    }
    for (size_t n = 0; err == ERR_NONE && n < number; n++) {
        struct writer w = wr_of(scratch, sizeof scratch);
        struct span segment = span_sub(package, at, SCP03T_PLAIN_MAX);
        err = scp03t_wrap(ret, segment, &w);
        at += (uint32_t)segment.len;
    }
    return err;
}

/* EUICCResponse in the answer to the number-th segment. */
static bool read_response(struct turn *t, const struct job *j, const struct es8_state *s, struct span package,
                          size_t number, size_t expected, struct span value, struct es8_profile_response *ret)
{
    struct scp03_session session = s->end;
    struct writer plain = wr_arena(t->arena, value.len + 16);
    struct span data;
    enum err err = number == expected ? ERR_NONE : session_behind(j, s, package, number, &session);
    if (err == ERR_NONE)
        err = scp03t_response_unwrap(&session, value, &plain, &data);
    wipe(&session, sizeof session);
    return err == ERR_NONE && es8_profile_response_parse(data, ret) == ERR_NONE;
}

static bool refuse_profile(const struct es8_profile_response *r, struct status *ret)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->status[i].status) {
            *ret = status_failed(r->status[i].status == 4 || r->status[i].status == 2 ? REASON_EUICC_MEMORY
                                                                                      : REASON_ISDP_FAILED,
                                 "", "profile element %u: %s (%u)", r->status[i].identification,
                                 es8_pe_status_text(r->status[i].status), r->status[i].additional);
            return false;
        }
    return es8_refuse(ret, "profile", r->aborted ? "the card aborted the installation" : "the card does not confirm it");
}

bool es8_segments_answered(struct turn *t, struct span answer, const struct job *j, struct es8_state *s,
                           struct span package, bool *ret_complete, bool *ret_lost, struct status *ret_status)
{
    struct ram_reader r;
    struct ram_item item;
    struct es8_profile_response response;
    char error[64];
    size_t segments = 0, expected = (j->sent_to - j->sent_from + SCP03T_PLAIN_MAX - 1) / SCP03T_PLAIN_MAX;
    *ret_complete = *ret_lost = false;
    enum err err = open_answer(answer, &r);
    while (err == ERR_NONE && ram_results_next(&r, &item)) {
        if (scp03t_error(&item, error)) {
            *ret_lost = true;
            return es8_refuse(ret_status, "secure channel", error);
        }
        if (item.tag != RAM_TAG_SCP03T_DATA)
            continue;
        segments++;
        if (!item.value.len)
            continue;
        if (!read_response(t, j, s, package, segments, expected, item.value, &response))
            return es8_refuse(ret_status, "profile", "the card's response cannot be read");
        if (!es8_profile_response_ok(&response))
            return refuse_profile(&response, ret_status);
        *ret_complete = true;
    }
    if (err != ERR_NONE || r.r.err != ERR_NONE || segments < expected) {
        *ret_lost = true;
        return es8_refuse(ret_status, "profile", "the card's answer is not complete");
    }
    if (*ret_complete != (j->sent_to == package.len))
        return es8_refuse(ret_status, "profile",
                      *ret_complete ? "the card says it is complete before its end"
                                    : "the card does not say that it is complete");
    return true;
}
