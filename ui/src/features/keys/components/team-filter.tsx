import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Picker } from '@/components/ui/picker';
import { teamChoicesQuery, teamQuery } from '@/features/teams/api/teams';
import { useDebounced } from '@/lib/use-debounced';

export default function TeamFilter({ value, onChange }: { value: string | undefined; onChange: (id: string | undefined) => void }) {
  const [text, setText] = useState('');
  const teams = useQuery(teamChoicesQuery(useDebounced(text))).data?.data ?? [];
  const known = teams.find((t) => t.id === value);
  // A link can name a team that is not among the first matches.
  const named = useQuery({ ...teamQuery(value ?? ''), enabled: !!value && !known }).data;
  return (
    <Picker
      variant="filter"
      label="Team"
      none="Any team"
      value={value ? { value, label: (known ?? named)?.name ?? '…' } : null}
      onChange={(o) => onChange(o?.value)}
      onSearch={setText}
      options={teams.map((t) => ({ value: t.id, label: t.name }))}
    />
  );
}
