import { Field, Input } from '@/components/ui/field';
import { TextArea } from '@/components/ui/text-area';
import type { Mistakes } from '@/components/use-form';
import type { CredentialKind } from '../api/credentials';
import { type CredentialForm, FIELDS, type ValueField } from './credential-values';

type Props = {
  kind: CredentialKind;
  text: (name: ValueField) => { name: string; value: string; onChange: (e: { target: { value: string } }) => void };
  mistakes: Mistakes<CredentialForm>;
};

/** The values of one kind. None of them is ever shown again, so all of them are typed anew. */
export const ValueFields = ({ kind, text, mistakes }: Props) =>
  FIELDS[kind].map(({ name, label, secret, optional, hint, placeholder }) => (
    <Field key={name} label={label} optional={optional} hint={hint} error={mistakes[name]}>
      {name === 'google' ? (
        <TextArea rows={7} placeholder={'{ "type": "service_account", … }'} autoComplete="off" spellCheck={false} {...text(name)} />
      ) : (
        <Input
          type={secret ? 'password' : 'text'}
          autoComplete="off"
          spellCheck={false}
          className="font-mono"
          placeholder={placeholder}
          {...text(name)}
        />
      )}
    </Field>
  ));
