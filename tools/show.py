"""What people see: facts line by line, a progress bar, tables, sequence diagrams. Plain lines when nobody looks."""
import shutil
import sys
import time

ARROW = 26


class Show:
    def __init__(self, out=sys.stdout):
        self.out, self.live = out, out.isatty()
        self.started = time.time()
        self.bar_shown = False

    def paint(self, code, text):
        return f'\033[{code}m{text}\033[0m' if self.live else text

    def line(self, text=''):
        self.clear_bar()
        print(text, file=self.out, flush=True)

    def chapter(self, number, title):
        self.line()
        self.line(self.paint('1', f'{number}. {title}'))

    def fact(self, text, good=True):
        mark = self.paint('32', '✓') if good else self.paint('31', '✗')
        self.line(f'  {time.time() - self.started:6.2f} s  {mark} {text}')

    def bar(self, label, done, total):
        """A bar that is drawn over itself; nothing on a pipe."""
        if not self.live or not total:
            return
        width = min(40, shutil.get_terminal_size().columns - len(label) - 20)
        full = int(width * min(done, total) / total)
        self.out.write(f'\r  {label} [{"█" * full}{"·" * (width - full)}] {100 * min(done, total) // total:3d} %')
        self.out.flush()
        self.bar_shown = True

    def clear_bar(self):
        if self.bar_shown:
            self.out.write('\r\033[K')
            self.bar_shown = False

    def table(self, head, rows):
        widths = [max(len(str(row[i])) for row in [head] + rows) for i in range(len(head))]
        rule = '─┼─'.join('─' * width for width in widths)
        self.line('  ' + self.paint('1', ' │ '.join(str(cell).ljust(width) for cell, width in zip(head, widths))))
        self.line('  ' + rule)
        for row in rows:
            self.line('  ' + ' │ '.join(str(cell).ljust(width) for cell, width in zip(row, widths)))

    def sequence(self, parties, messages):
        """parties: names from left to right; messages: (from, to, text)."""
        place = {name: i * ARROW for i, name in enumerate(parties)}
        end = ARROW * (len(parties) - 1)
        self.line('  ' + ''.join(name.ljust(ARROW) for name in parties))
        for sender, receiver, text in messages:
            if sender in place and receiver in place and sender != receiver:
                self.line('  ' + arrow(place, end, sender, receiver, text))
        self.line('  ' + ''.join('│'.ljust(ARROW) for _ in parties))


def arrow(place, end, sender, receiver, text):
    left, right = sorted((place[sender], place[receiver]))
    cells = [' '] * (end + 1)
    for at in place.values():
        cells[at] = '│'
    room = right - left - 3
    text = text if len(text) < room else text[:room - 2] + '…'
    body = f'{text} '.ljust(room, '─') if place[sender] < place[receiver] else f' {text}'.rjust(room, '─')
    shaft = f'─{body}▶' if place[sender] < place[receiver] else f'◀{body}─'
    cells[left + 1:right] = list(shaft)
    return ''.join(cells)
