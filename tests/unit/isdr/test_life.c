/* A whole life, and the power fails in it: an ISD-P is created, gets keys and a profile, is enabled, the next one fails
 * and rolls back, the network is lost, keys come and go, the ISD-P is deleted. Every step is cut at octets of what it
 * writes (at every one with an argument) and taken up again afterwards, as servers do: it ends where the life without a
 * cut ended. */
#include "lab.h"

#include "euicc/isdp/install.h"
#include "euicc/isdr/keyset.h"

#define SECOND "TS48V5-SAIP2-3-NOBERTLV-UNIQUE.der"
#define THIRD  "TS48v2_SAIP2.1_NoBERTLV.der"
#define AID_12 "A0000005591010FFFFFFFF8900001200"
#define CREATE_12                                                                                                      \
    "80E60C003F10A0000005591010FFFFFFFF8900000D0010A0000005591010FFFFFFFF8900000E0010" AID_12                          \
    "0380C00006C904810203700000"
#define DELETE_12 "80E40040124F10" AID_12 "00"
#define ENABLE_11 "80E28800153A03124F10A0000005591010FFFFFFFF8900001100"
#define ENABLE_12 "80E28800153A03124F10" AID_12
#define KVN_NEXT  0x02u
#define SEGMENT   1000u
#define TURNS_MAX 60
#define CUTS_MIN  16u /* of a step that writes little */

static unsigned stride = 397; /* octets between two cuts, at most */
static bool rolled_back;      /* the SM-SR heard of it in this step */

static bool power(const struct lab *lab) { return !lab->terminal.no_power && lab->memory.written < lab->memory.cut_at; }

static bool is_there(struct lab *lab) { return lab_state(lab, 0x12) != 0; }
static uint8_t phase(struct lab *lab) { return lab_card(lab)->isdr->sw.state.phase; }

/* To the ISD-R in an administration session; what it answers is not looked at, the card's state is. */
static void ask(struct lab *lab, const char *capdu)
{
    struct sd_session s = { .bearer = SD_BY_HTTP };
    WRITER_ON_STACK(answer, SD_ANSWER_MAX);
    sd_session_begin(&s, SD_BY_HTTP, 0x40, (struct sd_target){ SD_ISDR, 0, 0 });
    sd_apdu(lab_card(lab), &s, hex_lit(capdu), &answer);
    sd_session_end(&s);
}

/* ---- what the SM-SR does when it is its turn ---- */

static bool confirmed_one(struct lab *lab)
{
    struct span e1 = smsr_notification(lab);
    struct es5_notification n;
    if (!e1.len)
        return false;
    assert_ok(es5_notification_parse(e1, &n));
    rolled_back = rolled_back || n.type == ES5_CHANGE_ROLLED_BACK;
    (void)smsr_confirm(lab, n.sequence);
    return true;
}

static void switching(struct lab *lab, const char *command)
{
    if (confirmed_one(lab) || !power(lab))
        return;
    if (phase(lab) == SWITCH_IDLE && command)
        (void)smsr_sw(lab, hex_lit(command));
    else
        lab_wait(lab, 61);
}

static void create(struct lab *lab) { ask(lab, CREATE_12); }

static void change_end(struct card *card, enum err err)
{
    if (err == ERR_NONE)
        err = card_commit(card);
    else
        card_rollback(card);
    if (err != ERR_NONE && isdr_reload(card) != ERR_NONE)
        return; /* the power is gone */
}

static bool has_keys(struct lab *lab) { return isdp_keyset(lab_isdp(lab, 0x12), 0x30) != NULL; }
static void give_keys(struct lab *lab)
{
    struct card *card = lab_card(lab);
    struct isdp *isdp = lab_isdp(lab, 0x12);
    card_begin(card);
    enum err err = isdp_keyset_set(isdp, 0x30, LAB_KEY, LAB_KEY, LAB_KEY);
    change_end(card, err == ERR_NONE ? registry_store(card, isdp) : err);
}

static bool has_profile(struct lab *lab) { return isdp_has_profile(lab_isdp(lab, 0x12)); }
static void download(struct lab *lab)
{
    struct installation *in = install_new(lab_card(lab), lab_isdp(lab, 0x12));
    struct span package = lab_profile(THIRD);
    enum install_result result = INSTALL_MORE;
    assert_non_null(in);
    for (size_t at = 0; result == INSTALL_MORE && at < package.len; at += SEGMENT) {
        WRITER_ON_STACK(answer, INSTALL_RESPONSE_MAX);
        result = install_feed(in, span_sub(package, at, SEGMENT), &answer);
    }
    install_free(in);
}

static bool is_12(struct lab *lab) { return phase(lab) == SWITCH_IDLE && lab_state(lab, 0x12) == ISDP_ENABLED; }
static void enable_12(struct lab *lab) { switching(lab, ENABLE_12); }

static bool came_back(struct lab *lab) { return is_12(lab) && rolled_back; }
static void enable_11(struct lab *lab) { switching(lab, ENABLE_11); }

