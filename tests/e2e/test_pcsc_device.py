#!/usr/bin/env python3
"""The device with a card in a PC/SC reader: pcscd with vpcd, a card of ours in it, and the modem on the other side. It attaches, and
host software reads the IMSI through modem, PC/SC and reader. In namespaces of their own."""
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'tools'))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import card_lab  # noqa: E402
import lab as labs  # noqa: E402
import pcsc_place as place  # noqa: E402

BUILD = os.environ.get('OSPREY_BUILD', os.path.join(labs.ROOT, 'build'))
HOME = labs.Subscriber('999710000000001', '882000000001', 'milenage', '8BAF473F2F8FD09487CCCBD7097C6862', '8E27B6AF0E692E750F32667A3B14605D')


def make_lab(folder):
    lab = labs.Lab(BUILD, folder, https=False)
    lab.make_authorities()
    lab.subscribers = [HOME]
    eid = lab.make_euicc(lab.build_profile('bootstrap.profile', 'bootstrap.der', imsi=HOME.imsi), HOME.msisdn)[0]['eid']
    lab.configure_network()
    path = lab.configure_device(eid)
    text = open(path).read().replace(f'state = cards/{eid}/card.nvm', 'pcsc = 0') + '\n[at]\npty = modem\n'
    labs.write(path, text)
    return lab, lab.path('cards', eid, 'card.nvm')


def attach(lab):
    lab.start('device')
    lab.wait('attach', lambda: [e for e in lab.events() if e['event'] == 'attach' and e['accepted'] and e['imsi'] == HOME.imsi], 20)
    print('the device attaches with a card behind PC/SC')


def main():
    place.enter('opensc-tool')
    started = []
    with tempfile.TemporaryDirectory(prefix='osprey-pcsc-') as folder:
        lab, image = make_lab(folder)
        code, _, error = labs.run([lab.program('osprey-device'), '--config', lab.path('device.conf'), '--check'], check=False)
        card_lab.expect('the configuration is good without a reader', (code, error), (0, ''))
        try:
            out = open(lab.path('logs', 'pcscd.out'), 'w')
            started.append(place.start_pcscd(out))
            started.append(subprocess.Popen([card_lab.EUICC, 'serve', '--state', image, '--vpcd', place.READERS[0]], stdout=out, stderr=out))
            place.wait_for_card()
            for name in ('smsc', 'hlr'):
                lab.start(name)
            attach(lab)
            card_lab.expect('the device ends well', lab.programs['device'].stop(), 0)
            config = open(lab.path('device.conf')).read()
            labs.write(lab.path('device.conf'), config.replace('pcsc = 0', 'pcsc = 9'))
            code, _, error = labs.run([lab.program('osprey-device'), '--config', lab.path('device.conf')], check=False)
            card_lab.expect('no such reader', (code, 'PC/SC reader' in error), (1, True))
        finally:
            lab.stop_all()
            place.stop(started)


main()
