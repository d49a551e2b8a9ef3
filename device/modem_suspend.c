/* A modem that takes the card's power away while it sleeps (SUSPEND UICC, TS 102 221 §11.1.22). */
#include "modem_private.h"

/* Unit and count: seconds, minutes, hours; rounded up. */
static void duration_write(struct writer *w, uint32_t seconds)
{
    static const uint32_t unit_s[] = { 1, 60, 3600 };
    uint8_t unit = 0;
    while (unit < ARRAY_LEN(unit_s) - 1 && seconds > 255 * unit_s[unit])
        unit++;
    uint32_t count = (seconds + unit_s[unit] - 1) / unit_s[unit];
    wr_u8(w, unit);
    wr_u8(w, (uint8_t)(count < 255 ? count : 255));
}

bool card_suspend(struct modem *m)
{
    WRITER_ON_STACK(command, 5 + 4);
    WRITER_ON_STACK(answer, 2 * MODEM_RAPDU_MAX);
    wr_bytes(&command, SPAN_LIT("\x80\x76\x00\x00\x04"));
    duration_write(&command, 1);
    duration_write(&command, m->config.quirks.asleep_s);
    uint16_t sw = modem_apdu(m, wr_span(&command), &answer);
    m->suspended = sw == 0x9000 && answer.len == 2 + sizeof m->suspend_token;
    if (m->suspended)
        memcpy(m->suspend_token, answer.buf + 2, sizeof m->suspend_token);
    modem_fact(m, LOG_DEBUG_, m->suspended ? "the card is suspended" : "the card takes no suspension: %04X", sw);
    return m->suspended;
}

void card_resume(struct modem *m)
{
    WRITER_ON_STACK(command, 5 + sizeof m->suspend_token);
    WRITER_ON_STACK(answer, 2 * MODEM_RAPDU_MAX);
    m->suspended = false;
    modem_slot_reset(m);
    wr_bytes(&command, SPAN_LIT("\x80\x76\x01\x00\x08"));
    wr_bytes(&command, SPAN_OF(m->suspend_token));
    uint16_t sw = modem_apdu(m, wr_span(&command), &answer);
    if (sw == 0x9000) {
        modem_fact(m, LOG_DEBUG_, "the card is resumed");
        return;
    }
    modem_fact(m, LOG_WARN_, "the card's session is lost: RESUME is answered with %04X", sw);
    m->reset_wanted = true;
}
