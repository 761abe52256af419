import { Inbox, RotateCw, TriangleAlert } from 'lucide-react';
import type { ReactNode } from 'react';
import { ApiError, messageOf } from '@/lib/client';
import { cn } from '@/lib/cn';
import { Button } from './button';

export const Skeleton = ({ className }: { className?: string }) => <div className={cn('skeleton', className)} aria-hidden="true" />;

type EmptyProps = { icon?: ReactNode; title: string; children: ReactNode; action?: ReactNode };

export function EmptyState({ icon, title, children, action }: EmptyProps) {
  return (
    <div className="flex flex-col items-center justify-center gap-1 px-6 py-16 text-center">
      <div className="mb-3 grid size-10 place-items-center rounded-xl border border-line bg-sunken text-fg-3 [&_svg]:size-5">
        {icon ?? <Inbox />}
      </div>
      <h2 className="font-medium text-base">{title}</h2>
      <p className="max-w-sm text-balance text-fg-2">{children}</p>
      {action && <div className="mt-4">{action}</div>}
    </div>
  );
}

const TITLES: Record<number, string> = { 0: 'No connection', 403: 'Not allowed', 404: 'Not found' };

export function ErrorState({ error, onRetry }: { error: unknown; onRetry: () => void }) {
  const api = error instanceof ApiError ? error : null;
  return (
    <div role="alert" className="card flex flex-wrap items-center gap-3 p-4">
      <div className="grid size-9 place-items-center rounded-lg bg-bad-soft text-bad [&_svg]:size-4.5">
        <TriangleAlert aria-hidden="true" />
      </div>
      <div className="min-w-0 flex-1 basis-56">
        <p className="font-medium">{TITLES[api?.status ?? -1] ?? 'This could not be loaded'}</p>
        <p className="text-fg-2">
          {messageOf(error)} {api && api.status > 0 && <span className="font-mono text-xs">HTTP {api.status}</span>}
        </p>
      </div>
      <Button onClick={onRetry}>
        <RotateCw aria-hidden="true" /> Try again
      </Button>
    </div>
  );
}

/** What went wrong with a form as a whole; errors of one field stand at the field. */
export function FormError({ children }: { children: ReactNode }) {
  return (
    <p role="alert" className="rounded-lg bg-bad-soft px-3 py-2 text-bad">
      {children}
    </p>
  );
}
