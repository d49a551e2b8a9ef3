/* sim/mute.h: the faults of a history by number, in the order in which they were about to strike. Some may be muted: they do not
 * strike, and all that was drawn before stays as it was. So a failing history is made shorter (shrink.c). */
#ifndef OSPREY_SIM_MUTE_H
#define OSPREY_SIM_MUTE_H

#include <stdbool.h>
#include <stdint.h>

#define MUTE_MAX 16384u /* faults that have a number; those behind are never muted, but by `from` */

struct mute {
    uint32_t from;             /* this one and all behind it are muted; 0: none */
    uint8_t bits[MUTE_MAX / 8]; /* fault n (from 1) is muted */
};
static inline bool mute_has(const struct mute *m, uint32_t n)
{
    return (m->from && n >= m->from) || (n < MUTE_MAX && (m->bits[n / 8] >> n % 8 & 1));
}
static inline void mute_set(struct mute *m, uint32_t n, bool muted)
{
    uint8_t bit = (uint8_t)(1u << n % 8);
    m->bits[n / 8] = (uint8_t)(muted ? m->bits[n / 8] | bit : m->bits[n / 8] & ~bit);
}

#endif
