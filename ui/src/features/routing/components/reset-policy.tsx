import { Confirm } from '@/components/ui/overlay';
import { toast } from '@/components/ui/toast';
import { messageOf } from '@/lib/client';
import { type Policy, useResetPolicy } from '../api/routing';

type Props = { policy: Policy; onClose: () => void; onDone: () => void };

export default function ResetPolicy({ policy, onClose, onDone }: Props) {
  const reset = useResetPolicy();
  const name = policy.model_name ?? 'The router';
  const hasFile = Object.values(policy.config).some((value) => value != null);
  return (
    <Confirm
      open
      onOpenChange={(open) => !open && onClose()}
      title={`Reset ${policy.model_name ?? 'the router'} to the file?`}
      action="Reset to file"
      pending={reset.isPending}
      onConfirm={() =>
        reset.mutate(policy.model_name, {
          onSuccess: () => {
            toast.ok(`${name} is reset`);
            onDone();
          },
          onError: (e) => toast.bad(`${name} was not reset`, messageOf(e)),
          onSettled: onClose,
        })
      }
    >
      {hasFile
        ? 'What was set here is deleted. From then on config.yaml alone says.'
        : `What was set here is deleted. config.yaml says nothing about it, so ${policy.model_name === null ? 'the defaults hold' : 'it follows the router'}.`}
    </Confirm>
  );
}
