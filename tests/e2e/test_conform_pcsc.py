#!/usr/bin/env python3
"""The conformance runner on the way it takes to a chip: PC/SC. Two cards of ours in the readers of vpcd, behind a pcscd."""
import os
import tempfile

import pcsc_place as place
from conform_cards import Cards, judge

CASES = 127


def main():
    place.enter('opensc-tool')
    with tempfile.TemporaryDirectory() as folder, Cards() as cards:
        first, second = cards.make(f'{folder}/first'), cards.make(f'{folder}/second', 'brainpoolP256r1')
        log = open(os.path.join(folder, 'log'), 'w')
        pcscd = place.start_pcscd(log)
        try:
            for card, address in ((first, place.READERS[0]), (second, place.READERS[1])):
                cards.serve(card, address)
            for reader in (0, 1):
                place.wait_for_card(reader)
            runner = cards.ask('pcsc:0', first, '--second', 'pcsc:1', '--second-keys', f'{second}/keys.ini')
            judge('pcsc', cards.verdicts(runner), CASES)
        finally:
            place.stop([pcscd])


main()
