#include "front.h"

#include <stdio.h>
#include <stdlib.h>

#define MESSAGES_MAX 512u
#define ANSWER_MS    10000u /* a message without an answer goes to another bind */
#define TRIES_MAX    60u

struct message {
    uint32_t generation; /* 0: free */
    unsigned tries;
    char from[SIM_NUMBER_MAX];
    size_t len;
    uint8_t user_data[SMS_UD_MAX];
};
struct sim_front {
    struct sim_smsr *first;
    uint32_t generation;
    struct message messages[MESSAGES_MAX];
};

struct sim_smsr *sim_front_any(struct sim_smsr *first)
{
    struct sim_smsr *up[SIM_PROCESSES_MAX];
    unsigned count = 0;
    for (unsigned i = 0; i < first->process_count; i++)
        if (sim_smsr_is_up(first->processes[i]))
            up[count++] = first->processes[i];
    if (count < 2)
        return count ? up[0] : first;
    return up[chance_below(world_fate(first->role.world), count)];
}

struct sim_smsr *sim_front_of(struct sim_smsr *first, const struct sim_address *from)
{
    return first->processes[((unsigned)from->device + from->channel + from->generation) % first->process_count];
}

struct sim_front *sim_front_new(struct sim_smsr *first)
{
    struct sim_front *f = calloc(1, sizeof *f);
    sim_must(f ? ERR_NONE : ERR_NO_MEMORY, "SMSC");
    f->first = first;
    return f;
}

void sim_front_free(struct sim_front *f) { free(f); }

static void give_now(const struct sim_input *input)
{
    struct sim_smsr *s = input->context;
    size_t len = strnlen((const char *)input->bytes.ptr, input->bytes.len);
    if (!sim_smsr_is_up(s) || len >= input->bytes.len)
        return;
    smsr_short_message(s->smsr, (const char *)input->bytes.ptr, span_from(input->bytes, len + 1), input->reply);
    sim_role_run(&s->role);
}

static void give(void *context, uint64_t name)
{
    struct sim_front *f = context;
    uint32_t slot = (uint32_t)name;
    struct message *m = &f->messages[slot];
    WRITER_ON_STACK(octets, SIM_NUMBER_MAX + SMS_UD_MAX);
    if (m->generation != name >> 32)
        return;
    if (++m->tries > TRIES_MAX) {
        m->generation = 0;
        return;
    }
    clockwork_plan(world_time(f->first->role.world), world_now(f->first->role.world) + ANSWER_MS, give, f, name);
    wr_bytes(&octets, (struct span){ (const uint8_t *)m->from, strlen(m->from) + 1 });
    wr_bytes(&octets, (struct span){ m->user_data, m->len });
    struct sim_smsr *s = sim_front_any(f->first);
    if (sim_smsr_is_up(s))
        sim_role_take(&s->role, &(struct sim_input){ .task = give_now, .context = s, .bytes = wr_span(&octets),
                                                     .reply = { SMSR_NODE_SMS, slot + 1, m->generation, 0 } });
}

bool sim_front_message(struct sim_front *f, const char *from, struct span user_data)
{
    for (uint32_t slot = 0; slot < MESSAGES_MAX && user_data.len <= SMS_UD_MAX; slot++) {
        struct message *m = &f->messages[slot];
        if (m->generation)
            continue;
        *m = (struct message){ .generation = ++f->generation, .len = user_data.len };
        snprintf(m->from, sizeof m->from, "%s", from);
        memcpy(m->user_data, user_data.ptr, user_data.len);
        give(f, (uint64_t)m->generation << 32 | slot);
        return true;
    }
    return false;
}

/* An error is passing: it is given again in time. */
void sim_front_answer(struct sim_front *f, const struct effect *effect)
{
    uint32_t slot = effect->reply.slot - 1;
    if (slot < MESSAGES_MAX && f->messages[slot].generation == effect->reply.generation && !effect->status)
        f->messages[slot].generation = 0;
}
