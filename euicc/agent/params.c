#include "params.h"

#include <stdio.h>

#include "euicc/isdp/applications.h"
#include "euicc/isdr/isdr.h"
#include "euicc/isdr/keyset.h"
#include "euicc/mnosd/mnosd.h"
#include "lib/base/mutant.h"

#define URI_DEFAULT "/polling" /* what a real card asks for without one (fact book 8.3) */

static bool copy_text(struct span s, char *out, size_t cap)
{
    if (s.len >= cap)
        return false;
    if (s.len)
        memcpy(out, s.ptr, s.len);
    out[s.len] = 0;
    return true;
}

/* Timer value: hours, minutes, seconds in swapped BCD; some write plain binary. */
static uint32_t timer_seconds(const uint8_t t[3])
{
    uint32_t parts[3];
    for (size_t i = 0; i < 3; i++) {
        uint8_t ones = t[i] >> 4, tens = t[i] & 0x0F;
        parts[i] = ones > 9 || tens > 9 ? t[i] : tens * 10u + ones;
    }
    return (parts[0] * 60u + parts[1]) * 60u + parts[2];
}

/* The security domain that speaks. */
static struct aid sd_of(struct card *card, const struct agent_params *p)
{
    struct application_sd sd;
    bool mno = p->mno_slot && application_sd_get(card->objects, (uint8_t)p->mno_slot, 0, &sd) == ERR_NONE;
    return mno ? sd.aid : AID_ISDR;
}

static uint8_t mno_kvn(struct card *card, uint16_t slot)
{
    struct keyset set;
    for (unsigned kvn = KVN_SCP81_FIRST; kvn <= KVN_SCP81_LAST; kvn++)
        if (mnosd_keyset_read(card, &(struct sd_target){ SD_MNOSD, slot, 0, 0 }, (uint8_t)kvn, &set) == ERR_NONE) {
            wipe(&set, sizeof set);
            return (uint8_t)kvn;
        }
    return 0;
}

static enum err identity_make(struct card *card, struct span psk_identity, struct agent_params *p)
{
    WRITER_ON_STACK(w, SCP81_IDENTITY_MAX);
    if (psk_identity.len) {
        wr_bytes(&w, psk_identity);
    } else {
        struct scp81_identity id = { .kid = p->kid, .kvn = p->kvn };
        memcpy(id.eid, card->eid.octets, sizeof id.eid);
        struct aid aid = sd_of(card, p);
        memcpy(id.aid, aid.octets, aid.len);
        id.aid_len = aid.len;
        scp81_identity_write(&w, &id);
    }
    if (w.err != ERR_NONE)
        return w.err;
    memcpy(p->identity, w.buf, w.len);
    p->identity_len = (uint8_t)w.len;
    return ERR_NONE;
}

static enum err from_make(struct card *card, struct span agent, struct agent_params *p)
{
    WRITER_ON_STACK(w, SCP81_FROM_MAX);
    struct aid aid = sd_of(card, p);
    if (agent.len)
        wr_bytes(&w, agent);
    else
        scp81_from_write(&w, card->eid.octets, aid_span(&aid));
    return w.err != ERR_NONE ? w.err : copy_text(wr_span(&w), p->from, sizeof p->from) ? ERR_NONE : ERR_TOO_LONG;
}

static enum err web_set(const struct found_params *f, struct span query, struct agent_params *p)
{
    struct span uri = f->uri.len ? f->uri : SPAN_LIT(URI_DEFAULT);
    WRITER_ON_STACK(w, AGENT_URI_MAX - 1);
    wr_bytes(&w, uri);
    wr_bytes(&w, query);
    if (w.err != ERR_NONE || !copy_text(wr_span(&w), p->uri, sizeof p->uri))
        return ERR_TOO_LONG;
    if (!f->host.len && p->dns.name[0])
        return copy_text(span_text(p->dns.name), p->host, sizeof p->host) ? ERR_NONE : ERR_TOO_LONG;
    if (f->host.len)
        return copy_text(f->host, p->host, sizeof p->host) ? ERR_NONE : ERR_TOO_LONG;
    struct span ip = span_from((struct span){ p->channel.address, p->channel.address_len }, 1);
    if (ip.len == 4)
        snprintf(p->host, sizeof p->host, "%u.%u.%u.%u", ip.ptr[0], ip.ptr[1], ip.ptr[2], ip.ptr[3]);
    return ERR_NONE;
}

