#include "uicc.h"

/* SUSPEND UICC (TS 102 221 §11.1.22): this card keeps no session over a loss of power. Where the profile offers
 * suspension in EF.UMPC it is never the moment for it; otherwise the instruction is not there. */

#define UMPC_SUSPENSION 0x02u /* third octet */

uint16_t uicc_suspend(struct card *card, const struct command *cmd, struct writer *rsp)
{
    static const uint8_t path[] = { 0x2F, 0x08 };
    uint8_t umpc[3];
    size_t len = 0;
    (void)rsp;
    bool offered = card_read_file(card, false, SPAN_OF(path), umpc, sizeof umpc, &len) == ERR_NONE &&
                   len == sizeof umpc && umpc[2] & UMPC_SUSPENSION;
    if (!offered)
        return SW_WRONG_INS;
    return cmd->apdu.p1 > 1 || cmd->apdu.p2 != 0 ? SW_WRONG_P1P2 : SW_CONDITIONS;
}
