/* What is wrong with a modem (struct modem_quirks), as far as it is more than one line where it happens. */
#include "modem_private.h"

/* What we can do (TS 102 223 §5.2): SMS-PP download, timers, POLL INTERVAL, REFRESH, SEND SHORT MESSAGE, PROVIDE LOCAL
 * INFORMATION, event list with location status, data available, channel status and network rejection, BIP over TCP and UDP on
 * E-UTRAN. */
static const uint8_t terminal_profile[] = { 0x33, 0x00, 0xE8, 0x42, 0x11, 0x0C, 0x00, 0x07, 0x00, 0x00,
                                            0x00, 0x1F, 0xE2, 0x00, 0x00, 0x00, 0x43, 0x00, 0x00, 0x00,
                                            0x00, 0x00, 0x00, 0x00, 0x0A };
/* The bits of BIP: events data available and channel status, the commands, the bearers, the transports. */
static const struct {
    uint8_t octet, bits;
} bip_bits[] = { { 6, 0x0C }, { 12, 0xFF }, { 13, 0xFF }, { 17, 0x43 } };

void quirks_profile(const struct modem *m, struct writer *w)
{
    const struct modem_quirks *q = &m->config.quirks;
    uint8_t profile[MODEM_PROFILE_MAX] = { 0 }, len = q->profile_len ? q->profile_len : sizeof terminal_profile;
    memcpy(profile, q->profile_len ? q->profile : terminal_profile, len);
    for (size_t i = 0; q->no_bip && !q->profile_len && i < ARRAY_LEN(bip_bits); i++)
        profile[bip_bits[i].octet - 1] &= (uint8_t)~bip_bits[i].bits;
    for (size_t i = 0; i < MODEM_PROFILE_MAX; i++)
        profile[i] &= (uint8_t)~q->profile_clear[i];
    wr_bytes(w, SPAN_LIT("\x80\x10\x00\x00"));
    wr_u8(w, len);
    wr_bytes(w, (struct span){ profile, len });
}

/* ---- slow ---- */

bool quirks_slow(struct modem *m) { return m->config.quirks.answer_ms && m->now_ms < m->slow_until; }

void quirks_pace(struct modem *m)
{
    m->slow_until = m->now_ms + m->config.quirks.answer_ms;
    quirks_stay_awake(m);
}

/* ---- sleep ---- */

static bool sleeps(const struct modem *m) { return m->config.quirks.awake_s && m->config.quirks.asleep_s; }

void quirks_stay_awake(struct modem *m) { m->sleeps_at = m->now_ms + m->config.quirks.awake_s * 1000ull; }

static bool is_busy(const struct modem *m)
{
    for (unsigned i = 1; i <= MODEM_CHANNELS_MAX; i++)
        if (m->channels[i].open || m->channels[i].opening)
            return true;
    return m->command.waiting || m->host_sends || m->queue_count || m->fetch_len || m->reset_wanted || m->attach != ATTACH_DONE;
}

/* The network knows a sleeper as absent and hears from it when it wakes (its periodic update), so that the SMSC is alerted
 * and need not guess. Messages are lost where nobody told it. */
static void tell_network(struct modem *m, bool awake)
{
    if (!m->config.quirks.loses_sms)
        m->lines.registered(m->lines.context, awake ? m->imsi : NULL, awake ? m->msisdn : NULL);
}

static void fall_asleep(struct modem *m)
{
    if (m->config.quirks.suspends)
        card_suspend(m);
    m->asleep = true;
    m->wakes_at = m->now_ms + m->config.quirks.asleep_s * 1000ull;
    modem_fact(m, LOG_DEBUG_, "asleep for %u s", m->config.quirks.asleep_s);
    tell_network(m, false);
}

uint64_t quirks_tick(struct modem *m)
{
    uint64_t slow = m->config.quirks.answer_ms && m->slow_until > m->now_ms ? m->slow_until : UINT64_MAX;
    if (!sleeps(m))
        return slow;
    if (m->asleep && m->now_ms >= m->wakes_at) {
        m->asleep = false;
        quirks_stay_awake(m);
        if (m->suspended)
            card_resume(m);
        modem_fact(m, LOG_DEBUG_, "awake");
        tell_network(m, true);
    } else if (!m->asleep && is_busy(m)) {
        quirks_stay_awake(m);
    } else if (!m->asleep && m->now_ms >= m->sleeps_at) {
        fall_asleep(m);
    }
    uint64_t turn = m->asleep ? m->wakes_at : m->sleeps_at;
    return turn < slow ? turn : slow;
}

bool quirks_lose_sms(struct modem *m, uint64_t tag)
{
    if (!m->config.quirks.loses_sms)
        return false;
    modem_fact(m, LOG_WARN_, "a short message is lost: nobody is awake");
    m->lines.sms_taken(m->lines.context, tag, true);
    return true;
}

bool modem_is_asleep(const struct modem *m) { return m->asleep; }
