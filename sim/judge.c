#include "judge.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "ecosystem.h"
#include "lib/codec/hex.h"

void judge_says(struct ecosystem *e, const char *invariant, int card, const char *format, ...)
{
    struct sim_judge *j = &e->judge;
    char text[300];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (!j->wrong++) {
        j->first_card = card;
        snprintf(j->first, sizeof j->first, "%s", invariant);
    }
    if (j->first_card < 0)
        j->first_card = card;
    if (card >= 0)
        world_arrow(e->world, card, "JUDGE", "", "%s: %s", invariant, text);
    if (j->quiet)
        return;
    if (card >= 0)
        printf("  violated: %s: card %d: %s\n", invariant, card, text);
    else
        printf("  violated: %s: %s\n", invariant, text);
}

/* ---- while the world runs: counters ---- */

static uint64_t mix(uint64_t h, const void *octets, size_t len)
{
    const uint8_t *p = octets;
    for (size_t i = 0; i < len; i++)
        h = (h ^ p[i]) * 1099511628211u;
    return h;
}

static uint64_t *packet_slot(struct sim_judge *j, uint64_t key)
{
    size_t i = (size_t)(key * 0x9E3779B97F4A7C15u >> 20) % j->packet_cap;
    while (j->packets[2 * i] && j->packets[2 * i] != key)
        i = (i + 1) % j->packet_cap;
    return &j->packets[2 * i];
}

static void packets_grow(struct sim_judge *j)
{
    if (2 * j->packet_count < j->packet_cap)
        return;
    struct sim_judge old = *j;
    j->packet_cap = old.packet_cap ? 2 * old.packet_cap : 4096;
    j->packets = calloc(j->packet_cap, 2 * sizeof *j->packets);
    sim_must(j->packets ? ERR_NONE : ERR_NO_MEMORY, "judge");
    for (size_t i = 0; i < old.packet_cap; i++)
        if (old.packets[2 * i])
            memcpy(packet_slot(j, old.packets[2 * i]), &old.packets[2 * i], 2 * sizeof *j->packets);
    free(old.packets);
}

static int card_of(struct ecosystem *e, const struct value *eid) { return steps_card(world_steps(e->world), eid->bytes); }

/* A key set: of one SM-SR, and counted, for a card that comes back gets new keys under an old version. */
static uint64_t set_key(const struct sim_judge_watch *w, const struct value *eid, int64_t kvn)
{
    return mix(mix(mix(1469598103u, eid->bytes.ptr, eid->bytes.len), &kvn, sizeof kvn), &w->which, sizeof w->which) | 1;
}

static uint64_t *generation_of(struct sim_judge *j, uint64_t set)
{
    packets_grow(j);
    uint64_t *slot = packet_slot(j, mix(set, "generation", 10) | 1);
    j->packet_count += !slot[0];
    slot[0] = mix(set, "generation", 10) | 1;
    return &slot[1];
}

static uint64_t present_set(struct sim_judge_watch *w, const struct value *eid, int64_t kvn)
{
    uint64_t set = set_key(w, eid, kvn), generation = *generation_of(&w->e->judge, set);
    return mix(set, &generation, sizeof generation);
}

static void packet_stored(struct sim_judge_watch *w, const struct value *eid, int64_t kvn, int64_t counter, struct span packet)
{
    struct sim_judge *j = &w->e->judge;
    if (!counter || !packet.len)
        return;
    uint64_t key = mix(present_set(w, eid, kvn), &counter, sizeof counter) & ~1ull; /* sets are odd */
    uint64_t what = mix(14695981039346656037u, packet.ptr, packet.len);
    packets_grow(j);
    uint64_t *slot = packet_slot(j, key ? key : 2);
    if (slot[0] && slot[1] != what)
        judge_says(w->e, "counter-once", card_of(w->e, eid), "two packets under key version %d, counter %llu", (int)kvn,
                   (unsigned long long)counter);
    j->packet_count += !slot[0];
    slot[0] = key ? key : 2;
    slot[1] = what;
}

static void counter_stored(struct sim_judge_watch *w, const struct value *eid, int64_t kvn, int64_t counter)
{
    struct sim_judge *j = &w->e->judge;
    uint64_t key = present_set(w, eid, kvn) | 1;
    packets_grow(j);
    uint64_t *slot = packet_slot(j, key);
    if (slot[0] && slot[1] > (uint64_t)counter)
        judge_says(w->e, "counters-grow", card_of(w->e, eid), "key version %d goes from %llu back to %llu", (int)kvn,
                   (unsigned long long)slot[1], (unsigned long long)counter);
    j->packet_count += !slot[0];
    slot[0] = key;
    slot[1] = (uint64_t)counter;
}

