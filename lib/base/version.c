#include "version.h"

const char osprey_version[] = OSPREY_VERSION;
