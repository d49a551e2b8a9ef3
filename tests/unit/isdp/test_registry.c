/* The registry: what is stored is what is read after power was lost; room, states, attributes; applications of a
 * profile. */
#include "rig.h"

#include "euicc/isdp/applications.h"
#include "lib/profile/build.h"

#define PACKAGE   "TS48_V7.0_eSIM_GTP_SAIP2.3_BERTLV_SUCI.der"
#define BUILD_MAX ((size_t)16 * 1024 * 1024)

static struct isdp *add(struct rig *r, uint32_t tar, uint32_t granted)
{
    struct aid aid = aid_isdp(tar);
    struct isdp *isdp = NULL;
    assert_ok(registry_create(&r->card, aid_span(&aid), granted, &isdp));
    return isdp;
}

static void an_isdp_survives_with_every_field(void **state)
{
    (void)state;
    static const uint8_t enc[16] = { 1 }, mac[16] = { 2 }, dek[16] = { 3 };
    struct rig *r = rig_new(1234);
    struct isdp want = *r->isdp;
    assert_int_equal(want.state, ISDP_PERSONALIZED);
    assert_ok(isdp_keyset_set(&want, 0x31, enc, mac, dek));
    want.keys[1].counter = 0x123456;
    want.pol1 = POL1_NO_DELETE;
    want.attributes = ISDP_EMERGENCY;
    want.has_iccid = true;
    memset(want.iccid, 0x89, sizeof want.iccid);
    memset(want.imsi, 0x08, sizeof want.imsi);
    want.used = 77;
    want.token_kvn = 0x70;
    memset(want.token_key, 0x55, sizeof want.token_key);
    want.sin = (struct isdp_octets){ 3, { 1, 2, 3 } };
    want.sdin = (struct isdp_octets){ ISDP_IDENTITY_MAX, { 4 } };
    want.provider = (struct isdp_octets){ 1, { 9 } };
    want.connectivity_len = ISDP_CONNECTIVITY_MAX;
    memset(want.connectivity, 0xA0, ISDP_CONNECTIVITY_MAX);
    *r->isdp = want;
    assert_ok(registry_store(&r->card, r->isdp));
    rig_power_cycle(r);
    assert_memory_equal(r->isdp, &want, sizeof want);
    rig_free(r);
}

static void names_and_places_are_unique(void **state)
{
    (void)state;
    struct rig *r = rig_new(0);
    struct isdp *again;
    struct aid aid = aid_isdp(ISDP_TAR_FIRST);
    assert_fails(registry_create(&r->card, aid_span(&aid), 0, &again), ERR_EXISTS);
    assert_fails(registry_create(&r->card, hex_lit("A000000559"), 0, &again), ERR_BAD_LENGTH);
    for (uint32_t i = 1; i < ISDP_MAX; i++)
        add(r, ISDP_TAR_FIRST + i, 0);
    aid = aid_isdp(ISDP_TAR_FIRST + ISDP_MAX);
    assert_fails(registry_create(&r->card, aid_span(&aid), 0, &again), ERR_NO_SPACE);
    assert_non_null(registry_by_tar(&r->card, hex_lit("000013")));
    assert_null(registry_by_tar(&r->card, hex_lit("000113")));
    assert_ok(registry_delete(&r->card, registry_by_tar(&r->card, hex_lit("000013"))));
    assert_null(registry_by_tar(&r->card, hex_lit("000013")));
    add(r, ISDP_TAR_FIRST + ISDP_MAX, 0);
    rig_power_cycle(r);
    assert_int_equal(r->card.registry.count, ISDP_MAX);
    rig_free(r);
}

static void granted_memory_is_promised(void **state)
{
    (void)state;
    struct rig *r = rig_new(0);
    uint32_t room = (uint32_t)objects_free(r->card.objects);
    struct isdp *other;
    struct aid aid = aid_isdp(0x20);
    assert_fails(registry_create(&r->card, aid_span(&aid), room + 1, &other), ERR_NO_SPACE);
    add(r, 0x21, room / 2);
    assert_fails(registry_create(&r->card, aid_span(&aid), room / 2 + 1, &other), ERR_NO_SPACE);
    assert_ok(registry_create(&r->card, aid_span(&aid), room / 4, &other));
    rig_free(r);
}

static enum err put_octets(struct card *card, object_key key, size_t len)
{
    static uint8_t octets[OBJECT_LEN_MAX];
    card_begin(card);
    enum err err = objects_put(card->objects, key, (struct span){ octets, len });
    if (err == ERR_NONE)
        return card_commit(card);
    card_rollback(card);
    return err;
}

