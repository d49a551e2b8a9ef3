/* sim/hostile.h: somebody on the links and behind the interfaces who means harm, without any key. */
#ifndef OSPREY_SIM_HOSTILE_H
#define OSPREY_SIM_HOSTILE_H

#include "lib/base/span.h"

#include <stdbool.h>
#include <stdint.h>

struct sim_device;
struct effect;
struct world;

struct hostile {
    uint32_t mute_permille;     /* of the runs of a CreateISDP: nothing of the card is heard, for so long: */
    uint32_t mute_ms;
    uint32_t replay_up_permille, replay_down_permille; /* of the short messages of cards and to cards: once more … */
    uint32_t replay_max_ms;     /* … so much later at most */
    uint32_t forge_every_ms;    /* each device gets a command without any security about so often: enable the factory profile */
    uint32_t claimed_memory;    /* what the SM-DP asks for each profile; 0: what it needs */
    const char *pol1;           /* of each profile; NULL: as it is */
    /* A server speaks out of turn: */
    uint32_t asks_twice_permille; /* of its requests for challenge and keys over ES7: once more under other names, at once */
    uint32_t stray_permille;      /* of its answers to servers: another one, to something that was not asked */
    uint32_t late_permille;       /* of its answers: once more … */
    uint32_t late_max_ms;         /* … so much later at most */
    bool eum_revoked;             /* the second SM-SR has a list of the CI with the EUM's certificate on it */
    uint32_t certificates_end_ms; /* the cards' certificates run out so long after the world's start; 0: in twenty years */
};

/* A short message of that card leaves; true: it is kept from the server. Replays are planned here. */
bool hostile_hears_up(struct sim_device *d, unsigned server, struct span message);
void hostile_hears_down(struct sim_device *d, unsigned server, struct span user_data);
bool hostile_mutes(struct sim_device *d); /* its connections, too */
void hostile_begin(struct sim_device *d);
/* A server has posted a message: what it says out of turn goes after it. h NULL: nothing. */
void hostile_peer(const struct hostile *h, struct world *w, const char *from, const struct effect *effect);

#endif
