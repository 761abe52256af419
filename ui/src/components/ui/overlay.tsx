import { AlertDialog } from '@base-ui/react/alert-dialog';
import { Dialog as D } from '@base-ui/react/dialog';
import { X } from 'lucide-react';
import { type ReactNode, useRef } from 'react';
import { cn } from '@/lib/cn';
import { Button } from './button';

const backdrop =
  'fixed inset-0 z-40 bg-black/35 transition-opacity duration-150 data-ending-style:opacity-0 data-starting-style:opacity-0 dark:bg-black/60';

type DialogProps = {
  open: boolean;
  onOpenChange: (o: boolean) => void;
  title: string;
  description?: ReactNode;
  children: ReactNode;
  footer?: ReactNode;
  className?: string;
  dismissible?: boolean;
  /** False only where leaving would lose something, such as a key that is shown once. */
  closable?: boolean;
};

export function Dialog({
  open,
  onOpenChange,
  title,
  description,
  children,
  footer,
  className,
  dismissible = true,
  closable = true,
}: DialogProps) {
  const body = useRef<HTMLDivElement>(null);
  return (
    <D.Root open={open} onOpenChange={onOpenChange} disablePointerDismissal={!dismissible || !closable}>
      <D.Portal>
        <D.Backdrop className={backdrop} />
        <D.Popup
          // Into the content, not onto the close button above it.
          initialFocus={() => body.current?.querySelector<HTMLElement>('input, textarea, button') ?? true}
          className={cn(
            'fixed z-50 flex max-h-[calc(100dvh-2rem)] w-[calc(100vw-1.5rem)] flex-col overflow-hidden rounded-2xl bg-raised shadow-pop outline-none transition-[opacity,scale,translate] duration-150',
            'top-1/2 left-1/2 max-w-lg -translate-x-1/2 -translate-y-1/2 data-ending-style:scale-[0.98] data-starting-style:scale-[0.98] data-ending-style:opacity-0 data-starting-style:opacity-0',
            className,
          )}
        >
          <header className="flex items-start gap-4 px-5 pt-5 pb-4">
            <div className="min-w-0 flex-1">
              <D.Title className="font-semibold text-lg tracking-[-0.01em]">{title}</D.Title>
              {description && <D.Description className="mt-0.5 text-fg-2">{description}</D.Description>}
            </div>
            {closable && (
              <D.Close render={<Button size="icon-sm" variant="ghost" aria-label="Close" className="-mt-1 -mr-1.5" />}>
                <X aria-hidden="true" />
              </D.Close>
            )}
          </header>
          <div ref={body} className="scroll-thin min-h-0 flex-1 overflow-y-auto px-5 pb-5">
            {children}
          </div>
          {footer && <footer className="flex items-center justify-end gap-2 border-line border-t bg-bg/60 px-5 py-3">{footer}</footer>}
        </D.Popup>
      </D.Portal>
    </D.Root>
  );
}

export function Sheet({
  open,
  onOpenChange,
  title,
  children,
  side = 'right',
  className,
  header,
}: {
  open: boolean;
  onOpenChange: (o: boolean) => void;
  title: string;
  children: ReactNode;
  side?: 'left' | 'right';
  className?: string;
  header?: ReactNode;
}) {
  return (
    <D.Root open={open} onOpenChange={onOpenChange}>
      <D.Portal>
        <D.Backdrop className={backdrop} />
        <D.Popup
          className={cn(
            'fixed inset-y-0 z-50 flex w-full flex-col bg-raised shadow-pop outline-none transition-[translate] duration-200 ease-out',
            side === 'right'
              ? 'right-0 max-w-xl data-ending-style:translate-x-full data-starting-style:translate-x-full'
              : 'left-0 max-w-64 data-ending-style:-translate-x-full data-starting-style:-translate-x-full',
            className,
          )}
        >
          <D.Title className="sr-only">{title}</D.Title>
          {header}
          {children}
        </D.Popup>
      </D.Portal>
    </D.Root>
  );
}

export function Confirm({
  open,
  onOpenChange,
  title,
  children,
  action,
  onConfirm,
  pending,
  danger = true,
}: {
  open: boolean;
  onOpenChange: (o: boolean) => void;
  title: string;
  children: ReactNode;
  action: string;
  onConfirm: () => void;
  pending?: boolean;
  danger?: boolean;
}) {
  return (
    <AlertDialog.Root open={open} onOpenChange={onOpenChange}>
      <AlertDialog.Portal>
        <AlertDialog.Backdrop className={backdrop} />
        <AlertDialog.Popup className="fixed top-1/2 left-1/2 z-50 w-[calc(100vw-1.5rem)] max-w-md -translate-x-1/2 -translate-y-1/2 rounded-2xl bg-raised p-5 shadow-pop outline-none transition-[opacity,scale] duration-150 data-ending-style:scale-[0.98] data-starting-style:scale-[0.98] data-ending-style:opacity-0 data-starting-style:opacity-0">
          <AlertDialog.Title className="font-semibold text-lg tracking-[-0.01em]">{title}</AlertDialog.Title>
          <AlertDialog.Description className="mt-1 text-fg-2" render={<div />}>
            {children}
          </AlertDialog.Description>
          <div className="mt-5 flex justify-end gap-2">
            <AlertDialog.Close render={<Button />}>Cancel</AlertDialog.Close>
            <Button variant={danger ? 'danger' : 'primary'} onClick={onConfirm} loading={pending}>
              {action}
            </Button>
          </div>
        </AlertDialog.Popup>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}
