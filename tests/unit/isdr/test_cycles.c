/* Create, install, delete, again and again: the card's memory ends where it began, whatever it went through. The number
 * of rounds is the first argument (10,000 in the soak). */
#include "lab.h"

#include "euicc/isdr/keyset.h"

#include <stdlib.h>

static unsigned long rounds = 200;

static struct euicc_memory_info memory_of(struct lab *lab)
{
    struct euicc_memory_info m;
    euicc_memory(lab->euicc, &m);
    return m;
}

static void delete_profile(struct lab *lab, uint32_t tar)
{
    WRITER_ON_STACK(w, 64);
    es5_delete_write(&w, &(struct es5_delete){ .kind = ES5_DELETE_PROFILE, .isdp = aid_isdp(tar) });
    assert_int_equal(smsr_sw(lab, wr_span(&w)), SW_OK);
    assert_int_equal(lab_state(lab, tar), 0);
}

static void memory_ends_where_it_began(void **state)
{
    (void)state;
    struct lab *lab = lab_new(true);
    terminal_boot(lab);
    struct span package = lab_profile("TS48v2_SAIP2.1_NoBERTLV.der");
    lab_install(lab, 0x11, package);
    delete_profile(lab, 0x11);
    struct euicc_memory_info before = memory_of(lab);
    for (unsigned long i = 0; i < rounds; i++) {
        uint32_t tar = 0x11 + i % 5;
        lab_install(lab, tar, package);
        assert_true(memory_of(lab).used > before.used);
        delete_profile(lab, tar);
        assert_int_equal(memory_of(lab).used, before.used);
        assert_int_equal(memory_of(lab).free, before.free);
        if (i % 50 == 49)
            lab_power_cycle(lab);
    }
    assert_int_equal(memory_of(lab).used, before.used);
    assert_int_equal(card_registry(lab_card(lab))->count, 1);
    lab_free(lab);
}

static uint16_t create(struct lab *lab, uint32_t tar, uint32_t memory)
{
    WRITER_ON_STACK(w, 260);
    es5_create_isdp_write(&w, &(struct es5_create_isdp){ .isdp = aid_isdp(tar), .memory = memory });
    return smsr_sw(lab, wr_span(&w));
}

/* As many as fit, until the card says no; then every octet comes back. */
static void a_full_card_says_so_and_recovers(void **state)
{
    (void)state;
    struct lab *lab = lab_new(true);
    terminal_boot(lab);
    assert_int_equal(smsr_sw(lab, hex_lit("80CAFF2100")), SW_OK); /* the card notes the key set in use */
    struct euicc_memory_info before = memory_of(lab);
    unsigned made = 0;
    uint16_t sw = SW_OK;
    while (sw == SW_OK) {
        sw = create(lab, 0x11 + made, 100000);
        made += sw == SW_OK;
    }
    assert_int_equal(sw, SW_NO_MEMORY);
    assert_in_range(made, 2, before.free / 100000);
    for (unsigned i = 0; i < made; i++)
        delete_profile(lab, 0x11 + i);
    assert_int_equal(memory_of(lab).used, before.used);
    lab_free(lab);
}

/* What the card says is free can be granted, to the octet; then nothing is free, and all of it again after the deletion. */
static void free_memory_is_told_to_the_octet(void **state)
{
    (void)state;
    struct lab *lab = lab_new(true);
    terminal_boot(lab);
    assert_int_equal(smsr_sw(lab, hex_lit("80CAFF2100")), SW_OK); /* the card notes the key set in use */
    struct euicc_memory_info before = memory_of(lab);
    assert_int_equal(create(lab, 0x11, before.free + 1), SW_NO_MEMORY);
    assert_int_equal(memory_of(lab).used, before.used);
    assert_int_equal(create(lab, 0x11, before.free), SW_OK);
    assert_int_equal(memory_of(lab).free, 0);
    assert_int_equal(create(lab, 0x12, 1), SW_NO_MEMORY);
    lab_power_cycle(lab);
    assert_int_equal(memory_of(lab).free, 0);
    delete_profile(lab, 0x11);
    assert_int_equal(memory_of(lab).free, before.free);
    lab_free(lab);
}

/* As much as the card's own objects can ever be, in the room that is set aside for them. */
static void the_cards_own_objects_have_their_room(void **state)
{
    (void)state;
    static const uint8_t octets[OBJECT_SECRET_MAX] = { 1 };
    struct lab *lab = lab_new(true);
    terminal_boot(lab);
    struct card *card = lab_card(lab);
    card_begin(card);
    for (unsigned kvn = KVN_SCP80_FIRST; kvn <= KVN_SCP81_LAST; kvn = kvn == KVN_SCP80_LAST ? KVN_SCP81_FIRST : kvn + 1) {
        struct keyset set = { .kvn = (uint8_t)kvn, .count = KEYSET_KEYS_MAX };
        for (unsigned i = 0; i < KEYSET_KEYS_MAX; i++)
            set.keys[i] = (struct keyset_key){ .kid = (uint8_t)(i + 1), .type = 0x88, .len = KEYSET_KEY_MAX };
        assert_ok(keyset_write(card, &set, 0));
    }
    assert_ok(objects_put(card->objects, ISDR_KEY(ISDR_ADDRESSING), (struct span){ octets, ISDR_ADDRESSING_MAX }));
    assert_ok(objects_put_secret(card->objects, ISDR_KEY(ISDR_CHAIN), SPAN_OF(octets)));
    assert_ok(objects_put_secret(card->objects, OBJECT_KEY(0, OBJ_CARD, CARD_SUSPENSION), SPAN_OF(octets)));
    assert_ok(card_commit(card));
    assert_true(objects_used_by(card->objects, 0) + 512 < OWN_ROOM_MAX);
    lab_free(lab);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        rounds = strtoul(argv[1], NULL, 10);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_ends_where_it_began),
        cmocka_unit_test(a_full_card_says_so_and_recovers),
        cmocka_unit_test(free_memory_is_told_to_the_octet),
        cmocka_unit_test(the_cards_own_objects_have_their_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
