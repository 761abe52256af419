import { cn } from '@/lib/cn';

export function Mark({ className }: { className?: string }) {
  return (
    <svg viewBox="0 0 24 24" className={cn('size-6', className)} aria-hidden="true">
      <rect width="24" height="24" rx="6.5" className="fill-primary" />
      <path d="M12 5.6 18.8 18H5.2z" fill="none" className="stroke-on-primary" strokeWidth="2" strokeLinejoin="round" />
      <path d="M12 11v6.4" stroke="var(--c1)" strokeWidth="2" strokeLinecap="round" />
    </svg>
  );
}