static void watch(void *context, const struct write *writes, size_t count)
{
    struct sim_judge_watch *w = context;
    for (size_t i = 0; i < count; i++)
        if (!strcmp(writes[i].statement->name, "keyset-add")) /* its first packet may be in the same commit */
            ++*generation_of(&w->e->judge, set_key(w, &writes[i].params[0], writes[i].params[1].number));
    for (size_t i = 0; i < count; i++) {
        const struct value *p = writes[i].params;
        const char *name = writes[i].statement->name;
        if (!strcmp(name, "exchange-add"))
            packet_stored(w, &p[0], p[8].number, p[9].number, p[14].bytes);
        else if (!strcmp(name, "exchange-save") && p[8].number)
            packet_stored(w, &p[0], p[10].number, p[4].number, p[9].bytes);
        else if (!strcmp(name, "keyset-count"))
            counter_stored(w, &p[0], p[1].number, p[2].number);
    }
}

static void watch_run(void *context)
{
    struct sim_judge_watch *w = context;
    judge_kept(w->e, ecosystem_smsr(w->e, (unsigned)w->which), false);
}

static void left_twice(void *context, const struct effect *effect)
{
    struct sim_judge_watch *w = context;
    judge_says(w->e, "leaves-once", steps_card(world_steps(w->e->world), span_text(effect->line)), "effect %lld (%s) leaves twice, and nothing had happened",
               (long long)effect->id, effect->ref);
}

void judge_join(struct ecosystem *e)
{
    e->judge.e = e;
    e->judge.first_card = -1;
    for (unsigned which = 0; which < e->network.server_count; which++) {
        e->judge.watches[which] = (struct sim_judge_watch){ e, which };
        struct sim_smsr *smsr = ecosystem_smsr(e, which);
        for (unsigned i = 0; i < smsr->process_count; i++) {
            smsr->processes[i]->role.watch = watch;
            smsr->processes[i]->role.watch_run = watch_run;
            smsr->processes[i]->role.twice = left_twice;
            smsr->processes[i]->role.watch_context = &e->judge.watches[which];
        }
    }
}

void judge_done(struct sim_judge *j) { free(j->packets); }

/* ---- the quiet line: cards and EIS ---- */

static const struct statement EIS_PROFILES = { "judge-profiles", "SELECT iccid, isdp, state, fallback FROM profile WHERE eid=?1", NULL };

struct entry {
    struct span iccid, isdp;
    int64_t state, fallback;
};

static size_t eis_of(struct sim_smsr *owner, const struct sim_card *card, struct arena *arena, struct entry *ret, size_t max)
{
    char eid[EID_TEXT_SIZE];
    eid_text(&card->eid, eid);
    struct value v = value_text(eid);
    const struct query *q = sim_role_ask(&owner->role, &EIS_PROFILES, &v, 1, arena);
    size_t count = 0;
    for (; count < q->row_count && count < max; count++) {
        const struct row *r = &q->rows[count];
        ret[count] = (struct entry){ row_bytes(r, 0), row_bytes(r, 1), row_int(r, 2), row_int(r, 3) };
    }
    return count;
}

static bool same_state(int64_t eis, uint8_t card)
{
    return card == EUICC_PROFILE_ENABLED    ? eis == PROFILE_ENABLED
           : card == EUICC_PROFILE_DISABLED ? eis == PROFILE_DISABLED
                                            : eis == PROFILE_CREATED || eis == PROFILE_IN_CREATION;
}

