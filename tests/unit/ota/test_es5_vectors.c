/* Every ES5 and ES6 command of the vectors: written as recorded, read back, and what a real card was sent. */
#include "lib/gp/install.h"
#include "lib/gp/ram_script.h"
#include "lib/ota/es6.h"
#include "tests/support/test.h"

static struct aid isdp(void) { return aid_isdp(0x10); }

static void create(struct writer *w) { es5_create_isdp_write(w, &(struct es5_create_isdp){ .isdp = isdp() }); }
static void create_64k(struct writer *w) { es5_create_isdp_write(w, &(struct es5_create_isdp){ isdp(), 0x10000 }); }
static void profile(struct writer *w, enum es5_dgi dgi)
{
    struct aid a = isdp();
    es5_profile_command_write(w, dgi, &a);
}
static void enable(struct writer *w) { profile(w, ES5_ENABLE_PROFILE); }
static void disable(struct writer *w) { profile(w, ES5_DISABLE_PROFILE); }
static void fallback(struct writer *w) { profile(w, ES5_SET_FALLBACK_ATTRIBUTE); }
static void emergency(struct writer *w) { profile(w, ES5_SET_EMERGENCY_ATTRIBUTE); }
static void delete_it(struct writer *w)
{
    es5_delete_write(w, &(struct es5_delete){ ES5_DELETE_PROFILE, .isdp = isdp() });
}
static void status_all(struct writer *w)
{
    es5_get_status_write(w, &(struct es5_get_status){ .tags = { 0x4F, 0x9F70, 0x53 }, .tag_count = 3, .le = true });
}
static void status_one(struct writer *w)
{
    struct aid a = isdp();
    es5_get_status_write(
        w, &(struct es5_get_status){ .isdp = aid_span(&a), .tags = { 0x4F, 0x9F70 }, .tag_count = 2, .le = true });
}
static void memory(struct writer *w) { es5_get_data_write(w, &(struct es5_get_data){ .object = 0xFF21 }); }
static void certificate(struct writer *w) { es5_get_data_write(w, &(struct es5_get_data){ 0xBF30, { 0x7F21 }, 1 }); }
static void recognition(struct writer *w) { es5_get_data_write(w, &(struct es5_get_data){ 0xBF30, { 0x66 }, 1 }); }
static void addressing(struct writer *w)
{
    struct es5_addressing a = { 0 };
    assert_ok(tp_address_from_text("33639909123", &a.sms));
    a.sms.octets[1] = 0x91;
    memcpy(a.sms.octets + 2, hex_lit("3336990821F3").ptr, 6);
    es5_update_addressing_write(w, &a);
}
static void confirmation(struct writer *w) { es5_notification_confirmation_write(w, 1); }
static void perso_isdp(struct writer *w)
{
    struct aid a = isdp();
    install_for_personalization_write(w, aid_span(&a), 0);
}
static void perso_ecasd(struct writer *w) { install_for_personalization_write(w, aid_span(&AID_ECASD), 0); }
static void finalise(struct writer *w)
{
    struct es5_delete d = { .kind = ES5_DELETE_KEYS, .ranges = { { 1, 1, 3 }, { 0x41, 1, 2 } }, .range_count = 2 };
    es5_delete_write(w, &d);
}
static void master(struct writer *w)
{
    struct es5_delete d = { .kind = ES5_DELETE_MASTER, .isdp = isdp() };
    d.master = (struct es5_master){ SPAN_LIT("ISDP\x01"),
                                    SPAN_LIT("ISDPSDIN\x01"),
                                    SPAN_LIT("GSMA\x01"),
                                    SPAN_LIT("\x01"),
                                    hex_lit("EBA978AFC3B346493FD32AC557EA69F4"),
                                    SPAN_NONE };
    es5_delete_write(w, &d);
}
static void connectivity(struct writer *w)
{
    es6_update_connectivity_write(w, &(struct es6_connectivity){ .smsc = hex_lit("913336990821F3") });
}
static void pol1(struct writer *w) { es6_update_pol1_write(w, POL1_DELETE_ON_DISABLE); }

