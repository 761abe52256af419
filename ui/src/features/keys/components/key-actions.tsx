import { useNavigate } from '@tanstack/react-router';
import { Activity, Ban, Ellipsis, Pencil, Trash2, Unlock } from 'lucide-react';
import { Button } from '@/components/ui/button';
import { Menu, type MenuItem } from '@/components/ui/menu';
import { useCanEdit } from '@/features/session/api/session';
import type { Key } from '../api/keys';

export type KeyIntent = { kind: 'edit' | 'block' | 'unblock' | 'revoke'; key: Key };

export function KeyActions({ k, onIntent }: { k: Key; onIntent: (intent: KeyIntent) => void }) {
  const navigate = useNavigate();
  const canEdit = useCanEdit();
  const edits: MenuItem[] = [
    { label: 'Edit', icon: <Pencil />, onSelect: () => onIntent({ kind: 'edit', key: k }) },
    k.state === 'blocked'
      ? { label: 'Unblock', icon: <Unlock />, onSelect: () => onIntent({ kind: 'unblock', key: k }) }
      : { label: 'Block', icon: <Ban />, onSelect: () => onIntent({ kind: 'block', key: k }) },
    'sep',
    { label: 'Revoke', icon: <Trash2 />, danger: true, onSelect: () => onIntent({ kind: 'revoke', key: k }) },
  ];
  return (
    <Menu
      trigger={
        <Button size="icon-sm" variant="ghost" aria-label={`Actions for ${k.name}`}>
          <Ellipsis className="size-4!" aria-hidden="true" />
        </Button>
      }
      items={[
        { label: 'View requests', icon: <Activity />, onSelect: () => void navigate({ to: '/requests', search: { key: k.id } }) },
        ...(canEdit ? edits : []),
      ]}
    />
  );
}
