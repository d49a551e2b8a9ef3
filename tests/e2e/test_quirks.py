#!/usr/bin/env python3
"""Modems that do things wrong: one device for each quirk, all at once on the same servers, and the whole story on each. It ends
well, or in a clear failure with the card and the SM-SR's record agreeing."""
import concurrent.futures
import os
import shutil
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import ecosystem  # noqa: E402

ecosystem.needs('osprey-eum', 'osprey-sm-sr', 'osprey-sm-dp', 'osprey-device', 'osprey-profile')

STEPS = ('download', 'enable', 'disable', 'delete')
VALIDITY_S = 40
WELL, EXPIRED = 0, 5  # exit codes of the operator's command
# quirk: (lines of [quirks], the step it ends with, how)
NO_BIP_BITS = '6.3 6.4 12.1 12.2 12.3 12.4 12.5 17.1'
WITH_HTTPS = {
    'none': ('', 'delete', WELL),
    'small BIP buffers': ('bip_buffer = 100', 'delete', WELL),
    'no location event': ('no_location_event = yes', 'delete', WELL),
    'slow answers': ('answer_ms = 40', 'delete', WELL),
    'sleeps': ('awake_s = 2\nasleep_s = 4', 'delete', WELL),
    'loses messages asleep': ('awake_s = 2\nasleep_s = 3\nloses_sms = yes', 'delete', WELL),
    'no BIP': ('no_bip = yes', 'download', EXPIRED),
    'says it has no BIP': (f'profile_clear = {NO_BIP_BITS}', 'download', EXPIRED),
    'says it has BIP': ('no_bip = yes\nprofile = 3300E842110C00070000001FE200000041000000', 'download', EXPIRED),
    'ignores REFRESH': ('refresh_ignored = yes', 'enable', EXPIRED),
}
WITH_SMS = {
    'no BIP, SMS only': ('no_bip = yes', 'delete', WELL),
    'slow answers, SMS only': ('answer_ms = 20', 'delete', WELL),
    'sleeps and suspends the card, SMS only': ('awake_s = 2\nasleep_s = 3\nsuspends = yes', 'delete', WELL),
    'sleeps, SMS only': ('awake_s = 2\nasleep_s = 3', 'delete', WELL),
    'loses messages asleep, SMS only': ('awake_s = 2\nasleep_s = 3\nloses_sms = yes', 'delete', WELL),
}


def story(lab, n, quirk):
    """[(step, exit code, subject/reason, seconds, error)] until one fails."""
    done = []
    for name in STEPS:
        if 'asleep' in quirk:
            time.sleep(3)  # it is asleep when the command comes
        started = time.time()
        code, answer, error = lab.osprey('profile', name, '--eid', lab.cards[n]['eid'], '--iccid', lab.profiles[n]['iccid'], '--via',
                                         'sm-dp', '--validity', str(VALIDITY_S), timeout=2 * VALIDITY_S)
        done.append((name, code, f'{answer.get("subject", "")}/{answer.get("reason", "")}', round(time.time() - started, 1),
                     f'{answer} {error}' if code else ''))
        if code:
            break
    return done


def judge(lab, n, quirk, ends, how, done):
    print(f'{quirk}: ' + ', '.join(f'{name} {"ok" if not code else f"ends with {code} {reason}"} ({seconds} s)'
                                    for name, code, reason, seconds, _ in done), flush=True)
    problems = []
    if (done[-1][0], done[-1][1]) != (ends, how):
        problems.append(f'it should end with {ends}, {how}: {done[-1]}')
    eid = lab.cards[n]['eid']
    if 'REFRESH' in quirk:  # only a power cycle shows the card's new profile to such a modem; then the card tells the SM-SR
        lab.programs[lab.cards[n]['device']].stop()
        lab.start(lab.cards[n]['device'])
    try:
        lab.wait('agreement', lambda: lab.card_now(eid) == lab.eis_now(eid), 20, pause=0.5)
    except ecosystem.LabError:
        problems.append(f'card {lab.card_now(eid)} but EIS {lab.eis_now(eid)}')
    return [f'{quirk}: {problem}' for problem in problems]


def keep(lab, folder):
    if os.environ.get('OSPREY_KEEP'):
        lab.stop_all()
        shutil.copytree(folder, os.environ['OSPREY_KEEP'], dirs_exist_ok=True)


def run(quirks, https):
    """One device for each quirk, all at once; what is wrong with how it ended."""
    names = [name for name in quirks if not sys.argv[1:] or name in sys.argv[1:]]
    if not names:
        return []
    with tempfile.TemporaryDirectory(prefix='osprey-quirks-') as folder:
        with ecosystem.Ecosystem(folder, https=https, devices=len(names), profiles=len(names)) as lab:
            lab.up(devices=False)
            for card, name in zip(lab.cards, names):
                with open(lab.path(card['device'] + '.conf'), 'a') as out:
                    out.write(f'\n[quirks]\n{quirks[name][0]}\n')
            lab.power_on()
            with concurrent.futures.ThreadPoolExecutor(len(names)) as pool:
                stories = list(pool.map(lambda n: story(lab, n, quirks[names[n]][0]), range(len(names))))
            problems = [p for n, name in enumerate(names) for p in judge(lab, n, name, *quirks[name][1:], stories[n])]
            if problems:
                keep(lab, folder)
            return problems


def main():
    problems = run(WITH_HTTPS, True) + run(WITH_SMS, False)
    if problems:
        sys.exit('\n'.join(problems))


main()