static void web_found(struct span *kept, struct span value)
{
    if (!kept->len)
        *kept = value;
}

/* Where to: what an earlier source said stays. */
static void trigger_found(const struct scp81_trigger *trigger, struct found_params *f)
{
    found_add(f, trigger->connection);
    found_add(f, trigger->dns);
    web_found(&f->host, trigger->host);
    web_found(&f->agent, trigger->agent);
    web_found(&f->uri, trigger->uri);
}

/* With which key, and how often: a later call outdoes an earlier one. */
static void trigger_apply(const struct scp81_trigger *trigger, struct agent_params *p)
{
    if (trigger->has_key) {
        p->kvn = trigger->kvn;
        p->kid = trigger->kid;
    }
    if (trigger->has_retry) {
        p->retries = trigger->retry_count + (MUTANT(one_try_too_many) ? 1u : 0u);
        p->retry_wait_s = timer_seconds(trigger->retry_timer);
    }
}

/* What the profile says of its operator's sessions (sdPersoData of the MNO-SD): objects of a trigger, alone or in its
 * templates. */
static void mno_defaults(struct card *card, uint16_t slot, struct scp81_trigger *ret)
{
    static const uint32_t tags[] = { 0x81, 0x83, 0x84, 0x85, 0x86, 0x89, 0xA5, 0xB3 };
    WRITER_ON_STACK(objects, SCP81_TRIGGER_MAX);
    for (size_t i = 0; i < ARRAY_LEN(tags); i++) {
        struct span tlv, inside;
        if (application_data_get(card->objects, (uint8_t)slot, 0, tags[i], &card->scratch, &tlv) != ERR_NONE)
            continue;
        for (; tlv_find(tlv, 0x81, &inside) || tlv_find(tlv, 0x83, &inside); tlv = inside)
            ;
        wr_bytes(&objects, tlv);
    }
    struct span kept = objects.err == ERR_NONE ? arena_copy(&card->scratch, wr_span(&objects)) : SPAN_NONE;
    if (scp81_session_parse(kept, ret) != ERR_NONE)
        *ret = (struct scp81_trigger){ 0 };
}

enum err agent_params_resolve(struct card *card, const struct agent_request *request, struct agent_params *ret)
{
    const struct scp81_trigger *trigger = request->trigger;
    struct scp81_trigger defaults = { 0 };
    const struct isdp *enabled = registry_enabled(card);
    struct agent_params p = { .kid = 0x01, .retries = AGENT_RETRIES, .notifies = request->notifies };
    p.mno_slot = request->mno_slot;
    struct found_params f = { .bearer = SPAN_NONE };
    uint8_t stored[ISDR_ADDRESSING_MAX];
    size_t len = 0;
    struct span a2;
    p.retry_wait_s = card->isdr->timing.retry_wait_s;
    p.kvn = p.mno_slot ? mno_kvn(card, p.mno_slot) : isdr_used_kvn(card, KVN_SCP81_FIRST, KVN_SCP81_LAST);
    if (p.mno_slot)
        mno_defaults(card, p.mno_slot, &defaults);
    trigger_apply(&defaults, &p);
    if (trigger) {
        trigger_apply(trigger, &p);
        trigger_found(trigger, &f);
    }
    found_source_ends(&f);
    if (enabled && tlv_find((struct span){ enabled->connectivity, enabled->connectivity_len }, 0xA2, &a2))
        found_add(&f, a2);
    if (MUTANT(forgets_the_access_name))
        f.name = SPAN_NONE;
    if (!p.mno_slot && !MUTANT(forgets_the_stored_connection) &&
        isdr_addressing(card, 0xA5, stored, sizeof stored, &len) == ERR_NONE)
        found_add(&f, (struct span){ stored, len });
    trigger_found(&defaults, &f);
    if (p.kvn == 0)
        return ERR_MISSING;
    enum err err = channel_params_set(&f, TRANSPORT_TCP, &p.channel);
    if (err == ERR_NONE && p.channel.address_len == 0)
        err = resolver_params_set(&f, &p.dns);
    if (err == ERR_NONE)
        err = web_set(&f, request->query, &p);
    if (err == ERR_NONE)
        err = identity_make(card, trigger && trigger->psk_identity.len ? trigger->psk_identity : defaults.psk_identity,
                            &p);
    if (err == ERR_NONE)
        err = from_make(card, f.agent, &p);
    if (err == ERR_NONE)
        *ret = p;
    return err;
}