/* Everything free is granted to one ISD-P: nobody else grows any more but the card itself, which has room of its own. */
static void what_is_granted_is_there_when_it_is_wanted(void **state)
{
    (void)state;
    struct rig *r = rig_new(0);
    struct card *card = &r->card;
    uint8_t first = (uint8_t)r->isdp->slot;
    assert_ok(put_octets(card, OBJECT_KEY(first, OBJ_FILE, 1), 50));
    struct isdp *holder = add(r, 0x20, registry_free(card));
    uint8_t slot = (uint8_t)holder->slot;
    assert_int_equal(registry_free(card), 0);
    assert_fails(put_octets(card, OBJECT_KEY(first, OBJ_FILE, 2), 1), ERR_NO_SPACE);
    assert_false(objects_has(card->objects, OBJECT_KEY(first, OBJ_FILE, 2)));
    assert_fails(put_octets(card, OBJECT_KEY(first, OBJ_FILE, 1), 51), ERR_NO_SPACE);
    assert_ok(put_octets(card, OBJECT_KEY(first, OBJ_FILE, 1), 50)); /* to change is not to grow */
    assert_ok(put_octets(card, OBJECT_KEY(0, OBJ_AGENT, 99), 200));
    unsigned number = 1;
    for (uint32_t left; (left = isdp_left(card, holder)) > OBJECT_OVERHEAD; number++)
        assert_ok(put_octets(card, OBJECT_KEY(slot, OBJ_FILE, number),
                             left > OBJECT_LEN_MAX ? OBJECT_LEN_MAX - 100 : left - OBJECT_OVERHEAD));
    assert_int_equal(isdp_left(card, holder), 0);
    assert_fails(put_octets(card, OBJECT_KEY(slot, OBJ_FILE, number), 1), ERR_NO_SPACE);
    assert_ok(put_octets(card, OBJECT_KEY(0, OBJ_AGENT, 98), 200)); /* full, and the card still has its own */
    rig_free(r);
}

static void one_is_enabled_and_one_is_the_fallback(void **state)
{
    (void)state;
    struct rig *r = rig_new(0);
    struct isdp *a = r->isdp, *b = add(r, 0x20, 0);
    assert_fails(registry_switch(&r->card, a), ERR_STATE); /* no profile in it */
    assert_fails(registry_set_fallback(&r->card, a), ERR_STATE);
    a->state = b->state = ISDP_DISABLED;
    assert_ok(registry_store(&r->card, a));
    assert_ok(registry_store(&r->card, b));
    assert_null(registry_enabled(&r->card));
    assert_ok(registry_switch(&r->card, a));
    assert_ok(registry_set_fallback(&r->card, a));
    assert_ok(registry_switch(&r->card, b));
    assert_ptr_equal(registry_enabled(&r->card), b);
    assert_int_equal(a->state, ISDP_DISABLED);
    assert_ptr_equal(registry_fallback(&r->card), a);
    assert_ok(registry_set_fallback(&r->card, b));
    rig_power_cycle(r);
    assert_int_equal(registry_enabled(&r->card)->slot, 2);
    assert_int_equal(registry_fallback(&r->card)->slot, 2);
    assert_int_equal(r->card.registry.items[0].attributes, 0);
    rig_free(r);
}

static void a_change_given_up_leaves_nothing(void **state)
{
    (void)state;
    struct rig *r = rig_new(0);
    card_begin(&r->card);
    r->isdp->pol1 = 7;
    assert_ok(registry_store(&r->card, r->isdp));
    add(r, 0x20, 0);
    card_rollback(&r->card);
    assert_ok(registry_load(&r->card));
    assert_int_equal(r->card.registry.count, 1);
    assert_int_equal(r->card.registry.items[0].pol1, 0);
    rig_free(r);
}

static void a_change_that_fails_in_the_middle_leaves_nothing(void **state)
{
    (void)state;
    for (uint64_t cut = 0; cut < 900; cut += 50) {
        struct rig *r = rig_new(0);
        struct isdp *b = add(r, 0x20, 0);
        r->isdp->state = ISDP_ENABLED;
        b->state = ISDP_DISABLED;
        assert_ok(registry_store(&r->card, r->isdp));
        assert_ok(registry_store(&r->card, b));
        nvm_memory_cut_after(&r->nvm, cut);
        enum err err = registry_switch(&r->card, b);
        rig_power_cycle(r);
        assert_non_null(registry_enabled(&r->card));
        if (err == ERR_NONE)
            assert_int_equal(registry_enabled(&r->card)->slot, 2);
        assert_int_equal(r->card.registry.items[0].state == ISDP_ENABLED,
                         r->card.registry.items[1].state == ISDP_DISABLED);
        rig_free(r);
    }
}

static void deleting_takes_everything_with_it(void **state)
{
    (void)state;
    struct span package = profile_bytes(PACKAGE); /* skips without the shared packages */
    struct rig *r = rig_new(0);
    struct span octets;
    size_t free_before = objects_free(r->card.objects);
    assert_int_equal(rig_install(r, package, 1000, &octets), INSTALL_DONE);
    assert_true(objects_free(r->card.objects) < free_before);
    assert_ok(registry_delete(&r->card, r->isdp));
    assert_int_equal(objects_used_by(r->card.objects, 1), 0);
    assert_true(objects_free(r->card.objects) > free_before);
    rig_power_cycle(r);
    assert_int_equal(r->card.registry.count, 0);
    rig_free(r);
}

