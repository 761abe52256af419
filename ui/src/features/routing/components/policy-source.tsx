import { Badge } from '@/components/ui/badge';
import type { Policy } from '../api/routing';

/** Where a policy comes from, which decides where it can be taken back. */
export function PolicySource({ policy }: { policy: Policy }) {
  if (policy.source === 'database') return <Badge tone="accent">Dashboard</Badge>;
  if (policy.source === 'config') return <Badge>config.yaml</Badge>;
  return <Badge>{policy.model_name === null ? 'Defaults' : 'As the router'}</Badge>;
}
