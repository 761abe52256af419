import { Field, Input } from '@/components/ui/field';
import type { Settings } from '../api/routing';
import type { FigurePath } from './settings-fields';
import { figure, SUFFIX, toText } from './settings-fields';
import { at, type PolicyValues } from './settings-values';

/** What the parts of the form share: the bound inputs, what is wrong, and what holds where nothing is typed. */
export type Bound = {
  values: PolicyValues;
  set: (change: Partial<PolicyValues>) => void;
  text: (name: FigurePath | 'canary.tag') => { name: string; value: string; onChange: (e: { target: { value: string } }) => void };
  mistakes: Partial<Record<string, string>>;
  below: Settings;
  inheritLabel: string;
};

// These two have no default: without them nothing is given up early.
const UNLIMITED: FigurePath[] = ['first_byte_timeout_ms', 'chunk_timeout_ms'];

export function FigureField({ path, form }: { path: FigurePath; form: Bound }) {
  const { label, unit, hint, usual } = figure(path);
  const holds = path.includes('.') ? usual : (at(form.below, path) as number | undefined);
  const fallback = path.includes('.') ? '' : UNLIMITED.includes(path) ? 'No limit' : 'Default';
  return (
    <Field label={label} error={form.mistakes[path]} hint={hint}>
      <Input
        inputMode={unit === 'seconds' ? 'decimal' : 'numeric'}
        autoComplete="off"
        className="num"
        suffix={SUFFIX[unit]}
        placeholder={toText(holds, unit) || fallback}
        {...form.text(path)}
      />
    </Field>
  );
}
