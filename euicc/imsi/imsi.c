#include "imsi.h"

bool imsi_has_several(const struct card *card) { return card->imsi->rules.count > 1; }

/* ---- choosing ---- */

static bool names_country(const struct imsi_rule *rule, uint16_t country)
{
    for (size_t i = 0; i < rule->country_count; i++)
        if (rule->countries[i] == country)
            return true;
    return false;
}

/* The first that was not tried: of those that name the country, or of those for everywhere. */
static uint8_t first_untried(const struct imsi *m, bool named)
{
    for (uint8_t i = 0; i < m->rules.count; i++) {
        const struct imsi_rule *rule = &m->rules.rules[i];
        bool fits = named ? names_country(rule, m->country) : rule->country_count == 0;
        if (fits && i != m->active && !(m->tried >> i & 1))
            return i;
    }
    return IMSI_NONE;
}

static uint8_t next_of(const struct imsi *m)
{
    uint8_t next = first_untried(m, true);
    if (next == IMSI_NONE)
        next = first_untried(m, false);
    /* nobody knows the country: the list as it stands */
    for (uint8_t i = 0; next == IMSI_NONE && m->country == IMSI_NO_COUNTRY && i < m->rules.count; i++)
        if (i != m->active && !(m->tried >> i & 1))
            next = i;
    return next;
}

/* ---- changing ---- */

static void timer_start(struct card *card)
{
    struct imsi *m = card->imsi;
    m->deadline_ms = card_now_ms(card) + (uint64_t)m->rules.timer_s * 1000u;
}

static void refreshed(struct card *card, void *context, const struct terminal_response *response)
{
    (void)context;
    (void)response;
    card->imsi->refreshing = false;
}

static void change_to(struct card *card, uint8_t to)
{
    struct imsi *m = card->imsi;
    enum err err = imsi_change(card, m->active, to);
    m->tried |= (uint8_t)(1u << to); /* it has its turn, whatever comes of it */
    m->serviced = false;
    timer_start(card);
    if (err == ERR_NONE) {
        m->active = to;
        log_fact(card->env.log, LOG_INFO_, NULL, "changed to IMSI %u of %u", to + 1u, m->rules.count);
        err = proactive_refresh(card, REFRESH_INIT_FULL_FILE_CHANGE, refreshed, NULL);
        m->refreshing = err == ERR_NONE;
    }
    if (err != ERR_NONE)
        log_fact(card->env.log, LOG_WARN_, NULL, "IMSI %u of %u: %s", to + 1u, m->rules.count, err_text(err));
}

/* This one does not get us on the network. */
static void give_up(struct card *card)
{
    struct imsi *m = card->imsi;
    if (m->active != IMSI_NONE)
        m->tried |= (uint8_t)(1u << m->active);
    uint8_t next = next_of(m);
    if (next != IMSI_NONE) {
        change_to(card, next);
        return;
    }
    m->tried = 0; /* the round begins anew */
    timer_start(card);
}

static uint16_t country_of(struct span location)
{
    if (location.len < 3 || (location.ptr[0] & 0x0F) > 9 || location.ptr[0] >> 4 > 9 || (location.ptr[1] & 0x0F) > 9)
        return IMSI_NO_COUNTRY;
    return (uint16_t)((location.ptr[0] & 0x0F) * 100 + (location.ptr[0] >> 4) * 10 + (location.ptr[1] & 0x0F));
}

void imsi_location(struct card *card, enum imsi_service service, struct span location)
{
    struct imsi *m = card->imsi;
    uint16_t country = country_of(location);
    if (!imsi_has_several(card))
        return;
    if (country != IMSI_NO_COUNTRY && country != m->country) {
        m->country = country;
        m->tried = 0;
    }
    m->serviced = service == IMSI_SERVED;
    if (service != IMSI_REFUSED) /* where there is no network no IMSI finds one */
        m->deadline_ms = UINT64_MAX;
    else if (m->deadline_ms == UINT64_MAX)
        timer_start(card);
    bool at_home = m->active != IMSI_NONE && names_country(&m->rules.rules[m->active], m->country);
    uint8_t meant = at_home ? IMSI_NONE : first_untried(m, true);
    if (meant != IMSI_NONE)
        change_to(card, meant);
}

/* ---- the module ---- */

static enum err module_open(struct card *card)
{
    card->imsi = CARD_NEW(card, struct imsi);
    if (!card->imsi)
        return ERR_NO_MEMORY;
    card->imsi->deadline_ms = UINT64_MAX;
    return ERR_NONE;
}

/* At power-up the files are not there yet; the terminal comes later. */
static void module_power_on(struct card *card)
{
    *card->imsi = (struct imsi){ .active = IMSI_NONE, .country = IMSI_NO_COUNTRY, .deadline_ms = UINT64_MAX };
}

static bool rules_read(struct card *card)
{
    struct imsi *m = card->imsi;
    enum err err = card->profile ? imsi_rules_get(card->objects, card->profile, &m->rules) : ERR_NOT_FOUND;
    if (err != ERR_NONE && err != ERR_NOT_FOUND)
        log_fact(card->env.log, LOG_WARN_, NULL, "the rules of several IMSIs cannot be read: %s", err_text(err));
    if (err != ERR_NONE || !imsi_has_several(card))
        return false;
    m->active = imsi_active(card, &m->rules);
    return true;
}

static void module_terminal_ready(struct card *card)
{
    if (rules_read(card))
        timer_start(card);
}

static void module_suspend(struct card *card, struct writer *w)
{
    const struct imsi *m = card->imsi;
    wr_u8(w, m->tried);
    wr_u16(w, m->country);
    wr_u8(w, m->serviced);
    wr_u32(w, card_left_ms(card, m->deadline_ms));
}

static void module_resume(struct card *card, struct reader *r)
{
    struct imsi *m = card->imsi;
    (void)rules_read(card);
    m->tried = rd_u8(r);
    m->country = rd_u16(r);
    m->serviced = rd_u8(r) != 0;
    m->deadline_ms = card_due_ms(card, rd_u32(r));
}

static enum imsi_service service_of(uint8_t status) { return status < 2 ? (enum imsi_service)status : IMSI_NO_SERVICE; }

static void module_event(struct card *card, enum cat_event event, struct span body)
{
    struct span status, location = SPAN_NONE;
    if (!imsi_has_several(card))
        return;
    if (event == EVENT_NETWORK_REJECTION) {
        if (ctlv_find(body, 0x13, &location) && country_of(location) != IMSI_NO_COUNTRY)
            card->imsi->country = country_of(location);
        if (!card->imsi->refreshing)
            give_up(card);
    } else if (event == EVENT_LOCATION_STATUS && ctlv_find(body, 0x1B, &status) && status.len == 1) {
        (void)ctlv_find(body, 0x13, &location);
        imsi_location(card, service_of(status.ptr[0]), location);
    }
}

static uint64_t module_idle(struct card *card, uint64_t now_ms)
{
    if (card->imsi->deadline_ms <= now_ms && terminal_is_ready(card))
        give_up(card);
    return card->imsi->deadline_ms;
}

const struct card_module imsi_module = {
    .name = "imsi",
    .open = module_open,
    .power_on = module_power_on,
    .terminal_ready = module_terminal_ready,
    .event = module_event,
    .idle = module_idle,
    .suspend = module_suspend,
    .resume = module_resume,
};
