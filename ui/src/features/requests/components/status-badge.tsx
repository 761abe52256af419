import { Badge } from '@/components/ui/badge';

export const StatusBadge = ({ status }: { status: number }) => (
  <Badge tone={status >= 500 ? 'bad' : status >= 400 ? 'warn' : 'neutral'} className="font-mono">
    {status}
  </Badge>
);
