import { Field } from '@/components/ui/field';
import { MultiSelect } from '@/components/ui/multi-select';

type Props = { names: string[]; value: string[]; onChange: (names: string[]) => void; error?: string };

/** The pool of a model. Loaded only where there are credentials to choose from. */
export default function CredentialField({ names, value, onChange, error }: Props) {
  return (
    <Field label="Credentials" optional error={error} hint="Several take turns; one that the provider refuses is set aside for a while.">
      <MultiSelect noun="credential" value={value} onChange={onChange} options={names} placeholder="None" />
    </Field>
  );
}