static void compare(struct ecosystem *e, int n, const struct euicc_profile_info *p, struct entry *entries, size_t count)
{
    char aid[2 * AID_MAX + 1];
    struct iccid iccid = { { 0 } };
    bool has_iccid = iccid_from_ef(SPAN_OF(p->iccid_ef), &iccid) == ERR_NONE;
    hex_text(aid_span(&p->isdp), aid, sizeof aid);
    for (size_t i = 0; i < count; i++) {
        if (!span_eq(entries[i].isdp, aid_span(&p->isdp)))
            continue;
        entries[i].isdp.len = 0; /* found */
        if (!same_state(entries[i].state, p->state))
            judge_says(e, "eis-is-card", n, "ISD-P %s (%s): state %02X in the card, %d in the EIS", aid, iccid.digits, p->state,
                     (int)entries[i].state);
        if (has_iccid && !span_eq(entries[i].iccid, span_text(iccid.digits)))
            judge_says(e, "eis-is-card", n, "ISD-P %s: ICCID %s in the card, another one in the EIS", aid, iccid.digits);
        if ((entries[i].fallback != 0) != p->fallback)
            judge_says(e, "eis-is-card", n, "ISD-P %s: fall-back attribute differs", aid);
        bool unfinished = p->state != EUICC_PROFILE_ENABLED && p->state != EUICC_PROFILE_DISABLED;
        e->judge.half_loaded += unfinished;
        if (unfinished)
            judge_says(e, "no-orphan", n, "ISD-P %s is in state %02X, and nobody is at it", aid, p->state);
        return;
    }
    judge_says(e, "no-orphan", n, "ISD-P %s (%s, state %02X) is in the card and not in the EIS", aid, iccid.digits, p->state);
}

static const struct statement MANAGED = { "judge-managed", "SELECT coming FROM euicc WHERE eid=?1", NULL };

/* Exactly one SM-SR manages an eUICC, and none half. */
static struct sim_smsr *owner_of(struct ecosystem *e, int n)
{
    struct sim_smsr *owner = NULL;
    struct arena arena;
    char eid[EID_TEXT_SIZE];
    unsigned owners = 0, coming = 0;
    struct value v = value_text(eid_text(&e->cards[n].eid, eid));
    arena_init(&arena, 1u << 16);
    for (unsigned which = 0; which < e->network.server_count; which++) {
        const struct query *q = sim_role_ask(&ecosystem_smsr(e, which)->role, &MANAGED, &v, 1, &arena);
        if (!q->row_count)
            continue;
        bool comes = row_int(&q->rows[0], 0) != 0;
        coming += comes;
        owners += !comes;
        owner = comes ? owner : ecosystem_smsr(e, which);
    }
    arena_release(&arena);
    if (owners != 1 || coming)
        judge_says(e, "one-owner", n, "%u SM-SRs manage it, %u are about to", owners, coming);
    return owner;
}

static void judge_card(struct ecosystem *e, int n)
{
    struct sim_card *card = &e->cards[n];
    struct euicc_profile_info profiles[EUICC_PROFILES_MAX];
    struct entry entries[EUICC_PROFILES_MAX];
    struct arena arena;
    if (card->device->broken || !card->device->card) {
        judge_says(e, "card-lives", n, "the card does not open after its power failed");
        return;
    }
    struct sim_smsr *owner = owner_of(e, n);
    if (!owner)
        return;
    arena_init(&arena, 1u << 20);
    size_t count = euicc_profiles(card->device->card, profiles), known = eis_of(owner, card, &arena, entries, EUICC_PROFILES_MAX), enabled = 0;
    for (size_t i = 0; i < count; i++) {
        enabled += profiles[i].state == EUICC_PROFILE_ENABLED;
        compare(e, n, &profiles[i], entries, known);
    }
    for (size_t i = 0; i < known; i++)
        if (entries[i].isdp.len)
            judge_says(e, "eis-is-card", n, "profile %.*s (state %d) is in the EIS and not in the card", (int)entries[i].iccid.len,
                     (const char *)entries[i].iccid.ptr, (int)entries[i].state);
    if (enabled != 1)
        judge_says(e, "one-enabled", n, "%zu profiles are enabled", enabled);
    arena_release(&arena);
}

/* ---- calls ---- */

static bool is_ok(const struct sim_call *c) { return c->status.exec == EXECUTED_SUCCESS || c->status.exec == EXECUTED_WITH_WARNING; }

static void judge_call(struct ecosystem *e, const struct sim_call *c)
{
    char text[160];
    operator_call_text(c, text);
    if (c->accepted && !c->answers)
        judge_says(e, "answered-once", (int)c->card, "%s", text);
    if (c->accepted && c->different)
        judge_says(e, "answered-once", (int)c->card, "%u of %u answers are not the first one's bytes: %s", c->different, c->answers, text);
    if (c->repeated && c->answers < 2)
        judge_says(e, "repeat-answered", (int)c->card, "asked again, not answered again: %s", text);
}

static bool switches(const struct sim_call *c)
{
    return c->function == ES4_ENABLE_PROFILE || c->function == ES4_DISABLE_PROFILE || (c->function == ES2_DOWNLOAD_PROFILE && c->enable);
}

/* A download that ends with a warning has loaded the profile; what became of enabling it is not said. */
static bool has_switched(const struct sim_call *c)
{
    return c->function == ES2_DOWNLOAD_PROFILE ? c->status.exec == EXECUTED_SUCCESS : is_ok(c);
}

