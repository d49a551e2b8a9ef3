#include <stdio.h>
#include <stdlib.h>

#include "apart.h"
#include "search.h"

#define PLANT_WORLDS_MAX 120u /* worlds in which a planted fault must show */

/* Deliberate faults (lib/base/mutant.h), and the scenario that must find each. */
static const struct plant {
    const char *name, *what;
    const struct scenario *scenario;
} plants[] = {
    { "no_line", "events of one eUICC are worked off on the same old rows", &SCENARIO_SLOW_STORE },
    { "operations_at_once", "an eUICC has several operations at once", &SCENARIO_CHURN },
    { "leaves_before_commit", "effects leave before they are stored", &SCENARIO_CRASH_SMSR },
    { "tries_once", "what could not be delivered is forgotten", &SCENARIO_BEARER_CUTS },
    { "start_forgets_what_left", "a start forgets what had left and was not acknowledged", &SCENARIO_CRASH_SMSR },
    { "start_forgets_timers", "a start forgets the timers", &SCENARIO_CRASH_SMSR },
    { "timers_stand_still", "timers do not fire", &SCENARIO_DOWNLOAD_LOSSY_SMS },
    { "answers_are_not_kept", "the answer to a call is not kept for its repeats", &SCENARIO_CHURN },
    { "answered_calls_run_for_ever", "a call stays open when it is answered", &SCENARIO_CHURN },
    { "counters_are_not_kept", "the counter of a key set is not stored", &SCENARIO_CHURN },
    { "logs_a_key", "an OTA key stands in the log", &SCENARIO_WALK },
    { "wraps_nothing", "keys are stored in plain", &SCENARIO_WALK },
    { "never_in_doubt", "an unknown outcome is not looked at again", &SCENARIO_EXPIRY },
    { "nothing_expires", "calls never run out of time", &SCENARIO_EXPIRY },
    { "expired_calls_are_not_answered", "who asked is not told that time is over", &SCENARIO_EXPIRY },
    { "audit_changes_nothing", "an audit leaves the EIS as it is", &SCENARIO_EXPIRY },
    { "takes_silence_for_deleted", "no answer to a deletion is taken for success", &SCENARIO_TORN_CARDS },
    { "deleted_profiles_stay_in_the_eis", "a deleted profile stays in the EIS", &SCENARIO_CHURN },
    { "ignores_a_fall_back", "the notification of a fall-back changes nothing", &SCENARIO_REFUSED },
    { "does_not_follow_the_card", "what a notification says does not go into the EIS", &SCENARIO_REFUSED },
    { "failed_downloads_leave_all", "a download that failed leaves its ISD-P", &SCENARIO_EVERYTHING },
    { "enabled_in_any_case", "\"enabled\" is answered whatever the SM-SR said", &SCENARIO_REFUSED },
    { "repeats_lack_an_octet", "the answer to a repeat is not the same bytes", &SCENARIO_CHURN },
    { "follows_no_euicc", "a download that an SM-SR change cuts off stays with the SM-SR that had the eUICC", &SCENARIO_EVERY_FUNCTION },
    { "tells_no_loader", "an SM-DP does not hear that the eUICC it loads has another SM-SR", &SCENARIO_EVERY_FUNCTION },
    { "gives_up_cleaning", "a clean-up that was not possible at once is given up", &SCENARIO_EXPIRY },
    { "success_in_any_case", "a download that failed is called a success", &SCENARIO_EVERYTHING },
    { "tells_no_owner", "the owner of a profile hears nothing of what others do with it", &SCENARIO_REFUSED },
    { "says_no_more_than_expired", "\"expired\" is all that is said of a switch that happened", &SCENARIO_EXPIRY },
    { "leaves_the_old_one_enabled", "enabling a profile leaves the other one enabled", &SCENARIO_WALK },
    { "deletes_nothing", "the card says deleted, and keeps the profile", &SCENARIO_WALK },
    { "leases_of_the_dead_stay", "what a process had on its way when it died is nobody's", &SCENARIO_TWO_PROCESSES },
    { "claimed_timers_fire_once", "a timer that a process has claimed does not fire again when that dies", &SCENARIO_TWO_PROCESSES },
    { "old_replies_stay", "an answer for an exchange of a process that is no more stays", &SCENARIO_THREE_PROCESSES },
    { "looks_before_it_forgets", "what has left is claimed once more before that is written", &SCENARIO_THREE_PROCESSES },
    { "looks_never_again", "what was claimed when the connection broke waits for the end of its lease", &SCENARIO_THREE_PROCESSES },
    { "takes_lines_of_others", "two processes work at an eUICC at once, on old rows", &SCENARIO_THREE_PROCESSES },
    { "commits_in_ram_alone", "the card forgets what it has committed when its power is gone", &SCENARIO_TORN_CARDS },
};

#ifdef OSPREY_MUTANTS
static const bool built = true;
#else
static const bool built = false;
#endif

static bool find(const struct plant *p, const struct sim_order *o)
{
    struct sim_report r = { 0 };
    struct sim_wish wish = { .seed = o->first, .profiles = o->profiles, .talk = SIM_SILENT, .watched = -1 };
    unsigned worlds = 0;
    setenv("OSPREY_MUTANT", p->name, 1);
    while (!r.wrong && worlds++ < PLANT_WORLDS_MAX) {
        sim_run_apart(p->scenario, &wish, &r);
        wish.seed++;
    }
    unsetenv("OSPREY_MUTANT");
    printf("%-34s %-16s %3u  %-28s %s\n", p->name, r.wrong ? r.first : "NOT FOUND", r.wrong ? worlds : worlds - 1, p->scenario->name, p->what);
    fflush(stdout);
    return r.wrong;
}

int sim_order_plant(const char *which, const struct sim_order *o)
{
    unsigned tried = 0, found = 0;
    size_t number = strtoul(which, NULL, 10);
    if (!built) {
        fprintf(stderr, "no faults are planted in this build: meson setup build-mutants -Dmutants=true\n");
        return 2;
    }
    printf("%-34s %-16s %3s  %-28s %s\n", "planted", "found by", "in", "scenario", "what is wrong");
    for (size_t i = 0; i < ARRAY_LEN(plants); i++)
        if (!strcmp(which, "all") || number == i + 1 || !strcmp(which, plants[i].name)) {
            tried++;
            found += find(&plants[i], o);
        }
    printf("%u planted, %u found\n", tried, found);
    return !tried ? 2 : found < tried;
}
