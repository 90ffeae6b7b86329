import { file, oneOf, size } from './scalars.ts';
import { defaulted, section } from './section.ts';

const restart = 'restart';

export const auditOptions = section('audit', 'Where the evidence goes: one hash-chained record for each exchange.', {
  folder: defaulted(file('folder', 'a folder'), './audit', {
    doc: 'Folder of the audit files; created when missing.',
    reload: restart,
  }),
  mode: defaulted(oneOf('required', 'best-effort'), 'required', {
    doc: '`required` refuses a request whose record cannot be written; `best-effort` serves it and counts the loss.',
    reload: restart,
  }),
  segment: defaulted(size('4KiB', '16GiB'), '64MiB', {
    doc: 'A file that has grown to this size is closed and the next begun.',
    reload: restart,
  }),
});