/* A deletion disables first. */
static bool may_delete(const struct sim_call *c, const struct sim_call *last)
{
    return c->function == ES4_DELETE_PROFILE && c->card == last->card && c->profile == last->profile && !c->refused &&
           (!c->answers || c->end_ms >= last->end_ms);
}

/* Which of two was last is known when one began after the other, or when the SM-SR itself said when both ended; the end of a
 * download is the SM-DP's. */
static bool order_unknown(const struct sim_call *c, const struct sim_call *last)
{
    bool both_es4 = c->function != ES2_DOWNLOAD_PROFILE && last->function != ES2_DOWNLOAD_PROFILE;
    return c != last && c->card == last->card && switches(c) && !c->refused && !both_es4 && (!c->answers || c->answered_ms >= last->asked_ms);
}

/* What the operator was told last of switches is so; unless the card may have fallen back since, or a call's outcome is
 * not known. */
static void judge_word(struct ecosystem *e, int n)
{
    const struct sim_call *last = NULL;
    struct euicc_profile_info profiles[EUICC_PROFILES_MAX];
    struct sim_card *card = &e->cards[n];
    if (!card->device->card)
        return;
    for (unsigned i = 0; i < e->mno.call_count; i++) {
        const struct sim_call *c = e->mno.calls[i];
        if (c->card == (unsigned)n && switches(c) && c->answers && (!last || c->end_ms >= last->end_ms))
            last = c;
    }
    if (!last || !has_switched(last) || e->fault_counts.refusals || e->fault_counts.silences || e->fault_counts.jumps)
        return;
    for (unsigned i = 0; i < e->mno.call_count; i++)
        if (may_delete(e->mno.calls[i], last) || order_unknown(e->mno.calls[i], last))
            return;
    size_t count = euicc_profiles(card->device->card, profiles);
    const struct iccid *want = last->function == ES4_DISABLE_PROFILE ? &card->bootstrap : &card->profiles[last->profile].iccid;
    for (size_t i = 0; i < count; i++) {
        struct iccid iccid;
        char text[160];
        if (profiles[i].state == EUICC_PROFILE_ENABLED && iccid_from_ef(SPAN_OF(profiles[i].iccid_ef), &iccid) == ERR_NONE &&
            !iccid_eq(&iccid, want))
            judge_says(e, "word-kept", n, "%s is enabled; last word: %s", iccid.digits, operator_call_text(last, text));
    }
}

static const struct euicc_profile_info *profile_of(const struct euicc_profile_info *profiles, size_t count, const struct iccid *iccid)
{
    struct iccid one;
    for (size_t i = 0; i < count; i++)
        if (iccid_from_ef(SPAN_OF(profiles[i].iccid_ef), &one) == ERR_NONE && iccid_eq(&one, iccid))
            return &profiles[i];
    return NULL;
}

/* Answers and notifications together: the operator knows which of its profiles are there, and which is enabled. Where clocks jump, nobody knows
 * what came last. */
static void judge_told(struct ecosystem *e, int n)
{
    struct euicc_profile_info profiles[EUICC_PROFILES_MAX];
    struct sim_card *card = &e->cards[n];
    int enabled = -1, told;
    if (!card->device->card || e->fault_counts.jumps)
        return;
    size_t count = euicc_profiles(card->device->card, profiles);
    for (unsigned p = 0; p < e->options.profile_count; p++) {
        const struct euicc_profile_info *found = profile_of(profiles, count, &card->profiles[p].iccid);
        bool loaded = found && (found->state == EUICC_PROFILE_ENABLED || found->state == EUICC_PROFILE_DISABLED), said;
        if (found && found->state == EUICC_PROFILE_ENABLED)
            enabled = (int)p;
        if (operator_knows_loaded(&card->told, p, &said) && loaded != said)
            judge_says(e, "operator-knows", n, "profile %u is %s the card; the operator was told otherwise", p, loaded ? "on" : "not on");
    }
    if (operator_knows(&card->told, &told) && enabled != told)
        judge_says(e, "operator-knows", n, "profile %d is enabled; the operator was told %d (-1: none of its)", enabled, told);
}

/* ---- stores ---- */

static const struct statement LEFT_SMSR[] = { { "judge-outbox", "SELECT line, ref FROM outbox", NULL },
                                              { "judge-operation", "SELECT eid, procedure || '/' || step FROM operation", NULL },
                                              { "judge-exchange", "SELECT eid, purpose || '' FROM exchange", NULL },
                                              { "judge-call", "SELECT line, call_id FROM call WHERE state<>2", NULL } };
