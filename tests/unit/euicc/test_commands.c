/* The UICC's commands on a card with the TS.48 v7 profile: selection, status words, files, records, PINs. */
#include "rig.h"

#define PACKAGE "TS48_V7.0_eSIM_GTP_SAIP2.3_BERTLV_SUCI.der"

static struct rig rig;

static int with_card(void **state)
{
    (void)state;
    rig_make(&rig, PACKAGE);
    return 0;
}
static int without_card(void **state)
{
    (void)state;
    rig_done(&rig);
    return 0;
}

static void the_profile_is_there(void **state)
{
    (void)state;
    rig_apdu(&rig, "00A4000C023F00", "9000");
    rig_apdu(&rig, "00A4000C022FE2", "9000");
    rig_apdu(&rig, "00B000000A", "98001032547698103214 9000");
    rig_apdu(&rig, "00A4040407A0000000871002", "*6149");
    rig_apdu(&rig, "00A4000C026F07", "9000");
    rig_apdu(&rig, "00B0000000", "080910101032547698 9000");
}

int main(void)
{
    if (!rig_has_package(PACKAGE)) {
        print_message("the shared profile packages are not here: skipped\n");
        return TEST_SKIPPED;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_profile_is_there, with_card, without_card),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
