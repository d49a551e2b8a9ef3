#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cases.h"
#include "lab_private.h"
#include "tap.h"

const char *lab_target(const struct lab *lab) { return lab->target; }

static void process_of(struct lab *lab, struct process *p, const char *program, const char *config)
{
    p->name = program;
    snprintf(p->folder, sizeof p->folder, "%s", lab->folder);
    snprintf(p->config, sizeof p->config, "%s", config);
}

enum err lab_new(const char *folder, struct lab **ret, char detail[LAB_DETAIL_MAX])
{
    struct lab *lab = calloc(1, sizeof *lab);
    if (!lab)
        return ERR_NO_MEMORY;
    lab->detail = detail;
    snprintf(lab->folder, sizeof lab->folder, "%s", folder);
    snprintf(lab->target, sizeof lab->target, "%.1000s/target.ini", folder);
    arena_init(&lab->arena, 64u * 1024u * 1024u);
    process_of(lab, &lab->smsc, "osprey-smsc", "smsc.conf");
    process_of(lab, &lab->hlr, "osprey-hlr", "hlr.conf");
    process_of(lab, &lab->servers[SM_SR], "osprey-sm-sr", "sm-sr.conf");
    process_of(lab, &lab->servers[SM_DP], "osprey-sm-dp", "sm-dp.conf");
    process_of(lab, &lab->servers[SM_SR2], "osprey-sm-sr", "sm-sr2.conf");
    for (int c = 0; c < CARD_COUNT; c++) {
        char config[64];
        snprintf(config, sizeof config, "device-%s.conf", card_text((enum card)c));
        process_of(lab, &lab->devices[c], "osprey-device", config);
    }
    enum err err = lab_make(lab);
    if (err == ERR_NONE)
        err = lab_configure(lab);
    if (err == ERR_NONE)
        *ret = lab;
    else
        lab_free(lab);
    return err;
}

void lab_free(struct lab *lab)
{
    if (!lab)
        return;
    for (int c = 0; c < CARD_COUNT; c++)
        process_stop(&lab->devices[c]);
    for (int i = 0; i < NOBODY; i++)
        process_stop(&lab->servers[i]);
    process_stop(&lab->hlr);
    process_stop(&lab->smsc);
    arena_release(&lab->arena);
    free(lab);
}

/* ---- powers ---- */

static struct lab *lab_of(struct stage *s)
{
    if (!s->lab)
        skip(s, "only a lab can do that");
    return s->lab;
}

static void start(struct stage *s, struct process *p, const char *label)
{
    if (!process_start(p, label))
        fail(s, "%s does not start: see %s/logs/%s.out", p->name, p->folder, label);
}

void lab_kill(struct stage *s, enum server which) { process_kill(&lab_of(s)->servers[which]); }

void lab_restart(struct stage *s, enum server which)
{
    process_stop(&lab_of(s)->servers[which]);
    start(s, &s->lab->servers[which], server_text(which));
}

unsigned lab_memory_kib(struct stage *s, enum server which)
{
    unsigned pages = 0;
    if (!s->lab)
        return 0;
    FILE *f = fopen(textf(s, "/proc/%d/statm", (int)s->lab->servers[which].pid), "r");
    if (f && fscanf(f, "%*u %u", &pages) != 1)
        pages = 0;
    if (f)
        fclose(f);
    return pages * 4;
}

void lab_device(struct stage *s, enum card card, bool on)
{
    struct process *p = &lab_of(s)->devices[card];
    if (!on)
        process_stop(p);
    else if (!p->pid)
        start(s, p, textf(s, "device-%s", card_text(card)));
}

void lab_coverage(struct stage *s, enum card card, bool there)
{
    process_signal(&lab_of(s)->devices[card], there ? SIGUSR2 : SIGUSR1);
}

/* ---- start ---- */

/* More memory than the card has, and a profile that it has not. */
static const char *spoiled(struct stage *s, const char *eis)
{
    eis = xml_with(s, eis, "RemainingMemory", "90000000");
    eis = xml_with(s, eis, "AvailableMemoryForProfiles", "99000000");
    return xml_before(s, eis, "Isd-r",
                      textf(s,
                            "<ProfileInfo xmlns=\"http://namespaces.gsma.org/esim-messaging/3\"><Iccid>8999970000000088885</Iccid>"
                            "<Isd-p-aid>A0000005591010FFFFFFFF8900009900</Isd-p-aid><Mno-id>%s</Mno-id>"
                            "<FallbackAttribute>false</FallbackAttribute><SubscriptionAddress/><State>Disabled</State>"
                            "<AllocatedMemory>1000</AllocatedMemory><pol2/></ProfileInfo>",
                            lab_oid(START)));
}

/* Without the key set of HTTPS: the SM-SR has short messages only. */
static const char *without_https(struct stage *s, const char *eis)
{
    const char *version = strstr(eis, "Version>64<"), *open = version;
    while (open && open > eis && strncmp(open, "Keyset>", 7) != 0)
        open--;
    while (open && open > eis && *open != '<')
        open--;
    const char *close = version ? strstr(version, "Keyset>") : NULL;
    need(s, close, "the lab's EIS has no SCP81 keys");
    return textf(s, "%.*s%s", (int)(open - eis), eis, close + 7);
}

static void register_card(struct stage *s, enum card card)
{
    const char *eis = file_text(s, textf(s, "%s/cards/%s/eis.xml", s->lab->folder, s->lab->eids[card]));
    if (card == CARD_WRONG)
        eis = spoiled(s, eis);
    if (card == CARD_SMS || card >= CARD_MOVES)
        eis = without_https(s, eis);
    need_success(s, ask(s, EUM, SM_SR, "ES1-RegisterEIS", "%s", eis));
}

static void devices_up(struct stage *s)
{
    const char *ids[CARD_COUNT];
    static const struct wish patient = { .validity_s = 30 };
    for (int c = 0; c < CARD_COUNT; c++)
        lab_device(s, (enum card)c, true);
    for (int c = 0; c < CARD_COUNT; c++) {
        if (c == CARD_WRONG)
            continue; /* an audit would put it right */
        struct message *m = say(s, &patient, START, SM_SR, "ES4-AuditEIS", &ids[c], "<Eid>%s</Eid>", s->lab->eids[c]);
        need(s, m->http == 202, "audit of %s: HTTP %d", card_text((enum card)c), m->http);
    }
    for (int c = 0; c < CARD_COUNT; c++)
        if (c != CARD_WRONG)
            need_success(s, must_callback(s, START, ids[c], 40000));
}

void lab_up(struct stage *s)
{
    struct lab *lab = lab_of(s);
    start(s, &lab->smsc, "smsc");
    start(s, &lab->hlr, "hlr");
    for (int i = 0; i < NOBODY; i++)
        start(s, &lab->servers[i], server_text((enum server)i));
    for (int c = 0; c < CARD_COUNT; c++)
        register_card(s, (enum card)c);
    devices_up(s);
}
