/* lib/base/version.h: what --version says. meson.build has the number, and nobody else. */
#ifndef OSPREY_BASE_VERSION_H
#define OSPREY_BASE_VERSION_H

extern const char osprey_version[]; /* "0.1.0" */

#endif
