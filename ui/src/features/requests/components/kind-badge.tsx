import { Badge } from '@/components/ui/badge';
import type { Kind } from '../api/requests';

export const KIND_LABEL: Record<Exclude<Kind, 'all'>, string> = {
  failed_attempt: 'Failed attempts',
  hedge_loser: 'Slower of a pair',
  mirror: 'Copies',
  probe: 'Checks',
};
const ONE: Record<string, string> = { failed_attempt: 'Failed attempt', hedge_loser: 'Slower of a pair', mirror: 'Copy', probe: 'Check' };

/** What an event is that is no call; a call needs no word. */
export const KindBadge = ({ kind }: { kind: string }) => (kind === 'call' ? null : <Badge tone="accent">{ONE[kind] ?? kind}</Badge>);
