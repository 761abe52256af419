import { Button } from '@/components/ui/button';
import { Dialog } from '@/components/ui/overlay';
import { TestCall } from './test-call';

type Props = { modelName: string; title?: string; onClose: () => void };

export default function TestDialog({ modelName, title, onClose }: Props) {
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={title ?? `Test ${modelName}`}
      description="A real call through the gateway. It appears under Requests and counts towards the spend."
      className="max-w-xl"
      footer={<Button onClick={onClose}>Close</Button>}
    >
      <TestCall modelName={modelName} />
    </Dialog>
  );
}
