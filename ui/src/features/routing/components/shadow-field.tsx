import { useState } from 'react';
import { Field } from '@/components/ui/field';
import { Picker } from '@/components/ui/picker';

const SHOWN = 50;

type Props = { value: string; onChange: (name: string) => void; names: string[]; error?: string };

/** The group that gets copies. Loaded only where a mirror is on. */
export default function ShadowField({ value, onChange, names, error }: Props) {
  const [text, setText] = useState('');
  const fitting = names.filter((name) => name.toLowerCase().includes(text.trim().toLowerCase())).slice(0, SHOWN);
  return (
    <Field label="Shadow group" error={error}>
      <Picker
        label="Shadow group"
        none="Choose a group"
        value={value ? { value, label: value } : null}
        onChange={(o) => onChange(o?.value ?? '')}
        onSearch={setText}
        options={fitting.map((name) => ({ value: name, label: name }))}
      />
    </Field>
  );
}
