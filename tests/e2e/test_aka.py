#!/usr/bin/env python3
"""AUTHENTICATE against an AuC that shares no code with us: osmo-auc-gen of libosmocore computes challenge and answer."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(__file__))
import card_lab as lab

PACKAGE = 'simalliance_sample_milenage_cut.der' # Milenage with these keys
K = '000102030405060708090a0b0c0d0e0f'
OPC = '0102030405060708090a0b0c0d0e0f00'
PIN1 = '31323334FFFFFFFF'
AMF = '8000'


def auc(*arguments):
    """osmo-auc-gen's output as a dictionary."""
    out = lab.run('osmo-auc-gen', '-3', '-a', 'milenage', '-k', K, '-o', OPC, *arguments)
    return {m.group(1).strip(): m.group(2).strip().lower() for m in re.finditer(r'^([\w .-]+):\t(.*)$', out, re.M)}


def challenge(rand, sqn):
    got = auc('-f', AMF, '-s', str(sqn), '-r', rand)
    return {name: got[name] for name in ('AUTN', 'RES', 'CK', 'IK', 'IND', 'SQN.MS') if name in got}


def authenticate(rand, autn):
    return '0088008122' + '10' + rand + '10' + autn


def success(answer):
    return 'DB08' + answer['RES'].upper() + '10' + answer['CK'].upper() + '10' + answer['IK'].upper()


def main():
    if not shutil.which('osmo-auc-gen'):
        lab.skip('osmo-auc-gen (libosmocore-utils) is not installed')
    with tempfile.TemporaryDirectory() as folder:
        image = lab.make_card(folder, lab.package(PACKAGE))
        select = ['00A4040C07A0000000871002', '0020000108' + PIN1]
        rand = [bytes([17 * i + 3] * 16).hex() for i in range(4)]
        first, later, old = (challenge(rand[n], sqn) for n, sqn in ((0, 32), (1, 32 * 70), (2, 32 * 5)))
        got = lab.apdus(image, *select, authenticate(rand[0], first['AUTN']))[-1]
        lab.expect('first challenge', got[0][:len(success(first))], success(first))
        got = lab.apdus(image, *select, authenticate(rand[1], later['AUTN']))[-1]
        lab.expect('after a power cycle', got[0][:len(success(later))], success(later))
        got = lab.apdus(image, *select, authenticate(rand[1], later['AUTN']))[-1]
        lab.expect('the same again is a synchronisation failure', (got[0][:4], len(got[0]), got[1]), ('DC0E', 32, '9000'))
        sqn_ms = auc('-r', rand[1], '-A', got[0][4:].lower())
        lab.expect('SQN.MS that the AuC reads out of AUTS', int(sqn_ms['SQN.MS']), 32 * 70)
        tampered = old['AUTN'][:-2] + '%02x' % (int(old['AUTN'][-2:], 16) ^ 1)
        lab.expect('a wrong MAC', lab.apdus(image, *select, authenticate(rand[2], tampered))[-1], ('', '9862'))


main()
