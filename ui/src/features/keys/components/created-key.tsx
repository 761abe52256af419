import { Eye, EyeOff, TriangleAlert } from 'lucide-react';
import { useState } from 'react';
import { Snippet } from '@/components/snippet';
import { Button } from '@/components/ui/button';
import { Checkbox } from '@/components/ui/controls';
import { CopyButton } from '@/components/ui/copy-button';
import { Dialog } from '@/components/ui/overlay';
import { useExampleModel } from '@/features/models/api/models';
import { useMe } from '@/features/session/api/session';
import type { Schemas } from '@/lib/client';

/** Nobody can show the key again, so this stays until it is said to be stored. */
export function CreatedKey({ made, onClose }: { made: Schemas['NewKeyView']; onClose: () => void }) {
  const [shown, setShown] = useState(true);
  const [stored, setStored] = useState(false);
  const example = useExampleModel();
  const { gateway } = useMe();
  const hidden = `${made.key.slice(0, 3)}${'•'.repeat(24)}${made.key.slice(-4)}`;
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && stored && onClose()}
      closable={false}
      title={`${made.name} is ready`}
      description="Store the key now. It is not kept in readable form, so nobody can show it again."
      footer={
        <>
          {/* biome-ignore lint/a11y/noLabelWithoutControl: the checkbox is inside */}
          <label className="mr-auto flex items-center gap-2">
            <Checkbox label="I have stored the key" checked={stored} onChange={setStored} /> I have stored the key
          </label>
          <Button variant="primary" disabled={!stored} onClick={onClose}>
            Done
          </Button>
        </>
      }
    >
      <div className="flex items-center gap-1 rounded-xl border border-line-strong bg-sunken p-1.5 pl-3.5">
        <code data-testid="secret" className="min-w-0 flex-1 break-all font-mono text-sm">
          {shown ? made.key : hidden}
        </code>
        <Button size="icon" variant="ghost" aria-label={shown ? 'Hide key' : 'Show key'} onClick={() => setShown(!shown)}>
          {shown ? <EyeOff aria-hidden="true" /> : <Eye aria-hidden="true" />}
        </Button>
        <CopyButton text={made.key} label="Copy key" withText />
      </div>
      <p className="mt-2.5 flex items-start gap-2 text-warn text-xs">
        <TriangleAlert className="mt-0.5 size-3.5 shrink-0" aria-hidden="true" />
        Keep it in a secret manager, never in source code. If it leaks, revoke it: the gateway stops accepting it within seconds.
      </p>
      <h3 className="mt-5 mb-2 font-medium">Try it</h3>
      <Snippet apiUrl={gateway.api_url} model={made.models?.[0] ?? example} apiKey={shown ? made.key : undefined} />
    </Dialog>
  );
}
