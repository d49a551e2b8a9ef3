/* osprey-eum: the factory: roots, certificates, eUICCs, and their registration. */
#include "commands.h"
#include "lib/base/world.h"

int main(int argc, char **argv)
{
    static const struct command *const commands[] = { &command_ci, &command_issue, &command_kek, &command_make_euicc,
                                                      &command_register, &command_update, &command_revoke };
    world_forbid_dumps();
    return command_main("osprey-eum",
                        "the factory: roots of trust, certificates, eUICCs and their registration at an SM-SR.\n"
                        "The usual order: ci init, issue eum, issue sm-sr, issue sm-dp, kek, make-euicc, register.\n",
                        commands, ARRAY_LEN(commands), argc, argv);
}
