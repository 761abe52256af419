import { Badge } from '@/components/ui/badge';
import type { Deployment } from '../api/models';

const SOURCE = {
  config: { label: 'config.yaml', tone: 'neutral' },
  database: { label: 'Dashboard', tone: 'accent' },
  built_in: { label: 'Built in', tone: 'neutral' },
} as const;

/** Where a deployment comes from, which decides where it can be changed. */
export const Source = ({ source }: { source: Deployment['source'] }) => <Badge tone={SOURCE[source].tone}>{SOURCE[source].label}</Badge>;
