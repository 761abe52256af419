import { ArrowDown, ArrowUp, X } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import { Button } from '@/components/ui/button';
import { Field } from '@/components/ui/field';
import { Picker } from '@/components/ui/picker';

const SHOWN = 50;

type Props = {
  label: string;
  hint: ReactNode;
  error?: string;
  /** `null`: as the level above says, which is `inherited`. */
  value: string[] | null;
  inherited: string[];
  inheritLabel: string;
  onChange: (value: string[] | null) => void;
  names: string[];
};

/** Names of groups in the order in which they are gone to. One that no deployment serves yet can be typed. */
export default function ModelList({ label, hint, error, value, inherited, inheritLabel, onChange, names }: Props) {
  const [text, setText] = useState('');
  const wanted = text.trim();
  const chosen = value ?? [];
  const free = names.filter((name) => !chosen.includes(name) && name.toLowerCase().includes(wanted.toLowerCase())).slice(0, SHOWN);
  const options = free.map((name) => ({ value: name, label: name }));
  if (wanted && !names.includes(wanted) && !chosen.includes(wanted)) options.push({ value: wanted, label: `Use “${wanted}”` });
  const swap = (i: number, j: number) => {
    const next = [...chosen];
    [next[i], next[j]] = [next[j]!, next[i]!];
    onChange(next);
  };
  return (
    <div className="flex flex-col gap-2">
      <Field label={label} error={error} hint={hint}>
        <Picker
          label={label}
          none={value === null ? inheritLabel : value.length ? 'Add another' : 'None'}
          clears={false}
          value={null}
          onChange={(o) => o && onChange([...chosen, o.value])}
          onSearch={setText}
          options={options}
        />
      </Field>
      {chosen.length > 0 && (
        <ol aria-label={label} className="flex flex-col divide-y divide-line rounded-lg border border-line">
          {chosen.map((name, i) => (
            <li key={name} className="flex h-8 items-center gap-0.5 pr-1 pl-2.5">
              <span className="num w-5 text-fg-3 text-xs">{i + 1}</span>
              <span className="min-w-0 flex-1 truncate font-mono text-xs" title={name}>
                {name}
              </span>
              <Button size="icon-sm" variant="ghost" aria-label={`Move ${name} up`} disabled={i === 0} onClick={() => swap(i, i - 1)}>
                <ArrowUp aria-hidden="true" />
              </Button>
              <Button
                size="icon-sm"
                variant="ghost"
                aria-label={`Move ${name} down`}
                disabled={i === chosen.length - 1}
                onClick={() => swap(i, i + 1)}
              >
                <ArrowDown aria-hidden="true" />
              </Button>
              <Button
                size="icon-sm"
                variant="ghost"
                aria-label={`Remove ${name}`}
                onClick={() => onChange(chosen.filter((n) => n !== name))}
              >
                <X aria-hidden="true" />
              </Button>
            </li>
          ))}
        </ol>
      )}
      <p className="flex flex-wrap items-center gap-x-2 text-fg-3 text-xs">
        {value === null &&
          (inherited.length ? <span className="min-w-0 break-words">{`${inheritLabel}: ${inherited.join(', ')}`}</span> : null)}
        {value === null && inherited.length > 0 && <Turn onClick={() => onChange([])}>Use none here</Turn>}
        {value !== null && <Turn onClick={() => onChange(null)}>{inheritLabel}</Turn>}
      </p>
    </div>
  );
}

const Turn = ({ onClick, children }: { onClick: () => void; children: ReactNode }) => (
  <button type="button" onClick={onClick} className="-mx-1 h-6 rounded-md px-1 font-medium text-accent hover:underline">
    {children}
  </button>
);
