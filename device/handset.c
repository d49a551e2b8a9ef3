#include "handset.h"

#include <inttypes.h>
#include <stdlib.h>

#include "at.h"
#include "euicc/euicc.h"
#include "lib/io/file.h"
#include "lib/io/pty.h"
#include "slot_pcsc.h"

struct handset {
    struct handset_world world;
    struct arena arena;
    struct nvm_file *file;
    struct euicc *card;
    struct slot_pcsc *reader; /* or this */
    struct modem_slot slot;
    char eid[EID_TEXT_SIZE]; /* "": a card in a reader */
    struct network *network;
    struct modem *modem;
    struct loop_timer *timer;
    struct pty *pty;
    struct at *at; /* NULL: no port */
    bool on;
};

static uint64_t now_of(const struct handset *h) { return h->world.env.clock->now_ms(h->world.env.clock); }

/* ---- the slot ---- */

static void slot_reset(void *context, struct writer *atr) { euicc_reset(((struct handset *)context)->card, atr); }

static void slot_transmit(void *context, struct span command, struct writer *answer)
{
    euicc_transmit(((struct handset *)context)->card, command, answer);
}

static uint64_t slot_idle(void *context, uint64_t now_ms) { return euicc_idle(((struct handset *)context)->card, now_ms); }
static bool slot_has_proactive(void *context) { return euicc_has_proactive(((struct handset *)context)->card); }

/* ---- who watches ---- */

static void on_apdu(void *context, struct span command, struct span answer)
{
    struct handset *h = context;
    card_trace_write(h->world.apdus, now_of(h), -1, command, answer);
}

static void on_fact(void *context, enum log_level level, const char *text)
{
    struct handset *h = context;
    log_fact(h->world.env.log, level, h->eid, "%s", text);
}

static void write_counts(struct handset *h)
{
    struct modem_counts c = modem_counts(h->modem);
    fprintf(h->world.events,
            ",\"eid\":\"%s\",\"sms_mt\":%" PRIu64 ",\"sms_mo\":%" PRIu64 ",\"channels\":%" PRIu64 ",\"bytes\":%" PRIu64
            ",\"apdus\":%" PRIu64 "}\n",
            h->eid, c.sms_mt, c.sms_mo, c.channels, c.bytes_up + c.bytes_down, c.apdus);
    fflush(h->world.events);
}

static void on_attached(void *context, const char *imsi, bool accepted, const char *why)
{
    struct handset *h = context;
    if (!h->world.events)
        return;
    fprintf(h->world.events, "{\"event\":\"attach\",\"at_ms\":%" PRIu64 ",\"imsi\":\"%s\",\"accepted\":%s,\"why\":\"%s\"",
            now_of(h), imsi, accepted ? "true" : "false", why);
    write_counts(h);
}

void handset_write_end(struct handset *h)
{
    if (!h->world.events)
        return;
    fprintf(h->world.events, "{\"event\":\"end\"");
    write_counts(h);
}

/* ---- the serial port ---- */

static size_t port_bytes(void *context, struct span in)
{
    struct handset *h = context;
    return h->on ? at_input(h->at, now_of(h), in) : 0;
}

static void port_write(void *context, struct span bytes) { pty_write(((struct handset *)context)->pty, bytes); }

enum err handset_open_port(struct handset *h, const char *link)
{
    struct at_line line = { h, port_write };
    enum err err = pty_open(h->world.loop, link, port_bytes, h, &h->pty);
    if (err != ERR_NONE)
        return err;
    h->at = at_new(h->modem, &line);
    return h->at ? ERR_NONE : ERR_NO_MEMORY;
}

static void port_tick(struct handset *h, uint64_t now)
{
    if (!h->at)
        return;
    at_tick(h->at, now);
    if (at_is_ready(h->at))
        pty_resume(h->pty); /* what came while a command waited */
}

/* ---- life ---- */

static void tick(void *context)
{
    struct handset *h = context;
    uint64_t now = now_of(h);
    if (!h->on) {
        h->on = true;
        network_use(h->network, h->modem);
        modem_power_on(h->modem, now);
    }
    uint64_t next = modem_tick(h->modem, now);
    port_tick(h, now);
    uint64_t pause = next > now ? next - now : 1;
    loop_timer_set(h->timer, pause < HANDSET_TICK_MS ? pause : HANDSET_TICK_MS);
}

void handset_power_on(struct handset *h, uint64_t delay_ms) { loop_timer_set(h->timer, delay_ms); }
void handset_coverage(struct handset *h, bool coverage) { modem_coverage(h->modem, now_of(h), coverage); }

static enum err open_card(struct handset *h, const char *state)
{
    struct env env = h->world.env;
    struct eid eid;
    enum err err = ERR_NONE;
    h->file = nvm_file_open(state, 0, &err);
    if (!h->file)
        return err;
    env.nvm = nvm_file_seam(h->file);
    arena_init(&h->arena, 4 * EUICC_ARENA_SIZE);
    err = euicc_open(&h->arena, &env, &h->card);
    if (err != ERR_NONE)
        return err;
    euicc_eid(h->card, &eid);
    eid_text(&eid, h->eid);
    h->slot = (struct modem_slot){ h, slot_reset, slot_transmit, slot_idle, slot_has_proactive };
    return ERR_NONE;
}

static enum err open_modem(struct handset *h, const struct modem_config *modem, const struct network_config *network)
{
    struct modem_lines lines = { .watch = { h, h->world.apdus ? on_apdu : NULL, on_fact, on_attached } };
    h->network = network_new(h->world.loop, h->world.env.clock, h->world.env.log, network, &lines);
    h->modem = h->network ? modem_new(modem, &h->slot, &lines) : NULL;
    h->timer = loop_timer_new(h->world.loop, tick, h);
    return h->modem && h->timer ? ERR_NONE : ERR_NO_MEMORY;
}

/* What is left to do when the card was opened with this result. */
static enum err complete(struct handset *h, enum err err, const struct modem_config *modem, const struct network_config *network,
                         struct handset **ret)
{
    if (err == ERR_NONE)
        err = open_modem(h, modem, network);
    if (err == ERR_NONE)
        *ret = h;
    else
        handset_free(h);
    return err;
}

enum err handset_new(const struct handset_world *world, const char *state, const struct modem_config *modem,
                     const struct network_config *network, struct handset **ret)
{
    struct handset *h = calloc(1, sizeof *h);
    if (!h)
        return ERR_NO_MEMORY;
    h->world = *world;
    return complete(h, open_card(h, state), modem, network, ret);
}

enum err handset_new_pcsc(const struct handset_world *world, unsigned reader, const struct modem_config *modem,
                          const struct network_config *network, struct handset **ret)
{
    struct handset *h = calloc(1, sizeof *h);
    if (!h)
        return ERR_NO_MEMORY;
    h->world = *world;
    return complete(h, slot_pcsc_open(reader, world->env.log, &h->reader, &h->slot), modem, network, ret);
}

void handset_free(struct handset *h)
{
    if (!h)
        return;
    loop_timer_free(h->timer);
    network_free(h->network);
    if (h->at)
        at_free(h->at);
    pty_close(h->pty);
    modem_free(h->modem);
    slot_pcsc_close(h->reader);
    euicc_close(h->card);
    arena_release(&h->arena);
    if (h->file)
        nvm_file_close(h->file);
    free(h);
}
