/* euicc/nvm/crc32.h: CRC-32 of a stream: start with 0, feed the parts in order. */
#ifndef OSPREY_EUICC_NVM_CRC32_H
#define OSPREY_EUICC_NVM_CRC32_H

#include "lib/base/span.h"

uint32_t crc32_more(uint32_t crc, struct span bytes);

#endif
