/* The power fails at every octet that a command writes: the card is as before the command, or as after it. */
#include "rig.h"

#include "euicc/nvm/crc32.h"
#include "euicc/uicc/pin.h"

static struct rig rig;

/* A number for everything that is stored. */
static uint32_t fingerprint(void)
{
    const struct objects *o = rig_card(&rig)->objects;
    static uint8_t body[OBJECT_LEN_MAX];
    uint32_t sum = 0;
    size_t len;
    for (object_key key = 0; objects_next(o, key, UINT32_MAX, &key); key++) {
        assert_ok(objects_get(o, key, body, sizeof body, &len));
        sum = crc32_more(crc32_more(sum, (struct span){ (uint8_t *)&key, sizeof key }), (struct span){ body, len });
    }
    return sum;
}

static const char *const preparation[] = { "0020000108" RIG_PIN1, "0020000A08" RIG_ADM1 };

static void prepare(void)
{
    for (size_t i = 0; i < ARRAY_LEN(preparation); i++)
        rig_apdu(&rig, preparation[i], "9000");
}

static void tear_everywhere(const char *select, const char *command, const char *want)
{
    static uint8_t image[EUICC_NVM_DEFAULT];
    rig_make_own(&rig);
    prepare();
    rig_apdu(&rig, select, "9000");
    memcpy(image, rig.memory.bytes, sizeof image);
    uint32_t before = fingerprint();
    uint64_t start = rig.memory.written;
    rig_apdu(&rig, command, want);
    uint64_t octets = rig.memory.written - start;
    uint32_t after = fingerprint();
    assert_int_not_equal(before, after);
    assert_true(octets > 30);
    unsigned tears = 0, done = 0;
    for (uint64_t cut = 0; cut < octets; cut++, tears++) {
        rig_close(&rig);
        nvm_memory_power_on(&rig.memory);
        memcpy(rig.memory.bytes, image, sizeof image);
        rig_open(&rig);
        /* the same session again; what it writes itself is part of the image already */
        for (size_t i = 0; i < ARRAY_LEN(preparation); i++)
            rig_apdu(&rig, preparation[i], "9000");
        rig_apdu(&rig, select, "9000");
        nvm_memory_cut_after(&rig.memory, cut);
        uint8_t out[EUICC_RAPDU_MAX];
        struct writer w = wr_of(out, sizeof out);
        euicc_transmit(rig.card, hex_lit(command), &w);
        rig_close(&rig);
        nvm_memory_power_on(&rig.memory);
        rig_open(&rig);
        uint32_t now = fingerprint();
        assert_true(now == before || now == after);
        done += now == after;
    }
    assert_true(tears > 30 && done < tears);
    rig_done(&rig);
}

static void update_binary(void **state)
{
    (void)state;
    tear_everywhere("00A4000C022F10", "00D6000A03AABBCC", "9000");
}
static void update_record(void **state)
{
    (void)state;
    tear_everywhere("00A4080C047F106F3A", "00DC03040A00112233445566778899", "9000");
}
static void increase(void **state)
{
    (void)state;
    tear_everywhere("00A4080C047F106F39", "803200000107", "6104");
}
static void set_data(void **state)
{
    (void)state;
    tear_everywhere("00A4080C047F106F50", "80DB008005 8003010203", "9000");
}
static void create_file(void **state)
{
    (void)state;
    tear_everywhere("00A4000C027F10", "00E0000019 6217 82024121 83026F77 8A0105 8B032F0606 80020004 880138", "9000");
}
static void delete_directory(void **state)
{
    (void)state;
    tear_everywhere("00A4000C027F10", "00E40000025F3A", "9000");
}
static void a_wrong_pin(void **state)
{
    (void)state;
    tear_everywhere("00A4000C022FE2", "0020000108 30303030FFFFFFFF", "63C2");
}
static void authenticate(void **state)
{
    (void)state; /* TS 35.207 set 1 with SQN 000000000020: AUTN below was made by osmo-auc-gen */
    tear_everywhere("00A4040C09" RIG_USIM1,
                    "0088008122 10 23553cbe9637a89d218ae64dae47bf35 10 "
                    "aa689c6483508000904cbb451b65def8",
                    "6135");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(update_binary), cmocka_unit_test(update_record), cmocka_unit_test(increase),
        cmocka_unit_test(set_data),      cmocka_unit_test(create_file),   cmocka_unit_test(delete_directory),
        cmocka_unit_test(a_wrong_pin),   cmocka_unit_test(authenticate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