static const struct statement LEFT_SMDP[] = { { "judge-outbox-dp", "SELECT line, ref FROM outbox", NULL },
                                              { "judge-job", "SELECT eid, function || '/' || coalesce(step,'') FROM job", NULL },
                                              { "judge-call-dp", "SELECT line, call_id FROM call WHERE state<>2", NULL } };

static void judge_left(struct ecosystem *e, struct sim_role *r, const struct statement *statements, size_t count)
{
    struct arena arena;
    for (size_t i = 0; i < count; i++) {
        arena_init(&arena, 64u << 20);
        const struct query *q = sim_role_ask(r, &statements[i], NULL, 0, &arena);
        for (size_t k = 0; k < q->row_count; k++) {
            char what[80];
            row_text(&q->rows[k], 1, what, sizeof what);
            judge_says(e, "nothing-left", card_of(e, &q->rows[k].columns[0]), "%s: %s still holds %s", r->kind->name,
                     statements[i].name + 6, what);
        }
        arena_release(&arena);
    }
}

static const struct statement TABLES = { "judge-tables", "SELECT name FROM sqlite_master WHERE type='table'", NULL };

/* A store keeps what it has prepared by the statement's address: each table needs a statement that stays. */
#define TABLES_MAX 48u
static const struct statement *all_of(const struct sim_role *r, size_t n, struct span table)
{
    static struct {
        struct statement statement;
        char sql[80];
    } all[2][TABLES_MAX];
    size_t role = strncmp(r->kind->name, "sm-sr", 5) == 0;
    sim_must(n < TABLES_MAX && table.len < 48 ? ERR_NONE : ERR_TOO_LONG, "tables");
    snprintf(all[role][n].sql, sizeof all[role][n].sql, "SELECT * FROM \"%.*s\"", (int)table.len, (const char *)table.ptr);
    all[role][n].statement = (struct statement){ "judge-all", all[role][n].sql, NULL };
    return &all[role][n].statement;
}

static void judge_table(struct ecosystem *e, struct sim_role *r, size_t n, struct span name)
{
    struct arena arena;
    arena_init(&arena, 256u << 20);
    const struct query *q = sim_role_ask(r, all_of(r, n, name), NULL, 0, &arena);
    for (size_t i = 0; i < q->row_count; i++)
        for (size_t c = 0; c < q->rows[i].column_count; c++)
            if (world_tells_secret(e->world, row_bytes(&q->rows[i], c)))
                judge_says(e, "no-key-in-store", card_of(e, &q->rows[i].columns[0]), "%s: table %.*s, column %zu holds a key in plain",
                         r->kind->name, (int)name.len, (const char *)name.ptr, c);
    arena_release(&arena);
}

/* Every column of every table: what the store holds of keys is wrapped. */
static void judge_store(struct ecosystem *e, struct sim_role *r)
{
    struct arena arena;
    arena_init(&arena, 1u << 20);
    const struct query *q = sim_role_ask(r, &TABLES, NULL, 0, &arena);
    for (size_t i = 0; i < q->row_count; i++)
        judge_table(e, r, i, row_bytes(&q->rows[i], 0));
    arena_release(&arena);
}

unsigned judge_all(struct ecosystem *e)
{
    ecosystem_secrets(e); /* keys have come since */
    for (unsigned i = 0; i < e->options.card_count; i++) {
        judge_card(e, (int)i);
        judge_word(e, (int)i);
        judge_told(e, (int)i);
    }
    for (unsigned i = 0; i < e->mno.call_count; i++)
        judge_call(e, e->mno.calls[i]);
    for (unsigned which = 0; which < e->network.server_count; which++) {
        judge_left(e, &ecosystem_smsr(e, which)->role, LEFT_SMSR, ARRAY_LEN(LEFT_SMSR));
        judge_store(e, &ecosystem_smsr(e, which)->role);
    }
    judge_left(e, &e->smdp->role, LEFT_SMDP, ARRAY_LEN(LEFT_SMDP));
    judge_store(e, &e->smdp->role);
    if (world_leaks(e->world))
        judge_says(e, "no-secret-in-log", -1, "%u lines of the log hold octets of a key", world_leaks(e->world));
    for (unsigned which = 0; which < e->network.server_count; which++)
        judge_kept(e, ecosystem_smsr(e, which), true);
    return e->judge.wrong;
}
