/* sim/hostile.h: somebody on the links and behind the interfaces who means harm, without any key. */
#ifndef OSPREY_SIM_HOSTILE_H
#define OSPREY_SIM_HOSTILE_H

#include "lib/base/span.h"

#include <stdbool.h>
#include <stdint.h>

struct sim_device;

struct hostile {
    uint32_t mute_permille;     /* of the runs of a CreateISDP: nothing of the card is heard, for so long: */
    uint32_t mute_ms;
    uint32_t replay_up_permille, replay_down_permille; /* of the short messages of cards and to cards: once more … */
    uint32_t replay_max_ms;     /* … so much later at most */
    uint32_t forge_every_ms;    /* each device gets a command without any security about so often: enable the factory profile */
    uint32_t claimed_memory;    /* what the SM-DP asks for each profile; 0: what it needs */
    const char *pol1;           /* of each profile; NULL: as it is */
    uint32_t certificates_end_ms; /* the cards' certificates run out so long after the world's start; 0: in twenty years */
};

/* A short message of that card leaves; true: it is kept from the server. Replays are planned here. */
bool hostile_hears_up(struct sim_device *d, unsigned server, struct span message);
void hostile_hears_down(struct sim_device *d, unsigned server, struct span user_data);
bool hostile_mutes(struct sim_device *d); /* its connections, too */
void hostile_begin(struct sim_device *d);

#endif