static bool is_10(struct lab *lab) { return phase(lab) == SWITCH_IDLE && lab_state(lab, 0x10) == ISDP_ENABLED; }
static void lose_network(struct lab *lab)
{
    if (lab_state(lab, 0x12) == ISDP_ENABLED && power(lab))
        terminal_location(lab, 0x02);
    switching(lab, NULL);
}

static bool has_next_keys(struct lab *lab) { return keyset_exists(lab_card(lab), KVN_NEXT); }
static void next_keys(struct lab *lab)
{
    struct card *card = lab_card(lab);
    struct keyset set = { .kvn = KVN_NEXT, .count = 3 };
    for (uint8_t i = 0; i < 3; i++) {
        set.keys[i] = (struct keyset_key){ .kid = (uint8_t)(i + 1), .type = 0x88, .len = 16 };
        memcpy(set.keys[i].value, LAB_KEY, 16);
    }
    card_begin(card);
    change_end(card, keyset_write(card, &set, 0));
}
static bool keys_went(struct lab *lab) { return !has_next_keys(lab); }
static void finalise(struct lab *lab) { ask(lab, "80E4000005F20302010300"); }

static bool is_gone(struct lab *lab) { return !is_there(lab); }
static void delete (struct lab *lab) { ask(lab, DELETE_12); }

static const struct step {
    const char *name;
    uint32_t serves_only; /* the one profile that the network knows; 0: all */
    bool (*done)(struct lab *);
    void (*act)(struct lab *);
} life[] = {
    { "created", 0, is_there, create },
    { "keys", 0, has_keys, give_keys },
    { "downloaded", 0, has_profile, download },
    { "enabled", 0, is_12, enable_12 },
    { "rolled back", 0x12, came_back, enable_11 },
    { "fallen back", 0x10, is_10, lose_network },
    { "another key set", 0, has_next_keys, next_keys },
    { "the key set deleted", 0, keys_went, finalise },
    { "deleted", 0, is_gone, delete },
};

/* ---- living it ---- */

static void live(struct lab *lab, const struct step *s)
{
    lab->terminal.serves_only = s->serves_only;
    lab->terminal.serviced = true;
    for (int turn = 0; turn < TURNS_MAX && power(lab); turn++) {
        if (s->done(lab))
            return;
        s->act(lab);
    }
    if (power(lab) && !s->done(lab))
        fail_msg("%s: no end, phase %u", s->name, phase(lab));
}

static void states(struct lab *lab, uint8_t ret[3])
{
    for (uint32_t i = 0; i < 3; i++)
        ret[i] = lab_state(lab, 0x10 + i);
}

static size_t cut_step(struct lab *lab, const struct step *s, const uint8_t *image, uint64_t counter, uint64_t octets,
                       const uint8_t end[3])
{
    size_t cuts = 0;
    uint64_t some = octets / CUTS_MIN + 1, between = some < stride ? some : stride;
    for (uint64_t at = 0; at < octets; at += between, cuts++) {
        uint8_t now[3];
        lab_restore(lab, image, counter);
        nvm_memory_cut_after(&lab->memory, at);
        rolled_back = false;
        live(lab, s);
        lab->terminal.no_power = false;
        lab_power_cycle(lab);
        lab_expect_one_enabled(lab);
        live(lab, s);
        lab_expect_one_enabled(lab);
        states(lab, now);
        assert_memory_equal(now, end, 3);
    }
    return cuts;
}

static void the_power_fails_in_a_life(void **state)
{
    (void)state;
    struct lab *lab = lab_new(true);
    lab_install(lab, 0x11, lab_profile(SECOND));
    lab->terminal.serviced = true;
    terminal_boot(lab);
    assert_true(confirmed_one(lab));
    uint8_t *image = malloc(lab->memory.nvm.size), *next = malloc(lab->memory.nvm.size);
    for (size_t i = 0; i < ARRAY_LEN(life); i++) {
        uint8_t end[3];
        uint64_t counter = lab->sent_counter;
        memcpy(image, lab->memory.bytes, lab->memory.nvm.size);
        lab_restore(lab, image, counter);
        uint64_t begin = lab->memory.written;
        rolled_back = false;
        live(lab, &life[i]);
        uint64_t octets = lab->memory.written - begin, after = lab->sent_counter;
        states(lab, end);
        memcpy(next, lab->memory.bytes, lab->memory.nvm.size);
        size_t cuts = cut_step(lab, &life[i], image, counter, octets, end);
        print_message("%s: %zu cuts in %llu octets\n", life[i].name, cuts, (unsigned long long)octets);
        lab_restore(lab, next, after);
    }
    assert_int_equal(card_registry(lab_card(lab))->count, 2);
    free(image);
    free(next);
    lab_free(lab);
}

int main(int argc, char **argv)
{
    if (!shared_path("data/profiles/" SECOND) || !shared_path("data/profiles/" THIRD))
        return TEST_SKIPPED;
    if (argc > 1)
        stride = (unsigned)atoi(argv[1]);
    const struct CMUnitTest tests[] = { cmocka_unit_test(the_power_fails_in_a_life) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
