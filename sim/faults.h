/* sim/faults.h: what a scenario lets go wrong, as rates; and how often it did. Chance comes from the world's fate. */
#ifndef OSPREY_SIM_FAULTS_H
#define OSPREY_SIM_FAULTS_H

#include "world.h"

/* Of a server: per commit of its store, and per effect that leaves. */
struct server_faults {
    uint32_t crash_before_permille; /* the commit does not happen */
    uint32_t crash_after_permille;  /* it does; nothing of it leaves */
    uint32_t crash_send_permille;   /* in front of an effect: those before it have left */
    uint32_t down_min_ms, down_max_ms;
    uint32_t slow_permille;         /* a commit takes long, and nothing is heard meanwhile … */
    uint32_t slow_max_ms;           /* … so long at most: what arrives is then one batch */
    uint32_t full_permille;         /* the store is full from this commit on … */
    uint32_t full_max_ms;           /* … for so long at most */
    uint32_t jump_every_ms;         /* the clock jumps, about so often */
    uint32_t jump_max_ms;           /* forward or backward, so far at most from the truth */
    /* of processes on one database (database.h) */
    uint32_t ask_max_ms;            /* each question takes so long at most */
    uint32_t pause_permille;        /* the process stands still in front of a question or an effect … */
    uint32_t pause_max_ms;          /* … for so long at most */
    uint32_t cut_permille;          /* its connection breaks in a commit, before or behind what is done there, or in a claim … */
    uint32_t cut_max_ms;            /* … and cannot be made again for so long at most */
    uint32_t leave_every_ms;        /* it is asked to end, about so often, gives back what it has, and starts again */
    uint32_t away_every_ms;         /* the database is away, about so often … */
    uint32_t away_max_ms;           /* … for so long at most */
};

/* Of each device: mean time between two; 0: never. */
struct device_faults {
    uint32_t reset_every_ms;    /* power is lost between two writes */
    uint32_t torn_every_ms;     /* power is lost in the middle of a write to the card's memory */
    uint32_t torn_octets;       /* … within so many octets written */
    uint32_t silence_every_ms;  /* no coverage … */
    uint32_t silence_max_ms;    /* … for so long at most */
    uint32_t refused_every_ms;  /* the home network refuses the operational subscriptions … */
    uint32_t refused_max_ms;
    uint32_t moves_every_ms;    /* it is carried to another country … */
    uint32_t moves_max_ms;      /* … on its way so long at most */
    uint64_t allowance_octets;  /* of data, prepaid, for each subscription; 0: no limit … */
    uint32_t recharge_max_ms;   /* … empty for so long at most */
};

struct faults {
    struct weather sms_up, sms_down, request, answer; /* delays 0: the scenario's ordinary ones */
    struct weather datagrams; /* of CAT_TP, either way */
    uint32_t tcp_cut_permille, tcp_corrupt_permille; /* per piece of a stream */
    struct server_faults smsr, smdp;
    struct device_faults device;
    uint32_t jam_every_ms, jam_max_ms; /* a cell is jammed about so often: half of the devices hear nothing, so long at most */
};

struct fault_counts {
    unsigned crashes, fulls, slows, jumps, resets, torn, silences, refusals, cuts, recharges, moves, pauses, breaks, aways, held, undead, leaves;
};

#endif
