import { Checkbox as C } from '@base-ui/react/checkbox';
import { Check } from 'lucide-react';
import { cn } from '@/lib/cn';
import type { Opt } from './item';

type SegmentedProps<T extends string> = { value: T; onChange: (v: T) => void; options: Opt<T>[]; label: string; className?: string };

export function Segmented<T extends string>({ value, onChange, options, label, className }: SegmentedProps<T>) {
  return (
    <div role="group" aria-label={label} className={cn('inline-flex h-8 items-center gap-0.5 rounded-lg bg-active p-0.5', className)}>
      {options.map((o) => (
        <button
          key={o.value}
          type="button"
          aria-pressed={o.value === value}
          onClick={() => onChange(o.value)}
          className="h-7 whitespace-nowrap rounded-md px-2.5 font-medium text-fg-2 text-sm hover:text-fg aria-pressed:bg-surface aria-pressed:text-fg aria-pressed:shadow-sm dark:aria-pressed:bg-[oklch(0.34_0.012_265)]"
        >
          {o.label}
        </button>
      ))}
    </div>
  );
}

export function Checkbox({ checked, onChange, label }: { checked: boolean; onChange: (v: boolean) => void; label: string }) {
  return (
    <C.Root
      checked={checked}
      onCheckedChange={onChange}
      aria-label={label}
      className="grid size-4 place-items-center rounded border border-line-strong bg-surface data-checked:border-primary data-checked:bg-primary dark:bg-sunken"
    >
      <C.Indicator className="text-on-primary">
        <Check className="size-3" aria-hidden="true" />
      </C.Indicator>
    </C.Root>
  );
}
