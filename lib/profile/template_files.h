/* lib/profile/template_files.h: the tables behind template.c. */
#ifndef OSPREY_PROFILE_TEMPLATE_FILES_H
#define OSPREY_PROFILE_TEMPLATE_FILES_H

#include "template.h"

extern const struct fs_template fs_templates[];
extern const size_t fs_template_count;

#endif
