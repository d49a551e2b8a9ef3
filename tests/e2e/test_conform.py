#!/usr/bin/env python3
"""The conformance runner against cards in another process: it plays vpcd's reader and osprey-euicc comes to it, with clocks faster
than ours. Every case, then some again, because the runner must leave the card as it found it; and a card with the times of the
field, whose cases would take an hour."""
import tempfile

from conform_cards import Cards, judge
from processes import free_port

CASES = 127
FIELD_SPEED = 300  # twenty minutes in four seconds


def all_cases(cards, folder):
    first, second = cards.make(f'{folder}/first'), cards.make(f'{folder}/second', 'brainpoolP256r1')
    port, new = free_port(), cards.info(first)
    cards.serve(second, f'127.0.0.1:{port}')
    judge('vpcd', cards.by_vpcd(first, '--second', f'vpcd:{port}', '--second-keys', f'{second}/keys.ini'), CASES)
    cards.withdraw()
    used = cards.info(first)
    left = [line for line in used if line not in new and not line.startswith('memory')]
    lost = [line for line in new if line not in used and not line.startswith('memory')]
    if lost or len(left) != 1 or 'emergency' not in left[0]:
        raise SystemExit(f'the card is not as it was: {new}, then {used}')
    judge('the same card again', cards.by_vpcd(first, '--group', 'delete'), 9)
    if cards.info(first) != used:
        raise SystemExit(f'the card is not as it was: {used}, then {cards.info(first)}')
    print('the card is as it was, but for the emergency profile of a disposable card')
    judge('the second card', cards.by_vpcd(second, '--group', 'keys'), 25)


def field_times(cards, folder):
    field = cards.make(f'{folder}/field', speed=FIELD_SPEED, times='field')
    for number in ('51', '69'):
        judge(f'twenty minutes, case {number}', cards.by_vpcd(field, '--case', number, speed=FIELD_SPEED), 1)
    found = cards.by_vpcd(field, '--case', '51', '--patience', '1', speed=FIELD_SPEED)
    if found[0]['verdict'] != 'skip' or 'more than --patience' not in found[0]['detail']:
        raise SystemExit(f'without patience: {found}')


def main():
    with tempfile.TemporaryDirectory() as folder, Cards() as cards:
        all_cases(cards, folder)
        field_times(cards, folder)


main()
