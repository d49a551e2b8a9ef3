/* The card's transactions, until the card's own are linked. */
#include "euicc/card.h"

__attribute__((weak)) void card_begin(struct card *card) { objects_begin(card->objects); }
__attribute__((weak)) enum err card_commit(struct card *card) { return objects_commit(card->objects); }
__attribute__((weak)) void card_rollback(struct card *card) { objects_rollback(card->objects); }
