import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Picker } from '@/components/ui/picker';
import { keyChoicesQuery, keyQuery } from '@/features/keys/api/keys';
import { useModelNames } from '@/features/models/api/models';
import { useDebounced } from '@/lib/use-debounced';

type FilterProps = { value: string | undefined; onChange: (value: string | undefined) => void };

export function ModelFilter({ value, onChange }: FilterProps) {
  const [text, setText] = useState('');
  const names = useModelNames(useDebounced(text));
  return (
    <Picker
      variant="filter"
      label="Model"
      none="Any model"
      value={value ? { value, label: value } : null}
      onChange={(o) => onChange(o?.value)}
      onSearch={setText}
      options={names.map((name) => ({ value: name, label: name }))}
    />
  );
}

export function KeyFilter({ value, onChange }: FilterProps) {
  const [text, setText] = useState('');
  const keys = useQuery(keyChoicesQuery(useDebounced(text))).data?.data ?? [];
  const known = keys.find((k) => k.id === value);
  // A link can name a key that is not among the first matches.
  const named = useQuery({ ...keyQuery(value ?? ''), enabled: !!value && !known, retry: false }).data;
  return (
    <Picker
      variant="filter"
      label="Key"
      none="Any key"
      value={value ? { value, label: (known ?? named)?.name ?? value.slice(0, 8) } : null}
      onChange={(o) => onChange(o?.value)}
      onSearch={setText}
      options={keys.map((k) => ({ value: k.id, label: k.name, hint: k.key_hint }))}
    />
  );
}

export default function RequestFilters({
  model,
  keyId,
  onModel,
  onKey,
}: {
  model: string | undefined;
  keyId: string | undefined;
  onModel: FilterProps['onChange'];
  onKey: FilterProps['onChange'];
}) {
  return (
    <>
      <ModelFilter value={model} onChange={onModel} />
      <KeyFilter value={keyId} onChange={onKey} />
    </>
  );
}
