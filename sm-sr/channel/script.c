#include "script.h"

#include "lib/gp/ram_script.h"

/* Over SMS a security domain forgets at the end of a script what INSTALL and INITIALIZE UPDATE had begun, unless the
 * scripts are chained (TS 102 226 §5.2.1.4; oncard book 6.5). SendData with MoreToDo begins or goes on with a chain,
 * showing a certificate to the card begins one; any other script ends it. 0: this one is in none. */
static uint8_t chain_link(struct turn *t, const struct exchange *x)
{
    const struct operation *op = smsr_operation_by_n(t->e, x->operation);
    bool data = op && op->procedure->chains && x->bearer == BEARER_SMS;
    bool more = data && ((op->flags & OPERATION_MORE_TO_DO) || (op->procedure == &SMSR_SEND_DATA && op->data.len));
    bool open = data && op->procedure != &SMSR_AUTHENTICATE && aid_eq(&t->e->chain, &x->target);
    t->e->chain = more ? x->target : (struct aid){ 0 };
    if (open)
        return more ? RAM_CHAIN_NEXT : RAM_CHAIN_LAST;
    return more ? RAM_CHAIN_FIRST : 0;
}

struct span smsr_script_make(struct turn *t, const struct exchange *x, struct span items)
{
    struct writer w = wr_arena(t->arena, items.len + 20);
    struct ram_script s;
    uint8_t link = x->bearer == BEARER_SMS ? chain_link(t, x) : 0;
    ram_script_open(&s, &w, x->bearer == BEARER_SMS ? RAM_DEFINITE : RAM_INDEFINITE);
    if (link)
        ram_script_item(&s, RAM_TAG_CHAINING, (struct span){ &link, 1 });
    ram_script_raw(&s, items);
    ram_script_close(&s);
    return wr_span(&w);
}