/* ---- what a profile brings beside its files ---- */

static void security_domains_and_rfm_are_kept(void **state)
{
    (void)state;
    struct span package = profile_bytes(PACKAGE); /* skips without the shared packages */
    struct rig *r = rig_new(0);
    struct span octets, tlv;
    struct application_sd sd;
    struct application_rfm rfm;
    struct keyset set;
    struct keyset_counters counters;
    unsigned number = 99;
    assert_int_equal(rig_install(r, package, 1000, &octets), INSTALL_DONE);
    rig_power_cycle(r);
    const struct objects *o = r->card.objects;

    assert_ok(application_sd_get(o, 1, 0, &sd));
    assert_span_equal(aid_span(&sd.aid), hex_lit("A000000151000000"));
    assert_int_equal(sd.life_cycle, 0x0F);
    assert_int_equal(sd.minimum_security, 0x02);
    assert_fails(application_sd_get(o, 1, 1, &sd), ERR_NOT_FOUND);
    assert_ok(application_sd_by_tar(o, 1, hex_lit("B20100"), &number));
    assert_int_equal(number, 0);
    assert_ok(application_sd_by_tar(o, 1, hex_lit("000000"), &number));
    assert_fails(application_sd_by_tar(o, 1, hex_lit("B20101"), &number), ERR_NOT_FOUND);

    assert_ok(application_keyset_get(o, 1, 0, 2, &set));
    assert_int_equal(set.count, 3);
    assert_int_equal(set.keys[0].type, 0x88);
    assert_span_equal(keyset_key(&set, 2), hex_lit("000102030405060708090A0B0C0D0E0F"));
    assert_fails(application_keyset_get(o, 1, 0, 3, &set), ERR_NOT_FOUND);
    assert_ok(application_counters_get(o, 1, 0, 2, &counters));
    assert_int_equal(counters.received, 0);
    assert_ok(application_data_get(o, 1, 0, 0x66, &r->arena, &tlv));
    assert_span_equal(span_sub(tlv, 0, 4), hex_lit("6630732E"));
    assert_fails(application_data_get(o, 1, 0, 0x42, &r->arena, &tlv), ERR_NOT_FOUND);

    assert_ok(application_rfm_by_tar(o, 1, hex_lit("B00140"), &rfm));
    assert_span_equal(aid_span(&rfm.adf), hex_lit("A0000000871002FF49FF0589"));
    assert_int_equal(rfm.minimum_security, 0x02);
    assert_int_equal(rfm.access.len, 1);
    assert_ok(application_rfm_by_tar(o, 1, hex_lit("B00120"), &rfm));
    assert_int_equal(rfm.adf.len, 0);
    rig_free(r);
}

/* What Osprey's own sources build installs, and brings POL1, connectivity, ICCID and IMSI with it. */
static void own_profiles_install(void **state)
{
    (void)state;
    static const char *const files[] = { "profiles/demo-operator.profile", "profiles/bootstrap.profile" };
    const struct build_setting settings[] = { { SPAN_LIT("pol1"), SPAN_LIT("06") } };
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        struct rig *r = rig_new(0);
        struct build_fault fault;
        struct span package, octets;
        struct arena a;
        arena_init(&a, BUILD_MAX);
        assert_ok(profile_build(file_bytes(source_path(files[i])), settings, 1, &a, &package, &fault));
        assert_int_equal(rig_install(r, package, 500, &octets), INSTALL_DONE);
        assert_span_equal(octets, hex_lit("3007A0053003800100"));
        rig_power_cycle(r);
        assert_int_equal(r->isdp->pol1, 6);
        assert_true(r->isdp->connectivity_len > 10);
        assert_int_equal(r->isdp->iccid[0], 0x89);
        assert_int_equal(r->isdp->imsi[0], 8);
        arena_release(&a);
        rig_free(r);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_isdp_survives_with_every_field),
        cmocka_unit_test(names_and_places_are_unique),
        cmocka_unit_test(granted_memory_is_promised),
        cmocka_unit_test(what_is_granted_is_there_when_it_is_wanted),
        cmocka_unit_test(one_is_enabled_and_one_is_the_fallback),
        cmocka_unit_test(a_change_given_up_leaves_nothing),
        cmocka_unit_test(a_change_that_fails_in_the_middle_leaves_nothing),
        cmocka_unit_test(deleting_takes_everything_with_it),
        cmocka_unit_test(security_domains_and_rfm_are_kept),
        cmocka_unit_test(own_profiles_install),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
