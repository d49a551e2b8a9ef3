/* sim/scenarios/every_fault.h: all faults at once, as the worlds in which the table of steps and faults is filled have them. */
#ifndef OSPREY_SIM_SCENARIOS_EVERY_FAULT_H
#define OSPREY_SIM_SCENARIOS_EVERY_FAULT_H

#include "sim/scenario.h"

#define EVERY_FAULT(up_loss) EVERY_FAULT_BUT(up_loss, 40, 30)
/* down_twice: of what cards are told by SMS; soap_loss: of what servers say to each other, either way. */
#define EVERY_FAULT_BUT(up_loss, down_twice, soap_loss)                                                                           \
    {                                                                                                                             \
        .sms_up = { .loss_permille = (up_loss), .duplicate_permille = 40, .corrupt_permille = 30, .delay_min_ms = 500, .delay_max_ms = 15000 }, \
        .sms_down = { .loss_permille = 80, .duplicate_permille = (down_twice), .corrupt_permille = 30, .delay_min_ms = 500, .delay_max_ms = 15000 }, \
        .request = { .loss_permille = (soap_loss), .duplicate_permille = 30, .delay_min_ms = 1, .delay_max_ms = 4000 },           \
        .answer = { .loss_permille = (soap_loss), .delay_min_ms = 1, .delay_max_ms = 4000 }, .tcp_cut_permille = 15, .tcp_corrupt_permille = 5, \
        .smsr = { .crash_before_permille = 3, .crash_after_permille = 3, .crash_send_permille = 3, .down_min_ms = 100,            \
                  .down_max_ms = 60000, .full_permille = 2, .full_max_ms = 60000, .slow_permille = 5, .slow_max_ms = 30000,       \
                  .jump_every_ms = 14400000u, .jump_max_ms = 300000u },                                                           \
        .smdp = { .crash_before_permille = 3, .crash_after_permille = 3, .crash_send_permille = 3, .down_min_ms = 100,            \
                  .down_max_ms = 60000, .full_permille = 2, .full_max_ms = 60000, .slow_permille = 5, .slow_max_ms = 30000,       \
                  .jump_every_ms = 14400000u, .jump_max_ms = 300000u },                                                           \
        .device = { .reset_every_ms = 7200000u, .torn_every_ms = 3600000u, .torn_octets = 6000, .silence_every_ms = 7200000u,     \
                    .silence_max_ms = 1200000u, .refused_every_ms = 14400000u, .refused_max_ms = 1800000u,                        \
                    .allowance_octets = 60000, .recharge_max_ms = 600000u },                                                      \
        .jam_every_ms = 14400000u, .jam_max_ms = 1200000u                                                                         \
    }

#endif
