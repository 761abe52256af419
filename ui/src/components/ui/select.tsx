import { CSPProvider } from '@base-ui/react/csp-provider';
import { Select as S } from '@base-ui/react/select';
import { Check, ChevronsUpDown } from 'lucide-react';
import { cn } from '@/lib/cn';
import { useField } from './field';
import { item, type Opt } from './item';

type Props<T extends string> = {
  value: T;
  onChange: (v: T) => void;
  options: Opt<T>[];
  label: string;
  className?: string /** Hints are sentences, below their labels. */;
  stacked?: boolean;
};

export function Select<T extends string>({ value, onChange, options, label, className, stacked }: Props<T>) {
  const f = useField();
  // Without the library's <style> element, which the CSP would refuse.
  return (
    <CSPProvider disableStyleElements>
      <S.Root value={value} onValueChange={(v) => v != null && onChange(v as T)} items={options}>
        <S.Trigger
          {...f}
          aria-label={f.id ? undefined : label}
          className={cn(
            'flex h-8 w-full items-center justify-between gap-2 rounded-lg border border-line-strong bg-surface px-2.5 text-sm shadow-sm hover:bg-hover data-popup-open:bg-active dark:bg-sunken',
            className,
          )}
        >
          <S.Value className="truncate" />
          <S.Icon>
            <ChevronsUpDown className="size-3.5 text-fg-3" aria-hidden="true" />
          </S.Icon>
        </S.Trigger>
        <S.Portal>
          <S.Positioner sideOffset={4} className="z-60 outline-none" alignItemWithTrigger={false}>
            <S.Popup className="popup scroll-thin max-h-[min(var(--available-height),20rem)] min-w-[var(--anchor-width)] max-w-[calc(100vw-1.5rem)] overflow-y-auto p-1">
              <S.List>
                {options.map((o) => (
                  <S.Item key={o.value} value={o.value} className={cn(item, 'justify-between pr-1.5', stacked && 'max-w-md py-1')}>
                    <span>
                      <S.ItemText>{o.label}</S.ItemText>
                      {o.hint && <span className={cn('text-fg-3 text-xs', stacked ? 'block' : 'ml-1.5')}>{o.hint}</span>}
                    </span>
                    <S.ItemIndicator>
                      <Check aria-hidden="true" className="text-fg!" />
                    </S.ItemIndicator>
                  </S.Item>
                ))}
              </S.List>
            </S.Popup>
          </S.Positioner>
        </S.Portal>
      </S.Root>
    </CSPProvider>
  );
}