static const struct {
    const char *name;
    void (*write)(struct writer *);
} writers[] = {
    { "CreateISDP", create },
    { "CreateISDP_mem64K", create_64k },
    { "EnableProfile", enable },
    { "DisableProfile", disable },
    { "SetFallbackAttribute", fallback },
    { "DeleteProfile", delete_it },
    { "GetStatus_all", status_all },
    { "GetStatus_one", status_one },
    { "GetData_FF21", memory },
    { "GetData_BF30_ECASD_cert", certificate },
    { "GetData_BF30_66", recognition },
    { "UpdateSMSRAddr_SMS", addressing },
    { "HandleNotificationConfirmation", confirmation },
    { "InstallForPerso_ISDP", perso_isdp },
    { "InstallForPerso_ECASD", perso_ecasd },
    { "FinaliseISDRHandover", finalise },
    { "MasterDelete", master },
    { "SetEmergencyProfileAttribute_UNSURE", emergency },
    { "ES6_InstallForPerso_ownISDP", es6_address_isdp_write },
    { "ES6_UpdatePOL1_04", pol1 },
    { "ES6_UpdateConnectivity_SMS", connectivity },
};

static void command_is_as_recorded(void **state)
{
    const json_t *v = vector_of(state);
    WRITER_ON_STACK(w, 512);
    if (vec_has(v, "e1")) {
        struct es5_notification n;
        assert_ok(es5_notification_parse(vec_hex(v, "e1"), &n));
        assert_int_equal(n.type, ES5_CHANGE_SUCCEEDED);
        assert_int_equal(n.sequence, 1);
        es5_notification_write(&w, &n);
        assert_span_equal(wr_span(&w), vec_hex(v, "e1"));
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(writers); i++)
        if (!strcmp(writers[i].name, vec_text(v, "name"))) {
            writers[i].write(&w);
            assert_span_equal(wr_span(&w), vec_hex(v, "c_apdu"));
            return;
        }
    fail_msg("no writer for %s", vec_text(v, "name"));
}

/* The card's reader takes each command that a real platform sent. */
static enum err read_command(const struct capdu *c)
{
    struct es5_create_isdp create_isdp;
    struct es5_store_data store;
    struct es5_delete del;
    struct es5_get_status status;
    struct es5_get_data data;
    struct install install;
    switch (c->ins) {
    case INS_INSTALL:
        return c->p1 == INSTALL_FOR_PERSONALIZATION ? install_parse(c, &install)
                                                    : es5_create_isdp_parse(c, &create_isdp);
    case INS_STORE_DATA:
        return es5_store_data_parse(c->data, &store);
    case INS_DELETE:
        return es5_delete_parse(c, &del);
    case INS_GET_STATUS:
        return es5_get_status_parse(c, &status);
    case INS_GET_DATA:
        return es5_get_data_parse(c, &data);
    default:
        return ERR_UNSUPPORTED;
    }
}

static void real_command_is_read(void **state)
{
    const json_t *v = vector_of(state);
    struct capdu c;
    if (!vec_has(v, "c_apdu") || capdu_parse(vec_hex(v, "c_apdu"), &c) != ERR_NONE)
        return;
    enum err err = read_command(&c);
    bool accepted = vec_has(v, "sw") && !strcmp(vec_text(v, "sw"), "9000");
    bool es5 = c.ins != INS_INITIALIZE_UPDATE && c.cla == CLA_GP;
    if (accepted && es5)
        assert_int_equal(err, ERR_NONE);
}

int main(void)
{
    const char *path = shared_path("data/vectors/oncard-es5-scp80.json");
    int failed = run_vectors(path, "generated", command_is_as_recorded);
    return failed ? failed : run_vectors(path, "real_es5", real_command_is_read);
}
