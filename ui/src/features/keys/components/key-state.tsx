import { Badge } from '@/components/ui/badge';
import type { KeyState as State } from '../api/keys';

export const KEY_STATE = {
  active: { tone: 'ok', label: 'Active' },
  blocked: { tone: 'bad', label: 'Blocked' },
  expired: { tone: 'warn', label: 'Expired' },
} as const satisfies Record<State, unknown>;

export const KeyState = ({ state }: { state: State }) => (
  <Badge dot tone={KEY_STATE[state].tone}>
    {KEY_STATE[state].label}
  </Badge>
);
