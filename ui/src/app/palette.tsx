import { Autocomplete as A } from '@base-ui/react/autocomplete';
import { Dialog } from '@base-ui/react/dialog';
import { useNavigate } from '@tanstack/react-router';
import { Search } from 'lucide-react';
import { useState } from 'react';
import { Kbd } from '@/components/ui/badge';
import { useCanEdit, useMe } from '@/features/session/api/session';
import { setTheme } from '@/lib/theme';
import { NAV } from './nav';

type Item = { value: string; label: string; hint?: string; run: () => void };
type Group = { value: string; items: Item[] };

function useGroups(text: string): Group[] {
  const go = useNavigate();
  const canEdit = useCanEdit();
  const isMember = useMe().user.role === 'member';
  const pages = NAV.flatMap((g) => g.items.map((i) => ({ value: i.to, label: i.label, run: () => void go({ to: i.to }) })));
  const edits: Item[] = [
    { value: 'create-key', label: 'Create API key', run: () => void go({ to: '/keys', search: { create: true } }) },
    { value: 'create-credential', label: 'Create credential', run: () => void go({ to: '/credentials', search: { create: true } }) },
    { value: 'add-model', label: 'Add model', run: () => void go({ to: '/models', search: { add: true } }) },
  ];
  const actions: Item[] = [
    { value: 'failed', label: 'Show failed requests', run: () => void go({ to: '/requests', search: { status: 'error' } }) },
    { value: 'system', label: 'Use system theme', run: () => setTheme('system') },
    { value: 'light', label: 'Use light theme', run: () => setTheme('light') },
    { value: 'dark', label: 'Use dark theme', run: () => setTheme('dark') },
  ];
  // Labels hold the typed text, so these stay through the palette's own filter.
  const finds: Item[] = text
    ? [
        { value: 'find-key', label: `Find key “${text}”`, run: () => void go({ to: '/keys', search: { q: text } }) },
        { value: 'find-request', label: `Find request ID “${text}”`, run: () => void go({ to: '/requests', search: { q: text } }) },
      ]
    : [];
  if (isMember) return [{ value: 'Actions', items: actions.slice(1) }];
  return [
    { value: 'Go to', items: pages },
    { value: 'Actions', items: [...(canEdit ? edits : []), ...actions] },
    { value: 'Search', items: finds },
  ].filter((g) => g.items.length);
}

export default function Palette({ onClose }: { onClose: () => void }) {
  const [text, setText] = useState('');
  const groups = useGroups(text.trim());
  return (
    <Dialog.Root open onOpenChange={(o) => !o && onClose()}>
      <Dialog.Portal>
        <Dialog.Backdrop className="fixed inset-0 z-40 bg-black/35 dark:bg-black/60" />
        <Dialog.Popup
          aria-label="Command palette"
          className="fixed top-[14vh] left-1/2 z-50 w-[calc(100vw-1.5rem)] max-w-xl -translate-x-1/2 overflow-hidden rounded-2xl bg-raised shadow-pop outline-none"
        >
          <A.Root open inline items={groups} value={text} onValueChange={setText} autoHighlight="always" keepHighlight>
            <div className="flex items-center gap-2.5 border-line border-b px-4">
              <Search className="size-4 text-fg-3" aria-hidden="true" />
              <A.Input
                aria-label="Search pages, keys, requests and actions"
                placeholder="Search pages, keys, request IDs…"
                className="h-12 w-full bg-transparent text-base outline-none placeholder:text-fg-3"
              />
              <Kbd>Esc</Kbd>
            </div>
            <A.List className="scroll-thin max-h-80 overflow-y-auto p-1.5 empty:p-0">
              {(g: Group) => (
                <A.Group key={g.value} items={g.items}>
                  <A.GroupLabel className="px-2.5 pt-2 pb-1 font-medium text-2xs text-fg-3">{g.value}</A.GroupLabel>
                  <A.Collection>
                    {(i: Item) => (
                      <A.Item
                        key={i.value}
                        value={i}
                        onClick={() => {
                          i.run();
                          onClose();
                        }}
                        className="flex h-9 items-center justify-between rounded-lg px-2.5 text-sm outline-none data-highlighted:bg-active"
                      >
                        {i.label}
                        {i.hint && <Kbd>{i.hint}</Kbd>}
                      </A.Item>
                    )}
                  </A.Collection>
                </A.Group>
              )}
            </A.List>
          </A.Root>
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
